"""Who hears of an alert: silences keep it from people (never from the record), and one incident is one message."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.alert import Alert, AlertKind, Severity

#: Alerts of one service that open this close together tell of one incident.
TOGETHER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Silence:
    """`/lumen silence <alert> [duration]`: half-open until `until`; `signal` empty means every signal of the kind."""

    service: str
    kind: AlertKind
    until: datetime
    signal: str = ""


def is_silenced(alert: Alert, silences: Iterable[Silence], now: datetime) -> bool:
    """Whether nobody is to be told of it now."""
    return any(
        silence.service == alert.service
        and silence.kind is alert.kind
        and silence.signal in {"", alert.signal}
        and now < silence.until
        for silence in silences
    )


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
