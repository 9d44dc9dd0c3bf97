"""Alerts that open and close, and the five-minute observations that they are judged on."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lumen.model.messages import Message
from lumen.model.snapshot import SLICE, LatencyDistribution


class AlertKind(StrEnum):
    """The kinds of alert. One of a kind is open per service (and per signal, for NO_DATA) at a time."""

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
    #: Of which look the figures of `reason` are, where that is a later one than the first; the same figures again are
    #: the same alert.
    looked_at: datetime | None = field(default=None, compare=False)


class AlertChange(StrEnum):
    OPENED = "opened"
    #: A ticket became a page; still the same alert and the same message.
    RAISED = "raised"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """A change of an alert that people are told of."""

    change: AlertChange
    alert: Alert


@dataclass(frozen=True, slots=True)
class Observation:
    """One service over one slice, half-open [start, start + 5 min); None stands for whatever is unknown.

    Counts are of the slice, memory and percentiles are levels. `latency`, from which the percentiles are read, goes
    into the sums of its day in the step that stores the slice; with the slice itself it is not kept. A history from
    elsewhere has percentiles alone.
    """

    start: datetime
    requests: int | None = None
    errors_5xx: int | None = None
    errors_4xx: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    hits: int | None = None
    misses: int | None = None
    evictions: int | None = None
    memory_mb: float | None = None
    cost_usd: float | None = None
    revision: str | None = None
    latency: LatencyDistribution | None = None

    @property
    def end(self) -> datetime:
        return self.start + SLICE

    @property
    def lookups(self) -> int | None:
        """Hits and misses, or None unless both are known."""
        return None if self.hits is None or self.misses is None else self.hits + self.misses
