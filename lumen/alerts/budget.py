"""The month's budget: 80, 90 and 100 % of it spent, and before that a month that will end above it.

What is spent is what is known of it, so it is at least so much: a gap raises no alert. The forecast takes the rest of
the month for days like the last seven, is judged once a day, when a day is over, and gives way to the first threshold:
one alert of the budget is open at a time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from lumen.alerts.finding import Finding
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import AlertEvent, AlertKind, Severity
from lumen.model.message import message

THRESHOLDS = (1.0, 0.9, 0.8)
SLICES_A_DAY = 288
#: A day with fewer known slices than this is no day to forecast from.
LEAST_SLICES = 260
#: A whole week, so that a weekend is neither forgotten nor taken for the month.
FORECAST_FROM_DAYS = 7
#: Above the budget on so many days in a row: one dear day is no trend.
DAYS_IN_A_ROW = 2
#: An open forecast closes only below this share of the budget.
CLOSES_BELOW = 0.95


@dataclass(frozen=True, slots=True)
class DayCost:
    """A UTC day: its cost so far, over `known` slices of five minutes."""

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
        return datetime.combine(self.date + timedelta(days=1), time(), UTC)


class MonthlyBudget:
    """`usd` a month; 0: none. Ids tell the month and the threshold, so they are the same whenever it is noticed."""

    def __init__(self, service: str, usd: float) -> None:
        self._usd = usd
        self._month = (0, 0)
        self._closed_usd = 0.0
        self._told = 0.0
        self._days: deque[float] = deque(maxlen=FORECAST_FROM_DAYS)
        self._above = 0
        self.spent = Lifecycle(service, AlertKind.BUDGET)
        self.forecast = Lifecycle(service, AlertKind.BUDGET, "forecast", clear_slices=1)

    def so_far(self, today: DayCost, at: datetime) -> Iterator[AlertEvent]:
        """The running day, as often as one likes; `at` is when its newest slice ended."""
        yield from self._new_month(today.date, at)
        spent_usd = self._closed_usd + today.usd
        share = spent_usd / self._usd if self._usd > 0 else 0.0
        crossed = next((one for one in THRESHOLDS if share >= one), 0.0)
        if crossed <= self._told:
            return
        self._told = crossed
        for one in (self.spent, self.forecast):
            yield from _some(one.close(at, message("alert.budget_next")))
        reason = message("alert.budget", share=share, budget_usd=self._usd, spent_usd=spent_usd)
        mark = f"{today.date:%Y-%m}:{crossed * 100:.0f}"
        yield from _some(self.spent.step(at, Finding(Severity.TICKET, 1, reason), mark=mark))

    def closed(self, day: DayCost) -> Iterator[AlertEvent]:
        """Each day once, in order, when it is over."""
        yield from self.so_far(day, day.end)
        self._closed_usd += day.usd
        if day.whole_usd is not None:
            self._days.append(day.whole_usd)
        yield from self._forecast(day)

    def _forecast(self, day: DayCost) -> Iterator[AlertEvent]:
        if self._usd <= 0 or len(self._days) < FORECAST_FROM_DAYS or self._told:
            return
        last = (day.date.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        typical = sum(self._days) / len(self._days)
        end_usd = self._closed_usd + (last - day.date).days * typical
        is_open = self.forecast.open is not None
        limit = CLOSES_BELOW * self._usd if is_open else self._usd
        self._above = self._above + 1 if end_usd > limit else 0
        finding = None
        if (is_open and end_usd > limit) or self._above >= DAYS_IN_A_ROW:
            reason = message(
                "alert.budget_forecast",
                forecast_usd=end_usd,
                budget_usd=self._usd,
                spent_usd=self._closed_usd,
                share=end_usd / self._usd,
            )
            finding = Finding(Severity.TICKET, 1, reason)
        if finding is None:
            yield from _some(self.forecast.close(day.end, message("alert.budget_forecast_over", forecast_usd=end_usd)))
        else:
            yield from _some(self.forecast.step(day.end, finding, mark=f"{day.date:%Y-%m}"))

    def _new_month(self, of: date, at: datetime) -> Iterator[AlertEvent]:
        if (of.year, of.month) == self._month:
            return
        self._month = (of.year, of.month)
        self._closed_usd, self._told, self._above = 0.0, 0.0, 0
        for one in (self.spent, self.forecast):
            yield from _some(one.close(at, message("alert.budget_new_month")))


def _some(event: AlertEvent | None) -> Iterator[AlertEvent]:
    if event is not None:
        yield event
