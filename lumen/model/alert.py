"""Alerts that open and close, and the five-minute observations that they are judged on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from lumen.model.messages import Message
from lumen.model.snapshot import SLICE, LatencyDistribution
from lumen.model.witnesses import Bounds, exactly


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


SEVEREST_FIRST = (Severity.PAGE, Severity.TICKET, Severity.NOTICE)


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
    #: The last look, where that did not find it any more; it closes when that stays so.
    clear_at: datetime | None = field(default=None, compare=False)
    #: What it waits for while it is open, and the last look did not find it or could not tell.
    waits: Message | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The name that people know its kind by: `latency`, `no_data/cache`."""
        return f"{self.kind}/{self.signal}" if self.kind is AlertKind.NO_DATA else str(self.kind)


#: Crockford's base 32: nothing in it is mistaken for another on a phone.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_MISTAKEN = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


def short_id(incident_id: str) -> str:
    """An incident's id as people read and type it: `i7k3f`. Always the same for the same incident."""
    digest = int.from_bytes(hashlib.sha256(incident_id.encode()).digest()[:4])
    return "i" + "".join(_LETTERS[digest >> shift & 31] for shift in (0, 5, 10, 15))


def typed_id(typed: str) -> str:
    """A short id as it is shown: `I-7K3F` and `#i7k3f` are `i7k3f`; "" for anything else."""
    bare = typed.strip().lower().removeprefix("#")
    return f"i{bare[1:].translate(_MISTAKEN)}" if bare.startswith("i") else ""


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

    A service that is asleep has 0 requests: that is known, and neither good nor bad.

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
    #: What the witnesses of its requests leave possible, where they do not agree (lumen/model/witnesses.py); exact
    #: where the uptime check decides.
    doubt: Bounds | None = None
    #: Nobody could be asked for its requests; else the question was answered, if by silence.
    is_refused: bool = False

    @property
    def bounds(self) -> Bounds | None:
        """Requests and failures, at least and at most; None where they are not known at all."""
        if self.is_checked:
            return self.doubt
        if self.requests is None or self.errors_5xx is None:
            return None
        return self.doubt or exactly(self.requests, self.errors_5xx)

    @property
    def is_checked(self) -> bool:
        """Whether the uptime check decides: nobody got through, or it was well and nobody else asked."""
        return self.doubt is not None and self.doubt.is_exact

    @property
    def is_unreachable(self) -> bool:
        """Whether it says that nobody got through, whatever was counted."""
        return self.doubt is not None and self.doubt.is_exact and self.doubt.is_lost

    @property
    def is_counted(self) -> bool:
        """Whether its requests and failures are known well enough to be added up with others."""
        return self.doubt is None or (self.doubt.is_counted and self.doubt.is_judged)

    @property
    def end(self) -> datetime:
        return self.start + SLICE

    @property
    def lookups(self) -> int | None:
        """Hits and misses, or None unless both are known."""
        return None if self.hits is None or self.misses is None else self.hits + self.misses


def corrected(stored: Observation, again: Observation) -> Observation:
    """A stored slice after it was read again: late points count, and what was known before is not forgotten.

    A series that has become late takes back what it told, so a reading that leaves more open is not believed, nor one
    that tells less than what was certain; what was seen did not sleep.
    """
    if again.is_unreachable:
        return replace(stored, doubt=again.doubt)
    if stored.is_unreachable or (stored.requests and again.requests == 0):
        return stored
    found = stored
    if again.requests is not None and _open(again) <= _open(stored) and (stored.doubt or lost(stored, again) == (0, 0)):
        found = replace(
            found,
            requests=again.requests,
            errors_5xx=again.errors_5xx,
            errors_4xx=again.errors_4xx,
            doubt=again.doubt,
            is_refused=False,
        )
        if again.p95_ms is not None:
            found = replace(found, p50_ms=again.p50_ms, p95_ms=again.p95_ms, p99_ms=again.p99_ms, latency=again.latency)
    if again.lookups is not None:
        found = replace(found, hits=again.hits, misses=again.misses)
    return found if again.cost_usd is None else replace(found, cost_usd=again.cost_usd)


def lost(stored: Observation, again: Observation) -> tuple[int, int]:
    """How many requests that went well, and how many that failed, were certain when a slice was stored and are not
    told any more."""
    before, now = stored.bounds, again.bounds
    if before is None or stored.is_checked or again.is_checked:
        return 0, 0
    if now is None:
        return before.least_requests - before.least_errors, before.least_errors
    well = before.least_requests - before.least_errors - (now.most_requests - now.most_errors)
    return max(0, well), max(0, before.least_errors - now.most_errors)


def in_doubt_of(seen: Observation, readings: Sequence[tuple[Observation, Observation]]) -> Observation:
    """A new slice, where readings of stored ones (as stored, as read again) have lost requests: it lacks as many."""
    bounds, losses = seen.bounds, [both for both in (lost(*pair) for pair in readings) if any(both)]
    if bounds is None or not losses:
        return seen
    well, failed = (round(sum(each) / len(losses)) for each in zip(*losses, strict=True))
    failed = max(bounds.most_errors, failed) - bounds.most_errors
    return replace(
        seen,
        doubt=replace(
            bounds,
            most_requests=max(bounds.most_requests, bounds.least_requests + well) + failed,
            most_errors=bounds.most_errors + failed,
        ),
    )


def _open(seen: Observation) -> int:
    """How much the witnesses of a slice leave open, in requests."""
    doubt = seen.doubt
    return 0 if doubt is None else doubt.most_requests - doubt.least_requests + doubt.most_errors - doubt.least_errors


@dataclass(frozen=True, slots=True)
class Correction:
    """A slice as it is stored, and as it is to be stored instead."""

    stored: Observation
    now: Observation
