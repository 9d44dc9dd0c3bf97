"""The traffic as a knob: its value is the revision that it is pinned to, or LATEST."""

from lumen.model.message import Message
from lumen.model.proposal import LATEST, Change, Value
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading, TrafficActuator, TrafficReading


class TrafficKnob:
    """Implements the Actuator port. A reading's version is the revision that serves: a deploy moves the premise."""

    name = "traffic"

    def __init__(self, traffic: TrafficActuator) -> None:
        self._traffic = traffic

    async def read(self, service: ServiceId) -> Reading:
        """Raises SourceUnavailable."""
        return _reading(await self._traffic.read(service))

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Raises ValueMoved (somebody's own rollback or deploy is respected), ActuatorFailed, SourceUnavailable."""
        del proposal_id  # a repeat finds the traffic where it should be
        return _reading(await self._traffic.point(service, _revision(change.new), _traffic(expected)))

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether requests really go there, by `traffic_statuses`."""
        return await self.read(service) == wanted

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        """What `set` would do."""
        return await self._traffic.rehearse(service, _revision(change.new), _traffic(expected))


def _revision(value: Value) -> str | None:
    return None if value == LATEST else str(value)


def _reading(found: TrafficReading) -> Reading:
    return Reading(found.pinned or LATEST, found.serving)


def _traffic(reading: Reading) -> TrafficReading:
    return TrafficReading(_revision(reading.value), reading.version)
