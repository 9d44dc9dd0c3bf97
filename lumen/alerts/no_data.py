"""Alerts on missing data, a state of its own: after three misses, never good or bad."""

from datetime import datetime

from lumen.alerts.evidence import Breach
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import AlertEvent, AlertKind, Severity
from lumen.model.messages import message

MISSES = 3
#: Costs are judged by the day.
COST_MISSES = 36


class NoDataAlert:
    """One signal of one service. A signal that never came is not configured, and is not missed."""

    def __init__(self, service: str, signal: str, misses: int = MISSES) -> None:
        self._enough = misses
        self._signal = signal
        self._seen = False
        self._missing_since: datetime | None = None
        self._misses = 0
        self.lifecycle = Lifecycle(service, AlertKind.NO_DATA, signal, clear_slices=1)

    @property
    def is_missed(self) -> bool:
        """Whether it came once and is missing now."""
        return self._missing_since is not None

    def step(self, start: datetime, end: datetime, *, present: bool) -> AlertEvent | None:
        """After each slice."""
        if present:
            self._seen, self._missing_since, self._misses = True, None, 0
            return self.lifecycle.close(end, message("alert.data_back"))
        if not self._seen:
            return None
        self._missing_since = self._missing_since or start
        self._misses += 1
        if self._misses < self._enough or self.lifecycle.open is not None:
            return None
        reason = message("alert.no_data", signal=self._signal, since_at=self._missing_since.isoformat())
        return self.lifecycle.step(end, Breach(Severity.NOTICE, self._enough, reason))
