"""Accesses of a service of version 2, as Lumen keeps them, made so that another TTL does just what a test wants.

Each key is asked for twice in four hours, so the first time always misses. The second time comes after 100 s, or (of so
many keys that it makes `gain`) after 360 s, which only a TTL above that lets hit. Harm is misses of the keys with the
new TTL that no replay knows.
"""

import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from lumen.adapters.store.accesses import RedisAccessDays
from lumen.model.accesses import HELD, HIT, MISS, WRITE, is_held
from lumen.model.hold_back import HELD_FOR
from lumen.model.observed import HASH_BITS, TIME_BITS, UNIT_MS, Piece, Progress, Tally
from tests.contract.store.builders import SERVICE, Store

KEYS, CYCLE, SOON, LATER, OLD_TTL = 2600, timedelta(hours=4), 100, 360, 300
#: Half of the lookups hit or miss whatever the TTL.
HALF = 0.5
Access = tuple[datetime, int, int]


@dataclass
class Reported:
    """`gain`: what the change does to the hit rate, as a share; `new_ttl` holds from `changed_at` on, but for the keys
    that are held back until `ended_at`."""

    store: Store
    #: Hours before the change.
    began: datetime
    gain: float = 0.0
    new_ttl: int = OLD_TTL
    changed_at: datetime | None = None
    ended_at: datetime | None = None
    cycle: timedelta = CYCLE
    upto: datetime = field(init=False)

    def __post_init__(self) -> None:
        dice = random.Random(5)
        self.upto, self.days = self.began, RedisAccessDays(self.store.redis)
        hashes = [dice.getrandbits(48) for _ in range(KEYS)]
        self.keys = [(one, dice.random(), dice.random(), is_held(one, 1, 100)) for one in hashes]

    def holds(self, at: datetime) -> bool:
        """Whether any key is held back then."""
        return self.changed_at is not None and self.changed_at <= at < (self.ended_at or self.changed_at + HELD_FOR)

    async def go_on(self, until: datetime) -> None:
        """Report what came up to then, and have it kept."""
        of_day: dict[date, list[Access]] = {}
        for access in sorted(self._accesses(until), key=lambda one: one[0]):
            of_day.setdefault(access[0].date(), []).append(access)
        self.upto = until
        if not of_day:
            return
        progress = await self.days.progress(SERVICE)
        progress = Progress("1-1", days=tuple(sorted({*progress.days, *of_day})))
        lease = await self.store.lease("accesses")
        await self.days.put(SERVICE, lease, until.hour, [_piece(day, them) for day, them in of_day.items()], progress)
        await self.store.leases.release(SERVICE, lease)

    def _accesses(self, until: datetime) -> Iterator[Access]:
        cycle = self.began + ((self.upto - self.began) // self.cycle - 1) * self.cycle
        while cycle < until:
            for key, offset, share, is_held_back in self.keys:
                first = cycle + offset * self.cycle
                second = first + timedelta(seconds=LATER if share < max(self.gain, 0.0) / HALF else SOON)
                is_new = not (is_held_back and self.holds(first))
                for at, hit in ((first, False), (second, self._hits(first, second, share, is_new=is_new))):
                    if self.upto <= at < until:
                        held = HELD if is_held_back and self.holds(at) else 0
                        yield at, key, (HIT if hit else MISS) + held
                        if not hit:
                            yield at, key, WRITE + held
            cycle += self.cycle

    def _hits(self, first: datetime, second: datetime, share: float, *, is_new: bool) -> bool:
        is_new = is_new and self.changed_at is not None and first >= self.changed_at
        if is_new and share < max(-self.gain, 0.0) / HALF:
            return False
        return second - first < timedelta(seconds=self.new_ttl if is_new else OLD_TTL)


def _piece(day: date, accesses: list[Access]) -> Piece:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    words = [
        key >> 48 - HASH_BITS << TIME_BITS | (at - start) // timedelta(milliseconds=UNIT_MS) for at, key, _ in accesses
    ]
    kinds = bytes(kind for _, _, kind in accesses)
    count = {kind: sum(one & ~HELD == kind for one in kinds) for kind in (MISS, HIT, WRITE)}
    tally = Tally(count[MISS], count[HIT], count[WRITE], batches=100)
    return Piece(day, tally, packed=array("Q", words).tobytes(), kinds=kinds, sizes=bytes(len(kinds)))
