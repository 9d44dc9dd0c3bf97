"""Alerts on the month's budget: 80, 90 and 100 % of it spent, and before that a forecast above it.

The budget is the project's, so the sum of all services counts. Of each it is what is known, so at least so much: a gap
raises no alert. The forecast takes the rest of the month for days like the last seven, is judged once a day, when a day
is over, and only while every service's cost is known. It gives way to the first threshold: one alert of the budget is
open at a time.

Where Google has billed the month, the thresholds go by the bill, and the forecast by the estimated days, scaled to it.
Fed with slices in a back-test (`ProjectSlices`), with the stored days by the running watch (`of_days`).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from lumen.alerts.evidence import Breach
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import Alert, AlertEvent, AlertKind, Observation, Severity
from lumen.model.billing import Billed
from lumen.model.history import SLICES_A_DAY, Day
from lumen.model.messages import Message, message
from lumen.model.snapshot import SLICE

THRESHOLDS = (1.0, 0.9, 0.8)
#: A day with fewer known slices than this is no day to forecast from.
LEAST_SLICES = 260
#: Below this share of known slices a service's month is not known (the month's sum of hours goes by the same).
LEAST_COVERAGE = 0.8
#: A whole week, so that a weekend is neither forgotten nor taken for the month.
FORECAST_FROM_DAYS = 7
#: Above the budget on so many days in a row: one dear day is no trend.
DAYS_IN_A_ROW = 2
#: An open forecast closes only below this share of the budget.
CLOSES_BELOW = 0.95


@dataclass(frozen=True, slots=True)
class DayCost:
    """A UTC day of one service: its cost so far, over `known` slices of five minutes."""

    date: date
    known: int
    usd: float

    @property
    def whole_usd(self) -> float | None:
        """With what a few lost slices would have cost, taken from the rest; None where too many are lost."""
        return self.usd * SLICES_A_DAY / self.known if self.known >= LEAST_SLICES else None

    @property
    def end(self) -> datetime:
        """The midnight after it."""
        return end_of(self.date)


def end_of(day: date) -> datetime:
    """The midnight after it."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True)
class ServiceMonth:
    """One service's month so far: over `known` of the `slices` that have gone by since its cost was first known."""

    usd: float = 0.0
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
        self._closed: Mapping[str, ServiceMonth] = {}
        self._begun: set[str] = set()
        self._told = 0.0
        self._days: deque[float] = deque(maxlen=FORECAST_FROM_DAYS)
        self._above = 0
        self.spent = Lifecycle(service, AlertKind.BUDGET)
        self.forecast = Lifecycle(service, AlertKind.BUDGET, "forecast", clear_slices=1)

    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are open."""
        return tuple(one.open for one in (self.spent, self.forecast) if one.open is not None)

    def so_far(self, today: date, parts: Mapping[str, DayCost], at: datetime) -> Iterator[AlertEvent]:
        """Judge the running day of every service, any number of times; `at`: when its newest slice ended."""
        if self._usd <= 0:
            return
        yield from self._new_month(today, at)
        if self._is_billed(today):
            return
        months = self.months(today, parts, at)
        yield from self._crossed(today, at, _sum(months), self._reason(months))

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
            yield from _some(one.close(at, message("alert.budget_next")))
        mark = f"{today:%Y-%m}:{crossed * 100:.0f}"
        yield from _some(self.spent.step(at, Breach(Severity.TICKET, 1, reason), mark=mark))

    def closed(self, day: date, parts: Mapping[str, DayCost]) -> Iterator[AlertEvent]:
        """Add a day that is over: each once, in order; every service is in `parts`, known or not."""
        end = end_of(day)
        if self._usd <= 0:
            return
        yield from self.so_far(day, parts, end)
        self._closed = self.months(day, parts, end)
        self._begun |= {name for name, part in parts.items() if part.known}
        whole = [part.whole_usd for name, part in parts.items() if name in self._begun]
        known = [usd for usd in whole if usd is not None]
        if known and len(known) == len(whole):
            self._days.append(sum(known))
        yield from self._forecast(day)

    def months(self, today: date, parts: Mapping[str, DayCost], at: datetime) -> Mapping[str, ServiceMonth]:
        """Each service's month so far; on the day on which one begins nothing is missing before its first slice."""
        elapsed = round((at - (end_of(today) - timedelta(days=1))) / SLICE)
        found: dict[str, ServiceMonth] = {}
        for name, part in parts.items():
            before = self._closed.get(name, ServiceMonth())
            slices = max(elapsed, part.known) if name in self._begun else part.known
            found[name] = ServiceMonth(before.usd + part.usd, before.known + part.known, before.slices + slices)
        return found

    def _reason(self, months: Mapping[str, ServiceMonth]) -> Message:
        """The sum of one service, of several with each one's part, or of those that are known."""
        spent_usd = _sum(months)
        figures = {"share": spent_usd / self._usd, "budget_usd": self._usd, "spent_usd": spent_usd}
        if len(months) == 1:
            return message("alert.budget", **figures)
        parts = ", ".join(f"{name} ${month.usd:.2f}" for name, month in months.items() if month.is_known)
        unknown = ", ".join(name for name, month in months.items() if not month.is_known)
        if unknown:
            return message("alert.budget_at_least", **figures, parts=parts, services=unknown)
        return message("alert.budget_of_all", **figures, parts=parts)

    def _forecast(self, day: date) -> Iterator[AlertEvent]:
        if self.billed is not None and self._is_billed(day):
            is_known = self.billed.is_fresh
        else:
            is_known = all(month.is_known for month in self._closed.values())
        if len(self._days) < FORECAST_FROM_DAYS or self._told or not is_known:
            return
        spent_usd = _sum(self._closed)
        last = (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        typical = sum(self._days) / len(self._days)
        end_usd = spent_usd + (last - day).days * typical
        is_open = self.forecast.open is not None
        limit = CLOSES_BELOW * self._usd if is_open else self._usd
        self._above = self._above + 1 if end_usd > limit else 0
        at, finding = end_of(day), None
        if (is_open and end_usd > limit) or self._above >= DAYS_IN_A_ROW:
            reason = message(
                "alert.budget_forecast",
                forecast_usd=end_usd,
                budget_usd=self._usd,
                spent_usd=spent_usd,
                share=end_usd / self._usd,
            )
            finding = Breach(Severity.TICKET, 1, reason)
        if finding is None:
            yield from _some(self.forecast.close(at, message("alert.budget_forecast_over", forecast_usd=end_usd)))
        else:
            yield from _some(self.forecast.step(at, finding, mark=f"{day:%Y-%m}"))

    def _new_month(self, of: date, at: datetime) -> Iterator[AlertEvent]:
        if (of.year, of.month) == self._month:
            return
        self._month = (of.year, of.month)
        self._closed, self._told, self._above = {}, 0.0, 0
        for one in (self.spent, self.forecast):
            yield from _some(one.close(at, message("alert.budget_new_month")))


def _sum(months: Mapping[str, ServiceMonth]) -> float:
    return sum(month.usd for month in months.values())


def _some(event: AlertEvent | None) -> Iterator[AlertEvent]:
    if event is not None:
        yield event


class ProjectSlices:
    """`services`: all of them; the alerts are the first one's. Slices come in order of time, whosever they are."""

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
        if of != self._date:
            if self._parts:
                yield from self._budget.closed(self._date, self._parts)
            self._date, self._parts = of, {name: DayCost(of, 0, 0.0) for name in self._services}
        for service, seen in each.items():
            if seen.cost_usd is not None:
                part = self._parts[service]
                self._parts[service] = DayCost(of, part.known + 1, part.usd + seen.cost_usd)
        yield from self._budget.so_far(of, self._parts, end)

    def months(self, at: datetime) -> Mapping[str, float | None]:
        """Each service's cost in the month of `at`, None where too little is known; empty before it begins."""
        if (self._date.year, self._date.month) != (at.year, at.month):
            return {}
        months = self._budget.months(self._date, self._parts, at)
        return {name: month.usd if month.is_known else None for name, month in months.items()}

    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are open."""
        return self._budget.open_alerts()


def of_days(
    service: str, usd: float, days: Mapping[str, Sequence[Day]], at: datetime, billed: Billed | None = None
) -> tuple[MonthlyBudget, Sequence[AlertEvent]]:
    """Fold all stored days; the newest one is not over at `at`. A day without a look is 0 known.

    Folded anew each time: another service's day may still grow after midnight, when a replica was late.
    """
    by_date: dict[date, dict[str, Day]] = {}
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


def _counted(billed: Billed | None, days: Mapping[str, Sequence[Day]], at: datetime) -> tuple[Billed | None, float]:
    """The bill, where it counts, and its ratio to the estimate.

    A bill of long ago is the least that the month costs now, so it counts while the estimate is still below it.
    """
    newest = at - SLICE
    month = (newest.year, newest.month)
    estimate_usd = sum(
        day.cost_usd for kept in days.values() for day in kept if (day.date.year, day.date.month) == month
    )
    if billed is None or (billed.as_of.year, billed.as_of.month) != month:
        return None, 1.0
    if not billed.is_fresh and estimate_usd >= billed.usd:
        return None, 1.0
    return billed, billed.usd / estimate_usd if estimate_usd > 0 else 1.0


def _cost(of: date, day: Day | None, scale: float) -> DayCost:
    return DayCost(of, 0, 0.0) if day is None else DayCost(of, day.cost_slices, day.cost_usd * scale)
