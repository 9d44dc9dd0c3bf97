"""Alerts on the month's budget: 80, 90 and 100 % of it spent, and before that a forecast above it.

The budget is the project's, so the sum of all services counts. What is missing costs what is usual then
(`model/day_cost.py`): the sum is told with its interval, and its lower end is what reaches a threshold, so a gap raises
no alert. The forecast takes the rest of the month for usual days (`usual_days.py`), is judged once a day, when a day is
over, and only while every service's cost is known. It gives way to the first threshold: one alert of the budget is open
at a time.

Where Google has billed the month, the thresholds go by the bill, and the forecast by the estimated days, scaled to it.
Fed with slices in a back-test (`ProjectSlices`), with the stored days by the running watch (`of_days`).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from lumen.alerts.evidence import Breach, with_estimate
from lumen.alerts.lifecycle import Lifecycle, some
from lumen.alerts.usual_days import DaySum, left_of_month, rest_of_month
from lumen.model.alert import Alert, AlertEvent, AlertKind, Observation, Severity
from lumen.model.billing import Billed
from lumen.model.day_cost import Amount, DayCost, UsualCosts, end_of, exactly, sum_of
from lumen.model.history import Day, DayOfCost
from lumen.model.messages import Message, message
from lumen.model.snapshot import SLICE

THRESHOLDS = (1.0, 0.9, 0.8)
#: Below this share of known slices a service's month is not known (the month's sum of hours goes by the same).
LEAST_COVERAGE = 0.8
#: A whole week, so that a weekend is neither forgotten nor taken for the month.
FORECAST_FROM_DAYS = 7
#: As long as the store keeps days.
KEPT_DAYS = 100
#: Above the budget on so many days in a row: one dear day is no trend.
DAYS_IN_A_ROW = 2
#: An open forecast closes only below this share of the budget.
CLOSES_BELOW = 0.95


NOTHING = exactly(0.0)


@dataclass(frozen=True, slots=True)
class ServiceMonth:
    """One service's month so far: `known` of the `slices` that have gone by since its cost was first known."""

    amount: Amount = NOTHING
    known: int = 0
    slices: int = 0

    @property
    def is_known(self) -> bool:
        return self.slices > 0 and self.known >= LEAST_COVERAGE * self.slices


class MonthlyBudget:
    """`usd` a month; 0: none. Ids tell the month and the threshold, so they are the same whenever it is noticed.

    `service` is whose alerts they are: the first one that is watched, for all of them. `billed`: what Google says of
    the month of `billed.as_of`, which goes before what the days of that month come to.
    """

    def __init__(self, service: str, usd: float, billed: Billed | None = None) -> None:
        self._usd = usd
        self.billed = billed
        self._month = (0, 0)
        #: Each service's month up to the last day that is over.
        self.closed_months: Mapping[str, ServiceMonth] = {}
        self._begun: set[str] = set()
        self._told = 0.0
        self._days: deque[DaySum] = deque(maxlen=KEPT_DAYS)
        self._usual: dict[str, UsualCosts] = {}
        self._above = 0
        self._running: tuple[date, Mapping[str, DayCost], datetime] | None = None
        self._rest = (date.min, 0.0, 0.0)
        self.spent = Lifecycle(service, AlertKind.BUDGET)
        self.forecast = Lifecycle(service, AlertKind.BUDGET, "forecast", clear_slices=1)

    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are open."""
        return tuple(one.open for one in (self.spent, self.forecast) if one.open is not None)

    def so_far(self, today: date, parts: Mapping[str, DayCost], at: datetime) -> Iterator[AlertEvent]:
        """Judge the running day of every service, any number of times; `at`: when its newest slice ended."""
        yield from self._new_month(today, at)
        self._running = (today, parts, at)
        if self._usd <= 0 or self._is_billed(today) or (self.spent.open is None and not self._may_cross(parts)):
            return
        months = self.months(today, parts, at)
        yield from self._crossed(today, at, _sum(months).low_usd, self._reason(months))

    def _may_cross(self, parts: Mapping[str, DayCost]) -> bool:
        """Whether a threshold is near. What is missing of the running day costs no more than what is known of it."""
        spent_usd = sum(month.amount.usd for month in self.closed_months.values())
        spent_usd += 2 * sum(part.usd for part in parts.values())
        return any(one > self._told and spent_usd >= one * self._usd for one in THRESHOLDS)

    def so_far_billed(self, today: date, at: datetime) -> Iterator[AlertEvent]:
        """Judge the bill after the last day, where there is one of this month."""
        if self._usd > 0 and self.billed is not None and self._is_billed(today):
            spent_usd = self.billed.usd
            figures = {"share": spent_usd / self._usd, "budget_usd": self._usd, "spent_usd": spent_usd}
            reason = message("alert.budget_billed", **figures, as_of_at=self.billed.as_of.isoformat())
            yield from self._crossed(today, at, spent_usd, reason)

    def _is_billed(self, day: date) -> bool:
        of = self.billed.as_of.date() if self.billed is not None else date.min
        return (of.year, of.month) == (day.year, day.month)

    def _crossed(self, today: date, at: datetime, spent_usd: float, reason: Message) -> Iterator[AlertEvent]:
        share = spent_usd / self._usd
        crossed = next((one for one in THRESHOLDS if share >= one), 0.0)
        if crossed <= self._told:
            self.spent.refresh(at, reason)
            return
        self._told = crossed
        for one in (self.spent, self.forecast):
            yield from some(one.close(at, message("alert.budget_next")))
        mark = f"{today:%Y-%m}:{crossed * 100:.0f}"
        yield from some(self.spent.step(at, Breach(Severity.TICKET, 1, reason), mark=mark))

    def closed(self, day: date, parts: Mapping[str, DayCost]) -> Iterator[AlertEvent]:
        """Add a day that is over: each once, in order; every service is in `parts`, known or not."""
        end = end_of(day)
        yield from self.so_far(day, parts, end)
        self.closed_months = self.months(day, parts, end)
        self._begun |= {name for name, part in parts.items() if part.known}
        begun = {name: part for name, part in parts.items() if name in self._begun}
        if begun and all(part.is_whole for part in begun.values()):
            self._days.append((day, sum(self._of(name).filled(part).usd for name, part in begun.items())))
        for name, part in begun.items():
            self._of(name).learn(part)
        yield from self._forecast(day)

    def _of(self, name: str) -> UsualCosts:
        return self._usual.setdefault(name, UsualCosts())

    def months(self, today: date, parts: Mapping[str, DayCost], at: datetime) -> Mapping[str, ServiceMonth]:
        """Each service's month so far; on the day on which one begins nothing is missing before its first slice."""
        elapsed = round((at - (end_of(today) - timedelta(days=1))) / SLICE)
        found: dict[str, ServiceMonth] = {}
        for name, part in parts.items():
            before = self.closed_months.get(name, ServiceMonth())
            slices = max(elapsed, part.known) if name in self._begun else part.known
            amount = sum_of((before.amount, self._of(name).filled(part, slices)))
            found[name] = ServiceMonth(amount, before.known + part.known, before.slices + slices)
        return found

    def forecast_usd(self) -> float | None:
        """The month's end as it looks while the running day runs; None while it is not known."""
        if self._running is None or not self._is_forecast(self._running[0]):
            return None
        today, parts, at = self._running
        if self._rest[0] != today:
            coming = left_of_month(today)
            self._rest = (today, rest_of_month(list(self._days), coming), rest_of_month(list(self._days), coming[1:]))
        _, with_today, after = self._rest
        spent = _sum(self.months(today, parts, at)).usd
        return max(_sum(self.closed_months).usd + with_today, spent + after)

    def _is_forecast(self, day: date) -> bool:
        """Whether enough is known to tell the end of the month of `day`."""
        if self.billed is not None and self._is_billed(day):
            is_known = self.billed.is_fresh
        else:
            is_known = all(month.is_known for month in self.closed_months.values())
        return is_known and len(self._days) >= FORECAST_FROM_DAYS

    def _reason(self, months: Mapping[str, ServiceMonth]) -> Message:
        """The sum of one service, of several with each one's part, or of those that are known."""
        amount = _sum(months)
        figures = {"share": amount.usd / self._usd, "budget_usd": self._usd, "spent_usd": amount.usd}
        if len(months) == 1:
            return with_estimate(message("alert.budget", **figures), amount)
        parts = ", ".join(f"{name} ${month.amount.usd:.2f}" for name, month in months.items() if month.is_known)
        unknown = ", ".join(name for name, month in months.items() if not month.is_known)
        if unknown:
            return with_estimate(message("alert.budget_at_least", **figures, parts=parts, services=unknown), amount)
        return with_estimate(message("alert.budget_of_all", **figures, parts=parts), amount)

    def _forecast(self, day: date) -> Iterator[AlertEvent]:
        if self._usd <= 0 or self._told or not self._is_forecast(day):
            return
        spent = _sum(self.closed_months)
        end_usd = spent.usd + rest_of_month(list(self._days), left_of_month(day)[1:])
        is_open = self.forecast.open is not None
        limit = CLOSES_BELOW * self._usd if is_open else self._usd
        self._above = self._above + 1 if end_usd > limit else 0
        at = end_of(day)
        if (is_open and end_usd > limit) or self._above >= DAYS_IN_A_ROW:
            figures = {"forecast_usd": end_usd, "budget_usd": self._usd, "share": end_usd / self._usd}
            reason = with_estimate(message("alert.budget_forecast", **figures, spent_usd=spent.usd), spent)
            yield from some(self.forecast.step(at, Breach(Severity.TICKET, 1, reason), mark=f"{day:%Y-%m}"))
        else:
            yield from some(self.forecast.close(at, message("alert.budget_forecast_over", forecast_usd=end_usd)))

    def _new_month(self, of: date, at: datetime) -> Iterator[AlertEvent]:
        if (of.year, of.month) == self._month:
            return
        self._month = (of.year, of.month)
        self.closed_months, self._told, self._above = {}, 0.0, 0
        for one in (self.spent, self.forecast):
            yield from some(one.close(at, message("alert.budget_new_month")))


def _sum(months: Mapping[str, ServiceMonth]) -> Amount:
    """Of a month that is not known what is certain."""
    return sum_of(month.amount if month.is_known else exactly(month.amount.low_usd) for month in months.values())


@dataclass(frozen=True, slots=True)
class MonthSoFar:
    """Each service's cost in a month so far, None where too little is known; and the end of it, where that is known."""

    parts: Mapping[str, float | None] = field(default_factory=dict)
    forecast_usd: float | None = None


class ProjectSlices:
    """`services`: all of them; the alerts are the first one's. Slices come in order of time, whosever they are.

    Of no service nothing is judged.
    """

    def __init__(self, services: Sequence[str], budget_usd: float) -> None:
        self._services = services
        self._budget = MonthlyBudget(next(iter(services), ""), budget_usd)
        self._date = date.min
        self._parts: dict[str, DayCost] = {}

    def feed(self, service: str, seen: Observation, end: datetime) -> Iterator[AlertEvent]:
        """Add a slice, which is looked at at `end`."""
        yield from self.feed_all({service: seen}, seen.start.date(), end)

    def feed_all(self, each: Mapping[str, Observation], of: date, end: datetime) -> Iterator[AlertEvent]:
        """Add the same slice of several services, and judge it once; `of`: its day."""
        if not self._services:
            return
        if of != self._date:
            if self._parts:
                yield from self._budget.closed(self._date, self._parts)
            self._date, self._parts = of, {name: DayCost(of, 0, 0.0) for name in self._services}
        for service, seen in each.items():
            if seen.cost_usd is not None:
                self._parts[service] = self._parts[service].plus(seen.start, seen.cost_usd)
        yield from self._budget.so_far(of, self._parts, end)

    def months(self, at: datetime) -> MonthSoFar:
        """The month of `at`; empty before it begins."""
        if (self._date.year, self._date.month) != (at.year, at.month):
            return MonthSoFar()
        months = self._budget.months(self._date, self._parts, at)
        parts = {name: month.amount.usd if month.is_known else None for name, month in months.items()}
        return MonthSoFar(parts, self._budget.forecast_usd())

    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are open."""
        return self._budget.open_alerts()


def of_days(
    service: str, usd: float, days: Mapping[str, Sequence[Day | DayOfCost]], at: datetime, billed: Billed | None = None
) -> tuple[MonthlyBudget, Sequence[AlertEvent]]:
    """Fold all stored days; the newest one is not over at `at`. A day without a look is 0 known.

    Folded anew each time: another service's day may still grow after midnight, when a replica was late.
    """
    by_date: dict[date, dict[str, Day | DayOfCost]] = {}
    for name, kept in days.items():
        for day in kept:
            by_date.setdefault(day.date, {})[name] = day
    ordered = sorted(by_date)
    counted, scale = _counted(billed, days, at)
    budget = MonthlyBudget(service, usd, counted)
    events: list[AlertEvent] = []
    for of in ordered:
        parts = {name: _cost(of, by_date[of].get(name), scale) for name in days}
        events += budget.closed(of, parts) if of < ordered[-1] else budget.so_far(of, parts, at)
    if ordered:
        events += budget.so_far_billed(ordered[-1], at)
    return budget, events


def _counted(
    billed: Billed | None, days: Mapping[str, Sequence[Day | DayOfCost]], at: datetime
) -> tuple[Billed | None, float]:
    """The bill, where it counts, and its ratio to the estimate.

    A bill of long ago is the least that the month costs now, so it counts while the estimate is still below it.
    """
    newest = at - SLICE
    month = (newest.year, newest.month)
    if billed is None or (billed.as_of.year, billed.as_of.month) != month:
        return None, 1.0
    estimate_usd = sum(_month(kept, *month) for kept in days.values())
    if not billed.is_fresh and estimate_usd >= billed.usd:
        return None, 1.0
    return billed, billed.usd / estimate_usd if estimate_usd > 0 else 1.0


def _month(days: Sequence[Day | DayOfCost], year: int, month: int) -> float:
    """A service's cost in that month, with what is missing."""
    usual, total = UsualCosts(), 0.0
    for day in days:
        if (day.date.year, day.date.month) == (year, month):
            total += usual.filled(day.cost, day.slices).usd
        usual.learn(day.cost)
    return total


def _cost(of: date, day: Day | DayOfCost | None, scale: float) -> DayCost:
    return DayCost(of, 0, 0.0) if day is None else day.cost.times(scale)
