"""Numbers of a Cloud Run service as knobs: a variable of its environment, its minimum of instances, its memory limit.

A variable or a memory limit makes a new revision, which is refused while traffic is pinned: it would have no effect.
The minimum of instances stands at service level and makes none.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from google.cloud.run_v2 import EnvVar

from lumen.adapters.checks import check_moved, would
from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, Edit
from lumen.model.messages import ActuatorFailed, Message, SourceUnavailable, with_remedy
from lumen.model.proposal import Change, number
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading


@dataclass(frozen=True, slots=True)
class _CloudRunNumber(ABC):
    """Implements the Actuator port over the editor. Readings are unversioned: an etag counts every edit."""

    editor: CloudRunEditor

    name: ClassVar[str]
    path: ClassVar[str] = "template.containers"

    async def read(self, service: ServiceId) -> Reading:
        """The number as it is configured. Raises SourceUnavailable."""
        return Reading(self._value(await self.editor.read(service)), "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Compare on the value, write under the etag, wait until Cloud Run has taken it (and the revision is ready).

        Raises ValueMoved, ActuatorFailed (traffic pinned, refused, failed, never ready),
        SourceUnavailable (call again). A repeat finds the value in place and needs no mark of the proposal for that.
        """
        del proposal_id
        return Reading(self._value(await self.editor.make(service, self._edit(change, expected))), "")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the revision that carries the value is ready and gets traffic."""
        now = await self.editor.read(service)
        served = reader.traffic_shares(now).get(reader.short(now.latest_ready_revision), 0) > 0
        return self._value(now) == wanted.value and reader.is_ready(now) and served

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        anything = await self.editor.rehearse(service, self._edit(change, expected))
        return would(self._place(service), change, anything=anything)

    def _edit(self, change: Change, expected: Reading) -> Edit:
        def check(now: Any) -> None:
            self._check(now)
            check_moved(self._value(now), change, expected)

        return Edit(
            wanted=lambda now: self._set_to(now) == change.new,
            check=check,
            apply=lambda now: self._write(now, change),
            paths=(self.path,),
        )

    def _place(self, service: ServiceId) -> str:
        return service.name

    def _check(self, now: Any) -> None:
        """Raise ActuatorFailed with the revision that traffic is pinned to."""
        pinned = reader.pinned_revision(now)
        if pinned is not None:
            raise ActuatorFailed(*with_remedy("actuator.traffic_pinned", revision=pinned))

    def _set_to(self, now: Any) -> int | None:
        """The number as it is written in the service; None where its default holds."""
        return self._value(now)

    @abstractmethod
    def _value(self, now: Any) -> int:
        """The number in force."""

    @abstractmethod
    def _write(self, now: Any, change: Change) -> None:
        """Change the service in place."""


@dataclass(frozen=True, slots=True)
class CloudRunVariable(_CloudRunNumber):
    """A whole-number `variable` of the environment; others stay. `default`: what a service without it uses."""

    variable: str
    default: int

    name: ClassVar[str] = "cloud_run"

    async def read(self, service: ServiceId) -> Reading:
        """Raises SourceUnavailable too where it comes from a secret: nobody but the service knows it then."""
        now = await self.editor.read(service)
        if reader.comes_from_secret(now, self.variable):
            raise SourceUnavailable(*with_remedy("actuator.variable_is_secret", variable=self.variable))
        return Reading(self._value(now), "")

    def _place(self, service: ServiceId) -> str:
        return f"{service.name} {self.variable}"

    def _set_to(self, now: Any) -> int | None:
        return reader.env_number(now, self.variable)

    def _value(self, now: Any) -> int:
        told = self._set_to(now)
        return self.default if told is None else told

    def _check(self, now: Any) -> None:
        _CloudRunNumber._check(self, now)
        if reader.comes_from_secret(now, self.variable):
            raise ActuatorFailed(*with_remedy("actuator.variable_is_secret", variable=self.variable))

    def _write(self, now: Any, change: Change) -> None:
        """Set it in the container that has it already, else in the one that answers requests."""
        for container in now.template.containers:
            for variable in container.env:
                if variable.name == self.variable:
                    variable.value = str(change.new)
                    return
        reader.main_container(now.template).env.append(EnvVar(name=self.variable, value=str(change.new)))


class CloudRunInstancesActuator(_CloudRunNumber):
    """The minimum of instances at service level; pinned traffic does not matter to it."""

    __slots__ = ()
    name = "cloud_run_instances"
    path = "scaling.min_instance_count"

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        now = await self.editor.read(service)
        return self._value(now) == wanted.value and reader.is_settled(now)

    def _edit(self, change: Change, expected: Reading) -> Edit:
        edit = super()._edit(change, expected)

        def check(now: Any) -> None:
            edit.check(now)
            own = now.template.scaling.min_instance_count
            if number(change.new) < own:
                name = reader.short(now.name)
                raise ActuatorFailed(*with_remedy("actuator.minimum_in_template", service=name, own=own))

        return replace(edit, check=check)

    def _check(self, now: Any) -> None:
        pass

    def _value(self, now: Any) -> int:
        """The one in force: a template's own holds where it is the larger one."""
        return reader.min_instances(now)

    def _write(self, now: Any, change: Change) -> None:
        now.scaling.min_instance_count = change.new


class CloudRunMemoryActuator(_CloudRunNumber):
    """The memory limit of the container that answers requests, in MB of 2**20 bytes."""

    __slots__ = ()
    name = "cloud_run_memory"

    def _value(self, now: Any) -> int:
        """Raises SourceUnavailable for a limit that is no quantity."""
        try:
            return reader.memory_mb(now)
        except ValueError as error:
            raise SourceUnavailable(
                *with_remedy("source.limits_unreadable", service=reader.short(now.name), detail=str(error))
            ) from error

    def _write(self, now: Any, change: Change) -> None:
        reader.main_container(now.template).resources.limits["memory"] = f"{change.new}Mi"
