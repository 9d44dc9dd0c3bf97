"""The month's budget of all services, fed with their slices (a back-test) or with their days (the running watch)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from lumen.alerts.budget import DayCost, MonthlyBudget
from lumen.alerts.observation import Observation
from lumen.model.alert import Alert, AlertEvent
from lumen.model.billed import Billed
from lumen.model.day import Day
from lumen.model.snapshot import SLICE


class ProjectSlices:
    """`services`: all of them; the alerts are the first one's. Slices come in order of time, whosever they are."""

    def __init__(self, services: Sequence[str], budget_usd: float) -> None:
        self._services = services
        self._budget = MonthlyBudget(next(iter(services), ""), budget_usd)
        self._date = date.min
        self._parts: dict[str, DayCost] = {}

    def feed(self, service: str, seen: Observation, end: datetime) -> Iterator[AlertEvent]:
        """`end`: when it is looked at."""
        of = seen.start.date()
        if of != self._date:
            if self._parts:
                yield from self._budget.closed(self._date, self._parts)
            self._date, self._parts = of, {name: DayCost(of, 0, 0.0) for name in self._services}
        if seen.cost_usd is not None:
            part = self._parts[service]
            self._parts[service] = DayCost(of, part.known + 1, part.usd + seen.cost_usd)
        yield from self._budget.so_far(of, self._parts, end)

    def months(self, at: datetime) -> Mapping[str, float | None]:
        """What each service has cost in the month of `at`, None where too little is known; empty before it begins."""
        if (self._date.year, self._date.month) != (at.year, at.month):
            return {}
        months = self._budget.months(self._date, self._parts, at)
        return {name: month.usd if month.is_known else None for name, month in months.items()}

    def open_alerts(self) -> tuple[Alert, ...]:
        """What is open now."""
        return self._budget.open_alerts()


def of_days(
    service: str, usd: float, days: Mapping[str, Sequence[Day]], at: datetime, billed: Billed | None = None
) -> tuple[MonthlyBudget, Sequence[AlertEvent]]:
    """All that is stored, from the first day on; the newest day is not over at `at`. A day without a look is 0 known.

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
    """What Google says, where it counts, and how many times the estimate that is.

    What it said long ago is at least what it is now, so it counts while the estimate is still below it.
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
