"""The slices of a look, asked for once for all services that need the same window, whatever batches they are in."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.model.alert import Observation
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.ports.incidents import SliceSource

#: Late points are looked for at each look, and once an hour.
READ_AGAIN = timedelta(hours=1)
READ_AGAIN_HOURLY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Read:
    """Slices of one service that are not stored yet, and some that are."""

    new: Sequence[Observation]
    again: Sequence[Observation]


class Reading:
    """Of one look that ends at `end`; `longest`: after an absence of more, or on a fresh installation, so much."""

    def __init__(self, source: SliceSource, services: Sequence[ServiceId], end: datetime, longest: timedelta) -> None:
        self._source = source
        self._services = services
        self._longest = longest
        self._usual = Window(end - (READ_AGAIN_HOURLY if end.minute == 0 else READ_AGAIN), end)
        self._answer: Mapping[ServiceId, Sequence[Observation] | NoData] | None = None

    async def newest(self, after: Mapping[ServiceId, datetime | None]) -> Mapping[ServiceId, Read]:
        """Every slice since the last one that is stored (`after`): what is unknown of it is None, what is known is not
        guessed."""
        end = self._usual.end
        earliest = end - self._longest
        start = {service: max(earliest, stored + SLICE if stored else earliest) for service, stored in after.items()}
        behind = tuple(service for service in after if start[service] < self._usual.start)
        found = dict(await self._asked_of_all()) if len(behind) < len(after) else {}
        if behind:
            found |= await self._source.slices(behind, Window(min(start[service] for service in behind), end))
        read: dict[ServiceId, Read] = {}
        for service, stored in after.items():
            new = _slices(found[service], stored, start[service], end)
            read[service] = Read(new, _again(found[service], start[service]))
            await asyncio.sleep(0)  # clicks get their turn
        return read

    async def _asked_of_all(self) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        if self._answer is None:
            self._answer = await self._source.slices(self._services, self._usual)
        return self._answer


def _again(found: Sequence[Observation] | NoData, start: datetime) -> Sequence[Observation]:
    """Those from before the first new one, as they are stored."""
    return () if isinstance(found, NoData) else [as_stored(one) for one in found if one.start < start]


def as_stored(one: Observation) -> Observation:
    """A slice of late as the store keeps it."""
    return one if one.latency is None else replace(one, latency=one.latency.trimmed())


def _slices(
    found: Sequence[Observation] | NoData, after: datetime | None, start: datetime, end: datetime
) -> Sequence[Observation]:
    """A slice for every five minutes from `start`, in order.

    When nothing could be asked, one slice a look goes by as missing, so that a short failure after a long absence
    costs little; a fresh installation waits for its past.
    """
    if isinstance(found, NoData):
        return () if after is None else (Observation(start, is_refused=True),)
    known = {one.start: one for one in found}
    starts = [start + i * SLICE for i in range(round((end - start) / SLICE))]
    return [known.get(at) or Observation(at) for at in starts]
