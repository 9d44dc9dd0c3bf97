"""A kept day replayed in the cache's own memory: other TTLs where memory binds, and other sizes. In the worker.

Some keys in as much of the memory stand for all of them: the replay is not vectorised, and has some seconds a day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from statistics import fmean, stdev

import numpy as np

from lumen.model.accesses import ALL_KEYS, KIND_MASK
from lumen.model.forecast import Bounded, Gain
from lumen.model.observed import Piece
from lumen.prediction.accesses import Accesses, Kind, times_ms
from lumen.prediction.kept import MS, WARM_UP, cut, joined, to_all_keys
from lumen.prediction.memory import Kept, Timeline, kept, timeline_of

MB = 1 << 20
SINCE_MS = WARM_UP // MS
#: Accesses of one replay; there are about fifteen.
MOST_EVENTS = 1 << 17
#: Where these are not all, groups of keys; and Student's quantile for 90 % of as many.
GROUPS, T_90 = 4, 2.35
#: An entry takes as much more than its value says, at least and at most, as the server's own use of memory tells.
LEAST_FACTOR, MOST_FACTOR = 1.0, 3.0


def bounded(
    pieces: Sequence[Piece],
    start: datetime,
    end: datetime,
    setting: tuple[int, float, float],
    ttls: Sequence[int],
    sizes_mb: Sequence[int],
) -> Bounded | None:
    """From `start` to `end`, least recently used first. `setting`: the TTL (s), the size and what of it is used (MB).

    None where nothing was asked, nothing missed, or no size was reported.
    """
    ttl, size_mb, used_mb = setting
    whole, limit = joined(pieces), min(piece.below for piece in pieces)
    window = cut(whole, pieces[0].day, start - WARM_UP, end)
    if not window.sizes.any():
        return None
    groups = [_Group.of(part, share) for part, share in _groups(window, limit)]
    lookups, misses = (sum(getattr(group, name) for group in groups) for name in ("lookups", "misses"))
    if not all(group.misses for group in groups):
        return None
    now = [group.kept(ttl, size_mb) for group in groups]
    factor, explained, binds = 1.0, 1.0, any(one.binds for one in now)
    if not binds:
        modelled = sum(one.most_bytes for one in now) / sum(group.share for group in groups)
        factor = min(max(used_mb * MB / modelled, LEAST_FACTOR), MOST_FACTOR)
        explained = min(factor * modelled / (used_mb * MB), 1.0)
    now = [group.kept(ttl, size_mb, factor) for group in groups]
    now_missed = [one.misses for one in now]
    if not all(now_missed):
        return None
    is_told = _are_told(groups, now)
    totals = to_all_keys(pieces, whole)
    missed = misses * totals.misses / (lookups * totals.lookups)

    def gained(seconds: int, megabytes: float) -> Gain | None:
        then = [group.kept(seconds, megabytes, factor) for group in groups]
        if not (is_told and _are_told(groups, then)):
            return None
        ratios = [1 - one.misses / before for one, before in zip(then, now_missed, strict=True)]
        half = T_90 * stdev(ratios) / sqrt(len(ratios)) if len(ratios) > 1 else 0.0
        return Gain(missed * fmean(ratios), missed * half)

    return Bounded(
        residual=(misses - sum(now_missed)) / lookups,
        binds=binds,
        at={one: gain for one in ttls if (gain := gained(one, size_mb))},
        sizes={one: gain for one in sizes_mb if (gain := gained(ttl, one))},
        entries=round(sum(one.most_entries for one in now) / sum(group.share for group in groups)),
        is_told=is_told,
        explained=explained,
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Some keys, the `share` that they are of all, and their lookups and misses that were seen."""

    timeline: Timeline
    share: float
    lookups: int
    misses: int

    @staticmethod
    def of(part: Accesses, share: float) -> "_Group":
        """Counted from the end of the warm-up on."""
        kind = (part.kinds & KIND_MASK)[times_ms(part) >= SINCE_MS]
        hits, misses = (int(np.count_nonzero(kind == one)) for one in (Kind.HIT, Kind.MISS))
        return _Group(timeline_of(part), share, hits + misses, misses)

    def kept(self, ttl: int, size_mb: float, factor: float = 1.0) -> Kept:
        """In as much of the memory, where entries take `factor` times what their values say."""
        return kept(self.timeline, size_mb * MB * self.share / factor, ttl * 1000, since_ms=SINCE_MS)


def _are_told(groups: Sequence[_Group], found: Sequence[Kept]) -> bool:
    """Whether a server's cache comes near enough to each of the replays."""
    return all(one.is_told(group.share) for group, one in zip(groups, found, strict=True))


def _groups(window: Accesses, limit: int) -> Iterator[tuple[Accesses, float]]:
    """All keys, or where they are too many for the time, groups of them apart: how they differ tells how far off all of
    them may be."""
    width = int(limit * MOST_EVENTS / max(len(window), 1)) // GROUPS
    if width * GROUPS >= limit:
        yield window, limit / ALL_KEYS
        return
    for nth in range(GROUPS):
        low, high = nth * (limit // GROUPS), nth * (limit // GROUPS) + width
        first, last = np.searchsorted(window.packed, np.array([low, high], np.uint64) << np.uint64(32))
        yield Accesses(window.packed[first:last], window.kinds[first:last], window.sizes[first:last]), width / ALL_KEYS
