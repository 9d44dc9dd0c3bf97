"""Points the traffic at one revision (a rollback), or back at the latest; verified in what is really served.

The traffic as a knob: its value is the revision that it is pinned to, or LATEST.
"""

from typing import Any

from google.cloud.run_v2 import TrafficTarget

from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, Edit
from lumen.model.messages import Message, ValueMoved, message
from lumen.model.proposal import LATEST, Change, Value
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading, TrafficActuator, TrafficReading


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


class TrafficKnob:
    """Implements the Actuator port. A reading's version is the revision that serves: a deploy moves the premise."""

    name = "traffic"

    def __init__(self, traffic: TrafficActuator) -> None:
        self._traffic = traffic

    async def read(self, service: ServiceId) -> Reading:
        """Raises SourceUnavailable."""
        return _reading_traffic_knob(await self._traffic.read(service))

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Raises ValueMoved (somebody's own rollback or deploy is respected), ActuatorFailed, SourceUnavailable."""
        del proposal_id  # a repeat finds the traffic where it should be
        return _reading_traffic_knob(await self._traffic.point(service, _revision(change.new), _traffic(expected)))

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether requests really go there, by `traffic_statuses`."""
        return await self.read(service) == wanted

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        """What `set` would do."""
        return await self._traffic.rehearse(service, _revision(change.new), _traffic(expected))


def _revision(value: Value) -> str | None:
    return None if value == LATEST else str(value)


def _reading_traffic_knob(found: TrafficReading) -> Reading:
    return Reading(found.pinned or LATEST, found.serving)


def _traffic(reading: Reading) -> TrafficReading:
    return TrafficReading(_revision(reading.value), reading.version)
