"""ROI_Degradation: the return of the cache below 300 % for a quarter of an hour (mission 9), over a day's hits.

A cache is paid for by the month and earns by the hour. What a quarter of an hour saves says more about the hour than
about the money: of a small service every night would be told (docs/methods.md, Alerts).
"""

from collections import deque
from datetime import datetime

from lumen.alerts.finding import Finding
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import AlertEvent, AlertKind, Severity
from lumen.model.message import message

#: The hits of so many known slices, a whole day, are its return; before that nothing is said.
DAY_SLICES = 288
DAYS_PER_MONTH = 30
#: It must hold for so many slices.
SLICES = 3
#: An open alert closes only above the limit by a tenth: a return that hovers at it is told once.
CLOSES_ABOVE = 1.1


class ReturnAlert:
    """`limit` is a ratio (3.0 is 300 %); prices in USD, the cache's for a month. `over`: how many slices are judged."""

    def __init__(
        self, service: str, limit: float, api_cost_per_call_usd: float, cache_cost_usd: float, over: int = DAY_SLICES
    ) -> None:
        self._limit = limit
        self._per_call_usd = api_cost_per_call_usd
        self._cache_cost_usd = cache_cost_usd
        self._over = over
        self._newest: deque[int] = deque(maxlen=over)
        self._hits = 0
        self._low = 0
        self.lifecycle = Lifecycle(service, AlertKind.ROI)

    def step(self, end: datetime, hits: int) -> AlertEvent | None:
        """After a slice whose hits are known."""
        if len(self._newest) == self._over:
            self._hits -= self._newest[0]
        self._newest.append(hits)
        self._hits += hits
        if len(self._newest) < self._over or self._cache_cost_usd <= 0:
            return None
        savings = self._hits / self._over * DAY_SLICES * DAYS_PER_MONTH * self._per_call_usd
        roi = (savings - self._cache_cost_usd) / self._cache_cost_usd
        is_open = self.lifecycle.open is not None
        self._low = self._low + 1 if roi < (CLOSES_ABOVE * self._limit if is_open else self._limit) else 0
        if self._low < (1 if is_open else SLICES):
            return self.lifecycle.step(end, None)
        reason = message("alert.roi_low", limit=self._limit, hours=round(self._over / 12), roi=roi)
        return self.lifecycle.step(end, Finding(Severity.TICKET, SLICES, reason))
