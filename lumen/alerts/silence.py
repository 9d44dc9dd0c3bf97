"""Who hears of an alert: silences keep it from people (never from the record), and one incident is one message."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from lumen.model.alert import Alert, Severity
from lumen.model.calling import Silence, in_force, silence_over

#: Alerts of one service that open this close together tell of one incident.
TOGETHER = timedelta(minutes=30)


def is_silenced(alert: Alert, silences: Iterable[Silence], now: datetime) -> bool:
    """Whether nobody is to be told of it now."""
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
