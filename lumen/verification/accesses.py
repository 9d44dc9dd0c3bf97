"""The report of the simulated service, as one of version 2 of the contract makes it: each access of its cache.

Accesses are kept as Lumen keeps them, in days and thinned alike. Which keys keep the old TTL for a while is told by the
hash and the version, as the contract says.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lumen.model.accesses import ALL_KEYS, HELD, HIT, MISS, WRITE, is_held
from lumen.model.observed import HASH_BITS, KEEP_DAYS, TIME_BITS, UNIT_MS, Piece, Progress, Tally, joined
from lumen.policies.observing import next_day, thinned
from lumen.prediction.accesses import SERVICE_HASH_BITS, size_code

#: Odd constants of a mixing function: any number of a key becomes a hash of 48 bits.
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclass(frozen=True)
class HeldKeys:
    """So many of 1,000 keys keep `old_seconds` until that second since the world began."""

    old_seconds: int
    permille: int
    until: float
    version: int

    @cached_property
    def _known(self) -> dict[int, bool]:
        return {}

    def holds(self, hashes: Sequence[int]) -> list[bool]:
        """Of each key's hash whether it is held back."""
        known = self._known
        for one in hashes:
            if one not in known:
                known[one] = is_held(one, self.version, self.permille)
        return [known[one] for one in hashes]


@dataclass(frozen=True, slots=True)
class Reported:
    """The lookups of one slice in order of time: ms since the UTC day's start, hashes of 48 bits, what came of each.

    A write follows each miss at once. Each stands for `stands_for` of its like.
    """

    day: date
    at_ms: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    hit: NDArray[np.bool_]
    held: NDArray[np.bool_]
    size: int
    stands_for: int


def hashes_of(keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hashes of 48 bits."""
    with np.errstate(over="ignore"):
        mixed = keys.astype(np.uint64) * np.uint64(_MIX[0])
        for constant in _MIX[1:]:
            mixed = (mixed ^ mixed >> np.uint64(29)) * np.uint64(constant)
    return mixed >> np.uint64(64 - SERVICE_HASH_BITS)


@dataclass(slots=True)
class KeptDays:
    """The days that Lumen keeps of what is reported."""

    _days: OrderedDict[date, list[Piece]] = field(default_factory=OrderedDict)
    _keys: set[int] = field(default_factory=set)
    _progress: Progress = field(default_factory=Progress)
    #: Of the last whole day.
    keys: int = 0

    def add(self, one: Reported, now: datetime) -> None:
        """The next slice, which began at `now`."""
        if one.day not in self._days:
            self.keys = len(self._keys)
            self._progress = replace(self._progress, below=next_day(self._progress), keys=0, accesses=0)
            self._keys, self._days[one.day] = set(), []
            while len(self._days) > KEEP_DAYS:
                self._days.popitem(last=False)
        piece = _piece(one, self._progress.below)
        self._days[one.day].append(piece)
        self._keys |= piece.hashes()
        counted = replace(self._progress, keys=len(self._keys), accesses=self._progress.accesses + len(piece))
        self._progress = replace(counted, below=thinned(counted, now))

    def days(self) -> Sequence[date]:
        """Those of which something is kept, oldest first."""
        return tuple(self._days)

    def day(self, on: date) -> Piece:
        """All of a day; an empty piece where nothing is kept."""
        whole = joined(on, self._days.get(on, ()))
        if on in self._days:
            self._days[on] = [whole]
        return whole


def _piece(one: Reported, below: int) -> Piece:
    order = np.repeat(np.arange(len(one.hit)), np.where(one.hit, 1, 2))
    is_write = np.append(False, order[1:] == order[:-1]) if len(order) else np.empty(0, np.bool_)
    kinds = np.where(is_write, WRITE, np.where(one.hit[order], HIT, MISS)) + HELD * one.held[order]
    sizes = np.where(is_write, size_code(np.array([one.size]))[0], 0)
    told = (
        one.hashes[order] >> np.uint64(SERVICE_HASH_BITS - 32) < np.uint64(below) if below < ALL_KEYS else slice(None)
    )
    upper = one.hashes[order] >> np.uint64(SERVICE_HASH_BITS - HASH_BITS) << np.uint64(TIME_BITS)
    packed = (upper | (one.at_ms[order] // UNIT_MS).astype(np.uint64))[told]
    hits = int(one.hit.sum()) * one.stands_for
    misses = len(one.hit) * one.stands_for - hits
    return Piece(
        one.day,
        Tally(misses=misses, hits=hits, writes=misses, batches=1),
        below,
        packed.astype("<u8").tobytes(),
        kinds[told].astype(np.uint8).tobytes(),
        sizes[told].astype(np.uint8).tobytes(),
    )
