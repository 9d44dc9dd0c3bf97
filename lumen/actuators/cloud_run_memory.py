"""Sets the memory limit of the container that answers requests: a new revision."""

from typing import Any

from lumen.actuators.cloud_run import CloudRunEditor, Edit
from lumen.actuators.cloud_run_pinned import check_not_pinned
from lumen.actuators.moves import check_moved, would
from lumen.model.errors import SourceUnavailable
from lumen.model.message import Message, message
from lumen.model.proposal import Change
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from lumen.vendors import cloud_run_service as reader
from lumen.vendors.quantities import quantity

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
        return Reading(_memory_mb(await self._editor.make(service, _edit(change, expected))), "")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the revision with that limit is ready and gets traffic."""
        now = await self._editor.read(service)
        served = reader.traffic_shares(now).get(reader.short(now.latest_ready_revision), 0) > 0
        return _memory_mb(now) == wanted.value and reader.is_ready(now) and served

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        """What `set` would do."""
        anything = await self._editor.rehearse(service, _edit(change, expected))
        return would(service.name, change, anything=anything)


def _edit(change: Change, expected: Reading) -> Edit:
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
