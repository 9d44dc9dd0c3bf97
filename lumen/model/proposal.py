"""A change that somebody must decide on, its states (docs/states.md), and its measured effect (docs/methods.md)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lumen.model.messages import Message, NoData, message, with_remedy
from lumen.model.service import Person, ServiceId


class Verdict(StrEnum):
    """The final judgement of a change; the names are those of the states that it leads to."""

    KEPT = "KEPT"
    INCONCLUSIVE = "INCONCLUSIVE"
    HARMFUL = "HARMFUL"


@dataclass(frozen=True, slots=True)
class MeasuredEffect:
    """The effect on one metric with its interval: as ratios (0.10: ten per cent more), or of the hit rate against a
    control as shares (`hit_rate_points`; 0.05: five points more)."""

    metric: str
    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The newest look at a change. `verdict` None: it is looked at again.

    `look_hours`: after how many hours, 0 for a page that opened right after the change. `effects`: the metric that
    the change is for comes first; empty where there was no honest estimate. `undo`: it should be taken back.
    `controlled`: keys that kept the old value tell the effects. Without, they only coincide with the change: nothing is
    learnt from them, and nothing is done by itself. `lasting`: what a replay says a week after the change.
    """

    look_hours: int
    at: datetime
    verdict: Verdict | None
    reason: Message
    effects: tuple[MeasuredEffect, ...] = ()
    undo: bool = False
    controlled: bool = False
    lasting: Message | None = None

    @property
    def helped(self) -> bool:
        """Whether a control tells that what it is for got better."""
        return self.controlled and self.verdict is Verdict.KEPT and any(one.low > 0 for one in self.effects[:1])

    @property
    def lost_as_announced(self) -> bool:
        """Whether it stays though a control tells a loss: who approved it read of that on its card."""
        return self.controlled and self.verdict is Verdict.KEPT and not self.helped

    @property
    def is_precaution(self) -> bool:
        """A page followed at once and nothing else is to blame: taken back without a verdict, nothing is learnt."""
        return self.verdict is None and self.undo

    @property
    def is_of_a_page(self) -> bool:
        """Whether it tells of a page right after the change, and not of a look."""
        return self.look_hours == 0


#: The mark of a proposal that a Lumen without marks has stored.
UNMARKED = "-"

#: What a knob stands at: a number, or for the traffic the name of a revision (or LATEST).
Value = int | str


def number(value: Value) -> int:
    """The value of a knob that counts something. Raises TypeError for the name of a revision."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is the name of a revision, not a number")
    return value


#: The traffic goes to each new revision as it gets ready.
LATEST = "LATEST"


class Knob(StrEnum):
    """A setting that can be turned. At most one open proposal per knob and service."""

    TTL = "ttl"
    CACHE_SIZE = "cache_size"
    MEMORY = "memory"
    MIN_INSTANCES = "min_instances"
    L1_ENTRIES = "l1_entries"
    TRAFFIC = "traffic"


class Priority(StrEnum):
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Origin(StrEnum):
    """The one who wants it: Lumen's policy, a person, or a person who wants an earlier change back."""

    POLICY = "policy"
    PERSON = "person"
    UNDO = "undo"


class State(StrEnum):
    """Exactly one decision, then execution, then (later) a verdict on what it did."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    APPROVED_BY_TIMER = "APPROVED_BY_TIMER"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    SUPERSEDED = "SUPERSEDED"
    APPLYING = "APPLYING"
    APPLIED = "APPLIED"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"
    KEPT = "KEPT"
    INCONCLUSIVE = "INCONCLUSIVE"
    HARMFUL = "HARMFUL"
    UNDONE = "UNDONE"


#: Decided for, and not begun.
APPROVED = frozenset({State.APPROVED, State.APPROVED_BY_TIMER})
#: Something is still to be decided or done.
OPEN = APPROVED | {State.PENDING, State.APPLYING}
#: The change was made and stands, with a verdict or without one yet.
IN_FORCE = frozenset({State.APPLIED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL})
WAS_IN_FORCE = IN_FORCE | {State.UNDONE}
#: Notes of a FAILED change that stands somewhere all the same.
_LEFT = frozenset({"execution.partly_applied", "execution.partly_set", "execution.not_followed"})
#: A failed change may have set the value ("set, but not followed"), so it can be taken back too.
UNDOABLE = IN_FORCE | {State.FAILED}
CHANGED_SOMETHING = UNDOABLE | {State.UNDONE}
CHANGED_NOTHING = frozenset({State.REJECTED, State.EXPIRED, State.WITHDRAWN, State.SUPERSEDED, State.ABANDONED})


@dataclass(frozen=True, slots=True)
class Change:
    """An absolute move of one knob; `unit` is how people read it ("s", "MB").

    `held_permille`: so many of 1,000 keys keep the old TTL for a while, and are what its effect is measured against; 0
    where nothing is held back. How it is measured makes it no other change.
    """

    knob: Knob
    old: Value
    new: Value
    unit: str
    held_permille: int = field(default=0, compare=False)

    @property
    def step(self) -> int | None:
        """New minus old; None where the values are no numbers."""
        return self.new - self.old if isinstance(self.new, int) and isinstance(self.old, int) else None


#: The knob, and whether it goes up.
Direction = tuple[Knob, bool]


def direction(change: Change) -> Direction:
    """Whether a change between numbers goes up; any other counts as down."""
    return change.knob, (change.step or 0) > 0


@dataclass(frozen=True, slots=True)
class Expectation:
    """The expected effects, each as low, middle and high of a 90 % interval; `hit_rate` as it is without the change.

    `confidence`: the chance that the hit rate's comes true within a point, or within a fifth of itself. The cost holds
    what the age of answers costs (`monthly_stale_usd`); `monthly_calls_change` None: not known of an older version.
    """

    hit_rate_change: tuple[float, float, float]
    monthly_cost_change_usd: tuple[float, float, float]
    confidence: float
    hit_rate: float
    monthly_calls_change: tuple[float, float, float] | None = None
    monthly_stale_usd: float = 0.0


#: Said where an undo replaces more than the change that it takes back.
GOES_OVER = ("approval.undo_over_change", "approval.undo_over_foreign")
#: Said where traffic would go to a revision that was taken out before.
BRINGS_BACK = ("rollback.brings_back", "rollback.brings_back_unknown")
#: Said of what such a change was followed by before (lumen/model/feedback.py).
FOLLOWS = "graph.follows"


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal before the store has given it an id.

    `change.old` and `premise_version` ("" where values are not versioned) are what the executor must still find.
    """

    service: ServiceId
    change: Change
    premise_version: str
    origin: Origin
    asked_by: Person | None
    reasons: tuple[Message, ...]
    expected: Expectation | NoData
    priority: Priority
    undo_of: str | None
    request_id: str
    #: More than one: the two-person rule. Each person's approval counts once; a single rejection decides.
    approvals_needed: int = 1
    #: The incident (the id of its alert) that it is meant to end; "" for none.
    incident: str = ""
    #: A TTL: the keys that are cached already get it too, in paced batches, before it counts as applied.
    existing: bool = False
    #: A step of an emergency (a rollback among them): a person may take it in a change freeze too.
    emergency: bool = False
    #: An undo: later changes of the knob that stand above the one that is taken back, and are replaced with it.
    replaces: tuple[str, ...] = ()
    #: It makes a new revision with the same image: instances start anew.
    deploys: bool = False
    #: A longer TTL: up to how many seconds further steps may go if it is approved in steps; 0: it cannot be.
    steps_to: int = 0
    #: A further step: the id of the proposal that was approved in steps.
    step_of: str = ""

    @property
    def brings_back(self) -> Message | None:
        """The reason that says that it sends traffic to a revision that was taken out; None where it does not."""
        return next((one for one in self.reasons if one.code in BRINGS_BACK), None)

    @property
    def follows(self) -> Message | None:
        """The reason that says what usually follows such a change; None where nobody knows."""
        return next((one for one in self.reasons if one.code == FOLLOWS), None)

    @property
    def goes_over(self) -> Message | None:
        """Of an undo, the reason that says that something else is in force by now, and whose it is; else None."""
        return next((one for one in self.reasons if one.code in GOES_OVER), None)


class Choice(StrEnum):
    """A decision on a PENDING proposal, and the state that it leads to."""

    APPROVE = "APPROVED"
    TIMER = "APPROVED_BY_TIMER"
    REJECT = "REJECTED"
    EXPIRE = "EXPIRED"
    WITHDRAW = "WITHDRAWN"
    SUPERSEDE = "SUPERSEDED"


@dataclass(frozen=True, slots=True)
class Decision:
    """A choice, and who made it. `click_id` makes it settle once however often it is sent."""

    choice: Choice
    person: Person | None
    click_id: str
    #: Why, where no person can be asked: what made a timer act or withdraw.
    note: Message | None = None
    #: An approval of the further steps too (`Draft.steps_to`).
    in_steps: bool = False

    @property
    def told(self) -> Message | None:
        """The sentence that stands in the audit beside the choice."""
        return message("plan.began") if self.in_steps else self.note


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft that is stored, with all that has become of it.

    Times are for people: service time in UTC. What is enforced are the same durations by the store's own clock.
    """

    id: str
    draft: Draft
    state: State
    created_at: datetime
    expires_at: datetime
    decision: Decision | None
    decided_at: datetime | None
    #: What is known of the execution so far: progress, the failure, or why it was abandoned.
    note: Message | None
    finished_at: datetime | None
    #: Grows with each stored change; the outbox shows a version at least this new.
    version: int
    #: A countdown: when it acts by itself unless somebody decides (None: it never does). Snoozing moves it.
    acts_at: datetime | None = None
    #: Who approved so far, where more than one must. A vote is not a decision.
    votes: tuple[Person, ...] = ()
    #: What the newest look at its effect said; it stays when the change is taken back.
    measured: Measured | None = None
    #: Who put a countdown off, each time.
    snoozes: tuple[Person, ...] = ()
    #: The epoch's id and random digits: ids begin again when the store is lost, or restored from a copy; this does not.
    mark: str = UNMARKED
    #: The incident in whose message it stands; "" for a message of its own.
    shown_in: str = ""

    @property
    def epoch(self) -> str:
        """That of the store: another one since it was lost, or restored from a copy."""
        return self.mark.partition(".")[0]

    @property
    def can_be_undone(self) -> bool:
        """Whether something of it stands: it was applied, or failed and left a value behind."""
        return self.state in IN_FORCE or self.left_something

    @property
    def is_unmeasured(self) -> bool:
        """Whether it ended without anything that tells what it did."""
        return self.state is State.INCONCLUSIVE and not (self.measured is not None and self.measured.controlled)

    @property
    def has_message(self) -> bool:
        """Whether it has a message of its own: people asked for it, or it acts by itself.

        What Lumen would like better stands in the report with its buttons (posted anew for what is urgent), and the
        digest names it.
        """
        is_wish = self.draft.origin is Origin.POLICY and self.draft.change.knob is not Knob.TRAFFIC
        return not is_wish or self.acts_at is not None

    @property
    def left_something(self) -> bool:
        """Whether it failed, and its value stands somewhere all the same."""
        return self.state is State.FAILED and self.note is not None and self.note.code in _LEFT


@dataclass(frozen=True, slots=True)
class Decided:
    """The answer to one click: whether it was this click that decided, and how the proposal stands now.

    `voted`: it counts as one of the approvals that are needed. `snoozed`: it put the countdown off.
    """

    won: bool
    proposal: Proposal
    voted: bool = False
    snoozed: bool = False


#: Of all knobs but the TTL and the size of the cache: an invented figure would be worse than none.
NOT_PREDICTABLE = NoData(*with_remedy("approval.not_predictable"))
#: What does not change what the cache holds is not judged by its hit rate.
_BESIDE_THE_CACHE = frozenset({Knob.TRAFFIC, Knob.MIN_INSTANCES, Knob.MEMORY, Knob.L1_ENTRIES})


def not_predictable(knob: Knob) -> NoData:
    """The reason for no expectation of a change, and by what it will be judged."""
    if knob in _BESIDE_THE_CACHE:
        return NoData(NOT_PREDICTABLE.reason, message(f"approval.not_predictable_{knob}"))
    return NOT_PREDICTABLE
