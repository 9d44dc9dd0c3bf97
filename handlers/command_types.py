"""What people can ask for with `/lumen`, as it is meant: one small type a command (handlers/parse.py reads them)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from lumen.model.messages import Message
from lumen.model.override import Terms
from lumen.model.proposal import Knob, Value


class Subject(StrEnum):
    """What can be explained: `/lumen slo`, and `/lumen why slo`. The gate has no command of its own."""

    GATE = "gate"
    CACHE = "cache"
    SLO = "slo"
    ROI = "roi"
    MATURITY = "maturity"
    COST = "cost"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Help:
    """Explains everything."""


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
    """Why something is what it is; None: all the scores."""

    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class ShowDigest:
    """The day's digest as it would be now."""


@dataclass(frozen=True, slots=True)
class ShowServices:
    """Which services there are, and which one this channel speaks of."""


@dataclass(frozen=True, slots=True)
class ChooseService:
    """Of which service this channel speaks from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class ShowTtl:
    """The setting and what the policy thinks of it."""


@dataclass(frozen=True, slots=True)
class ShowKnob:
    """How a knob stands; `name` is its command."""

    name: str
    knob: Knob


@dataclass(frozen=True, slots=True)
class Propose:
    """A value for a knob; whether it is in range is the use case's to say."""

    knob: Knob
    wanted: Value
    #: Of a TTL: for the keys that are cached already too.
    existing: bool = False


@dataclass(frozen=True, slots=True)
class ListApprovals:
    """What waits for a decision."""


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
class Pause:
    """Stop all automation; `lasts` None until it is resumed."""

    lasts: timedelta | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ShowHeld:
    """What people have set against changes: an override, a lock, a pause, a freeze."""


@dataclass(frozen=True, slots=True)
class PinTtl:
    """Pin the TTL to a value; whether it is in range is the use case's to say."""

    ttl_seconds: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class LiftOverride:
    """Let the TTL be another one again."""


@dataclass(frozen=True, slots=True)
class LockSize:
    """Let the size of the cache stay as it is."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class UnlockSize:
    """Let the size change again."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let automation go on."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """What can be done when it burns."""


@dataclass(frozen=True, slots=True)
class ShowSilences:
    """What is silenced."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Let nobody be told of an alert, or a kind of alert, for a while; `lasts` None: as long as is usual."""

    what: str
    lasts: timedelta | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unsilence:
    """Let people hear of it again."""

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


_Asked = (
    Status | Report | Explain | ShowDigest | ShowTtl | ShowKnob | ListApprovals | Run | History | Emergency | ShowHeld
)
_Wanted = Propose | RollBack | Undo | Pause | Resume | PinTtl | LiftOverride | LockSize | UnlockSize
OfAlerts = ShowSilences | Silence | Unsilence | ShowIncident
#: What speaks of one service, which any of these may name.
OfOneService = _Asked | _Wanted | OfAlerts
Command = OfOneService | Help | StatusAll | ShowServices | ChooseService | Misspelt | Malformed


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, the service that it names ("" for none), and whether the answer is for the channel."""

    command: Command
    service: str = ""
    share: bool = False
