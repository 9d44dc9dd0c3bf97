"""Cost alerts, of days: closed days of one service that stand out (methods, Cost).

They remember eight weeks, so they are a fold of days, not of slices: live the days come from the store, which keeps
them longer than their slices, in a back-test from the slices themselves. Both feed the same days in the same order.
"""

from collections.abc import Iterator

from lumen.alerts.budget import DayCost
from lumen.alerts.cost_anomaly import DailyCosts
from lumen.alerts.finding import Finding
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import Alert, AlertEvent, AlertKind, Severity
from lumen.model.day import SLICES_A_DAY
from lumen.model.message import message


class SpendingAlerts:
    """Every time in it is that of a day's end, so it does not matter when a day is fed."""

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

    def _anomaly(self, day: DayCost, whole_usd: float) -> Finding | None:
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
        return Finding(Severity.TICKET, SLICES_A_DAY, reason)
