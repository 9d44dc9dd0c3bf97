"""Cost anomalies of closed days, and a return of the cache that is too low (ROI_Degradation).

Costs are compared over eight weeks, so they are a fold of days, not of slices: live the days come from the store, in a
back-test from the slices, in the same order. The return is judged over a day's hits: a cache is paid for by the month,
and of a small service every night would be told (docs/methods.md, Alerts).
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

import numpy as np

from lumen.alerts.evidence import MAD_TO_SD, Breach, RecentCounts, with_estimate
from lumen.alerts.lifecycle import Lifecycle, some
from lumen.alerts.stretch import UNKNOWN, Stretch, first_of
from lumen.alerts.usual_days import LEAST_MONTHS, LEAST_USD, DaySum, charge_months, weekday_factors
from lumen.model.alert import Alert, AlertEvent, AlertKind, Observation, Severity
from lumen.model.day_cost import Amount, DayCost, UsualCosts
from lumen.model.history import SLICES_A_DAY
from lumen.model.messages import message

WEEKS = 8
LEAST_DAYS = 14
#: The level is the highest of the medians of so many days: a dip is not believed for weeks, so its end is no news.
LEVEL_DAYS = (7, 28, 56)
NEIGHBOURS = 5
#: After so many days in a row it is no anomaly but the new level.
NEW_LEVEL_DAYS = 4
HALF = 0.5
#: A charge of every month is as much within 30 %.
ALIKE = math.log(1.3)
#: As long as the store keeps days: three months, for what is charged once a month.
KEPT_DAYS = 100
Z_LIMIT = 3.5
MORE_BY = 0.25
MORE_USD = 10.0
#: What is usual is itself known from few days only.
UNSURE = 1.8
#: Days are never more alike than this, however quiet the last weeks were.
LEAST_SPREAD = 0.07


@dataclass(frozen=True, slots=True)
class CostAnomaly:
    """A day that cost too much. `usual_usd`: the cost of this day of the week at the present level."""

    day: date
    cost_usd: float
    usual_usd: float


class DailyCosts:
    """Fed with closed days in order; a flagged day is not learnt from, unless it turns out to be the new level."""

    def __init__(self) -> None:
        self._days: deque[DaySum] = deque(maxlen=7 * WEEKS)
        #: Days that stood out, told or not: what they cost, and how far above usual that was (log).
        self._dear: deque[DaySum] = deque(maxlen=KEPT_DAYS)
        self._far: deque[DaySum] = deque(maxlen=KEPT_DAYS)
        #: The flagged days in a row up to the last one, and how far above usual they were.
        self._flagged: list[DaySum] = []
        self._above: list[float] = []
        #: Whether the last run of flagged days was taken for the new level.
        self.has_moved = False

    @property
    def lasts(self) -> bool:
        """Whether the newest day was flagged, or nearly as dear as the flagged one before it."""
        return bool(self._flagged)

    def add(self, day: date, cost_usd: float, least_usd: float | None = None) -> CostAnomaly | None:
        """Log cost against weekday and level: MAD z > 3.5, > 25 % and > $10, and no charge that comes every month.

        `least_usd`, where a part is estimated, must be as far above. Half as far does not end what was flagged before.
        """
        log_cost = math.log(max(cost_usd, LEAST_USD))
        usual = self._usual(day)
        is_far = usual is not None and usual.is_passed(cost_usd if least_usd is None else least_usd)
        if usual is None or not (is_far or (self._flagged and usual.is_passed(cost_usd, HALF))):
            self._days.append((day, log_cost))
            self._end()
            return None
        above = log_cost - usual.log_usd
        if is_far and self._is_charge(day, log_cost, above):
            return None
        self.has_moved = False
        self._flagged.append((day, log_cost))
        self._above.append(above)
        if len(self._flagged) >= NEW_LEVEL_DAYS:
            self._move()
        return CostAnomaly(day, cost_usd, math.exp(usual.log_usd)) if is_far else None

    def _is_charge(self, day: date, log_cost: float, above: float) -> bool:
        """Whether as much, or as many times what is usual, came at this day of two of the last three months."""
        months = max(charge_months(self._dear, day, log_cost - ALIKE), charge_months(self._far, day, above - ALIKE))
        self._dear.append((day, log_cost))
        self._far.append((day, above))
        return months >= LEAST_MONTHS

    def _move(self) -> None:
        """Take the flagged days for the new level: all earlier days move to it, so no weekday keeps the old one."""
        gap = median(self._above)
        moved = [(day, value + gap) for day, value in self._days]
        self._days.clear()
        self._days.extend([*moved, *self._flagged])
        self.has_moved = True
        self._end()

    def _end(self) -> None:
        self._flagged.clear()
        self._above.clear()

    def _usual(self, day: date) -> "_Usual | None":
        """None while too little is known."""
        same = sum(when.weekday() == day.weekday() for when, _ in self._days)
        if len(self._days) < LEAST_DAYS or same < 2:
            return None
        days = list(self._days)
        factors = weekday_factors(days)
        plain = [value - factors[when.weekday()] for when, value in days]
        level = max(median(plain[-count:]) for count in LEVEL_DAYS)
        spread = max(LEAST_SPREAD, UNSURE * MAD_TO_SD * median(map(abs, _without_shifts(plain))))
        return _Usual(level + factors[day.weekday()], spread)


@dataclass(frozen=True, slots=True)
class _Usual:
    """The usual cost of a day (log) and how far days scatter around it."""

    log_usd: float
    spread: float

    def is_passed(self, cost_usd: float, share: float = 1.0) -> bool:
        """By all that a dear day is known by, or `share` of it."""
        usual_usd = math.exp(self.log_usd)
        far = math.log(max(cost_usd, LEAST_USD)) - self.log_usd > share * Z_LIMIT * self.spread
        return far and cost_usd > (1 + share * MORE_BY) * usual_usd and cost_usd - usual_usd > share * MORE_USD


def _without_shifts(plain: Sequence[float]) -> list[float]:
    """Each day against the days around it: growth and changes of level are no scatter."""
    return [
        value - median([*plain[max(0, index - NEIGHBOURS) : index], *plain[index + 1 : index + NEIGHBOURS + 1]])
        for index, value in enumerate(plain)
    ]


class SpendingAlerts:
    """Cost alerts of one service. All times are ends of days, so it does not matter when a day is fed."""

    def __init__(self, service: str) -> None:
        self._days = DailyCosts()
        self._usual = UsualCosts()
        self._cost = Lifecycle(service, AlertKind.COST)

    def open_alerts(self) -> tuple[Alert, ...]:
        """All that is open now."""
        return () if self._cost.open is None else (self._cost.open,)

    def closed(self, day: DayCost) -> Iterator[AlertEvent]:
        """Each day once, in order, when it is over. A day of which too little is known neither opens nor closes."""
        amount = self._usual.filled(day)
        self._usual.learn(day)
        if not day.is_whole:
            return
        found = self._anomaly(day, amount)
        if found is not None:
            yield from some(self._cost.step(day.end, found))
        elif not self._days.lasts:
            why = "alert.cost_new_level" if self._days.has_moved else "alert.cost_normal"
            yield from some(self._cost.close(day.end, message(why)))

    def _anomaly(self, day: DayCost, amount: Amount) -> Breach | None:
        found = self._days.add(day.date, amount.usd, amount.low_usd)
        if found is None:
            return None
        reason = message(
            "alert.cost_high",
            day=found.day.isoformat(),
            cost_usd=found.cost_usd,
            usual_usd=found.usual_usd,
            more=found.cost_usd / found.usual_usd - 1,
        )
        return Breach(Severity.TICKET, SLICES_A_DAY, with_estimate(reason, amount))


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

    def judge(self, seen: Observation, end: datetime) -> AlertEvent | None:
        """After each slice."""
        if seen.hits is None or seen.lookups is None:
            return None
        return self.step(end, seen.hits, is_asleep=seen.requests == 0)

    def pass_calm(self, stretch: Stretch, since: int, until: int) -> int:
        """Learn slices that tell nothing; how many from `since` on."""
        rows = since + np.flatnonzero(stretch.hits[since:until] != UNKNOWN)
        hits, asleep = stretch.hits[rows], stretch.requests[rows] == 0
        _, slept = self._hits_and_asleep.ahead(hits, asleep.astype(np.int64), 7 * self._over)
        over = np.where(slept > 0, 7 * self._over, self._over)
        of_day, of_week = (self._hits_and_asleep.ahead(hits, hits, times * self._over)[0] for times in (1, 7))
        judged = ~asleep & (self._known + 1 + np.arange(len(rows)) >= over) & (self._cache_cost_usd > 0)
        savings = np.where(slept > 0, of_week, of_day) / over * SLICES_A_DAY * DAYS_PER_MONTH * self._per_call_usd
        low = judged & ((savings - self._cache_cost_usd) / (self._cache_cost_usd or 1.0) < self._limit)
        calm = first_of(low)
        self._hits_and_asleep.extend(hits[:calm], asleep[:calm].astype(np.int64))
        self._known += calm
        told = rows[:calm][judged[:calm]]
        if len(told):
            self._low = 0
            self.lifecycle.step(stretch.slices[told[-1]].end, None)
        return (until if calm == len(rows) else int(rows[calm])) - since

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
