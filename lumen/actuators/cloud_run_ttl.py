"""Sets DEFAULT_TTL_SECONDS in the service's environment: a new revision, every other variable left as it is."""

from typing import Any

from google.cloud.run_v2 import EnvVar

from lumen.actuators.cloud_run import CloudRunEditor, Edit
from lumen.model import ion
from lumen.model.errors import ActuatorFailed, ValueMoved
from lumen.model.message import message
from lumen.model.proposal import Change
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from lumen.vendors import cloud_run_service as reader


class CloudRunTtlActuator:
    """Implements the Actuator port for the TTL. `default_seconds`: what a service without the variable uses."""

    name = "cloud_run"

    def __init__(self, editor: CloudRunEditor, default_seconds: int) -> None:
        self._editor = editor
        self._default_seconds = default_seconds

    async def read(self, service: ServiceId) -> Reading:
        """The variable, unversioned: an etag counts every edit, not those of this value. Raises SourceUnavailable."""
        return Reading(self._seconds(await self._editor.read(service)), "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Compare on the value, write under the etag, wait until the new revision is ready.

        Raises ValueMoved, ActuatorFailed (traffic pinned, refused, failed, never ready),
        SourceUnavailable (call again).
        A repeat finds the value in place and needs no mark of the proposal for that.
        """
        del proposal_id
        after = await self._editor.make(
            service,
            Edit(
                wanted=lambda now: reader.env_ttl_seconds(now) == change.new,
                check=lambda now: self._check(now, change, expected),
                apply=lambda now: _set_variable(now, str(change.new)),
                paths=("template.containers",),
            ),
        )
        return Reading(self._seconds(after), "")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the revision that carries the value is ready and gets traffic."""
        now = await self._editor.read(service)
        served = reader.traffic_shares(now).get(reader.short(now.latest_ready_revision), 0) > 0
        return self._seconds(now) == wanted.value and reader.is_ready(now) and served

    def _seconds(self, now: Any) -> int:
        told = reader.env_ttl_seconds(now)
        return self._default_seconds if told is None else told

    def _check(self, now: Any, change: Change, expected: Reading) -> None:
        pinned = reader.pinned_revision(now)
        if pinned is not None:
            raise ActuatorFailed(
                message("actuator.traffic_pinned", revision=pinned), message("actuator.traffic_pinned_remedy")
            )
        if any(v.name == ion.ENV_VARIABLE and v.value_source for c in now.template.containers for v in c.env):
            raise ActuatorFailed(
                message("actuator.variable_is_secret", variable=ion.ENV_VARIABLE),
                message("actuator.variable_is_secret_remedy", variable=ion.ENV_VARIABLE),
            )
        present = self._seconds(now)
        if present not in (expected.value, change.new):
            raise ValueMoved(
                message("actuator.ttl_moved", expected_seconds=expected.value, present_seconds=present),
                message("actuator.moved_remedy"),
            )


def _set_variable(now: Any, value: str) -> None:
    """Where it stands already, else in the container that answers requests."""
    for container in now.template.containers:
        for variable in container.env:
            if variable.name == ion.ENV_VARIABLE:
                variable.value = value
                return
    reader.main_container(now.template).env.append(EnvVar(name=ion.ENV_VARIABLE, value=value))
