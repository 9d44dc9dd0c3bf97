"""A stretch of the world with its on-call, with or without Lumen. Everything that is decided is carried out."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lumen.backtest.score import Label
from lumen.effects.verdict import EffectVerdict, LookFinding
from lumen.model.alert import Alert, AlertChange, AlertKind, Severity
from lumen.model.history import SLICES_A_DAY
from lumen.model.hold_back import HELD_FOR
from lumen.model.proposal import Change, Choice, Knob, Priority, Proposal, number
from lumen.model.snapshot import SLICE_SECONDS
from lumen.verification.accesses import HeldKeys
from lumen.verification.called import Truth, is_about
from lumen.verification.incidents import LABEL_OF, ROLLED_BACK, SimulatedIncident, Trouble
from lumen.verification.judge import Adjustment, is_at, turn
from lumen.verification.lumen_in_world import Post, SimulatedLumen
from lumen.verification.on_call import (
    CLICK_MOST,
    DAY,
    HOUR,
    LEAVES_TO_LUMEN,
    MENDABLE,
    MENDS_WITHIN,
    REVIEW_HOUR,
    ByHand,
    Intervention,
    Reviews,
    ScriptedOnCall,
)
from lumen.verification.world import ORIGIN, SERVICE, World, WorldSlice

#: The countdown of a rollback, which asks nobody.
COUNTDOWN = 300.0
#: That of a further step of a plan.
STEP_COUNTDOWN = 3600.0
#: What else than a knob an answer may be about.
ROLLBACK, UNDO = "rollback", "undo"
SATURDAY = 5


@dataclass(slots=True)
class WeekResult:
    """The events from the first to the last slice."""

    slices: list[WorldSlice] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    alerts: tuple[Alert, ...] = ()
    labels: tuple[Label, ...] = ()
    #: Alerts of any kind that were told, and how many of them had nothing to tell.
    told: int = 0
    told_for_nothing: int = 0
    #: New messages in the channel.
    posts: Counter[Post] = field(default_factory=Counter)
    rollbacks: int = 0
    wrong_rollbacks: int = 0


class SimulatedWeek:
    """Runs `world`, which is used up. `lumen` None is the world without Lumen.

    `tunes`: whether the on-call turns knobs by hand; `is_hard`: whether they are hard to work with.
    """

    def __init__(
        self, world: World, seed: int, lumen: SimulatedLumen | None, *, tunes: bool = True, is_hard: bool = False
    ) -> None:
        self._world = world
        self._person = ScriptedOnCall(seed, is_hard=is_hard)
        self._tunes = tunes
        self._lumen = lumen
        self._reviews = Reviews()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        #: Incidents that are in somebody's hands, by kind and start: their end may be another one later.
        self._known: set[tuple[Trouble, float]] = set()
        self._seen_before: WorldSlice | None = None
        self._day: deque[WorldSlice] = deque(maxlen=SLICES_A_DAY)
        self._lumen_busy_at = -DAY
        self._rollback_asked = False
        self._began = world.seconds
        self._month_began, self._month_usd = 0.0, 0.0
        self.result = WeekResult()

    def run(self, slices: int, warm: Sequence[WorldSlice]) -> WeekResult:
        """`warm`: the history before, of which Lumen sees what was measured."""
        if self._lumen is not None:
            for one in warm:
                self._lumen.remember(one)
        self._day.extend(warm[-SLICES_A_DAY:])
        for one in warm:
            self._pay(one)
        for _ in range(slices):
            self._step()
        # What was asked in the last minutes is still answered; what waits for the morning is another week's.
        for item in sorted(one for one in self._due if one[0] <= self._world.seconds + CLICK_MOST):
            item[2]()
        self._finish()
        return self.result

    def _step(self) -> None:
        now = self._world.seconds
        for item in sorted(one for one in self._due if one[0] <= now):
            self._due.remove(item)
            item[2]()
        self._notice(now)
        found = self._world.step()
        self.result.slices.append(found)
        self._day.append(found)
        self._pay(found)
        # Measurements come minutes late: each slice is looked at when the next one is over.
        if self._lumen is not None and self._seen_before is not None:
            self._listen(self._lumen, self._seen_before)
        self._seen_before = found
        if self._is_nine():
            self.result.posts[Post.DIGEST] += self._lumen is not None
            self._review()

    def _pay(self, found: WorldSlice) -> None:
        if found.seen.start.day == 1 and found.seen.start.hour == found.seen.start.minute == 0:
            self._month_began, self._month_usd = found.index * float(SLICE_SECONDS), 0.0
        self._month_usd += found.cost_usd

    def _at(self, seconds: float, work: Callable[[], None]) -> None:
        self._count += 1
        self._due.append((seconds, self._count, work))

    def _by_hand(self, kind: ByHand, about: str = "") -> None:
        self.result.interventions.append(Intervention(self._world.seconds, kind, about))

    def _notice(self, now: float) -> None:
        """Let people find out about incidents by themselves."""
        for one in self._world.incidents:
            if one.trouble not in LABEL_OF or not one.covers(now) or _mark(one) in self._known:
                continue
            if one.start < self._began or self._person.notices_at(one) <= now:
                self._known.add(_mark(one))
                self._by_hand(ByHand.LOOKED)
                self._mend(one, now + MENDS_WITHIN)

    def _mend(self, incident: SimulatedIncident, at: float) -> None:
        """Mend it by hand at `at`, unless it is over by then."""

        def work() -> None:
            still = next((one for one in self._world.incidents if _mark(one) == _mark(incident)), incident)
            if incident.trouble in MENDABLE and still.covers(self._world.seconds):
                self._by_hand(ByHand.ROLLED_BACK if incident.trouble in ROLLED_BACK else ByHand.MENDED)
                self._end(still)

        self._at(at, work)

    def _end(self, incident: SimulatedIncident) -> None:
        if incident.trouble not in ROLLED_BACK:
            self._world.end_now(incident)
        elif self._world.roll_back() and self._lumen is not None:
            self._lumen.rolled_back(self._world.revision(self._world.seconds))

    def _listen(self, lumen: SimulatedLumen, seen: WorldSlice) -> None:
        now = self._world.seconds
        found = lumen.look(seen, _instant(now))
        self.result.posts += found.posts
        for event in found.events:
            if event.change is AlertChange.OPENED:
                self._called(event.alert, now)
        if found.roll_back and not self._rollback_asked:
            self._rollback_asked = True
            self._at(now + COUNTDOWN, lambda: self._roll_back(lumen))
        if found.in_doubt:
            self._at(self._person.called_at(now) + MENDS_WITHIN, lambda: self._find_out(lumen))
        if found.slow:
            self._at(self._person.answers_at(now), lambda: self._answer_slow(lumen))
        if found.verdict is not None:
            self._settle(lumen, found.verdict, now)
        if found.wanted is not None:
            self._propose(lumen, found.wanted, now)

    def _called(self, alert: Alert, now: float) -> None:
        """Let somebody read an alert."""
        kind, is_page = alert.kind, alert.severity is Severity.PAGE
        read_at = self._person.called_at(now) if is_page else self._person.reads_at(now)
        self.result.told += 1
        if not self._truth().speaks_for(kind, now):
            self.result.told_for_nothing += 1
            self._at(read_at + MENDS_WITHIN, lambda: self._by_hand(ByHand.CALLED_FOR_NOTHING))
        if kind not in LABEL_OF.values():
            return
        for one in self._world.incidents:
            if not is_about(one, kind, now) or _mark(one) in self._known:
                continue
            self._known.add(_mark(one))
            if one.trouble in ROLLED_BACK:
                self._mend(one, read_at + LEAVES_TO_LUMEN)
            elif one.trouble in MENDABLE:
                self._mend(one, read_at + MENDS_WITHIN)

    def _truth(self) -> Truth:
        month = self._world.seconds - self._month_began
        mb = self._world.setting.cache_mb
        return Truth(self._world.profile, self._world.incidents, self._day, mb, self._month_usd, month)

    def _roll_back(self, lumen: SimulatedLumen) -> None:
        self._rollback_asked = False
        self._go_back(lumen, lumen.roll_back_to)

    def _find_out(self, lumen: SimulatedLumen) -> None:
        """Is it the release? Lumen did not know, so somebody had to look; then a click is enough."""
        self._by_hand(ByHand.LOOKED)
        if self._world.release_fails():
            self._by_hand(ByHand.ANSWERED, ROLLBACK)
            self._go_back(lumen, lumen.asked_to)

    def _answer_slow(self, lumen: SimulatedLumen) -> None:
        """The moment speaks against the release; what is over by then needs no answer."""
        if lumen.asked_to(_instant(self._world.seconds)) is not None:
            self._by_hand(ByHand.ANSWERED, ROLLBACK)
            self._go_back(lumen, lumen.asked_to)

    def _go_back(self, lumen: SimulatedLumen, to: Callable[[datetime], str | None]) -> None:
        """Go back to a revision that was approved, judged once more before it is done."""
        revision = to(_instant(self._world.seconds))
        if revision is None:
            return
        lumen.rolled_back(revision)
        self.result.rollbacks += 1
        if not self._world.roll_back():
            self.result.wrong_rollbacks += 1
            self._by_hand(ByHand.CALLED_FOR_NOTHING)

    def _propose(self, lumen: SimulatedLumen, made: Proposal, now: float) -> None:
        """A question, or a countdown for a further step of what was approved in steps."""
        draft = made.draft
        self._lumen_busy_at = now
        # What is not urgent has no message of its own: it is read with the next digest.
        is_urgent = draft.priority is Priority.HIGH or bool(draft.step_of)
        answered_at = self._person.answers_at(now if is_urgent else _next_digest(now))
        if self._person.rejects():
            self._at(answered_at, lambda: self._reject(lumen, made))
        if draft.step_of:
            self._at(now + STEP_COUNTDOWN, lambda: self._step_further(lumen, made))
        elif not self._person.rejects():
            self._at(answered_at, lambda: self._approve(lumen, made))

    def _reject(self, lumen: SimulatedLumen, made: Proposal) -> None:
        if lumen.record.waits(made):
            at = _instant(self._world.seconds)
            self._by_hand(ByHand.ANSWERED, made.draft.change.knob)
            lumen.record.decided(made, Choice.REJECT, at)
            lumen.rejected(made.draft.change, at)

    def _approve(self, lumen: SimulatedLumen, made: Proposal) -> None:
        if lumen.record.waits(made):
            self._by_hand(ByHand.ANSWERED, made.draft.change.knob)
            in_steps = bool(made.draft.steps_to)
            lumen.record.decided(made, Choice.APPROVE, _instant(self._world.seconds), in_steps=in_steps)
            self._apply(lumen, made)

    def _step_further(self, lumen: SimulatedLumen, made: Proposal) -> None:
        at = _instant(self._world.seconds)
        if not lumen.record.waits(made):
            return
        against = lumen.against_step(made, at)
        lumen.record.decided(made, Choice.TIMER if against is None else Choice.WITHDRAW, at, note=against)
        if against is None:
            self._apply(lumen, made)
        else:
            lumen.not_now()

    def _apply(self, lumen: SimulatedLumen, made: Proposal) -> None:
        change, at = made.draft.change, _instant(self._world.seconds)
        if not is_at(self._world, change.knob, change.old):
            lumen.record.abandoned(made)
            return  # turned by hand meanwhile: what was approved is abandoned
        before = self._world.fork()
        turn(self._world, change, _hold_back(change, self._world.seconds, int(made.id)))
        lumen.record.applied(made, at)
        lumen.applied(change, at, measured=True)
        self.result.adjustments.append(Adjustment(change, made, at, before))

    def _settle(self, lumen: SimulatedLumen, found: LookFinding, now: float) -> None:
        """A verdict on the experiment; what is to be undone is a question, which a page makes urgent."""
        adjustment, verdict = self.result.adjustments[-1], found.judgement
        adjustment.verdict, adjustment.verdict_at, adjustment.asked_back = verdict.verdict, _instant(now), verdict.undo
        lumen.settle(found, _instant(now))
        lumen.record.judged(adjustment.proposal, found, _instant(now))
        self._world.setting = replace(self._world.setting, hold_back=None)
        self._lumen_busy_at = now
        if not verdict.undo:
            return
        back = Change(adjustment.change.knob, adjustment.change.new, adjustment.change.old, adjustment.change.unit)

        is_urgent = verdict.verdict is EffectVerdict.REVERT

        def undo() -> None:
            self._by_hand(ByHand.ANSWERED, UNDO)
            if not is_at(self._world, back.knob, back.old):
                return
            turn(self._world, back)
            adjustment.undone_at = _instant(self._world.seconds)
            lumen.record.undone(adjustment.proposal)
            lumen.applied(back, adjustment.undone_at, measured=False)
            if not is_urgent:
                lumen.taken_back(adjustment.change, adjustment.undone_at)

        self._at(self._person.called_at(now) if is_urgent else self._person.answers_at(now), undo)

    def _is_nine(self) -> bool:
        now = _instant(self._world.seconds)
        return now.hour == REVIEW_HOUR and now.minute == 0

    def _review(self) -> None:
        """Review yesterday's figures on working days; what Lumen is at is left to Lumen, mostly."""
        now = self._world.seconds
        if not self._tunes or _instant(now).weekday() >= SATURDAY:
            return
        is_busy = self._lumen is not None and (
            self._lumen.is_measuring(_instant(now)) or now - self._lumen_busy_at < DAY
        )
        if is_busy and not self._person.meddles(now):
            return
        lookups = sum(one.lookups for one in self._day)
        hits, evictions = sum(one.hits for one in self._day), sum(one.evictions for one in self._day)
        if not lookups or any(_troubles_cache(one, now) for one in self._world.incidents):
            return
        setting = self._world.setting
        size = Reviews.cache_mb(evictions / lookups, setting.cache_mb)
        ttl = None if size is not None else self._reviews.ttl(hits / lookups, setting.ttl_seconds)
        if size is not None:
            self._tune(Change(Knob.CACHE_SIZE, setting.cache_mb, size, "MB"))
        elif ttl is not None:
            self._tune(Change(Knob.TTL, setting.ttl_seconds, ttl, "s"))

    def _tune(self, change: Change) -> None:
        self._by_hand(ByHand.TUNED)
        turn(self._world, change)
        if self._lumen is not None:
            self._lumen.applied(change, _instant(self._world.seconds), measured=False)

    def _finish(self) -> None:
        if self._lumen is not None:
            self.result.alerts = tuple(sorted(self._lumen.alerts.values(), key=lambda one: one.opened_at))
        self.result.labels = tuple(
            Label(SERVICE, _instant(one.start), _instant(min(one.end, self._world.seconds)), LABEL_OF[one.trouble])
            for one in self._world.incidents
            if one.trouble in LABEL_OF and one.end > one.start >= self._began and one.start < self._world.seconds
        )


def _hold_back(change: Change, now: float, version: int) -> HeldKeys | None:
    """The hold-back of the service after this change."""
    if not change.held_permille:
        return None
    return HeldKeys(number(change.old), change.held_permille, now + HELD_FOR.total_seconds(), version)


def _mark(incident: SimulatedIncident) -> tuple[Trouble, float]:
    return incident.trouble, incident.start


def _instant(seconds: float) -> datetime:
    return ORIGIN + timedelta(seconds=seconds)


def _next_digest(now: float) -> float:
    return now + (REVIEW_HOUR * HOUR - now) % DAY


def _troubles_cache(one: SimulatedIncident, now: float) -> bool:
    """Whether yesterday's figures speak of an incident and not of the settings."""
    troubled = LABEL_OF.get(one.trouble) is AlertKind.CACHE or one.trouble in ROLLED_BACK
    return troubled and one.start < now and one.end > now - DAY
