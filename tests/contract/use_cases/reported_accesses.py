"""Accesses of a service of version 2, as Lumen keeps them, made so that another TTL does just what a test wants.

Each key is asked for twice in four hours, so the first time always misses. The second time comes after 100 s, or (of so
many keys that it makes `gain`) after 360 s, which only a TTL above that lets hit. Harm is misses of the keys with the
new TTL that no replay knows.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from lumen.adapters.store.accesses import RedisAccessDays
from lumen.model.accesses import HELD, HIT, MISS, WRITE, is_held
from lumen.model.hold_back import HELD_FOR
from lumen.model.observed import HASH_BITS, TIME_BITS, UNIT_MS, Piece, Progress, Tally
from tests.contract.store.builders import SERVICE, Store

KEYS, CYCLE, SOON, LATER, OLD_TTL = 2600, timedelta(hours=4), 100, 360, 300
#: Half of the lookups hit or miss whatever the TTL.
HALF = 0.5
SECOND, DAY = 1_000_000, 86_400_000_000
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass
class Accesses:
    """In columns, in the order of time: microseconds since 1970, hash, kind."""

    at: Ints
    keys: Ints
    kinds: Ints

    def taken(self, rows: "Ints | Mask") -> "Accesses":
        """Some of them."""
        return Accesses(self.at[rows], self.keys[rows], self.kinds[rows])


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
        keys = [dice.getrandbits(48) for _ in range(KEYS)]
        self.keys, self.are_held = np.array(keys), np.array([is_held(key, 1, 100) for key in keys])
        self.offsets, self.shares = np.array([(dice.random(), dice.random()) for _ in keys]).T

    def _hold(self, at: Ints) -> Mask:
        """Whether any key is held back then."""
        if self.changed_at is None:
            return np.zeros(len(at), dtype=bool)
        return (at >= _at(self.changed_at)) & (at < _at(self.ended_at or self.changed_at + HELD_FOR))

    async def go_on(self, until: datetime) -> None:
        """Report what came up to then, and have it kept."""
        came = self._accesses(until)
        self.upto = until
        pieces = [_piece(int(day), came.taken(came.at // DAY == day)) for day in np.unique(came.at // DAY)]
        if not pieces:
            return
        progress = await self.days.progress(SERVICE)
        progress = Progress("1-1", days=tuple(sorted({*progress.days, *(piece.day for piece in pieces)})))
        lease = await self.store.lease("accesses")
        await self.days.put(SERVICE, lease, until.hour, pieces, progress)
        await self.store.leases.release(SERVICE, lease)

    def _accesses(self, until: datetime) -> Accesses:
        cycle = self.began + ((self.upto - self.began) // self.cycle - 1) * self.cycle
        found: list[Accesses] = []
        while cycle < until:
            found += self._of_cycle(_at(cycle))
            cycle += self.cycle
        at, keys, kinds = (np.concatenate([getattr(one, name) for one in found]) for name in ("at", "keys", "kinds"))
        came = Accesses(at, keys, kinds).taken((at >= _at(self.upto)) & (at < _at(until)))
        return came.taken(np.argsort(came.at, kind="stable"))

    def _of_cycle(self, began: int) -> list[Accesses]:
        """Lookups before the writes that follow them at once."""
        first = began + np.rint(self.offsets * (self.cycle / timedelta(microseconds=1))).astype(np.int64)
        waits = np.where(self.shares < max(self.gain, 0.0) / HALF, LATER, SOON)
        second = first + waits * SECOND
        is_new = ~(self.are_held & self._hold(first))
        is_new &= self.changed_at is not None and first >= _at(self.changed_at)
        hits = (waits < np.where(is_new, self.new_ttl, OLD_TTL)) & ~(
            is_new & (self.shares < max(-self.gain, 0.0) / HALF)
        )
        held_first, held_second = (HELD * (self.are_held & self._hold(at)) for at in (first, second))
        return [
            Accesses(first, self.keys, MISS + held_first),
            Accesses(second, self.keys, np.where(hits, HIT, MISS) + held_second),
            Accesses(first, self.keys, WRITE + held_first),
            Accesses(second, self.keys, WRITE + held_second).taken(~hits),
        ]


def _at(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _piece(day: int, of: Accesses) -> Piece:
    words = (of.keys >> 48 - HASH_BITS << TIME_BITS) | (of.at - day * DAY) // (1000 * UNIT_MS)
    kinds = of.kinds.astype(np.uint8)
    count = np.bincount(kinds & ~np.uint8(HELD), minlength=max(MISS, HIT, WRITE) + 1).tolist()
    tally = Tally(count[MISS], count[HIT], count[WRITE], batches=100)
    date = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date()
    return Piece(date, tally, packed=words.astype(np.uint64).tobytes(), kinds=kinds.tobytes(), sizes=bytes(len(kinds)))
