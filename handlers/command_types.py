"""The commands of `/lumen`, one small type each. handlers/parse.py reads them from what people type."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from lumen.model.messages import Message
from lumen.model.override import Terms
from lumen.model.proposal import Knob, Value


class Subject(StrEnum):
    """A score that can be explained: `/lumen slo`, or `/lumen why slo`. The gate has no command of its own."""

    GATE = "gate"
    CACHE = "cache"
    SLO = "slo"
    ROI = "roi"
    MATURITY = "maturity"
    COST = "cost"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Help:
    """One line for each command."""


@dataclass(frozen=True, slots=True)
class Status:
    """The last turn."""


@dataclass(frozen=True, slots=True)
class Report:
    """The full card of the last turn."""


@dataclass(frozen=True, slots=True)
class StatusAll:
    """Every service that is watched, the worst first."""


@dataclass(frozen=True, slots=True)
class Explain:
    """The reasons of one score; None: of all scores."""

    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class ShowDigest:
    """The day's digest as it would be now."""


@dataclass(frozen=True, slots=True)
class ShowServices:
    """List the services, and mark the one that this channel speaks of."""


@dataclass(frozen=True, slots=True)
class ChooseService:
    """Let this channel speak of the service `name` from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class ShowTtl:
    """The TTL as it is set, and what the policy recommends."""


@dataclass(frozen=True, slots=True)
class ShowKnob:
    """The present value and range of a knob; `name` is its command."""

    name: str
    knob: Knob


@dataclass(frozen=True, slots=True)
class Propose:
    """Propose a value for a knob; the use case checks the range."""

    knob: Knob
    wanted: Value
    #: Of a TTL: for the keys that are cached already too.
    existing: bool = False


@dataclass(frozen=True, slots=True)
class ListApprovals:
    """The proposals that wait for a decision."""


@dataclass(frozen=True, slots=True)
class Run:
    """An extra turn now."""


@dataclass(frozen=True, slots=True)
class History:
    """The newest lines of the audit."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Propose the old value of an applied change."""

    proposal_id: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Propose going back to `revision`; empty: the newest one that is known to be good."""

    revision: str


@dataclass(frozen=True, slots=True)
class PauseChanges:
    """Stop all automation; `lasts` None until it is resumed."""

    lasts: timedelta | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ShowControls:
    """The override, lock, pause and freeze that hold changes back."""


@dataclass(frozen=True, slots=True)
class PinTtl:
    """Pin the TTL to a value; the use case checks the range."""

    ttl_seconds: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class LiftOverride:
    """Lift the override of the TTL."""


@dataclass(frozen=True, slots=True)
class LockSize:
    """Lock the size of the cache as it is."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class UnlockSize:
    """Unlock the size of the cache."""


@dataclass(frozen=True, slots=True)
class Resume:
    """End a pause."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """The emergency steps, as buttons."""


@dataclass(frozen=True, slots=True)
class ShowSilences:
    """The silences in force."""


@dataclass(frozen=True, slots=True)
class SilenceAlerts:
    """Silence an alert or a kind of alert; `lasts` None: for the default time."""

    what: str
    lasts: timedelta | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unsilence:
    """End a silence."""

    what: str


@dataclass(frozen=True, slots=True)
class ShowIncident:
    """The timeline of one incident."""

    incident_id: str


@dataclass(frozen=True, slots=True)
class Misspelt:
    """No such command; `nearest` is the one that was probably meant, or empty."""

    given: str
    nearest: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A known command with something after it that it cannot take."""

    reason: Message
    remedy: Message


#: What speaks of one service, which any of these may name.
OfOneService = (
    Status
    | Report
    | Explain
    | ShowDigest
    | ShowTtl
    | ShowKnob
    | ListApprovals
    | Run
    | History
    | Propose
    | Undo
    | RollBack
    | PauseChanges
    | Resume
    | Emergency
    | ShowControls
    | PinTtl
    | LiftOverride
    | LockSize
    | UnlockSize
    | ShowSilences
    | SilenceAlerts
    | Unsilence
    | ShowIncident
)
Command = OfOneService | Help | StatusAll | ShowServices | ChooseService | Misspelt | Malformed


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, the service that it names ("" for none), and whether the answer is for the channel."""

    command: Command
    service: str = ""
    share: bool = False
