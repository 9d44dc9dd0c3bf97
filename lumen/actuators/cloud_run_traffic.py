"""Points the traffic at one revision (a rollback), or back at the latest; verified in what is really served."""

from typing import Any

from google.cloud.run_v2 import TrafficTarget

from lumen.actuators.cloud_run import CloudRunEditor, Edit
from lumen.model.errors import ValueMoved
from lumen.model.message import Message, message
from lumen.model.service import ServiceId
from lumen.ports.actuators import TrafficReading
from lumen.vendors import cloud_run_service as reader


class CloudRunTraffic:
    """Implements the TrafficActuator port. Tags keep their addresses and get no share."""

    def __init__(self, editor: CloudRunEditor) -> None:
        self._editor = editor

    async def read(self, service: ServiceId) -> TrafficReading:
        """Where requests go now. Raises SourceUnavailable."""
        return _reading(await self._editor.read(service))

    async def point(self, service: ServiceId, revision: str | None, expected: TrafficReading) -> TrafficReading:
        """Raises ValueMoved when somebody (a rollback by hand, a deploy) moved the traffic: theirs is respected."""
        return _reading(await self._editor.make(service, _edit(revision, expected)))

    async def rehearse(self, service: ServiceId, revision: str | None, expected: TrafficReading) -> Message:
        """What `point` would do."""
        anything = await self._editor.rehearse(service, _edit(revision, expected))
        code = ("actuator.would_pin" if revision else "actuator.would_unpin") if anything else "actuator.would_not_move"
        return message(code, service=service.name, revision=revision or "LATEST", serving=expected.serving)


def _edit(revision: str | None, expected: TrafficReading) -> Edit:
    wanted_type = reader.REVISION if revision else reader.LATEST

    def wanted(now: Any) -> bool:
        shares = [t for t in now.traffic if t.percent > 0]
        if not shares:
            return revision is None
        return (
            len(shares) == 1
            and shares[0].type_ == wanted_type
            and reader.short(shares[0].revision) == (revision or reader.short(shares[0].revision))
        )

    def check(now: Any) -> None:
        present = _reading(now)
        if not wanted(now) and present != expected:
            raise ValueMoved(
                message("actuator.traffic_moved", expected=expected.serving, present=present.serving),
                message("actuator.moved_remedy"),
            )

    def apply(now: Any) -> None:
        tagged = [TrafficTarget(type_=t.type_, revision=t.revision, percent=0, tag=t.tag) for t in now.traffic if t.tag]
        now.traffic = [TrafficTarget(type_=wanted_type, revision=revision or "", percent=100), *tagged]

    def in_force(now: Any) -> bool:
        target = revision or reader.short(now.latest_ready_revision)
        return wanted(now) and reader.traffic_shares(now).get(target, 0) == 100

    return Edit(wanted=wanted, check=check, apply=apply, paths=("traffic",), in_force=in_force)


def _reading(now: Any) -> TrafficReading:
    shares = reader.traffic_shares(now)
    return TrafficReading(reader.pinned_revision(now), max(shares, key=lambda name: shares[name]) if shares else "")
