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


@dataclass(frozen=True)
class Bare:
    """A command that is all said by its name."""


@dataclass(frozen=True, slots=True)
class Help:
    """One line for each command, or all of the command `about`."""

    about: str = ""


class Ask(Bare):
    """A question in plain words: how the service is, and where more is told."""


class Status(Bare):
    """The last turn."""


class Report(Bare):
    """The full card of the last turn."""


@dataclass(frozen=True, slots=True)
class StatusAll:
    """Every service that is watched, the worst first; or those that `wanted` chooses by names and labels."""

    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Explain:
    """The reasons of one score; None: of all scores."""

    subject: Subject | None = None


class ShowDigest(Bare):
    """The day's digest as it would be now."""


class ShowGraph(Bare):
    """The feedback graph: what moves what."""


class ShowServices(Bare):
    """List the services, and mark the one that this channel speaks of."""


@dataclass(frozen=True, slots=True)
class ChooseService:
    """Let this channel speak of the service `name` from now on."""

    name: str


class ShowTtl(Bare):
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


class ListApprovals(Bare):
    """The proposals that wait for a decision."""


class AllApprovals(Bare):
    """The proposals of all services of the channel that wait for a decision."""


class Run(Bare):
    """An extra turn now."""


class History(Bare):
    """The newest lines of the audit."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Propose the old value of an applied change; empty: which there are."""

    proposal_id: str = ""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Propose going back to `revision`; empty: the newest one that is known to be good."""

    revision: str


@dataclass(frozen=True, slots=True)
class PauseChanges:
    """Stop all automation; `lasts` None: for 30 days."""

    lasts: timedelta | None
    why: str = ""


class ShowControls(Bare):
    """The override, lock, pause and freeze that hold changes back."""


@dataclass(frozen=True, slots=True)
class PinTtl:
    """Pin the TTL to a value; the use case checks the range."""

    ttl_seconds: int
    terms: Terms


class LiftOverride(Bare):
    """Lift the override of the TTL."""


@dataclass(frozen=True, slots=True)
class LockSize:
    """Lock the size of the cache as it is."""

    terms: Terms


class UnlockSize(Bare):
    """Unlock the size of the cache."""


class Resume(Bare):
    """End a pause."""


class Emergency(Bare):
    """The emergency steps, as buttons."""


class ShowSilences(Bare):
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
    | Ask
    | Report
    | Explain
    | ShowDigest
    | ShowGraph
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
#: What changes anything: nothing of it is carried out that was read late.
Changing = (
    Propose
    | Undo
    | RollBack
    | PauseChanges
    | Resume
    | PinTtl
    | LiftOverride
    | LockSize
    | UnlockSize
    | SilenceAlerts
    | Unsilence
    | Run
    | ChooseService
)
Command = OfOneService | Help | StatusAll | AllApprovals | ShowServices | ChooseService | Misspelt | Malformed


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, the service that it names ("" for none), and whether the answer is for the channel."""

    command: Command
    service: str = ""
    share: bool = False
