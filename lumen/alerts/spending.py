"""Cost alerts: closed days that stand out, and the budget's thresholds (80, 90 and 100 %)."""

from collections.abc import Iterator
from datetime import date, datetime

from lumen.alerts.cost_anomaly import DailyCosts
from lumen.alerts.finding import Finding
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import AlertEvent, AlertKind, Severity
from lumen.model.message import message

THRESHOLDS = (1.0, 0.9, 0.8)
SLICES_PER_DAY = 288
#: A day with fewer known slices than this is no closed day.
LEAST_SLICES = 260


class SpendingAlerts:
    """Fed with the cost of each slice; `budget_usd` a month."""

    def __init__(self, service: str, budget_usd: float) -> None:
        self._budget_usd = budget_usd
        self._days = DailyCosts()
        self._day: date | None = None
        self._known = 0
        self._day_usd = 0.0
        self._month_usd = 0.0
        self._told = 0.0
        self.cost = Lifecycle(service, AlertKind.COST, clear_slices=1)
        self.budget = Lifecycle(service, AlertKind.BUDGET)

    def step(self, start: datetime, end: datetime, cost_usd: float | None) -> Iterator[AlertEvent]:
        """After each slice; a slice without data makes its day incomplete."""
        if self._day is not None and start.date() != self._day:
            yield from self._close_day(start)
        self._day = start.date()
        if cost_usd is None:
            return
        self._known += 1
        self._day_usd += cost_usd
        self._month_usd += cost_usd
        yield from self._over_budget(end)

    def _close_day(self, now: datetime) -> Iterator[AlertEvent]:
        assert self._day is not None
        if self._known >= LEAST_SLICES:
            # What a few lost points would have cost is taken from the rest of the day.
            found = self._days.add(self._day, self._day_usd * SLICES_PER_DAY / self._known)
            finding = None
            if found is not None:
                more = found.cost_usd / found.usual_usd - 1
                reason = message(
                    "alert.cost_high",
                    day=found.day.isoformat(),
                    cost_usd=found.cost_usd,
                    usual_usd=found.usual_usd,
                    more=more,
                )
                finding = Finding(Severity.TICKET, SLICES_PER_DAY, reason)
            event = self.cost.step(now, finding)
            if event is not None:
                yield event
        if now.month != self._day.month:
            self._month_usd, self._told = 0.0, 0.0
            event = self.budget.close(now, message("alert.budget_new_month"))
            if event is not None:
                yield event
        self._known, self._day_usd = 0, 0.0

    def _over_budget(self, end: datetime) -> Iterator[AlertEvent]:
        if self._budget_usd <= 0:
            return
        share = self._month_usd / self._budget_usd
        crossed = next((t for t in THRESHOLDS if share >= t), 0.0)
        if crossed <= self._told:
            return
        self._told = crossed
        closed = self.budget.close(end, message("alert.budget_next"))
        if closed is not None:
            yield closed
        reason = message("alert.budget", share=share, budget_usd=self._budget_usd, spent_usd=self._month_usd)
        event = self.budget.step(end, Finding(Severity.TICKET, 1, reason))
        if event is not None:
            yield event
