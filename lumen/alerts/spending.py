"""Cost anomalies of closed days, and a return of the cache that is too low (ROI_Degradation).

Costs are compared over eight weeks, so they are a fold of days, not of slices: live the days come from the store, in a
back-test from the slices, in the same order. The return is judged over a day's hits: a cache is paid for by the month,
and of a small service every night would be told (docs/methods.md, Alerts).
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from lumen.alerts.budget import DayCost
from lumen.alerts.evidence import Breach, RecentCounts
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import Alert, AlertEvent, AlertKind, Severity
from lumen.model.history import SLICES_A_DAY
from lumen.model.messages import message

WEEKS = 8
LEAST_DAYS = 14
SHIFT_OVER = 5
#: After so many days in a row it is no anomaly but the new level.
NEW_LEVEL_DAYS = 4
Z_LIMIT = 3.5
MORE_BY = 0.25
MORE_USD = 10.0
MAD_TO_SD = 1.4826
#: What is usual is itself known from few days only.
UNSURE = 1.6
#: Days are never more alike than this, however quiet the last weeks were.
LEAST_SPREAD = 0.04


@dataclass(frozen=True, slots=True)
class CostAnomaly:
    """A day that cost too much. `usual_usd`: the cost of this day of the week, moved by the recent shift."""

    day: date
    cost_usd: float
    usual_usd: float


class DailyCosts:
    """Fed with closed days in order; a flagged day is not learnt from, unless it turns out to be the new level."""

    def __init__(self) -> None:
        self._days: deque[tuple[date, float]] = deque(maxlen=7 * WEEKS)
        self._flagged: list[tuple[date, float]] = []

    def add(self, day: date, cost_usd: float) -> CostAnomaly | None:
        """Log cost against the median of the same weekday plus the recent shift: MAD z > 3.5, > 25 % and > $10."""
        log_cost = math.log(max(cost_usd, 0.01))
        found = self._judged(day, cost_usd, log_cost)
        if found is None:
            self._days.append((day, log_cost))
            self._flagged.clear()
            return None
        self._flagged.append((day, log_cost))
        if len(self._flagged) >= NEW_LEVEL_DAYS:
            self._days.extend(self._flagged)
            self._flagged.clear()
        return found

    def _judged(self, day: date, cost_usd: float, log_cost: float) -> CostAnomaly | None:
        same = [value for when, value in self._days if when.weekday() == day.weekday()]
        if len(self._days) < LEAST_DAYS or len(same) < 2:
            return None
        residuals = self._residuals()
        shift = median(residuals[-SHIFT_OVER:])
        spread = max(LEAST_SPREAD, UNSURE * MAD_TO_SD * median(map(abs, _without_shifts(residuals))))
        usual = median(same) + shift
        usual_usd = math.exp(usual)
        far = (log_cost - usual) / spread > Z_LIMIT
        if far and cost_usd > (1 + MORE_BY) * usual_usd and cost_usd - usual_usd > MORE_USD:
            return CostAnomaly(day, cost_usd, usual_usd)
        return None

    def _residuals(self) -> list[float]:
        """Each day against the median of its weekday."""
        medians = {
            weekday: median(values)
            for weekday in range(7)
            if (values := [value for when, value in self._days if when.weekday() == weekday])
        }
        return [value - medians[when.weekday()] for when, value in self._days]


def _without_shifts(residuals: list[float]) -> list[float]:
    """Each day against the days around it: growth and changes of level are no scatter."""
    return [
        residual - median(residuals[max(0, index - SHIFT_OVER) : index] + residuals[index + 1 : index + SHIFT_OVER + 1])
        for index, residual in enumerate(residuals)
    ]


class SpendingAlerts:
    """Cost alerts of one service. All times are ends of days, so it does not matter when a day is fed."""

    def __init__(self, service: str) -> None:
        self._days = DailyCosts()
        self._cost = Lifecycle(service, AlertKind.COST)

    def open_alerts(self) -> tuple[Alert, ...]:
        """All that is open now."""
        return () if self._cost.open is None else (self._cost.open,)

    def closed(self, day: DayCost) -> Iterator[AlertEvent]:
        """Each day once, in order, when it is over. A day of which too little is known neither opens nor closes."""
        whole_usd = day.whole_usd
        if whole_usd is None:
            return
        found = self._anomaly(day, whole_usd)
        event = self._cost.step(day.end, found) if found else self._cost.close(day.end, message("alert.cost_normal"))
        if event is not None:
            yield event

    def _anomaly(self, day: DayCost, whole_usd: float) -> Breach | None:
        found = self._days.add(day.date, whole_usd)
        if found is None:
            return None
        reason = message(
            "alert.cost_high",
            day=found.day.isoformat(),
            cost_usd=found.cost_usd,
            usual_usd=found.usual_usd,
            more=found.cost_usd / found.usual_usd - 1,
        )
        return Breach(Severity.TICKET, SLICES_A_DAY, reason)


DAYS_PER_MONTH = 30
#: It must hold for so many slices.
SLICES = 3
#: An open alert closes only above the limit by a tenth: a return that hovers at it is told once.
CLOSES_ABOVE = 1.1


class ReturnAlert:
    """`limit` is a ratio (3.0 is 300 %); prices in USD, the cache's for a month.

    The return is that of the hits of `over` known slices, and of seven times as many where the service slept in them:
    before so many nothing is said.
    """

    def __init__(
        self, service: str, limit: float, api_cost_per_call_usd: float, cache_cost_usd: float, over: int = SLICES_A_DAY
    ) -> None:
        self._limit = limit
        self._per_call_usd = api_cost_per_call_usd
        self._cache_cost_usd = cache_cost_usd
        self._over = over
        self._known = 0
        self._hits_and_asleep = RecentCounts(7 * over)
        self._low = 0
        self.lifecycle = Lifecycle(service, AlertKind.ROI)

    def step(self, end: datetime, hits: int, *, is_asleep: bool = False) -> AlertEvent | None:
        """After a slice whose hits are known; one that is asleep counts, and neither opens nor closes anything."""
        self._hits_and_asleep.add(hits, int(is_asleep))
        self._known += 1
        over = 7 * self._over if self._hits_and_asleep.last(7 * self._over)[1] else self._over
        if is_asleep or self._known < over or self._cache_cost_usd <= 0:
            return None
        savings = self._hits_and_asleep.last(over)[0] / over * SLICES_A_DAY * DAYS_PER_MONTH * self._per_call_usd
        roi = (savings - self._cache_cost_usd) / self._cache_cost_usd
        is_open = self.lifecycle.open is not None
        self._low = self._low + 1 if roi < (CLOSES_ABOVE * self._limit if is_open else self._limit) else 0
        if self._low < (1 if is_open else SLICES):
            return self.lifecycle.step(end, None)
        reason = message("alert.roi_low", limit=self._limit, hours=round(over / 12), roi=roi)
        return self.lifecycle.step(end, Breach(Severity.TICKET, SLICES, reason))
