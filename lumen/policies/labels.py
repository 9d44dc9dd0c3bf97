"""People's labels of closed incidents: how often they were real, and which alerts wait before they are told."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import IncidentLabel

#: So many newest labels of one kind, all of them "false alarm", have alerts of that kind wait.
LEARNT_FROM = 10
#: What lasts so long is told whatever the labels say.
WAIT = timedelta(hours=1)
#: Older labels are of another service than today's.
COUNTS_FOR = timedelta(days=90)
#: Failing requests and the month's budget are told at once, always.
NEVER_LATE = frozenset({AlertKind.AVAILABILITY, AlertKind.BUDGET})


def told_late(labels: Iterable[IncidentLabel], now: datetime) -> frozenset[str]:
    """Names of the alerts that wait: the newest ten labels of each are false alarms. One "real" ends it."""
    newest: dict[str, list[bool]] = {}
    for label in sorted(labels, key=lambda one: one.at, reverse=True):
        if now - label.at <= COUNTS_FOR:
            for name in label.names:
                newest.setdefault(name, []).append(label.is_real)
    return frozenset(
        name
        for name, real in newest.items()
        if name not in NEVER_LATE and len(real) >= LEARNT_FROM and not any(real[:LEARNT_FROM])
    )


def waits(alert: Alert, late: frozenset[str], now: datetime) -> bool:
    """Whether nobody is told of `alert` yet. A page never waits."""
    return alert.severity is not Severity.PAGE and alert.name in late and now - alert.opened_at < WAIT


def precision(labels: Sequence[IncidentLabel], since: datetime) -> tuple[int, int]:
    """Of the incidents labelled since then: how many were real, and how many there are."""
    counted = [label.is_real for label in labels if label.at >= since]
    return sum(counted), len(counted)
