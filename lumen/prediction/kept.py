"""The days that Lumen keeps of a service, replayed: what each one says of other TTLs, and whether the replay is right.

Runs in the numerics worker: stored pieces in, figures out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from lumen.model.accesses import ALL_KEYS, KIND_MASK
from lumen.model.forecast import Outcome, Replayed
from lumen.model.history import midnight
from lumen.model.observed import TIME_BITS, UNIT_MS, Piece
from lumen.prediction.accesses import Accesses, Flags, Floats, Integers, Kind, below, in_order
from lumen.prediction.honesty import Honesty, checked
from lumen.prediction.lives import Requests, answer_ms, elapsed_ms, lasting_ms, prolonged_ms, requests_of
from lumen.prediction.replay import DAY_MS, ages_ms, began
from lumen.prediction.sample import mean_half, uplift

#: As long before a day begins the replay does, twice the longest TTL: what is cached at midnight misses in no replay.
WARM_UP = timedelta(hours=2)
MS, MS_AN_HOUR = timedelta(milliseconds=1), 3_600_000
TIMES = np.uint64((1 << TIME_BITS) - 1)


def replayed(pieces: Sequence[Piece], start: datetime, end: datetime, ttl: int, ttls: Sequence[int]) -> Replayed | None:
    """From `start` to `end`, against `ttl` (s). `pieces`: consecutive days; what they hold of the time before `start`
    is in the cache by then. None where nothing was asked, or where nothing of a sample would miss.
    """
    whole, limit = joined(pieces), min(piece.below for piece in pieces)
    window = cut(whole, pieces[0].day, start - WARM_UP, end)
    requests = requests_of(window)
    asked = elapsed_ms(requests.elements) >= WARM_UP // MS
    if requests.asked is not None:
        asked &= requests.asked
    count = int(np.count_nonzero(asked))
    if not count or requests.hit is None or requests.key is None:
        return None
    seen = int(np.count_nonzero(asked & ~requests.hit))
    totals = to_all_keys(pieces, whole)
    lookups, misses = count * totals.lookups, min(seen * totals.misses, count * totals.lookups)
    scale = misses / lookups * count / seen if seen else 1.0
    sample, took_ms = _Sample(requests, requests.key, asked, limit, scale, 1 - misses / lookups), answer_ms(window)
    present = sample.at(ttl, prolonged_ms(ttl * 1000, took_ms))
    if limit < ALL_KEYS and not present.misses:
        return None
    found = {other: sample.against(present, other, prolonged_ms(other * 1000, took_ms)) for other in ttls}
    writes = totals.writes * int(np.count_nonzero(window.kinds & KIND_MASK == Kind.WRITE))
    at = {ttl: Outcome(0.0), **found}
    staleness = present.hours_a_hit * sample.hit_rate
    keys = round(len(np.unique(requests.key[asked])) * ALL_KEYS / limit)
    return Replayed(start.date(), lookups, sample.hit_rate, count, writes, at, staleness, keys)


@dataclass(frozen=True, slots=True)
class _At:
    """A TTL in the replay: of each element whether it is a request that misses, and the age of its answer in hours."""

    ttl: int
    missed: Flags
    hours: Floats
    misses: int
    #: The mean age of an answer from the cache.
    hours_a_hit: float


@dataclass(frozen=True, slots=True)
class _Sample:
    """Requests of keys below `limit`, of which those that are `asked` count. Of all keys: `hit_rate`, and `scale`, how
    many misses there are to each miss of theirs, by the lookups of both."""

    requests: Requests
    key: Integers
    asked: Flags
    limit: int
    scale: float
    hit_rate: float

    def at(self, ttl: int, ttl_ms: int) -> _At:
        """Replayed; `ttl_ms` is how long an entry lasts."""
        starts = began(self.requests, ttl_ms)
        hours = np.where(self.asked, ages_ms(self.requests, starts) / MS_AN_HOUR, 0.0)
        missed = starts & self.asked
        misses = int(np.count_nonzero(missed))
        return _At(ttl, missed, hours, misses, float(hours.sum() / max(self._count - misses, 1)))

    def against(self, present: _At, ttl: int, ttl_ms: int) -> Outcome:
        """That TTL, against the present one."""
        other, key = self.at(ttl, ttl_ms), self.key
        gain = (present.misses - other.misses) / self._count * self.scale
        cached = other.misses * ttl / max(present.misses * present.ttl, 1)
        staleness = other.hours_a_hit * (self.hit_rate + gain) - present.hours_a_hit * self.hit_rate
        if self.limit == ALL_KEYS:
            return Outcome(gain, 0.0, cached, staleness)
        half = uplift(self._count, present.misses, key, present.missed, other.missed, self.limit).half * self.scale
        hit = self.asked & ~other.missed
        aged = mean_half(key[hit], other.hours[hit], self.limit) * (self.hit_rate + gain) + other.hours_a_hit * half
        return Outcome(gain, half, cached, staleness, aged)

    @property
    def _count(self) -> int:
        return int(np.count_nonzero(self.asked))


def compared(pieces: Sequence[Piece], start: datetime, end: datetime, ttl: int) -> Honesty:
    """The replay at the TTL that was in force from `start` to `end`, against the hits that were seen."""
    window = cut(joined(pieces), pieces[0].day, start, end)
    return checked(requests_of(window), lasting_ms(window, ttl * 1000))


def first_access(piece: Piece) -> datetime | None:
    """The time of the earliest access of a day; None where there is none."""
    return _access(piece, np.min)


def last_access(piece: Piece) -> datetime | None:
    """The time of the latest access of a day; None where there is none."""
    return _access(piece, np.max)


def _access(piece: Piece, which: Callable[..., np.uint64]) -> datetime | None:
    times = np.frombuffer(piece.packed, "<u8") & TIMES
    return midnight(piece.day) + int(which(times)) * UNIT_MS * MS if len(times) else None


def joined(pieces: Sequence[Piece]) -> Accesses:
    """Days as one window that begins at the first one's midnight; only keys that all of them hold."""
    parts = [
        np.frombuffer(piece.packed, "<u8").astype(np.uint64)
        + np.uint64((piece.day - pieces[0].day).days * DAY_MS // UNIT_MS)
        for piece in pieces
    ]
    kinds, sizes = (
        np.frombuffer(b"".join(each), np.uint8)
        for each in ([piece.kinds for piece in pieces], [piece.sizes for piece in pieces])
    )
    return below(in_order(np.concatenate(parts), kinds, sizes), min(piece.below for piece in pieces))


def cut(window: Accesses, first: date, start: datetime, end: datetime) -> Accesses:
    """From `start`, which its times count from, to `end`."""
    low, high = (round((at - midnight(first)) / MS) // UNIT_MS for at in (start, end))
    at = (window.packed & TIMES).astype(np.int64)
    within = (at >= low) & (at < high)
    packed = window.packed[within]
    packed = packed - np.uint64(low) if low >= 0 else packed + np.uint64(-low)
    return Accesses(packed, window.kinds[within], window.sizes[within])


@dataclass(frozen=True, slots=True)
class AllKeys:
    """The lookups, misses and writes of all keys for each one of the sample."""

    lookups: float
    misses: float
    writes: float


def to_all_keys(pieces: Sequence[Piece], sample: Accesses) -> AllKeys:
    """From the counts that came with each batch. `sample`: the pieces, joined."""
    kind = sample.kinds & KIND_MASK
    hits, misses, writes = (int(np.count_nonzero(kind == each)) for each in (Kind.HIT, Kind.MISS, Kind.WRITE))
    told = [piece.tally for piece in pieces]
    all_hits, all_misses, all_writes = (
        sum(getattr(one, name) for one in told) for name in ("hits", "misses", "writes")
    )
    return AllKeys(
        (all_hits + all_misses) / max(hits + misses, 1), all_misses / max(misses, 1), all_writes / max(writes, 1)
    )
