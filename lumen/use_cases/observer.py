"""Keep what services report of their accesses: once a minute, by one replica, stored before it leaves the stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from lumen.model.accesses import Batch
from lumen.model.messages import SomeFailed, Unreachable
from lumen.model.observed import HASH_BITS, KEEP_DAYS, Piece, Progress
from lumen.model.service import ServiceId
from lumen.policies.observing import Entry, fold, next_day, thinned
from lumen.ports.sources import AccessStream
from lumen.ports.store import AccessDays, Lease
from lumen.use_cases.leases import Claims, noted

LEASE_NAME = "accesses"
#: Batches that are taken in at once, for others get their turn; a stream holds about a thousand.
MOST_BATCHES = 50


@dataclass(frozen=True, slots=True)
class Observer:
    """The next look goes on from the store."""

    #: Of each service that PREDICT names the cache that it reports to.
    streams: Mapping[ServiceId, AccessStream]
    days: AccessDays
    claims: Claims
    #: Of the newest day of each service the keys so far; found again in the store by whoever begins.
    _keys: dict[ServiceId, tuple[date, set[int]]] = field(default_factory=dict)
    #: Of each service the last entry that is kept, as far as known here: without a newer one no store is asked.
    _kept: dict[ServiceId, str] = field(default_factory=dict)

    async def due(self) -> int:
        """The number of batches that were taken in. Raises SomeFailed after all services had their turn."""
        taken, failures, silent = 0, dict[str, Exception](), dict[AccessStream, Unreachable]()
        for service, stream in self.streams.items():
            with noted(failures, service.key):
                if stream in silent:
                    raise silent[stream]
                try:
                    taken += await self._look_at(service, stream)
                except Unreachable as error:
                    silent[stream] = error  # what stands in the same cache is not waited for again
                    raise
        if failures:
            raise SomeFailed(failures)
        return taken

    async def _look_at(self, service: ServiceId, stream: AccessStream) -> int:
        if service in self._kept and not await stream.read(service, self._kept[service], 1):
            return 0
        return await self.claims.alone(service, LEASE_NAME, partial(self._all, service)) or 0

    async def _all(self, service: ServiceId, lease: Lease) -> int:
        taken = 0
        while (some := await self._look(service, lease)) == MOST_BATCHES:
            taken += some
        return taken + some

    async def _look(self, service: ServiceId, lease: Lease) -> int:
        before = await self.days.progress(service)
        stream = self.streams[service]
        entries = await stream.read(service, before.last_id, MOST_BATCHES)
        self._kept[service] = before.last_id
        if not entries:
            return 0
        now = self.claims.clock.now()
        pieces, after = fold(entries, before, now)
        after = await self._grown(service, after, pieces)
        wanted = thinned(after, now)
        after = await self._lowered(service, after, wanted)
        await self.days.put(service, lease, now.hour, pieces, after)
        self._kept[service] = after.last_id
        await stream.trim(service, after.last_id)
        if wanted != before.below or _report_more(entries, wanted):
            await stream.thin(service, wanted)
        return len(entries)

    async def _grown(self, service: ServiceId, progress: Progress, pieces: Sequence[Piece]) -> Progress:
        """The progress with the days, keys and bytes that these pieces bring."""
        for piece in pieces:
            newest = progress.days[-1] if progress.days else None
            if newest is not None and piece.day < newest:
                continue  # a late batch of a day that is over
            if piece.day != newest:
                days = (*progress.days, piece.day)[-KEEP_DAYS:]
                progress = replace(progress, days=days, below=next_day(progress), keys=0, accesses=0)
                self._keys[service] = piece.day, set()
            keys = await self._keys_of(service, piece.day)
            keys |= {key for key in piece.hashes() if key >> HASH_BITS - 32 < progress.below}
            progress = replace(progress, keys=len(keys), accesses=progress.accesses + len(piece))
        return progress

    async def _lowered(self, service: ServiceId, progress: Progress, below: int) -> Progress:
        """The progress of the day as if it had been thinned so from its beginning."""
        if below == progress.below or not progress.days:
            return progress
        keys = await self._keys_of(service, progress.days[-1])
        keys -= {key for key in keys if key >> HASH_BITS - 32 >= below}
        accesses = progress.accesses * below // progress.below
        return replace(progress, below=below, keys=len(keys), accesses=accesses)

    async def _keys_of(self, service: ServiceId, day: date) -> set[int]:
        known = self._keys.get(service)
        if known is None or known[0] != day:
            known = self._keys[service] = day, (await self.days.day(service, day)).hashes()
        return known[1]


def _report_more(entries: Sequence[Entry], below: int) -> bool:
    """Whether the service has lost what it was told, or has not taken it over yet."""
    return any(isinstance(batch, Batch) and batch.below > below for _, batch in entries)
