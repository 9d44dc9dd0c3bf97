"""Sets the minimum of instances at service level: no new revision, so pinned traffic does not matter."""

from typing import Any

from lumen.actuators.cloud_run import CloudRunEditor, Edit
from lumen.actuators.moves import check_moved, would
from lumen.model.message import Message
from lumen.model.proposal import Change
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from lumen.vendors import cloud_run_service as reader


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
