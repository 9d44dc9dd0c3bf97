"""Something is wrong, since when, how sure, and until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lumen.model.message import Message


class AlertKind(StrEnum):
    """What is wrong. One alert of a kind is open per service (and per signal, for NO_DATA) at a time."""

    AVAILABILITY = "availability"
    LATENCY = "latency"
    CACHE = "cache"
    COST = "cost"
    BUDGET = "budget"
    ROI = "roi"
    NO_DATA = "no_data"


#: What NO_DATA tells apart.
SIGNALS = ("traffic", "latency", "cache", "cost")


class Severity(StrEnum):
    """PAGE wakes somebody and only availability pages may start a rollback; TICKET can wait; NOTICE only informs."""

    PAGE = "page"
    TICKET = "ticket"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Alert:
    """`id` is the same however often the same history is fed. `signal` says which measurement, where it matters."""

    id: str
    service: str
    kind: AlertKind
    signal: str
    severity: Severity
    opened_at: datetime
    reason: Message
    closed_at: datetime | None = None
    close_reason: Message | None = None


class AlertChange(StrEnum):
    OPENED = "opened"
    #: A ticket became a page; still the same alert and the same message.
    RAISED = "raised"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing to tell people."""

    change: AlertChange
    alert: Alert
