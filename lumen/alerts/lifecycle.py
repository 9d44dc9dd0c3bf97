"""The lifecycle of an alert: opens at once, is raised to a page at most once, closes after thirty clear minutes.

Also its grouping: alerts that open together are one incident, and one message; and whether it is silenced.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from lumen.alerts.evidence import Breach
from lumen.model.alert import Alert, AlertChange, AlertEvent, AlertKind, Severity
from lumen.model.incident import Silence, in_force, silence_over
from lumen.model.messages import Message, message

CLEAR_SLICES = 6


class Lifecycle:
    """One kind of alert of one service. `clear_slices`: how many slices without a breach close it."""

    def __init__(self, service: str, kind: AlertKind, signal: str = "", clear_slices: int = CLEAR_SLICES) -> None:
        self._service = service
        self._kind = kind
        self._signal = signal
        self._clear_slices = clear_slices
        self._clear = 0
        self._reach = 0
        self._judged_at: datetime | None = None
        self.open: Alert | None = None

    @property
    def open_slices(self) -> int:
        """Slices back to the first error of the open alert, from the newest."""
        return self._reach

    def step(
        self,
        at: datetime,
        finding: Breach | None,
        is_quiet: Callable[[int], bool] = lambda _: True,
        mark: str = "",
    ) -> AlertEvent | None:
        """Advance by the slice that ends `at`. `is_quiet` may hold it open: it gets the number of clear slices so far.

        `mark` tells it from others of its kind, where the moment in which it is noticed does not.
        """
        self._judged_at = at
        if self.open is None:
            return self._opened(at, finding, mark or at.isoformat()) if finding else None
        self._reach += 1
        if finding is not None:
            self._clear = 0
            return self._raised(at, finding)
        self._clear += 1
        left = self._clear_slices - self._clear
        if left <= 0 and is_quiet(self._clear):
            return self.close(at, message("alert.recovered", minutes=self._clear * 5))
        waits = message("alert.waits_clear", minutes=left * 5) if left > 0 else message("alert.waits_quiet")
        self.open = replace(self.open, clear_at=at, waits=waits)
        return None

    def pass_over(self, at: datetime) -> None:
        """Unless the slice that ends `at` was judged, what is open waits for one that can be."""
        if self._judged_at != at:
            self.cannot_tell()

    def cannot_tell(self) -> None:
        """The newest slice leaves open whether it is over, and what is open says so."""
        if self.open is not None:
            self.open = replace(self.open, waits=message("alert.waits_unknown"))

    def close(self, at: datetime, why: Message) -> AlertEvent | None:
        """Close it for a reason of its own; None when none is open."""
        if self.open is None:
            return None
        closed = replace(self.open, closed_at=at, close_reason=why, waits=None)
        self.open = None
        return AlertEvent(AlertChange.CLOSED, closed)

    def open_for(self, at: datetime) -> timedelta:
        return timedelta(0) if self.open is None else at - self.open.opened_at

    def _opened(self, at: datetime, finding: Breach, mark: str) -> AlertEvent:
        self._clear, self._reach = 0, finding.slices
        name = ":".join(part for part in (self._service, self._kind, self._signal, mark) if part)
        self.open = Alert(name, self._service, self._kind, self._signal, finding.severity, at, finding.reason)
        return AlertEvent(AlertChange.OPENED, self.open)

    def refresh(self, at: datetime, reason: Message) -> None:
        """Let an open alert tell the figures of the look that ends `at`."""
        if self.open is not None:
            self.open = replace(self.open, reason=reason, looked_at=at, clear_at=None, waits=None)

    def _raised(self, at: datetime, finding: Breach) -> AlertEvent | None:
        assert self.open is not None
        self.refresh(at, finding.reason)
        if finding.severity is not Severity.PAGE or self.open.severity is Severity.PAGE:
            return None
        self.open = replace(self.open, severity=Severity.PAGE)
        return AlertEvent(AlertChange.RAISED, self.open)


def some(event: AlertEvent | None) -> Iterator[AlertEvent]:
    """The event, where there is one."""
    if event is not None:
        yield event


#: Alerts of one service that open this close together tell of one incident.
TOGETHER = timedelta(minutes=30)


def is_silenced(alert: Alert, silences: Iterable[Silence], now: datetime) -> bool:
    """Whether a silence that is in force covers it."""
    return silence_over(alert, in_force(silences, now)) is not None


def leader_of(alert: Alert, open_alerts: Iterable[Alert]) -> Alert:
    """The alert whose message tells of `alert` too: the open page, else the oldest of those that opened with it."""
    others = [one for one in open_alerts if one.service == alert.service and one.id != alert.id]
    pages = [one for one in others if one.severity is Severity.PAGE]
    if alert.severity is Severity.PAGE:
        return min((alert, *pages), key=_opened)
    near = [one for one in others if abs(alert.opened_at - one.opened_at) <= TOGETHER]
    return min(pages or (alert, *near), key=_opened)


def _opened(alert: Alert) -> tuple[datetime, str]:
    return alert.opened_at, alert.id
