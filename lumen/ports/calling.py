"""Calling people, and leaving them alone: what is stored of silences, "I'm on it", mentions and pagers.

Every method of a store may raise StoreUnavailable, those that change something OutcomeUnknown too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lumen.model.alert import AlertKind
from lumen.model.calling import PagerState, PagerStep, Silence, Taking
from lumen.model.service import Person, ServiceId
from lumen.model.watching import Incident
from lumen.ports.state import AuditEntry


class Silences(Protocol):
    """At most one of a kind (and signal) at a time."""

    async def all(self, service: ServiceId) -> Sequence[Silence]:
        """In force or run out."""

    async def put(self, service: ServiceId, silence: Silence) -> None:
        """Instead of an earlier one of the same name; audited."""

    async def end(self, service: ServiceId, kind: AlertKind, signal: str, person: Person | None) -> bool:
        """Whether there was one; audited. `person` None: it has run out."""


class Pages(Protocol):
    """Incidents that are or were pages."""

    async def unsettled(self, service: ServiceId) -> Sequence[Incident]:
        """Those that are open, and those whose pager has not heard yet that they are over; oldest first.

        Without the silences: who needs them reads them too.
        """

    async def take(self, service: ServiceId, incident_id: str, person: Person) -> Taking:
        """Somebody is on it: the first one holds. Audited, and marks its message."""

    async def mention(self, service: ServiceId, incident_id: str, number: int, *, say: bool) -> None:
        """The people on call are mentioned for the `number`th time after the first: once, whoever asks for it.

        `say` marks the surface that says it; without, it is only remembered that the message itself did.
        """

    async def pager(self, service: ServiceId, incident_id: str, state: PagerState) -> None:
        """What the pager was told, or why it will not be; audited, and trouble is said on the incident's message."""


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


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that was recorded of one incident, oldest first."""

    incident: Incident
    entries: tuple[AuditEntry, ...]
