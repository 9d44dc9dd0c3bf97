"""What a turn knows of the time before it: slices, the sums of days, and earlier turns. Only reads.

What stays as it is between two turns of a service is worked out once a process; a mark of the store tells whether it
has.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import takewhile

from lumen.alerts.budget import of_days
from lumen.alerts.burn_rate import TrafficLevel
from lumen.alerts.lookups import KeptCounts, SliceCounts, counts_of, doubted
from lumen.effects.trends import CORRECTED, KeptHours, Readings, hours_of_the_week, kept_of, trends_of, week_before
from lumen.exporters.error_budgets import budget_window
from lumen.exporters.score_moves import before, moves
from lumen.model.assessment import Assessment, Before, ScoreMove
from lumen.model.billing import Billed
from lumen.model.day_cost import whole_days
from lumen.model.history import DAY, SLICES_A_DAY, Day, DayOfCost, cache_day_of, day_of
from lumen.model.messages import Message, NoData, with_remedy
from lumen.model.past_turn import PastSnapshot, PastTurn
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, CacheDay, CacheStats, Snapshot, Spend
from lumen.model.turn import Turn
from lumen.model.week import MetricTrend
from lumen.policies.ttl import cost_change
from lumen.ports.clock import Numerics
from lumen.ports.incidents import Alerts, Extent
from lumen.ports.store import Days, Turns

#: Three days, and as many again as people may have asked for.
TURNS_BACK = 100
#: Of slices: two days tell how many lookups are usual.
KEPT_SLICES = 2 * SLICES_A_DAY


@dataclass(frozen=True, slots=True)
class Past:
    """The time before a turn. `cache`: as it was read, where it fits the requests; `spend` with the month's end.

    `low_traffic`: why percentages say little now; None where they do. `cache_day`: None where too little of the day is
    known.
    """

    days: Sequence[Day]
    cache: CacheStats | NoData
    cache_day: CacheDay | None
    spend: Spend | NoData
    cost_change: float | None
    low_traffic: Message | None
    trends: tuple[MetricTrend, ...] | NoData
    #: Of the last days, the newest first.
    turns: Sequence[PastTurn]
    #: The turn before this one; None on the first.
    before: Turn | None

    def moves_to(self, assessment: Assessment) -> tuple[ScoreMove, ...]:
        """The parts that moved the scores since the turn before; none on the first one."""
        return () if self.before is None else moves(self.before.assessment, self.before.started_at, assessment)

    def found_before(self) -> Before | None:
        """Health, return, rhythm and cache of the turn before."""
        return None if self.before is None else before(self.before.assessment, self.before.started_at)


@dataclass(frozen=True, slots=True)
class _Month:
    """Of a project's services at the end of a window, on a day. `forecast_usd` without `spend` is not known."""

    end: datetime
    today: date
    is_spent: bool
    #: How far the cost of each has risen.
    changes: Mapping[ServiceId, float | None]
    forecast_usd: float | None

    def serves(self, snapshot: Snapshot) -> bool:
        """Whether nothing else would come of reading the days anew."""
        is_now = (self.end, self.today) == (snapshot.window.end, day_of(snapshot.taken_at))
        return is_now and snapshot.service in self.changes and (self.is_spent or not _is_spent(snapshot.spend))

    def with_forecast(self, spend: Spend | NoData) -> Spend | NoData:
        """`spend` with the month's end, where it tells of the month so far."""
        if isinstance(spend, NoData) or not _is_spent(spend):
            return spend
        return replace(spend, forecast_usd=self.forecast_usd)


def _is_spent(spend: Spend | NoData) -> bool:
    return not isinstance(spend, NoData) and not isinstance(spend.month_to_date_usd, NoData)


def _month_of(costs: Mapping[ServiceId, Sequence[DayOfCost]], snapshot: Snapshot) -> _Month:
    """By the days of all services of its project."""
    end, today, spend, forecast_usd = snapshot.window.end, day_of(snapshot.taken_at), snapshot.spend, None
    if isinstance(spend, Spend) and not isinstance(spend.month_to_date_usd, NoData):
        bill = None if spend.is_estimate else Billed(spend.month_to_date_usd, spend.as_of)
        of_each = {service.key: days for service, days in costs.items()}
        month, _ = of_days(snapshot.service.key, 0.0, of_each, end, bill)  # without a budget nothing is judged
        forecast_usd = month.forecast_usd()
    changes = {
        service: cost_change(whole_days(day.cost for day in days if day.date < today), today)
        for service, days in costs.items()
    }
    return _Month(end, today, _is_spent(spend), changes, forecast_usd)


def _of_the_day(snapshot: Snapshot, turns: Sequence[PastTurn]) -> Iterator[PastSnapshot]:
    """Those of the 24 hours before the end of its window; `turns` newest first."""
    since = snapshot.window.end - DAY
    return takewhile(lambda one: one.window.end > since, (turn.snapshot for turn in turns))


@dataclass(frozen=True, slots=True)
class _KeptWeek:
    """What a process keeps of a service's week: it is true of slices that are stored as they were at `extent`."""

    extent: Extent
    hours: KeptHours
    counts: KeptCounts


def _still(kept: _KeptWeek | None, extent: Extent, start: datetime) -> _KeptWeek | None:
    """As much of it as is true now, for a week that begins at `start`. Corrections reach back two days at most."""
    if kept is None or kept.extent.newest is None or extent.newest is None:
        return None
    if kept.extent.epoch != extent.epoch or extent.newest < kept.extent.newest:
        return None  # the store has been restored from a copy of before
    if kept.extent.corrections != extent.corrections:
        kept = replace(kept, hours=kept.hours.before(kept.extent.newest - CORRECTED))
    return kept if kept.hours.start <= start < kept.hours.end else None


@dataclass(frozen=True, slots=True)
class TurnHistory:
    """Only reads. Arithmetic is done in the numerics worker."""

    alerts: Alerts
    days: Days
    turns: Turns
    numerics: Numerics
    #: All services that are watched: the month is of all of them.
    watched: Sequence[ServiceId] = ()
    _months: dict[str, _Month] = field(default_factory=dict, init=False)
    _weeks: dict[ServiceId, _KeptWeek] = field(default_factory=dict, init=False)
    _adding_up: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def of(self, snapshot: Snapshot) -> Past:
        """Raises StoreUnavailable."""
        service, now = snapshot.service, snapshot.taken_at
        slices, week = await self._week(service, snapshot.window.end)
        level = TrafficLevel()
        for one in slices[-SLICES_A_DAY:]:
            level.add(one.requests)
        trends: tuple[MetricTrend, ...] | NoData
        try:
            trends = await self.numerics.run(trends_of, week)
        except ImportError:
            trends = NoData(*with_remedy("trend.no_numerics"))
        past = await self.turns.past(service, TURNS_BACK)
        cache = doubted(snapshot.cache, snapshot.traffic, slices, snapshot.window.start)
        days, month = await self.days.days(service, budget_window(now)), await self._month(snapshot)
        return Past(
            days,
            cache,
            cache_day_of((replace(snapshot, cache=cache), *_of_the_day(snapshot, past.turns))),
            month.with_forecast(snapshot.spend),
            month.changes[service],
            level.low(),
            trends,
            past.turns,
            past.newest,
        )

    async def _week(self, service: ServiceId, end: datetime) -> tuple[Sequence[SliceCounts], Sequence[Readings]]:
        """The slices of two days, and the hours of the week. Those that stay as they are are read once."""
        start, extent = week_before(end), await self.alerts.extent(service)
        kept = _still(self._weeks.get(service), extent, start)
        since = start if kept is None else kept.hours.end
        observations = await self.alerts.observations(service, since - SLICE)
        week = hours_of_the_week(observations, end, None if kept is None else kept.hours)
        slices = [*(() if kept is None else kept.counts.before(since)), *map(counts_of, observations)][-KEPT_SLICES:]
        counts = KeptCounts.of(slices)
        if counts is not None and extent.newest is not None:
            self._weeks[service] = _KeptWeek(extent, kept_of(week, start, extent.newest + SLICE), counts)
        return slices, week

    async def _month(self, snapshot: Snapshot) -> _Month:
        """Worked out once for all services of the project, beside the loop: the days of a fleet are many."""
        service = snapshot.service
        async with self._adding_up:
            known = self._months.get(service.project)
            if known is None or not known.serves(snapshot):
                mates = [one for one in self.watched if one.project == service.project] or [service]
                costs = await self.days.costs_of(mates)
                known = self._months[service.project] = await asyncio.to_thread(_month_of, costs, snapshot)
            return known
