"""What is remembered of the time before a turn: the sums of the days, the trends of the week, the turn before."""

from collections.abc import Sequence
from dataclasses import dataclass

from lumen.alerts.traffic import SLICES, TrafficLevel
from lumen.effects.trends import WEEK, hours_of_the_week, trends_of
from lumen.exporters.budgets import budget_window
from lumen.exporters.moves import before, moves
from lumen.model.assessment import Assessment, Before, ScoreMove
from lumen.model.cache_day import cache_day_of
from lumen.model.day import Day
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.snapshot import CacheDay, Snapshot
from lumen.model.trend import MetricTrend
from lumen.model.turn import Turn
from lumen.ports.days import Days
from lumen.ports.numerics import Numerics
from lumen.ports.state import Turns
from lumen.ports.watching import Alerts

#: And as many again that people asked for.
TURNS_OF_A_DAY = 48


@dataclass(frozen=True, slots=True)
class Past:
    """As it stands when a turn is made. `low_traffic`: why percentages say little now; None where they do.
    `cache_day`: None where too little of the day is known."""

    days: Sequence[Day]
    cache_day: CacheDay | None
    low_traffic: Message | None
    trends: tuple[MetricTrend, ...] | NoData
    before: Turn | None

    def moves_to(self, assessment: Assessment) -> tuple[ScoreMove, ...]:
        """What moved the scores since the turn before; nothing on the first one."""
        return () if self.before is None else moves(self.before.assessment, self.before.started_at, assessment)

    def found_before(self) -> Before | None:
        """What else the turn before found."""
        return None if self.before is None else before(self.before.assessment, self.before.started_at)


class Hindsight:
    """Only reads. Arithmetic is done in the numerics worker."""

    def __init__(self, alerts: Alerts, days: Days, turns: Turns, numerics: Numerics) -> None:
        self._alerts = alerts
        self._days = days
        self._turns = turns
        self._numerics = numerics

    async def of(self, snapshot: Snapshot) -> Past:
        """Raises StoreUnavailable."""
        service, now = snapshot.service, snapshot.taken_at
        observations = await self._alerts.observations(service, now - WEEK)
        level = TrafficLevel()
        for one in observations[-SLICES:]:
            level.add(one.requests)
        trends: tuple[MetricTrend, ...] | NoData
        try:
            trends = await self._numerics.run(trends_of, hours_of_the_week(observations, snapshot.window.end))
        except ImportError:
            trends = NoData(message("trend.no_numerics"), message("trend.no_numerics_remedy"))
        before = await self._turns.latest(service, TURNS_OF_A_DAY)
        return Past(
            await self._days.days(service, budget_window(now)),
            cache_day_of((snapshot, *(turn.snapshot for turn in before))),
            level.low(),
            trends,
            before[0] if before else None,
        )
