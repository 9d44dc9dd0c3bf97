"""Incidents and on-call: alerts that people were told of, acknowledgements, mentions, silences and the pager.

Beside them the controls of a service: pin, pause, TTL override, size lock, and the revisions that served.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.messages import Message
from lumen.model.service import Person, ServiceId
from lumen.model.snapshot import Served
from lumen.model.witnesses import Bounds, exactly

#: After so many repeats nobody is there to hear: somebody else is called, once, or it is said that nobody is.
MOST_REPEATS = 6
#: The number of what follows the last of them.
CALLS_END = MOST_REPEATS + 1
#: Who gives an incident back begins another round of calls, whose numbers go on: each call has a message of its own.
CALLS_ROUND = CALLS_END + 1


@dataclass(frozen=True, slots=True)
class Silence:
    """Half-open until `until`. `signal` says which measurement of NO_DATA; empty means every signal of the kind.

    `incident`: the one that it is about, in whose thread it is told; "" where it is about none or several.
    """

    kind: AlertKind
    until: datetime
    by: Person
    at: datetime
    signal: str = ""
    #: In the person's own words; may be empty.
    why: str = ""
    incident: str = ""

    @property
    def name(self) -> str:
        """The name that people type: `cache`, `no_data/traffic`."""
        return f"{self.kind}/{self.signal}" if self.signal else str(self.kind)


def in_force(silences: Iterable[Silence], now: datetime) -> tuple[Silence, ...]:
    """The silences that have not run out."""
    return tuple(silence for silence in silences if now < silence.until)


def silence_over(alert: Alert, silences: Iterable[Silence]) -> Silence | None:
    """The silence that keeps `alert` from people, the longest of several; None where it is heard."""
    found = [one for one in silences if one.kind is alert.kind and one.signal in ("", alert.signal)]
    return max(found, key=lambda one: one.until, default=None)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgement: the person who is on it, and since when."""

    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class AckResult:
    """The outcome of a click on "I'm on it". `acknowledged`: by whom; None: the incident is over or unknown."""

    won: bool
    acknowledged: Acknowledged | None


@dataclass(frozen=True, slots=True)
class Mentions:
    """Number of repeated mentions of the people on call, counted over all rounds, and the time of the last."""

    number: int
    at: datetime

    @property
    def repeat(self) -> int:
        """Within its round: 0 is the first call, CALLS_END what says that there are no more."""
        return self.number % CALLS_ROUND


@dataclass(frozen=True, slots=True)
class Unheard:
    """A call of the people on call that Slack does not take: its name, of which incident, and Slack's word."""

    call: str
    incident_id: str
    error: str


class PagerStep(StrEnum):
    """The steps that a pager outside of Slack is told of an incident, in this order."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class PagerState:
    """The newest step that the pager has taken, and when. `failed` is not tried again, because of `trouble`."""

    step: PagerStep | None
    at: datetime
    trouble: Message | None = None
    failed: PagerStep | None = None


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as people were told of it. `incident`: the id of the alert whose message tells of this one too."""

    alert: Alert
    incident: str
    #: It opened under a silence that still holds, or waits (`late`): nobody was told of it.
    silenced: bool = False
    #: It was a page from the first, so its message called the people on call when it was posted.
    called: bool = False
    #: It waited before it was told, because people called the last ones of its kind false alarms.
    late: bool = False


@dataclass(frozen=True, slots=True)
class IncidentLabel:
    """A person's label of a closed incident. `names`: of its alerts (`latency`, `no_data/cache`)."""

    incident: str
    names: tuple[str, ...]
    is_real: bool
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class LabelResult:
    """`changed`: it said something else before. Names of the alerts that were told late before it, and are now."""

    changed: bool
    label: IncidentLabel
    late_before: tuple[str, ...]
    late_now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learnt:
    """Of the incidents that people labelled of late: how many were real, and of how many.

    `late`: names of the alerts that are told when they last; `untold`: those of the last day that were over by then.
    """

    real: int
    counted: int
    late: tuple[str, ...] = ()
    untold: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One message in the channel: the alerts that it tells of, oldest first, and notes on rolling back."""

    service: ServiceId
    id: str
    alerts: tuple[StoredAlert, ...]
    #: Why there is no automatic rollback, or what became of it.
    notes: tuple[Message, ...] = ()
    #: Who is on it.
    acknowledged: Acknowledged | None = None
    #: Those of its service that are in force.
    silences: tuple[Silence, ...] = ()
    pager: PagerState | None = None
    mentions: Mentions | None = None
    #: What a person said of it when it was over.
    label: IncidentLabel | None = None

    @property
    def is_over(self) -> bool:
        """Whether every alert in it has closed."""
        return not self.open_alerts

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Those that have not closed."""
        return tuple(one.alert for one in self.alerts if one.alert.closed_at is None)

    @property
    def open_pages(self) -> tuple[Alert, ...]:
        """The pages among them."""
        return tuple(alert for alert in self.open_alerts if alert.severity is Severity.PAGE)

    @property
    def wants_somebody(self) -> bool:
        """Whether a page of it is open that nobody has taken and nobody has silenced."""
        return self.is_open_page and self.acknowledged is None and not self.is_hushed

    @property
    def is_open_page(self) -> bool:
        """Whether a page of it is open."""
        return bool(self.open_pages)

    @property
    def is_failing(self) -> bool:
        """Whether an alert of it on failing requests is open."""
        return any(alert.kind is AlertKind.AVAILABILITY for alert in self.open_alerts)

    def is_paged_at(self, at: datetime) -> bool:
        """Whether an availability page of it was open then."""
        return any(
            one.alert.kind is AlertKind.AVAILABILITY
            and one.alert.severity is Severity.PAGE
            and one.alert.opened_at <= at
            and (one.alert.closed_at is None or at <= one.alert.closed_at)
            for one in self.alerts
        )

    @property
    def has_page(self) -> bool:
        """Whether any alert of it is a page, or was one."""
        return any(one.alert.severity is Severity.PAGE for one in self.alerts)

    @property
    def is_unanswered(self) -> bool:
        """Whether the calls have ended and nobody has answered any."""
        return self.acknowledged is None and self.mentions is not None and self.mentions.repeat == CALLS_END

    @property
    def is_hushed(self) -> bool:
        """Whether all of its open pages are silenced, so that the people on call are left alone."""
        return self.is_open_page and all(silence_over(page, self.silences) for page in self.open_pages)

    @property
    def is_kept_back(self) -> bool:
        """Whether it gets no message: all of it opened under silences. A page always gets one (docs/operations.md)."""
        return not self.has_page and all(stored.silenced for stored in self.alerts)


@dataclass(frozen=True, slots=True)
class RevisionCount:
    """Requests of one revision in the period from `start`, and how many of them failed (5xx)."""

    start: datetime
    revision: str
    requests: int
    errors_5xx: int
    #: Where the witnesses do not agree.
    doubt: Bounds | None = None

    @property
    def bounds(self) -> Bounds:
        """At least and at most."""
        return self.doubt or exactly(self.requests, self.errors_5xx)

    @property
    def certain(self) -> tuple[int, int]:
        """Requests at most, and failures at least."""
        if self.doubt is not None:
            return self.doubt.most_requests, self.doubt.least_errors
        return self.requests, min(self.errors_5xx, self.requests)


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """`healthy_at`: when Lumen last saw it serve within the objectives. `left_at`: since when somebody has taken the
    traffic away from it, back to an older one; it is not a target until it serves again."""

    healthy_at: datetime | None = None
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pinned:
    """All traffic goes to `revision`, so later deploys get none. `since`: when Lumen first saw it so."""

    revision: str
    since: datetime
    #: Settings that the revision carries otherwise than Lumen has set them.
    differences: tuple[Message, ...] = ()
    #: What is known of the newest revision, to which an unpin would send the traffic.
    latest: tuple[Message, ...] = ()
    #: The newest revision, where its traffic was taken away; "" for any other: an unpin is not offered.
    taken_out: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """A person has stopped all automation; `until` None means until somebody resumes it.

    `is_stop`: by the emergency page.
    """

    by: Person
    at: datetime
    until: datetime | None
    #: In the person's own words; may be empty.
    why: str = ""
    is_stop: bool = False


@dataclass(frozen=True, slots=True)
class TtlOverride:
    """The TTL is pinned to this value. `by` None: the setting OVERRIDE_TTL; `until` None: until somebody lifts it."""

    ttl_seconds: int
    by: Person | None = None
    at: datetime | None = None
    until: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class SizeLock:
    """The size of the cache stays as it is. `by` None: the setting LOCK_CACHE_SIZE; `until` None: until unlocked."""

    by: Person | None = None
    at: datetime | None = None
    until: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ControlState:
    """The controls of a service: all that people set against Lumen beside its proposals, and the revisions seen."""

    pinned: Pinned | None = None
    pause: Pause | None = None
    #: By name.
    revisions: Mapping[str, RevisionRecord] | None = None
    #: As people have stored them, in force or run out (lumen/policies/guard.py tells).
    override: TtlOverride | None = None
    size_lock: SizeLock | None = None
    #: The history of deployments: what served, from when until when, and why it was left; the oldest first.
    served: tuple[Served, ...] = ()
    #: When somebody paused last, also where that pause has ended.
    paused_at: datetime | None = None


def pause_in_force(pause: Pause | None, now: datetime) -> Pause | None:
    """A pause that has run out is none."""
    return None if pause is None or (pause.until is not None and pause.until <= now) else pause
