"""The days that Lumen keeps of a service, replayed: what each one says of other TTLs, and whether the replay is right.

Runs in the numerics worker: stored pieces in, figures out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from lumen.model.accesses import ALL_KEYS, KIND_MASK
from lumen.model.forecast import Replayed
from lumen.model.observed import TIME_BITS, UNIT_MS, Piece
from lumen.prediction.accesses import Accesses, Kind, below, in_order
from lumen.prediction.honesty import Honesty, checked
from lumen.prediction.lives import answer_ms, elapsed_ms, lasting_ms, prolonged_ms, requests_of
from lumen.prediction.replay import DAY_MS, missed
from lumen.prediction.sample import uplift

#: As long before a day begins the replay does, twice the longest TTL: what is cached at midnight misses in no replay.
WARM_UP = timedelta(hours=2)
MS = timedelta(milliseconds=1)
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
    took_ms = answer_ms(window)
    before = missed(requests, prolonged_ms(ttl * 1000, took_ms)) & asked
    at_present = int(np.count_nonzero(before))
    if limit < ALL_KEYS and not at_present:
        return None
    uplifts, halves, cached = {ttl: 0.0}, {ttl: 0.0}, {ttl: 1.0}
    for other in ttls:
        after = missed(requests, prolonged_ms(other * 1000, took_ms)) & asked
        found = int(np.count_nonzero(after))
        uplifts[other] = (at_present - found) / count * scale
        halves[other] = (
            uplift(count, at_present, requests.key, before, after, limit).half * scale if limit < ALL_KEYS else 0.0
        )
        cached[other] = found * other / max(at_present * ttl, 1)
    writes = totals.writes * int(np.count_nonzero(window.kinds & KIND_MASK == Kind.WRITE))
    return Replayed(start.date(), lookups, 1 - misses / lookups, count, writes, uplifts, halves, cached)


def compared(pieces: Sequence[Piece], start: datetime, end: datetime, ttl: int) -> Honesty:
    """The replay at the TTL that was in force from `start` to `end`, against the hits that were seen."""
    window = cut(joined(pieces), pieces[0].day, start, end)
    return checked(requests_of(window), lasting_ms(window, ttl * 1000))


def first_access(piece: Piece) -> datetime | None:
    """When the earliest access of a day was; None where there is none."""
    words = np.frombuffer(piece.packed, "<u8")
    return _midnight(piece.day) + int((words & TIMES).min()) * UNIT_MS * MS if len(words) else None


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
    low, high = (round((at - _midnight(first)) / MS) // UNIT_MS for at in (start, end))
    at = (window.packed & TIMES).astype(np.int64)
    within = (at >= low) & (at < high)
    packed = window.packed[within]
    packed = packed - np.uint64(low) if low >= 0 else packed + np.uint64(-low)
    return Accesses(packed, window.kinds[within], window.sizes[within])


@dataclass(frozen=True, slots=True)
class AllKeys:
    """How many lookups, misses and writes of all keys there are to each of the sample."""

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


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
