"""Lumen in the simulated world: its own pipeline, rollback rule, effects and verdicts, fed with what is measured.

It decides and asks; `week` carries out what the person approved.
"""

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lumen.alerts.lifecycle import leader_of
from lumen.backtest.pipeline import BacktestSettings, PastTurn, Pipeline
from lumen.backtest.snapshot import Assumptions, ReleasesSeen
from lumen.effects.disturbance import PageAfter, Surroundings, judge_pages
from lumen.effects.experiment import Experiment, judge
from lumen.effects.hours import Hours
from lumen.effects.verdict import EffectVerdict, Judgement, LookFinding
from lumen.exporters.assess import AssessmentSettings
from lumen.exporters.roi import CachePrices
from lumen.model.alert import Alert, AlertChange, AlertEvent, AlertKind, Observation, Severity
from lumen.model.billing import BudgetNotice, BudgetState, billed_month
from lumen.model.forecast import Prices
from lumen.model.history import SLICES_A_DAY
from lumen.model.incident import StoredAlert
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, Proposal, number
from lumen.model.turn import Occasion, Turn
from lumen.policies.plans import Present, plan_of, reach
from lumen.policies.protection import UNSURE
from lumen.policies.repost import should_repost
from lumen.policies.rollback import RollbackAdvice, RollbackFacts, judge_rollback, judge_slow
from lumen.policies.size import SizeLimits
from lumen.verification.foresight import Foresight
from lumen.verification.record import Record
from lumen.verification.traffic import Profile
from lumen.verification.world import SERVICE, WorldSlice

_NO_ADVICE = RollbackAdvice(None, ())
#: As many turns as the product looks back over.
TURNS_BACK = 100
BUDGET_NAME, WON_A_DOLLAR = "ION API Monthly Budget", 1400


class Post(StrEnum):
    """New messages in the channel. Edits, replies in threads, and what a click answers are none; nor is a rollback,
    which stands in its incident's."""

    REPORT = "report"
    DIGEST = "digest"
    #: Also counts down to going back to a revision, or asks whether to.
    INCIDENT = "incident"
    #: Asks whether to take a change back.
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class LookResult:
    """The result of one look. `undo`: the running experiment is to be taken back, for the reason in `verdict`.

    `wanted`: is proposed now; a further step of a plan has a countdown. `roll_back`: a countdown begins. People are
    asked whether to go back to a revision: `in_doubt`, where it may not be to blame for a page; `slow`, where it made
    the service slow.
    """

    events: tuple[AlertEvent, ...] = ()
    wanted: Proposal | None = None
    verdict: LookFinding | None = None
    roll_back: bool = False
    in_doubt: bool = False
    slow: bool = False
    #: New posts in the channel by kind.
    posts: Counter[Post] = field(default_factory=Counter)


def not_billed(profile: Profile, at: datetime) -> NoData | None:
    """The reason why the bill is of no use to Lumen by then, by the product's own rule; None where nothing is wrong."""
    if not profile.billed_in_won:
        return None
    month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    notice = BudgetNotice("b1", BUDGET_NAME, month, at, profile.budget_usd * WON_A_DOLLAR, "KRW")
    found = billed_month(BudgetState(notice), at)
    return found if isinstance(found, NoData) else None


def settings_for(profile: Profile) -> BacktestSettings:
    """The settings of a fresh installation: the real prices, everything else by default."""
    base = BacktestSettings()
    price = profile.cache_usd_per_mb_month
    return replace(
        base,
        assessment=AssessmentSettings(
            prices=CachePrices(profile.model_call_usd, price, profile.cache_mb), slo=base.assessment.slo
        ),
        size=SizeLimits(cost_per_mb_month_usd=price, api_cost_per_call_usd=profile.model_call_usd),
        alerts=replace(
            base.alerts,
            api_cost_per_call_usd=profile.model_call_usd,
            cache_cost_month_usd=price * profile.cache_mb,
            budget_usd=profile.budget_usd,
        ),
        assumed=Assumptions(profile.ttl_seconds, float(profile.cache_mb), profile.budget_usd),
    )


class SimulatedLumen:
    """Lumen for one service. `look` once a slice, in order."""

    def __init__(self, settings: BacktestSettings, stale_usd: float = 0.0) -> None:
        """`stale_usd`: what the team says that an answer costs which is an hour old."""
        self._settings = settings
        self.foresight = Foresight(Prices(settings.size.api_cost_per_call_usd, stale_usd))
        self.record = Record()
        self._pipeline = Pipeline(SERVICE, settings, forecasts=self.foresight.forecast)
        self._releases = ReleasesSeen(1 - settings.alerts.error_free_share)
        self._hours = Hours()
        self._open: dict[str, Alert] = {}
        self._turns: deque[Turn] = deque(maxlen=TURNS_BACK)
        #: The turn that the last report was posted for.
        self._posted = ""
        self._end: datetime | None = None
        self.experiment: Experiment | None = None
        self._measures_until: datetime | None = None
        #: Alerts about which people were asked whether the release is to blame.
        self._asked: set[str] = set()
        #: Pages that a release is blamed for, and when the traffic was sent back.
        self._blamed: set[str] = set()
        self._moved_at: list[datetime] = []
        self._seen: deque[Observation] = deque(maxlen=4 * SLICES_A_DAY)
        #: All alerts by id, as they stand.
        self.alerts: dict[str, Alert] = {}

    def remember(self, found: WorldSlice) -> None:
        """A slice of the history that it reads when it is installed."""
        self._take(found)
        for event in self._pipeline.remember(found.seen):
            self._is_told(event)
        self.alerts.clear()

    def look(self, measured: WorldSlice, now: datetime) -> LookResult:
        """Judge the next slice, which is seen at `now`."""
        self._take(measured)
        found = self._pipeline.feed(measured.seen, now)
        posts = Counter({Post.INCIDENT: sum(self._is_told(event) for event in found.events)})
        roll_back = self.roll_back_to(now) is not None
        in_doubt = not roll_back and self._ask(self._advice(now))
        slow = not roll_back and not in_doubt and self._ask(self._slow_advice())
        if roll_back or in_doubt:
            self._blamed.add(self._advice(now)[0])
        verdict = self._verdict(now, whole_hour=found.turn is not None)
        wanted = None
        if found.turn is not None:
            posts[Post.REPORT] += self._is_posted(found.turn, now)
            wanted = self._proposed(found.turn, now)
        posts[Post.UNDO] += verdict is not None and verdict.judgement.undo
        return LookResult(found.events, wanted, verdict, roll_back, in_doubt, slow, posts)

    def _proposed(self, made: PastTurn, now: datetime) -> Proposal | None:
        """The proposal of the turn: a further step of a plan that is in force, or a question."""
        wanted = made.wanted
        if not made.proposed or isinstance(wanted, NoData) or wanted.change is None:
            return None
        change = wanted.change
        if change.knob is Knob.TTL:
            change = replace(change, held_permille=self.foresight.permille)
        plan = plan_of(self.record.past, change, Present(now))
        if plan is not None and plan.ended is None:
            if self._open:
                self._pipeline.not_now()
                return None
            return self.record.proposed(wanted, change, 0, plan.approved.id, now)
        return self.record.proposed(wanted, change, reach(change, self._settings.limits), "", now)

    def against_step(self, step: Proposal, now: datetime) -> Message | None:
        """The reason why a countdown that is over comes to nothing; None where the plan still stands behind it."""
        page = self._pipeline.open_page()
        if page is not None:
            return message("policy.held_page", page=page.id)
        if self._open:
            return message("unasked.alert", alert=next(iter(self._open)))
        plan = plan_of(self.record.past, step.draft.change, Present(now))
        return message("unasked.not_wanted") if plan is None else plan.ended

    def applied(self, change: Change, at: datetime, *, measured: bool) -> None:
        """A knob was turned; what policy wanted is measured from here on, what was taken back is not."""
        self._pipeline.changed(change, at)
        if change.knob is Knob.TTL:
            self.foresight.since = at + timedelta(seconds=number(change.old))
        self.experiment = Experiment(change, at) if measured else None
        if measured:
            self._measures_until = at + self._settings.automation.cooldown
        self._pipeline.measuring = measured

    def is_measuring(self, now: datetime) -> bool:
        """Whether its report says that the effect of its last change is still being measured."""
        return self.experiment is not None or (self._measures_until is not None and now < self._measures_until)

    def roll_back_to(self, now: datetime) -> str | None:
        """The revision to go back to, while everything speaks for it; asked again when the countdown ends."""
        page, advice = self._advice(now)
        return None if page in self._asked else advice.target

    def asked_to(self, now: datetime) -> str | None:
        """The revision that a person who was asked may go back to, unless the alert has closed meanwhile."""
        return self._advice(now)[1].asked or self._slow_advice()[1].asked

    def _ask(self, about: tuple[str, RollbackAdvice]) -> bool:
        """Whether to ask: once for an alert."""
        alert, advice = about
        if advice.asked is None or alert in self._asked:
            return False
        self._asked.add(alert)
        return True

    def _advice(self, now: datetime) -> tuple[str, RollbackAdvice]:
        """The open page, and the advice on a rollback for it."""
        page, facts = self._facts(self._pipeline.open_page())
        return page, _NO_ADVICE if facts is None else judge_rollback(facts, now)

    def _slow_advice(self) -> tuple[str, RollbackAdvice]:
        """The open alert on latency, and the advice on a rollback for it."""
        alert, facts = self._facts(next((one for one in self._open.values() if one.kind is AlertKind.LATENCY), None))
        return alert, _NO_ADVICE if facts is None else judge_slow(facts)

    def _facts(self, alert: Alert | None) -> tuple[str, RollbackFacts | None]:
        if alert is None or self._end is None:
            return "", None
        return alert.id, self._releases.facts(alert, self._end)

    def not_now(self) -> None:
        """Note that a step was withdrawn: it may come again."""
        self._pipeline.not_now()

    def rolled_back(self, revision: str) -> None:
        self._releases.pinned_to(revision)
        if self._end is not None:
            self._moved_at.append(self._end)

    def taken_back(self, change: Change, at: datetime) -> None:
        """Note that a verdict had it undone."""
        self._pipeline.taken_back(change, at)

    def rejected(self, change: Change, at: datetime) -> None:
        """Note that somebody said no."""
        self._pipeline.rejected(change, at)

    def settle(self, verdict: LookFinding, at: datetime) -> None:
        """Note that the verdict on the experiment is final."""
        is_answer = verdict.controlled and verdict.judgement.verdict is EffectVerdict.INCONCLUSIVE
        if self.experiment is not None and is_answer:
            self._pipeline.without_effect(self.experiment.change, at)
        self.experiment = None
        self._pipeline.measuring = False

    def _take(self, found: WorldSlice) -> None:
        """Take what is measured; the truth stays in the world."""
        self._end = found.seen.end
        self._hours.add(found.seen)
        self._seen.append(found.seen)
        if found.reported is not None:
            self.foresight.kept.add(found.reported, found.seen.start)
        self._releases.add(found.by_revision)

    def _verdict(self, now: datetime, *, whole_hour: bool) -> LookFinding | None:
        """The verdict of this look, if it settles the experiment; a look that says to wait is none."""
        if self.experiment is None:
            return None
        paged = self._judged_by_pages(self.experiment, now)
        if paged is not None and paged.verdict is not EffectVerdict.WAIT:
            return LookFinding(paged)
        look = self.experiment.due(now) if whole_hour else None
        found = None if look is None else self._looked(self.experiment, look, now)
        return None if found is None or found.judgement.verdict is EffectVerdict.WAIT else found

    def _looked(self, experiment: Experiment, look: int, now: datetime) -> LookFinding:
        if not experiment.is_controlled:
            return judge(experiment, look, self._hours, now.replace(minute=0))
        deployed = (*self._releases.served_since, *self._moved_at)
        pages = [one for one in self.alerts.values() if one.severity is Severity.PAGE]
        return self.foresight.judged(experiment, look, Surroundings((), deployed, (), pages), list(self._seen))

    def _judged_by_pages(self, experiment: Experiment, now: datetime) -> Judgement | None:
        """By the rule of the product: an open page speaks against the change where nothing else is to blame for it."""
        pages = [one for one in self._open.values() if one.severity is Severity.PAGE]
        if not pages:
            return None
        unsure = any(against.code in UNSURE for against in self._advice(now)[1].against)
        around = Surroundings((), (*self._releases.served_since, *self._moved_at))
        after = [(one, PageAfter(one.opened_at, one.id in self._blamed, is_unsure=unsure)) for one in pages]
        return judge_pages("", experiment, around, after)

    def _is_told(self, event: AlertEvent) -> bool:
        """Whether the event is a new message: one incident is one message, which raising and closing edit."""
        alert = event.alert
        self.alerts[alert.id] = alert
        if event.change is AlertChange.CLOSED:
            self._open.pop(alert.id, None)
            return False
        self._open[alert.id] = alert
        return event.change is AlertChange.OPENED and leader_of(alert, self._open.values()).id == alert.id

    def _is_posted(self, made: PastTurn, now: datetime) -> bool:
        """Whether the hour's report is a new message, and no edit of the last one."""
        turn = Turn(
            id=made.at.isoformat(),
            occasion=Occasion.SLOT,
            slot=made.at,
            started_at=now,
            snapshot=made.snapshot,
            assessment=made.assessment,
            ttl=made.wanted,
            proposed=(made.at.isoformat(),) if made.proposed else (),
            wanted=made.wanted,
            held_back=made.held,
            missing=(),
            alerts=tuple(StoredAlert(alert, alert.id) for alert in self._open.values()),
        )
        self._turns.appendleft(turn)
        posted = not self._posted or should_repost(tuple(self._turns), self._posted)
        if posted:
            self._posted = turn.id
        return posted
