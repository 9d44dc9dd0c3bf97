"""Sets one whole-number variable of the service's environment: a new revision, every other variable left as it is.

Every edit that makes a revision is refused while traffic is pinned: it would have no effect.

Sets the minimum of instances at service level: no new revision, so pinned traffic does not matter.

Sets the memory limit of the container that answers requests: a new revision.

The TTL in the environment of the service: what holds where nobody has written the setting (docs/ion-contract.md).
"""

from typing import Any

from google.cloud.run_v2 import EnvVar

from lumen.adapters.checks import check_moved, would
from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, Edit
from lumen.adapters.google.service_fields import quantity
from lumen.model import ion_contract
from lumen.model.messages import ActuatorFailed, Message, SourceUnavailable, message
from lumen.model.proposal import Change
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading


def check_not_pinned(now: Any) -> None:
    """Raises ActuatorFailed with the revision that traffic is pinned to."""
    pinned = reader.pinned_revision(now)
    if pinned is not None:
        raise ActuatorFailed(
            message("actuator.traffic_pinned", revision=pinned), message("actuator.traffic_pinned_remedy")
        )


class CloudRunVariable:
    """Implements the Actuator port for `variable`. `default`: what a service without the variable uses."""

    name = "cloud_run"

    def __init__(self, editor: CloudRunEditor, variable: str, default: int) -> None:
        self._editor = editor
        self._variable = variable
        self._default = default

    async def read(self, service: ServiceId) -> Reading:
        """The variable, unversioned: an etag counts every edit, not those of this value. Raises SourceUnavailable."""
        return Reading(self._value(await self._editor.read(service)), "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Compare on the value, write under the etag, wait until the new revision is ready.

        Raises ValueMoved, ActuatorFailed (traffic pinned, refused, failed, never ready),
        SourceUnavailable (call again). A repeat finds the value in place and needs no mark of the proposal for that.
        """
        del proposal_id
        return Reading(self._value(await self._editor.make(service, self._edit(change, expected))), "")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the revision that carries the value is ready and gets traffic."""
        now = await self._editor.read(service)
        served = reader.traffic_shares(now).get(reader.short(now.latest_ready_revision), 0) > 0
        return self._value(now) == wanted.value and reader.is_ready(now) and served

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        """What `set` would do. Raises what it would raise before it writes."""
        anything = await self._editor.rehearse(service, self._edit(change, expected))
        return would(f"{service.name} {self._variable}", change, anything=anything)

    def _edit(self, change: Change, expected: Reading) -> Edit:
        return Edit(
            wanted=lambda now: reader.env_number(now, self._variable) == change.new,
            check=lambda now: self._check(now, change, expected),
            apply=lambda now: self._write(now, str(change.new)),
            paths=("template.containers",),
        )

    def _value(self, now: Any) -> int:
        told = reader.env_number(now, self._variable)
        return self._default if told is None else told

    def _check(self, now: Any, change: Change, expected: Reading) -> None:
        check_not_pinned(now)
        if any(v.name == self._variable and v.value_source for c in now.template.containers for v in c.env):
            raise ActuatorFailed(
                message("actuator.variable_is_secret", variable=self._variable),
                message("actuator.variable_is_secret_remedy", variable=self._variable),
            )
        check_moved(self._value(now), change, expected)

    def _write(self, now: Any, value: str) -> None:
        """Where it stands already, else in the container that answers requests."""
        for container in now.template.containers:
            for variable in container.env:
                if variable.name == self._variable:
                    variable.value = value
                    return
        reader.main_container(now.template).env.append(EnvVar(name=self._variable, value=value))


class CloudRunInstancesActuator:
    """Implements the Actuator port; values are numbers of instances."""

    name = "cloud_run_instances"

    def __init__(self, editor: CloudRunEditor) -> None:
        self._editor = editor

    async def read(self, service: ServiceId) -> Reading:
        """The minimum at service level. Raises SourceUnavailable."""
        return Reading(_minimum(await self._editor.read(service)), "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Compare, write under the etag, wait until Cloud Run has taken it. Raises as CloudRunVariable.set."""
        del proposal_id
        return Reading(_minimum(await self._editor.make(service, _edit(change, expected))), "")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether it stands and Cloud Run has taken it."""
        now = await self._editor.read(service)
        return _minimum(now) == wanted.value and reader.is_settled(now)

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        """What `set` would do."""
        anything = await self._editor.rehearse(service, _edit(change, expected))
        return would(service.name, change, anything=anything)


def _edit(change: Change, expected: Reading) -> Edit:
    def apply(now: Any) -> None:
        now.scaling.min_instance_count = change.new

    return Edit(
        wanted=lambda now: _minimum(now) == change.new,
        check=lambda now: check_moved(_minimum(now), change, expected),
        apply=apply,
        paths=("scaling.min_instance_count",),
    )


def _minimum(now: Any) -> int:
    return int(now.scaling.min_instance_count)


MB = 2**20


#: Cloud Run's own where a service sets none.
DEFAULT_MEMORY = "512Mi"


class CloudRunMemoryActuator:
    """Implements the Actuator port; values are MB of 2**20 bytes."""

    name = "cloud_run_memory"

    def __init__(self, editor: CloudRunEditor) -> None:
        self._editor = editor

    async def read(self, service: ServiceId) -> Reading:
        """The limit. Raises SourceUnavailable, also for a limit that is no quantity."""
        return Reading(_memory_mb(await self._editor.read(service)), "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """As CloudRunVariable.set: compare, write under the etag, wait for the revision."""
        del proposal_id
        return Reading(_memory_mb(await self._editor.make(service, _edit_cloud_run_memory(change, expected))), "")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the revision with that limit is ready and gets traffic."""
        now = await self._editor.read(service)
        served = reader.traffic_shares(now).get(reader.short(now.latest_ready_revision), 0) > 0
        return _memory_mb(now) == wanted.value and reader.is_ready(now) and served

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        """What `set` would do."""
        anything = await self._editor.rehearse(service, _edit_cloud_run_memory(change, expected))
        return would(service.name, change, anything=anything)


def _edit_cloud_run_memory(change: Change, expected: Reading) -> Edit:
    def check(now: Any) -> None:
        check_not_pinned(now)
        check_moved(_memory_mb(now), change, expected)

    def apply(now: Any) -> None:
        reader.main_container(now.template).resources.limits["memory"] = f"{change.new}Mi"

    return Edit(
        wanted=lambda now: _memory_mb(now) == change.new, check=check, apply=apply, paths=("template.containers",)
    )


def _memory_mb(now: Any) -> int:
    text = reader.main_container(now.template).resources.limits.get("memory", DEFAULT_MEMORY)
    try:
        return round(quantity(text) / MB)
    except ValueError as error:
        raise SourceUnavailable(
            message("source.limits_unreadable", service=reader.short(now.name), detail=str(error)),
            message("source.limits_unreadable_remedy"),
        ) from error


class CloudRunTtlActuator(CloudRunVariable):
    """`default_seconds`: what a service without DEFAULT_TTL_SECONDS uses."""

    def __init__(self, editor: CloudRunEditor, default_seconds: int) -> None:
        super().__init__(editor, ion_contract.ENV_VARIABLE, default_seconds)
