"""What the Slack side asks of Lumen. The use cases satisfy these by their shape; tests satisfy them with fakes.

Everything here may raise a `LumenError`; the handler shows its sentence and remedy to the person who asked.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from lumen.model.answers import Glance, KnobReadout, StatusReadout, TtlReadout, TurnReadout
from lumen.model.audit import AuditEntry, Timeline
from lumen.model.incident import AckResult, Incident, Pause, Silence, SizeLock, TtlOverride
from lumen.model.override import Confirmed, PinnedTtl, Terms
from lumen.model.proposal import Choice, Decided, Knob, Proposal, Value
from lumen.model.service import Chosen, Person, ServiceId
from lumen.model.turn import Turn
from lumen.model.week import Week
from lumen.ports.actuators import Swept


class Readouts(Protocol):
    """Answers to questions; changes nothing."""

    async def status(self, service: ServiceId) -> StatusReadout:
        """The last turn, what is open, and what became of late changes."""

    async def last(self, service: ServiceId) -> TurnReadout:
        """The last turn alone."""

    async def glance(self, service: ServiceId) -> Glance:
        """The last turn, and what is going on beside it, for a list of services."""

    async def ttl(self, service: ServiceId) -> TtlReadout:
        """The TTL setting as it is now, and the recommendation."""

    async def proposal(self, service: ServiceId, proposal_id: str) -> Proposal | None:
        """One proposal as it is stored, or None."""

    async def incident(self, service: ServiceId, incident_id: str) -> Incident | None:
        """One incident with its alerts, or None."""

    async def history(self, service: ServiceId, limit: int) -> Sequence[AuditEntry]:
        """The newest lines of the audit, newest first."""


class Approvals(Protocol):
    """Proposing and deciding. Whether a person may is settled before these are called (handlers.permissions)."""

    async def propose(
        self,
        service: ServiceId,
        knob: Knob,
        wanted: Value,
        person: Person,
        request_id: str,
        *,
        existing: bool = False,
    ) -> Proposal:
        """Propose a value for a person; `existing`: a TTL for the cached keys too.

        The same `request_id` again gives the same proposal.

        Raises NotPossible (out of range, already that value, one being applied), SourceUnavailable.
        """

    async def propose_undo(self, service: ServiceId, proposal_id: str, person: Person, request_id: str) -> Proposal:
        """Propose the old value of an applied change. Raises NotPossible."""

    async def decide(
        self,
        service: ServiceId,
        proposal_id: str,
        choice: Choice,
        person: Person,
        click_id: str,
        reply_to: str = "",
    ) -> Decided:
        """The one transition; `reply_to` is stored with it until the answer is given (handlers.pending_replies).

        Raises NotPossible (unknown id), StoreUnavailable, OutcomeUnknown.
        """

    async def snooze(
        self, service: ServiceId, proposal_id: str, person: Person, click_id: str, reply_to: str = ""
    ) -> Decided:
        """Put a countdown off. Raises as `decide` does; NotPossible too when it is no countdown."""

    async def settle(self, service: ServiceId, click_id: str) -> Decided | None:
        """What became of a click whose answer was lost; None when it never arrived and never will."""


class Emergency(Protocol):
    """What people reach for when it burns. Rights to pause, resume and flush are settled before."""

    async def pause(self, service: ServiceId, person: Person, lasts: timedelta | None, why: str = "") -> Pause:
        """Stop all automation, for a while or until it is resumed."""

    async def resume(self, service: ServiceId, person: Person) -> None:
        """Raises NotPossible when nothing was paused."""

    async def safe_ttl(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose the safe TTL. Raises NotPossible, SourceUnavailable."""

    async def safe_memory(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose enough memory for each instance. Raises NotPossible, SourceUnavailable."""

    async def larger_cache(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose a larger cache. Raises NotPossible, SourceUnavailable."""

    async def roll_back(self, service: ServiceId, person: Person, revision: str, request_id: str) -> Proposal:
        """Propose going back to a revision, "" for the newest good one. Raises NotPossible, SourceUnavailable."""

    async def count_keys(self) -> int:
        """How many cached answers a flush would remove. Raises ActuatorFailed, SourceUnavailable."""

    async def confirm_flush(self, service: ServiceId, person: Person) -> Confirmed:
        """Count a second confirmation; where several people must confirm, one of them is told that it is enough."""

    async def flush(self, service: ServiceId, person: Person) -> Swept:
        """Remove them. Raises NotPossible (one is under way), ActuatorFailed, SourceUnavailable."""


class Overrides(Protocol):
    """What people pin and lock. Rights are settled before any of these is called."""

    async def pin_ttl(
        self, service: ServiceId, person: Person, ttl_seconds: int, terms: Terms, request_id: str
    ) -> PinnedTtl:
        """Pin it, and propose that value where the TTL is another one. Raises NotPossible (out of range)."""

    async def lift_ttl(self, service: ServiceId, person: Person) -> TtlOverride | None:
        """What still pins the TTL: the setting, or nothing. Raises NotPossible where nothing stored did."""

    async def lock_size(self, service: ServiceId, person: Person, terms: Terms, request_id: str) -> SizeLock:
        """Lock the size of the cache as it is."""

    async def unlock_size(self, service: ServiceId, person: Person) -> SizeLock | None:
        """What still locks the size: the setting, or nothing. Raises NotPossible where nothing stored did."""


class Executor(Protocol):
    """Carries out what was approved, in the background."""

    def kick(self, service: ServiceId) -> None:
        """Something was approved: look now rather than at the next poll. Returns at once."""


class Announcer(Protocol):
    """Shows in Slack what has changed in the store."""

    def kick(self) -> None:
        """Something was stored: look now rather than at the next poll. Returns at once."""


class Ticker(Protocol):
    """Turns asked for by a person."""

    async def ask(self, service: ServiceId, person: Person) -> Turn:
        """Make an extra turn now; it takes no slot."""


class Silencing(Protocol):
    """Of what nobody wants to hear for a while. Rights are settled before."""

    async def now(self, service: ServiceId) -> Sequence[Silence]:
        """Those in force, the first to end first."""

    async def silence(
        self, service: ServiceId, what: str, person: Person, lasts: timedelta | None, why: str = ""
    ) -> Sequence[Silence]:
        """`what` is a kind, a kind with a signal, the id of an alert, or `all`. Raises NotPossible."""

    async def end(self, service: ServiceId, what: str, person: Person) -> Sequence[Silence]:
        """Those that were ended. Raises NotPossible when nothing of the kind was silenced."""


class Calling(Protocol):
    """Who is on it."""

    async def acknowledge(self, service: ServiceId, incident_id: str, person: Person) -> AckResult:
        """Somebody is on it: nobody is mentioned any more. The right to say so is settled before."""


class Timelines(Protocol):
    """What was recorded of an incident."""

    async def of(self, service: ServiceId, incident_id: str) -> Timeline:
        """By the id as it stands at the foot of its message. Raises NotPossible."""


class Looking(Protocol):
    """How a knob stands."""

    async def at(self, service: ServiceId, knob: Knob) -> KnobReadout:
        """Read just now. Raises NotPossible for a knob that is not there."""


class Days(Protocol):
    """The readers' days."""

    def now(self) -> datetime:
        """In the zone of the digest."""

    def at(self, day: date) -> datetime:
        """When the digest of a day is due."""


class Weeks(Protocol):
    """What is drawn."""

    async def before(self, service: ServiceId, end: datetime) -> Week:
        """The seven days before `end`, by the hour. Raises StoreUnavailable."""


class Choosing(Protocol):
    """Of which of several services a channel speaks."""

    @property
    def services(self) -> Sequence[ServiceId]:
        """Those that are watched, at least one; the first is what is meant where nobody says anything."""

    def named(self, name: str) -> ServiceId | None:
        """The one of that name; None where none is."""

    async def of(self, channel: str) -> Chosen | None:
        """What was chosen for `channel`, if anything."""

    async def choose(self, channel: str, service: ServiceId, person: Person) -> Chosen:
        """The right to do so is settled before."""
