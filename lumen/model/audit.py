"""Lines of the audit: as they are stored and sealed, and what each kind of event tells in the model's own types."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lumen.model.error_lines import ErrorLines
from lumen.model.incident import (
    Acknowledged,
    Incident,
    IncidentLabel,
    Mentions,
    PagerState,
    Pause,
    Silence,
    SizeLock,
    StoredAlert,
    TtlOverride,
)
from lumen.model.messages import Message
from lumen.model.proposal import Draft, State


class AuditEvent(StrEnum):
    """Events that this Lumen writes. A line of an older or newer one may name another."""

    PROPOSED = "proposed"
    DECIDED = "decided"
    VOTED = "voted"
    SNOOZED = "snoozed"
    ARMED = "armed"
    ADVANCED = "advanced"
    NOTED = "noted"
    DRIFT = "drift"
    REFUSED = "refused"
    EXPORTED = "exported"
    PAUSED = "paused"
    RESUMED = "resumed"
    AGREED = "agreed"
    FLUSH_BEGAN = "flush-began"
    FLUSHED = "flushed"
    OVERRIDE_SET = "override-set"
    OVERRIDE_LIFTED = "override-lifted"
    SIZE_LOCKED = "size-locked"
    SIZE_UNLOCKED = "size-unlocked"
    SERVICE_CHOSEN = "service-chosen"
    CHOICE_ENDED = "choice-ended"
    TURN_ASKED = "turn-asked"
    ALERT_OPEN = "alert-open"
    ALERT_CLOSED = "alert-closed"
    PAGE_OPEN = "page-open"
    PAGE_CLOSED = "page-closed"
    TAKEN = "taken"
    MENTIONED = "mentioned"
    CALLS_ENDED = "calls-ended"
    PAGER_TRIGGER = "pager-trigger"
    PAGER_ACKNOWLEDGE = "pager-acknowledge"
    PAGER_RESOLVE = "pager-resolve"
    PAGER_TROUBLE = "pager-trouble"
    ROLLBACK_NOTE = "rollback-note"
    SILENCED = "silenced"
    SILENCE_ENDED = "silence-ended"
    RESTORED = "restored"
    MIGRATED = "migrated"
    LABELLED = "labelled"
    HANDED_OVER = "handed-over"
    GIVEN_BACK = "given-back"
    DEAD_LETTER = "dead-letter"


@dataclass(frozen=True, slots=True)
class Moved:
    """A proposal came to `state`, by a decision or by its execution."""

    state: State
    note: Message | None


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes on a proposal, without a new state."""

    notes: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Snoozed:
    """A countdown was put off."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody had no right to `what`."""

    what: str


#: What an event is about, beside who and when.
About = (
    Draft
    | Moved
    | Notes
    | Snoozed
    | Refused
    | Pause
    | TtlOverride
    | SizeLock
    | StoredAlert
    | Mentions
    | PagerState
    | Silence
    | IncidentLabel
    | Acknowledged
)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit, in order of `id`. `data` is JSON: the draft, decision or note that belongs to it.

    `about`: detail and data as the model's types; None where the event has none, or is stored in a form that this
    Lumen does not read.
    """

    id: str
    at: datetime
    event: str
    proposal_id: str
    actor: str
    detail: str
    data: str = ""
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that was recorded of one incident, oldest first. `errors`: what its blamed revision logged."""

    incident: Incident
    entries: tuple[AuditEntry, ...]
    errors: ErrorLines | None = None
