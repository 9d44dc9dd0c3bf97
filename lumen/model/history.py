"""Sums of five-minute slices by day, kept when the slices are forgotten, and the cache over the last 24 hours."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from statistics import fmean

from lumen.model.alert import Observation
from lumen.model.day_cost import DayCost, PartCost, part_of
from lumen.model.messages import NoData
from lumen.model.past_turn import PastSnapshot
from lumen.model.snapshot import (
    BAD_SLICE_ERROR_RATE,
    SLICE,
    Bucket,
    CacheDay,
    CacheStats,
    LatencyDistribution,
    Snapshot,
    bucket_below,
)
from lumen.model.witnesses import Bounds

SLICES_A_DAY = round(timedelta(days=1) / SLICE)


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day of one service. Counts are of the known slices alone; nothing is scaled up to the whole day.

    `slices` have gone by and were looked at, known or not: 288 when the day is over, fewer today and on the day on
    which Lumen began. A slice whose witnesses do not agree is not known.
    """

    date: date
    slices: int = 0
    #: Slices whose requests are known; those with requests are good or bad, the others were quiet.
    known_slices: int = 0
    good_slices: int = 0
    bad_slices: int = 0
    requests: int = 0
    errors_5xx: int = 0
    errors_4xx: int = 0
    #: Slices whose hits and misses are both known.
    lookup_slices: int = 0
    hits: int = 0
    misses: int = 0
    #: An estimate (docs/methods.md, Cost), over `cost_slices` of the slices.
    cost_slices: int = 0
    cost_usd: float = 0.0
    #: Slices of which is known how long every request took, and how many requests took how long. The buckets are kept
    #: rather than what is slower than an objective allows, so the objective may change.
    timed_slices: int = 0
    latencies: Mapping[Bucket, int] = field(default_factory=dict)
    #: `cost_slices` and `cost_usd` by twelfths of the day, so that what is missing can cost what is usual then.
    cost_parts: Mapping[int, PartCost] = field(default_factory=dict)

    @property
    def timed(self) -> int:
        """Requests of which is known how long they took."""
        return sum(self.latencies.values())

    @property
    def cost(self) -> DayCost:
        """The cost of what is known."""
        return DayCost(self.date, self.cost_slices, self.cost_usd, self.cost_parts)

    def slower(self, threshold_ms: float) -> float:
        """Requests that were not faster than that; within a bucket they are taken as evenly spread."""
        return sum(count * (1 - bucket_below(bucket, threshold_ms)) for bucket, count in self.latencies.items())


@dataclass(frozen=True, slots=True)
class DayOfCost:
    """A day's cost alone, and over how many slices it was looked at."""

    date: date
    slices: int
    cost: DayCost


_ADDED = tuple(field.name for field in fields(Day) if field.name not in ("date", "latencies", "cost_parts"))


def day_of(at: datetime) -> date:
    """The UTC day that a slice beginning at `at` counts towards."""
    return at.astimezone(UTC).date()


def midnight(day: date) -> datetime:
    """The instant that a UTC day begins at."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def folded(observations: Iterable[Observation]) -> tuple[Day, ...]:
    """The sums of these slices by day, ascending."""
    days: dict[date, list[Observation]] = {}
    for one in observations:
        days.setdefault(day_of(one.start), []).append(one)
    return tuple(_day(of, days[of]) for of in sorted(days))


def together(*several: Iterable[Day]) -> tuple[Day, ...]:
    """Sums of different slices, a day once, ascending."""
    days: dict[date, list[Day]] = {}
    for day in (one for each in several for one in each):
        days.setdefault(day.date, []).append(day)
    return tuple(_sum(of, days[of]) for of in sorted(days))


def less(days: Iterable[Day], taken_back: Iterable[Day]) -> tuple[Day, ...]:
    """The sums without those of some slices that are in them; ascending."""
    minus = [
        replace(
            day,
            **{name: -getattr(day, name) for name in _ADDED},
            latencies={bucket: -count for bucket, count in day.latencies.items()},
            cost_parts={part: (-known, -usd) for part, (known, usd) in day.cost_parts.items()},
        )
        for day in taken_back
    ]
    return together(days, minus)


def is_good_slice(seen: Bounds) -> bool | None:
    """Whether at most 5 % of its requests failed (5xx); None where its witnesses leave that open."""
    if seen.most_share <= BAD_SLICE_ERROR_RATE:
        return True
    return False if seen.least_share > BAD_SLICE_ERROR_RATE else None


def _sum(of: date, parts: Sequence[Day]) -> Day:
    latencies: Counter[Bucket] = Counter()
    costs: dict[int, PartCost] = {}
    for part in parts:
        latencies.update(part.latencies)
        for twelfth, (known, usd) in part.cost_parts.items():
            before = costs.get(twelfth, (0, 0.0))
            costs[twelfth] = (before[0] + known, before[1] + usd)
    added = {name: sum(getattr(part, name) for part in parts) for name in _ADDED}
    return Day(of, **added, latencies=dict(latencies), cost_parts=costs)


def _day(of: date, slices: Sequence[Observation]) -> Day:
    """Sum by sum: that of a fleet's past takes a fraction of what it does slice by slice."""
    unreachable = [one for one in slices if one.doubt is not None and one.is_unreachable]
    counted = [one for one in slices if one.requests is not None and one.errors_5xx is not None and _is_known(one)]
    busy = [(one.requests or 0, one.errors_5xx or 0) for one in counted if one.requests]
    good = sum(errors <= BAD_SLICE_ERROR_RATE * requests for requests, errors in busy)
    lookups = [(one.hits, one.misses) for one in slices if one.hits is not None and one.misses is not None]
    timed = [one.latency for one in slices if one.latency is not None and one.is_counted]
    cost_usd, cost_slices, costs = _costs(slices)
    return Day(
        of,
        slices=len(slices),
        known_slices=len(counted) + len(unreachable),
        good_slices=good,
        bad_slices=len(busy) - good + len(unreachable),
        requests=sum(requests for requests, _ in busy) + sum(one.requests or 0 for one in unreachable),
        errors_5xx=sum(one.errors_5xx or 0 for one in (*counted, *unreachable)),
        errors_4xx=sum(one.errors_4xx or 0 for one in counted),
        lookup_slices=len(lookups),
        hits=sum(hits for hits, _ in lookups),
        misses=sum(misses for _, misses in lookups),
        cost_slices=cost_slices,
        cost_usd=cost_usd,
        timed_slices=len(timed) + sum(one.requests == 0 for one in slices if one.latency is None or not one.is_counted),
        latencies=_latencies(timed),
        cost_parts=costs,
    )


def _is_known(one: Observation) -> bool:
    """Whether its counts say what became of its requests."""
    return one.doubt is None or (one.is_counted and not one.is_unreachable)


def _costs(slices: Iterable[Observation]) -> tuple[float, int, dict[int, PartCost]]:
    total, count, parts = 0.0, 0, dict[int, PartCost]()
    for one in slices:
        if one.cost_usd is not None:
            part = part_of(one.start.astimezone(UTC))
            known, usd = parts.get(part, (0, 0.0))
            parts[part] = known + 1, usd + one.cost_usd
            total, count = total + one.cost_usd, count + 1
    return total, count, parts


def _latencies(timed: Iterable[LatencyDistribution]) -> dict[Bucket, int]:
    """Bucket by bucket; those of a stretch mostly share their bounds."""
    shared: dict[int, list[LatencyDistribution]] = {}
    for one in timed:
        shared.setdefault(id(one.bounds_ms), []).append(one)
    sums: dict[Bucket, int] = {}
    for several in shared.values():
        counts = map(sum, zip_longest(*(one.counts for one in several), fillvalue=0))
        for bucket, count in LatencyDistribution(several[0].bounds_ms, tuple(counts)).buckets():
            sums[bucket] = sums.get(bucket, 0) + count
    return sums


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: With less of it known a day is not known.
LEAST_SLICES_SHARE = 0.75


def cache_day(observations: Iterable[Observation], end: datetime) -> CacheDay | None:
    """The cache over the 24 hours up to `end`, from slices; None below three quarters of them."""
    since = end - DAY
    hits = misses = evictions = 0
    memory: list[tuple[datetime, float]] = []
    for one in observations:
        start, used_mb = one.start, one.memory_mb
        if one.hits is None or one.misses is None or one.evictions is None or used_mb is None:
            continue
        if since <= start < end:
            hits, misses, evictions = hits + one.hits, misses + one.misses, evictions + one.evictions
            memory.append((start, used_mb))
    if len(memory) < LEAST_SLICES_SHARE * (DAY / SLICE):
        return None
    return CacheDay(
        seconds=len(memory) * SLICE.total_seconds(),
        hits=hits,
        misses=misses,
        evictions=evictions,
        highest_mb=max(used_mb for _, used_mb in memory),
        grown_mb=_grown(memory, end),
    )


def _grown(memory: Sequence[tuple[datetime, float]], end: datetime) -> float | None:
    """The memory in use in the last hour of the day above that in its first one; None where one is not known."""
    first_until, last_since = end - DAY + HOUR, end - HOUR
    first = [mb for start, mb in memory if start < first_until]
    last = [mb for start, mb in memory if start >= last_since]
    return fmean(last) - fmean(first) if first and last else None


def cache_day_of(snapshots: Iterable[Snapshot | PastSnapshot]) -> CacheDay | None:
    """The cache day up to the newest snapshot's end, from snapshots. Of windows that overlap the newest counts."""
    newest_first = sorted(snapshots, key=lambda one: one.window.end, reverse=True)
    if not newest_first:
        return None
    since = newest_first[0].window.end
    earliest = since - DAY
    known: list[tuple[float, int, int, int, float]] = []
    memory: list[tuple[datetime, float]] = []
    for one in newest_first:
        figures = None if isinstance(one.cache, NoData) else _figures(one.cache)
        if earliest <= one.window.start and one.window.end <= since and figures is not None:
            known.append(figures)
            memory.append((one.window.start, figures[4]))
            since = one.window.start
    seconds = sum(of[0] for of in known)
    if seconds < LEAST_SLICES_SHARE * DAY.total_seconds():
        return None
    return CacheDay(
        seconds=seconds,
        hits=sum(of[1] for of in known),
        misses=sum(of[2] for of in known),
        evictions=sum(of[3] for of in known),
        highest_mb=max(of[4] for of in known),
        grown_mb=_grown(memory, newest_first[0].window.end),
    )


def _figures(cache: CacheStats) -> tuple[float, int, int, int, float] | None:
    """Seconds, hits, misses, evictions and MB in use; None where one of them is missing."""
    hits, misses, evictions, used_mb = cache.hits, cache.misses, cache.evictions, cache.used_mb
    if isinstance(hits, NoData) or isinstance(misses, NoData):
        return None
    if isinstance(evictions, NoData) or isinstance(used_mb, NoData):
        return None
    return cache.seconds, hits, misses, evictions, used_mb
