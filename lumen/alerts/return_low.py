"""ROI_Degradation: the return of the cache below 300 % for a quarter of an hour (mission 9)."""

from collections import deque
from datetime import datetime

from lumen.alerts.finding import Finding
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import AlertEvent, AlertKind, Severity
from lumen.model.message import message

SLICES = 3
SLICES_PER_MONTH = 30 * 288
#: An open alert closes only above the limit by a tenth: a return that hovers at it is told once.
CLOSES_ABOVE = 1.1


class ReturnAlert:
    """`limit` is a ratio (3.0 is 300 %); prices in USD, the cache's for a month."""

    def __init__(self, service: str, limit: float, api_cost_per_call_usd: float, cache_cost_usd: float) -> None:
        self._limit = limit
        self._per_call_usd = api_cost_per_call_usd
        self._cache_cost_usd = cache_cost_usd
        self._hits: deque[int] = deque(maxlen=SLICES)
        self.lifecycle = Lifecycle(service, AlertKind.ROI)

    def step(self, end: datetime, hits: int) -> AlertEvent | None:
        """After a slice whose hits are known."""
        self._hits.append(hits)
        if len(self._hits) < SLICES or self._cache_cost_usd <= 0:
            return None
        savings = sum(self._hits) / SLICES * SLICES_PER_MONTH * self._per_call_usd
        roi = (savings - self._cache_cost_usd) / self._cache_cost_usd
        finding = None
        limit = self._limit if self.lifecycle.open is None else CLOSES_ABOVE * self._limit
        if roi < limit:
            reason = message("alert.roi_low", limit=self._limit, minutes=SLICES * 5, roi=roi)
            finding = Finding(Severity.TICKET, SLICES, reason)
        return self.lifecycle.step(end, finding)
