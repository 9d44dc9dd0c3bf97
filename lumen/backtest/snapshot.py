"""Snapshots as a turn would have had them, and releases as a rollback is judged on them, from observations."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate, islice, pairwise
from operator import add
from typing import NamedTuple

from lumen.alerts.budget import MonthSoFar
from lumen.model.alert import Alert, Observation
from lumen.model.day_cost import DayCost, UsualCosts
from lumen.model.history import SLICES_A_DAY, cache_day
from lumen.model.incident import RevisionCount
from lumen.model.messages import NoData, with_remedy
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import (
    SLICE,
    CacheStats,
    HourlyHistory,
    LatencyDistribution,
    RequestSlice,
    ServiceSpend,
    Snapshot,
    Spend,
    Traffic,
    TtlSetting,
    Window,
)
from lumen.policies.rollback import BLAMED_FOR, RollbackFacts
from lumen.policies.rollback_evidence import complete, evidence, healthy
from lumen.policies.ttl import cost_change

HOUR = timedelta(hours=1)
HISTORY_HOURS = 168
SLICES_PER_HOUR = 12
LEAST_SLICES = 9
#: Three weeks are compared.
COST_DAYS = 22
#: Bucket edges in ms, 10 % apart: percentiles given per slice are spread over them.
EDGES_MS = tuple(1.1**i for i in range(1, 115))
#: Shares of the requests below P50, between P50 and P95, between P95 and P99, and above (taken up to 1.5 x P99).
SHARES = (0.50, 0.45, 0.04, 0.01)
NOT_IN_HISTORY = NoData(*with_remedy("backtest.not_given"))
#: Each service's cost in the month of an instant, USD; None where too little is known.
Months = Callable[[datetime], MonthSoFar]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Settings that a turn must know and a history does not tell."""

    ttl_seconds: int = 300
    cache_mb: float = 256.0
    budget_usd: float = 200.0

    def turned(self, change: Change) -> "Assumptions":
        """The same with one knob turned; knobs that a turn does not look at change nothing."""
        if change.knob is Knob.TTL and isinstance(change.new, int):
            return replace(self, ttl_seconds=change.new)
        if change.knob is Knob.CACHE_SIZE and isinstance(change.new, int):
            return replace(self, cache_mb=float(change.new))
        return self


class SnapshotBuilder:
    """Builds snapshots of one service. Fed with observations in order; keeps a day of slices, a week of hours."""

    def __init__(self, service: ServiceId, assumed: Assumptions, months: Months) -> None:
        """`months` knows the month of all services."""
        self._service = service
        self._assumed = assumed
        self._months = months
        self._slices: deque[Observation] = deque(maxlen=SLICES_A_DAY)
        self._hour: list[Observation] = []
        #: Of hours that are over, by number.
        self._hours: dict[int, _Hour] = {}
        self._day = DayCost(date.min, 0, 0.0)
        self._usual = UsualCosts()
        #: Of whole days that are over; and how far they have risen.
        self._days: deque[tuple[date, float]] = deque(maxlen=COST_DAYS)
        self._cost_change: float | None = None

    def add(self, seen: Observation) -> None:
        """The next observation."""
        self._slices.append(seen)
        if self._hour and seen.start - self._hour[0].start.replace(minute=0) >= HOUR:
            self._close_hour()
        self._hour.append(seen)
        self._begin_day(seen.start.date())
        if seen.cost_usd is not None:
            self._day = self._day.plus(seen.start, seen.cost_usd)

    def _begin_day(self, today: date) -> None:
        if self._day.date == today:
            return
        if self._day.is_whole:
            self._days.append((self._day.date, self._usual.filled(self._day).usd))
        self._usual.learn(self._day)
        self._day = DayCost(today, 0, 0.0)
        self._cost_change = cost_change(self._days, today)

    def _close_hour(self) -> None:
        if self._hour:
            hour = _number(self._hour[0].start)
            self._hours[hour] = _Hour(
                _whole(one.requests for one in self._hour),
                _total(one.cost_usd for one in self._hour),
                _whole(one.errors_5xx for one in self._hour),
            )
            self._hour = []
            while (oldest := next(iter(self._hours))) < hour - HISTORY_HOURS:
                del self._hours[oldest]

    def assume(self, change: Change) -> None:
        """Take another value of a knob from now on."""
        self._assumed = self._assumed.turned(change)

    def snapshot(self, at: datetime) -> Snapshot:
        """The snapshot that a turn at `at` (a full hour) would have seen."""
        self._close_hour()
        self._begin_day(at.date())
        window = Window(at - HOUR, at)
        newest = islice(reversed(self._slices), SLICES_PER_HOUR)
        seen = [one for one in newest if window.start <= one.start < window.end][::-1]
        return Snapshot(
            service=self._service,
            window=window,
            taken_at=at,
            traffic=_traffic(seen),
            cache=_cache(seen, self._assumed),
            ttl=TtlSetting(self._assumed.ttl_seconds, 0, None, None),
            deployment=NOT_IN_HISTORY,
            spend=self._spend(at),
            history=self._history(at),
            cache_day=cache_day(self._slices, at),
            cost_change=self._cost_change,
        )

    def _spend(self, at: datetime) -> Spend | NoData:
        month = self._months(at)
        parts = tuple(ServiceSpend(name, NOT_IN_HISTORY if usd is None else usd) for name, usd in month.parts.items())
        known = [usd for usd in month.parts.values() if usd is not None]
        if not known:
            return NOT_IN_HISTORY
        whole = sum(known) if len(known) == len(parts) else NOT_IN_HISTORY
        return Spend(whole, True, self._assumed.budget_usd, at, parts, forecast_usd=month.forecast_usd)

    def _history(self, at: datetime) -> HourlyHistory | NoData:
        end = _number(at)
        hours = [self._hours.get(number, _UNKNOWN) for number in range(end - HISTORY_HOURS, end)]
        requests, costs, errors = zip(*hours, strict=True)
        if not any(count is not None for count in requests):
            return NOT_IN_HISTORY
        return HourlyHistory(at - HISTORY_HOURS * HOUR, requests, costs, errors)


def _number(hour: datetime) -> int:
    return round(hour.timestamp()) // 3600


class _Hour(NamedTuple):
    """None where too few of its slices are known."""

    requests: int | None = None
    cost_usd: float | None = None
    errors_5xx: int | None = None


_UNKNOWN = _Hour()


def _traffic(seen: Sequence[Observation]) -> Traffic | NoData:
    slices = tuple(
        RequestSlice(one.start, one.requests - one.errors_5xx - fourth, fourth, one.errors_5xx)
        for one in seen
        if one.requests is not None and one.errors_5xx is not None
        for fourth in (min(one.errors_4xx or 0, one.requests - one.errors_5xx),)
    )
    return Traffic(slices, _latency(seen), NOT_IN_HISTORY, NOT_IN_HISTORY) if slices else NOT_IN_HISTORY


def _latency(seen: Sequence[Observation]) -> LatencyDistribution | NoData:
    spread = _Spread()
    for one in seen:
        if one.requests and one.p50_ms is not None and one.p95_ms is not None and one.p99_ms is not None:
            p50, p95, p99 = one.p50_ms, max(one.p50_ms, one.p95_ms), max(one.p50_ms, one.p95_ms, one.p99_ms)
            for low, high, share in zip((0.0, p50, p95, p99), (p50, p95, p99, 1.5 * p99), SHARES, strict=True):
                spread.lay(low, high, share * one.requests)
    whole = tuple(round(count) for count in spread.counts())
    return LatencyDistribution(EDGES_MS, whole) if sum(whole) else NOT_IN_HISTORY


class _Spread:
    """Requests laid over the buckets: what lies at the ends of a span, and how much a millisecond has between them."""

    def __init__(self) -> None:
        self._ends = [0.0] * (len(EDGES_MS) + 1)
        self._steps = [0.0] * (len(EDGES_MS) + 1)

    def lay(self, low: float, high: float, amount: float) -> None:
        """Lay `amount` evenly over [low, high)."""
        first, last = bisect_right(EDGES_MS, low), bisect_left(EDGES_MS, high)
        if high <= low or first == last:
            self._ends[first] += amount
            return
        per_ms = amount / (high - low)
        self._ends[first] += per_ms * (EDGES_MS[first] - low)
        self._ends[last] += per_ms * (high - EDGES_MS[last - 1])
        self._steps[first + 1] += per_ms
        self._steps[last] -= per_ms

    def counts(self) -> Iterator[float]:
        """By bucket."""
        between = (density * width for density, width in zip(accumulate(self._steps), _WIDTHS_MS, strict=True))
        return map(add, self._ends, between)


#: Nothing is laid through the first bucket and the last one, which has no end.
_WIDTHS_MS = (0.0, *(after - before for before, after in pairwise(EDGES_MS)), 0.0)


def _cache(seen: Sequence[Observation], assumed: Assumptions) -> CacheStats | NoData:
    known = [(one.hits, one.misses, one.evictions or 0) for one in seen if one.lookups is not None]
    memory = [one.memory_mb for one in seen if one.memory_mb is not None]
    if not known or not memory:
        return NOT_IN_HISTORY
    return CacheStats(
        seconds=len(known) * SLICE.total_seconds(),
        hits=sum(hits or 0 for hits, _, _ in known),
        misses=sum(misses or 0 for _, misses, _ in known),
        evictions=sum(evictions for _, _, evictions in known),
        used_mb=memory[-1],
        max_mb=_limit(memory[-1], assumed.cache_mb),
        p95_ms=NOT_IN_HISTORY,
        p95_source="",
    )


def _limit(used_mb: float, cache_mb: float) -> float | NoData:
    """The assumed limit, until the history contradicts it."""
    if used_mb <= cache_mb:
        return cache_mb
    return NoData(*with_remedy("backtest.cache_larger", used_mb=used_mb, cache_mb=cache_mb))


def _whole(values: Iterable[float | None]) -> int | None:
    total = _total(values)
    return None if total is None else round(total)


def _total(values: Iterable[float | None]) -> float | None:
    """An hour is known when three quarters of its slices are; the others are taken to be alike."""
    known = [value for value in values if value is not None]
    return sum(known) * SLICES_PER_HOUR / len(known) if len(known) >= LEAST_SLICES else None


#: A day for the newest revision, and a day before it.
LOOK_BACK = timedelta(days=2)


class ReleasesSeen:
    """The releases of one service. Fed with each slice's counts, in order; `allowed`: share of requests that may fail.

    A revision's name does not tell what it was made after: they are in the order in which they first served.
    """

    def __init__(self, allowed: float) -> None:
        self._allowed = allowed
        self._counts: deque[tuple[RevisionCount, ...]] = deque(maxlen=round(LOOK_BACK / SLICE))
        #: So many of the newest slices have not been looked through for healthy hours.
        self._unjudged = 0
        #: Which came when: 0 is the oldest; and when each was first seen, oldest first.
        self._order: dict[str, int] = {}
        self._first_seen: dict[str, datetime] = {}
        #: When each revision was last seen within the objective.
        self._healthy: dict[str, datetime] = {}
        #: After a rollback the traffic is pinned, until people release anew.
        self._pinned: str | None = None

    def add(self, counts: tuple[RevisionCount, ...]) -> None:
        """A slice without measurements has no counts."""
        self._counts.append(counts)
        for one in counts:
            self._order.setdefault(one.revision, len(self._order))
            self._first_seen.setdefault(one.revision, one.start)
        if self._pinned is not None and any(self._is_newer(one.revision, self._pinned) for one in counts):
            self._pinned = None
        self._unjudged += 1
        if self._unjudged + SLICES_PER_HOUR > LOOK_BACK / SLICE:
            self._judge()

    @property
    def served_since(self) -> Sequence[datetime]:
        """The first sight of each revision, but for the one that served at the beginning."""
        return list(self._first_seen.values())[1:]

    def _judge(self) -> None:
        """Look for each revision's newest healthy hour, from the newest slice back: one is mostly found at once."""
        kept = list(self._counts)
        first = max(0, len(kept) - self._unjudged)
        wanted = {one.revision for slice in kept[max(0, first - SLICES_PER_HOUR) :] for one in slice if one.revision}
        for end in range(len(kept), first, -1):
            if not wanted:
                break
            hour = (one for slice in kept[max(0, end - SLICES_PER_HOUR) : end] for one in slice)
            found = {name: at for name, at in healthy(hour, self._allowed).items() if name in wanted}
            self._healthy |= found
            wanted -= found.keys()
        self._unjudged = 0

    def pinned_to(self, revision: str) -> None:
        """Traffic was sent back to `revision`."""
        self._pinned = revision

    def is_fresh(self, at: datetime) -> bool:
        """Whether what serves came so lately that it may be blamed."""
        newest = self._counts[-1] if self._counts else ()
        return any(at - self._first_seen[one.revision] < BLAMED_FOR for one in newest)

    def facts(self, page: Alert, end: datetime) -> RollbackFacts | None:
        """The facts that a rollback is judged on, from slices up to `end`; None without any."""
        counts = [one for slice in self._counts for one in slice]
        if not counts:
            return None
        self._judge()
        serving = counts[-1].revision
        found = evidence(counts, serving, self._allowed, Window(end - LOOK_BACK, end))
        good = {name: at for name, at in self._healthy.items() if self._is_newer(serving, name)}
        return RollbackFacts(
            page=page,
            newest=found.newest,
            newest_took_traffic_at=found.took_traffic_at,
            previous=found.previous,
            within_slo_before=found.within_slo_before,
            good_revision=max(good, key=lambda name: good[name]) if good else None,
            allowed=True,
            data_complete=complete(counts, serving, end),
            pinned=self._pinned,
            onset=found.onset,
            beside=found.beside,
        )

    def _is_newer(self, revision: str, than: str) -> bool:
        return self._order[revision] > self._order[than]
