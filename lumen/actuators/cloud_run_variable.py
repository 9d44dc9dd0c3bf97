"""Sets one whole-number variable of the service's environment: a new revision, every other variable left as it is."""

from typing import Any

from google.cloud.run_v2 import EnvVar

from lumen.actuators.cloud_run import CloudRunEditor, Edit
from lumen.actuators.cloud_run_pinned import check_not_pinned
from lumen.actuators.moves import check_moved, would
from lumen.model.errors import ActuatorFailed
from lumen.model.message import Message, message
from lumen.model.proposal import Change
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from lumen.vendors import cloud_run_service as reader


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
