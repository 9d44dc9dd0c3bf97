"""Alerts and incidents in the store, restrictions, silences, and pagers.

Every method of the store may raise StoreUnavailable, those that change something OutcomeUnknown too. The alert machine
is a fold of the stored slices, so a restart or another replica comes to the same alerts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from lumen.model.alert import AlertKind, Correction, Observation
from lumen.model.control import ControlLine
from lumen.model.course import RevisionsSeen
from lumen.model.error_lines import ErrorLines
from lumen.model.history import Day
from lumen.model.incident import (
    AckResult,
    ControlState,
    Incident,
    IncidentLabel,
    PagerState,
    PagerStep,
    Pause,
    Pinned,
    RevisionCount,
    RevisionRecord,
    Silence,
    SizeLock,
    StoredAlert,
    TtlOverride,
)
from lumen.model.messages import Message, NoData
from lumen.model.service import Person, ServiceId
from lumen.model.snapshot import Served, Window
from lumen.ports.store import Lease


class SliceSource(Protocol):
    """One grouped query per metric for all services; never raises for one of them."""

    async def slices(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        """The slices of the window of which anything is known, ascending."""

    async def days(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Sequence[Day] | NoData]:
        """Their sums by day, ascending, of a long past that nobody wants to know slice by slice."""

    async def counts(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        """`slices` without latencies, which take most of the work."""

    async def by_revision(
        self, services: Sequence[ServiceId], window: Window, period: timedelta
    ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
        """Requests and server errors of each revision that got any, per `period` of the window, ascending."""


@dataclass(frozen=True, slots=True)
class Look:
    """The additions of one look, stored in one step. `after`: the newest slice that was stored before (None: none)."""

    after: datetime | None
    observations: Sequence[Observation]
    #: Alerts that are new or have changed.
    told: Sequence[StoredAlert]
    #: Sums of the time before the first slice, on a fresh installation.
    earlier: Sequence[Day] = ()
    #: Slices that are stored already and were read anew, and how often that had happened before.
    corrections: Sequence[Correction] = ()
    known_corrections: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The stored state of a service's look: the start of the newest slice, how many looks have corrected slices that
    were stored before, the alerts that are told and not closed (oldest first), the labels of incidents, and the
    silences, in force or run out."""

    newest: datetime | None
    corrections: int
    open: Sequence[StoredAlert]
    labels: Sequence[IncidentLabel]
    silences: Sequence[Silence] = ()


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a service's slices are stored: the start of the newest one, in which epoch of the store, and how many
    looks have corrected some. Where neither changes, a slice that was stored stays as it is."""

    newest: datetime | None
    epoch: str
    corrections: int


class Alerts(Protocol):
    """The observations, capped at eighteen days, and the alerts that people were told of."""

    async def newest(self, service: ServiceId) -> datetime | None:
        """The start of the newest slice that is stored."""

    async def extent(self, service: ServiceId) -> Extent:
        """How far they are stored."""

    async def observations(self, service: ServiceId, after: datetime | None) -> Sequence[Observation]:
        """All that are stored, or those after `after`; ascending."""

    async def standings(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Standing]:
        """Of each; all of them in one round trip."""

    async def look(self, service: ServiceId, lease: Lease, look: Look) -> bool:
        """Store it; mark each alert's message and write the audit in the same step.

        False when somebody else has stored slices since `look.after`: nothing was changed. Raises LeaseLost.
        """

    async def open(self, service: ServiceId) -> Sequence[StoredAlert]:
        """Told and not closed, oldest first."""

    async def incident(self, service: ServiceId, incident_id: str) -> Incident | None:
        """One incident with all its alerts; None when it is forgotten or never was."""

    async def incidents(self, service: ServiceId, limit: int) -> Sequence[str]:
        """Ids of the newest ones, the newest first."""

    async def label(self, service: ServiceId, label: IncidentLabel) -> bool:
        """Remember it instead of what was said before; audited, and marks its message. False: the same was said, or
        the incident is forgotten."""

    async def labels(self, service: ServiceId) -> Sequence[IncidentLabel]:
        """Of the incidents that are remembered."""

    async def note(self, service: ServiceId, incident_id: str, notes: Sequence[Message]) -> None:
        """Set what its message says about rolling back; marks it only when that is something else."""

    async def error_lines(self, service: ServiceId, incident_id: str) -> ErrorLines | None:
        """The lines that the blamed revision logs, as it was last read; None before it was."""

    async def logged(self, service: ServiceId, incident_id: str, lines: ErrorLines) -> None:
        """Remember these instead; marks its message where they are others. Nothing where it is forgotten."""

    async def revisions(self, service: ServiceId, incident_id: str) -> RevisionsSeen | None:
        """The findings of the newest look on the revisions behind it; None before there was one."""

    async def saw(self, service: ServiceId, incident_id: str, seen: RevisionsSeen) -> None:
        """Remember it instead of the one before; marks its message where it is another."""

    async def passed(self, service: ServiceId, incident_id: str, moments: Sequence[datetime]) -> None:
        """Moments at which its message says something else, and that have come; marks it once for each."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`person` wants `what` (`flush`), and has `lasts` to confirm it, by the store's clock. `id`: of this asking."""

    what: str
    id: str
    person: Person
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Vote:
    """`what` is agreed to (`flush`); votes count for `counts_for` on the store's clock, from the first one on.

    `asked`: what was asked for, as "<who>/<id>". Where one is `needed`, only whoever asked can confirm.
    """

    what: str
    person: Person
    needed: int
    counts_for: timedelta
    asked: str


@dataclass(frozen=True, slots=True)
class Voted:
    """`complete`: enough different people have agreed now, and by this very vote; the next one begins anew."""

    complete: bool
    people: tuple[Person, ...]


class Controls(Protocol):
    """Controls of a service: a pin, a pause, an override, a lock, the revisions that served.

    What people set has a line in the channel, which is marked in the same step, also when it ends. Where a `line` is
    named, only what that line tells of is ended; `person` None: its time is up.
    """

    async def read(self, service: ServiceId) -> ControlState:
        """As it is stored."""

    async def read_each(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, ControlState]:
        """The same of each, in one round trip."""

    async def pinned(self, service: ServiceId, pinned: Pinned | None) -> None:
        """Remember it, or that there is none any more; audited when the revision is another."""

    async def revisions(self, service: ServiceId, records: Mapping[str, RevisionRecord]) -> None:
        """Remember these instead of what was known before."""

    async def served(self, service: ServiceId, history: Sequence[Served]) -> None:
        """Remember this history of deployments instead of what was known before."""

    async def pause(self, service: ServiceId, pause: Pause) -> None:
        """Stop all automation; audited."""

    async def resume(self, service: ServiceId, person: Person | None, line: str = "") -> bool:
        """Whether there was a pause to end; audited."""

    async def override(self, service: ServiceId, override: TtlOverride) -> None:
        """Pin the TTL, instead of what was pinned before; `override.by` and `at` are known. Audited."""

    async def lift_override(self, service: ServiceId, person: Person | None, line: str = "") -> bool:
        """Whether there was one to lift; audited."""

    async def lock_size(self, service: ServiceId, lock: SizeLock) -> None:
        """Lock the size of the cache; `lock.by` and `at` are known. Audited."""

    async def unlock_size(self, service: ServiceId, person: Person | None, line: str = "") -> bool:
        """Whether there was a lock; audited."""

    async def line(self, service: ServiceId, line: str) -> ControlLine | None:
        """One line by its id, also of a silence and of a choice; None when it is forgotten or never was."""

    async def lines(self, service: ServiceId) -> Sequence[ControlLine]:
        """Those that have not ended, oldest first."""

    async def ask(self, service: ServiceId, asked: Asked) -> None:
        """Remember it, instead of what the same person asked for before."""

    async def vote(self, service: ServiceId, vote: Vote) -> Voted | None:
        """Count a person's agreement. Atomic: one of them completes it, and uses up what was asked for.

        None: it was used up already, has run out, or was asked for by somebody else.
        """


class Silences(Protocol):
    """At most one of a kind (and signal) at a time."""

    async def all(self, service: ServiceId) -> Sequence[Silence]:
        """In force or run out."""

    async def put(self, service: ServiceId, silence: Silence) -> None:
        """Instead of an earlier one of the same name; audited."""

    async def end(
        self, service: ServiceId, kind: AlertKind, signal: str, person: Person | None, line: str = ""
    ) -> bool:
        """Whether there was one; audited. `person` None: it has run out. `line` as for `Controls`."""


class Pages(Protocol):
    """Incidents that are or were pages."""

    async def unsettled(self, service: ServiceId) -> Sequence[Incident]:
        """Those that are open, and those whose pager has not heard yet that they are over; oldest first.

        Without the silences: who needs them reads them too.
        """

    async def acknowledge(self, service: ServiceId, incident_id: str, person: Person) -> AckResult:
        """Somebody is on it: the first one holds. Audited, and marks its message."""

    async def hand(self, service: ServiceId, incident_id: str, person: Person, to: Person | None) -> bool:
        """`person` hands it over to another one, or (None) gives it back. Audited, and marks its message. False: nobody
        is on it, or it is over."""

    async def mention(self, service: ServiceId, incident_id: str, number: int, *, say: bool) -> None:
        """The people on call are mentioned for the `number`th time after the first, or (CALLS_END) not any more: once,
        whoever asks for it.

        `say` marks the surface that says it; without, it is only remembered that the message itself did.
        """

    async def pager(self, service: ServiceId, incident_id: str, state: PagerState) -> None:
        """Remember the pager's step, or why it takes none; audited, and trouble is said on the incident's message."""


@dataclass(frozen=True, slots=True)
class PagerCall:
    """One request to a pager. `at` is service time; `said` are the sentences of the alerts."""

    step: PagerStep
    service: ServiceId
    incident_id: str
    at: datetime
    opened_at: datetime
    closed_at: datetime | None
    title: str
    said: str
    kinds: tuple[str, ...]
    by: str = ""


class Pager(Protocol):
    """A pager outside of Slack. The same call again does no harm."""

    #: A pager that forgets an incident which is not told again is told every five minutes.
    must_hear_again: bool

    async def call(self, call: PagerCall) -> None:
        """Raises PagerRefused (it will not take this) or PagerUnavailable (try again later)."""
