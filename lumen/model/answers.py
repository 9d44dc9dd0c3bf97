"""Answers to what a person asks for: put together from stored turns and from what is read at that moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.alert import Severity
from lumen.model.assessment import HealthLevel
from lumen.model.control import ControlLine
from lumen.model.course import Course, RevisionsSeen
from lumen.model.error_lines import ErrorLines
from lumen.model.forecast import NEXT_TURN, Forecast, expectation_of
from lumen.model.incident import Incident, Learnt, Pause, Pinned, Silence, SizeLock, StoredAlert, TtlOverride
from lumen.model.messages import Message, NoData, with_remedy
from lumen.model.proposal import OPEN, Expectation, Knob, Proposal, Value
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Recommendation, Turn, Worth

#: A turn is made every hour: what is older is no picture of now.
STALE_AFTER = timedelta(hours=2)
#: Stands where the service would, for figures that a person gave.
GIVEN = ServiceId("", "", "")

NO_TURN_YET = NoData(*with_remedy("turn.none_yet"))


def is_stale(turn: Turn, now: datetime) -> bool:
    """Whether it is too old to tell how the service is, and to change anything by."""
    return now - turn.snapshot.window.end > STALE_AFTER


def forecast_now(turns: Sequence[Turn], now: datetime) -> Forecast | NoData:
    """The forecast of the newest turn, the first of `turns`, or why there is none that holds."""
    if not turns:
        return NO_TURN_YET
    found = turns[0].forecast
    return NEXT_TURN if found is None or is_stale(turns[0], now) else found


#: What is not known stands between what is bad and what is good.
WORST_FIRST = (
    HealthLevel.CRITICAL,
    HealthLevel.WARNING,
    HealthLevel.NO_DATA,
    HealthLevel.GOOD,
    HealthLevel.EXCELLENT,
)
#: How bad it is while an alert of this severity is open, and how bad a day with one was.
LEVEL_OF = {
    Severity.PAGE: HealthLevel.CRITICAL,
    Severity.TICKET: HealthLevel.WARNING,
    Severity.NOTICE: HealthLevel.NO_DATA,
}


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst that is true of a service now. `alerts`: the open ones that say so; none: the last turn does.

    `is_unknown`: there is no turn, or one that is too old to tell how the service is.
    """

    level: HealthLevel
    alerts: tuple[StoredAlert, ...]
    is_unknown: bool

    @property
    def is_of_turn(self) -> bool:
        """Whether the last turn says it."""
        return not self.alerts and not self.is_unknown


def worst_of(turn: Turn | None, alerts: Iterable[StoredAlert], now: datetime | None) -> Worst:
    """Of the open alerts and the health that the last turn found. `now` None: as of the turn."""
    is_unknown = turn is None or (now is not None and is_stale(turn, now))
    found = HealthLevel.NO_DATA if turn is None or is_unknown else turn.assessment.gate.health
    told = [(LEVEL_OF[one.alert.severity], one) for one in alerts if one.alert.closed_at is None]
    level = min((found, *(of for of, _ in told)), key=WORST_FIRST.index)
    return Worst(level, tuple(one for of, one in told if of is level), is_unknown)


@dataclass(frozen=True, slots=True)
class TurnReadout:
    """The last stored turn of a service, as it stands at `now`; `turn` is None before the first one."""

    service: ServiceId
    turn: Turn | None
    now: datetime
    next_turn_at: datetime
    #: That are open.
    alerts: tuple[StoredAlert, ...] = ()

    @property
    def worst(self) -> Worst:
        """The worst that is true now."""
        return worst_of(self.turn, self.alerts, self.now)

    @property
    def age(self) -> timedelta | None:
        """Time since its window ended; None without a turn."""
        return None if self.turn is None else max(timedelta(0), self.now - self.turn.snapshot.window.end)

    @property
    def is_stale(self) -> bool:
        """Whether it is too old to tell how the service is."""
        return self.turn is not None and is_stale(self.turn, self.now)


@dataclass(frozen=True, slots=True)
class Glance:
    """One service in a list of several: its last turn, and what is going on beside it."""

    last: TurnReadout
    #: Proposals that wait for a decision.
    waiting: int
    alerts: tuple[StoredAlert, ...]
    pause: Pause | None
    pinned: Pinned | None
    #: Its proposals that are not finished, oldest first.
    unfinished: tuple[Proposal, ...] = ()

    @property
    def worst(self) -> Worst:
        """The worst that is true now."""
        return worst_of(self.last.turn, self.alerts, self.last.now)


@dataclass(frozen=True, slots=True)
class ChangeOfLate:
    """A change that was applied, and a share (0-1) of the last turn before it and of the newest one now.

    That is the hit rate, and of a change of the traffic the requests that failed. A side without data is None: a
    missing figure is never filled in.
    """

    proposal: Proposal
    before: float | None
    now: float | None


@dataclass(frozen=True, slots=True)
class Trusted:
    """The track record of one knob in one direction (`up`), and whether the next such change is applied without asking.

    `chance` (0-1): that it helps. `setting`: the name of the knob in AUTO_APPLY, `named`: whether it stands there.
    `against`: all that speaks against it now.
    """

    knob: Knob
    up: bool
    helped: int
    trials: int
    chance: float
    setting: str
    named: bool
    against: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class InSteps:
    """`approved`: the proposal that was approved in steps; `until`: when that ends by itself."""

    approved: Proposal
    until: datetime


@dataclass(frozen=True, slots=True)
class StatusReadout:
    """`/lumen status` and the hourly report: `turn` is None before the first one; `changes` are the newest first."""

    service: ServiceId
    turn: Turn | None
    open_proposals: tuple[Proposal, ...]
    changes: tuple[ChangeOfLate, ...]
    next_turn_at: datetime | None
    #: As the newest look of the watch saw it.
    pinned: Pinned | None = None
    pause: Pause | None = None
    alerts: tuple[StoredAlert, ...] = ()
    #: What pins the TTL, what locks the size, and until when changes are frozen; None where nothing does.
    override: TtlOverride | None = None
    size_lock: SizeLock | None = None
    frozen_until: datetime | None = None
    #: Settings against changes: DRY_RUN, DISABLE_AUTO_OPTIMIZATION, and until when OBSERVE_ONLY holds.
    dry_run: bool = False
    disabled: bool = False
    observing_until: datetime | None = None
    #: Of what nobody wants to hear for a while.
    silences: tuple[Silence, ...] = ()
    #: What is worth doing, the most urgent first.
    priorities: tuple[Worth, ...] = ()
    #: What is, or may be, done without asking (AUTO_APPLY).
    trusted: tuple[Trusted, ...] = ()
    #: What goes on by itself, as somebody approved in steps, and until when; None where nothing does.
    in_steps: InSteps | None = None
    #: When it was asked for; None where that does not matter.
    now: datetime | None = None
    #: What people's labels of incidents come to; None where nobody asked.
    learnt: Learnt | None = None
    #: Lines of what people set that has not ended, oldest first; those of choices of a service stand with the first.
    controls: tuple[ControlLine, ...] = ()
    #: The turns of the last day, `turn` among them, the newest first.
    day: tuple[Turn, ...] = ()

    @property
    def worst(self) -> Worst:
        """The worst that is true now."""
        return worst_of(self.turn, self.alerts, self.now)

    @property
    def is_stale(self) -> bool:
        """Whether the turn is too old to tell how the service is."""
        return self.turn is not None and self.now is not None and is_stale(self.turn, self.now)


@dataclass(frozen=True, slots=True)
class IncidentReadout:
    """One incident as its message tells of it at `now`; `proposals` stand in it, the newest first.

    `course` and `revisions` are None where nothing is known, or nothing fails. `budget_events`: so many requests may
    fail in 30 days; None where too little of them is known.
    """

    incident: Incident
    now: datetime
    proposals: tuple[Proposal, ...] = ()
    course: Course | None = None
    revisions: RevisionsSeen | None = None
    pinned: Pinned | None = None
    budget_events: float | None = None
    #: What the blamed revision logs; None before anybody has looked.
    errors: ErrorLines | None = None

    @property
    def is_kept_back(self) -> bool:
        """Whether it gets no message: all of it is silenced, and nobody is asked anything."""
        return self.incident.is_kept_back and not self.proposals

    @property
    def open_proposal(self) -> Proposal | None:
        """The one that waits, or is being carried out."""
        return next((one for one in self.proposals if one.state in OPEN), None)


@dataclass(frozen=True, slots=True)
class Readiness:
    """One thing that must work before the bot is of use, with a sentence about its state."""

    name: str
    ready: bool
    detail: str


@dataclass(frozen=True, slots=True)
class KnobReadout:
    """One knob as it was read just now. `wanted`: the value that the last turn recommends; None to leave it."""

    service: ServiceId
    knob: Knob
    value: Value | NoData
    unit: str
    lowest: int | None
    highest: int | None
    wanted: Recommendation | None
    #: Of the cache's size; None for other knobs.
    forecast: Forecast | NoData | None = None


@dataclass(frozen=True, slots=True)
class TtlReadout:
    """The TTL setting as it was read just now, and what to do about it.

    `notes`: what to know before a value is set that a person asked for. `is_stale`: the recommendation rests on a turn
    that is too old to change anything by.
    """

    service: ServiceId
    setting: TtlSetting | NoData
    recommendation: Recommendation | NoData
    #: What pins the TTL; None where nothing does.
    override: TtlOverride | None = None
    measured_at: datetime | None = None
    notes: tuple[Message, ...] = ()
    is_stale: bool = False
    forecast: Forecast | NoData = NEXT_TURN

    @property
    def expected(self) -> Expectation | NoData | None:
        """The effect of the recommended change, or why nobody can say; None where there is no change to tell of."""
        change = None if isinstance(self.recommendation, NoData) else self.recommendation.change
        if change is not None:
            return expectation_of(self.forecast, change)
        return self.forecast if isinstance(self.forecast, NoData) else None

    @property
    def current_seconds(self) -> int | None:
        """None where it cannot be read."""
        return None if isinstance(self.setting, NoData) else self.setting.value_seconds

    @property
    def wanted_seconds(self) -> int | None:
        """The TTL that it should become; None for hold and for no data."""
        change = None if isinstance(self.recommendation, NoData) else self.recommendation.change
        return change.new if change is not None and isinstance(change.new, int) else None
