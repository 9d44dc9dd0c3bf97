"""Keep the misses that the server announces of a service that does not report: each minute, by one replica.

Every replica listens, so that none is missed where one takes over from another; the store's progress says up to which
moment they are kept.
"""

import secrets
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from lumen.model.accesses import MISS
from lumen.model.messages import SomeFailed
from lumen.model.observed import HASH_BITS, KEEP_DAYS, MOST_ACCESSES, TIME_BITS, UNIT_MS, Piece, Progress, Tally
from lumen.model.service import ServiceId
from lumen.ports.sources import AnnouncedMisses
from lumen.ports.store import AccessDays, Lease
from lumen.use_cases.leases import Claims, noted

LEASE_NAME = "misses"
SECRET_BYTES = 32
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Hearing:
    """The next minute goes on from the store.

    `reported`: the days of services that report, which are not listened to. `announced`: of each service that is alone
    on its cache, since nobody tells whose miss an announced one is.
    """

    announced: Mapping[ServiceId, AnnouncedMisses]
    days: AccessDays
    reported: AccessDays
    claims: Claims

    async def due(self) -> None:
        """Keep what was heard since the last time. Raises SomeFailed after all services had their turn."""
        failures = dict[str, Exception]()
        for service, announced in self.announced.items():
            with noted(failures, service.key):
                await self._listen(service, announced)
        if failures:
            raise SomeFailed(failures)

    async def _listen(self, service: ServiceId, announced: AnnouncedMisses) -> None:
        if (await self.reported.progress(service)).days:
            await announced.stop()
            return
        progress = await self.days.progress(service)
        if not progress.secret:
            await self.claims.alone(service, LEASE_NAME, partial(self._begin, service))
            return
        hashes, times = await announced.heard(bytes.fromhex(progress.secret))
        await self.claims.alone(service, LEASE_NAME, partial(self._keep, service, hashes, times))

    async def _begin(self, service: ServiceId, lease: Lease) -> None:
        """The secret that names are hashed with, the same in all replicas."""
        if not (await self.days.progress(service)).secret:
            await self.days.put(service, lease, 0, (), Progress(secret=secrets.token_bytes(SECRET_BYTES).hex()))

    async def _keep(self, service: ServiceId, hashes: "array[int]", times: "array[int]", lease: Lease) -> None:
        before, now = await self.days.progress(service), self.claims.clock.now()
        kept_ms = int(before.last_id or 0)
        fresh = [(at, hashed) for hashed, at in zip(hashes, times, strict=True) if at > kept_ms]
        after = replace(before, last_id=str(max([kept_ms, *(at for at, _ in fresh)])))
        pieces = []
        for day in sorted({at // DAY_MS for at, _ in fresh}):
            piece = _piece(day, [(at, hashed) for at, hashed in fresh if at // DAY_MS == day])
            is_new = piece.day not in after.days
            room = MOST_ACCESSES - (0 if is_new else after.accesses)
            pieces.append(piece if len(piece) <= room else Piece(piece.day))
            days = tuple(sorted({*after.days, piece.day}))[-KEEP_DAYS:]
            after = replace(after, days=days, accesses=len(pieces[-1]) + (0 if is_new else after.accesses))
        if pieces:
            await self.days.put(service, lease, now.hour, pieces, after)


def _piece(day: int, heard: Sequence[tuple[int, int]]) -> Piece:
    """Misses of a day since the epoch, as they are kept."""
    words = array("Q", [hashed >> 48 - HASH_BITS << TIME_BITS | at % DAY_MS // UNIT_MS for at, hashed in heard])
    date = datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date()
    return Piece(
        date,
        Tally(misses=len(heard)),
        packed=words.tobytes(),
        kinds=bytes([MISS]) * len(heard),
        sizes=bytes(len(heard)),
    )
