"""Changes that are made without asking, over a real store: what begins a countdown, and all that it may come to."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.details import details
from handlers.blocks.proposal import card
from lumen.model.alert import Observation, Severity
from lumen.model.incident import Pause, TtlOverride
from lumen.model.messages import NoData, NotPossible, message
from lumen.model.proposal import Change, Choice, Decision, Knob, Measured, MeasuredEffect, Proposal, State, Verdict
from lumen.model.service import Permit
from lumen.model.snapshot import Window
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation
from lumen.ports.clock import FaultPoint, no_fault
from lumen.ports.incidents import Look
from lumen.use_cases import leases
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import EXPIRES_IN, SNOOZE_BY
from lumen.use_cases.auto_apply import AutoApplyCountdowns
from lumen.use_cases.execution import Execution
from lumen.wording.catalogue import Catalogue
from tests.alike import Alike
from tests.contract.store.builders import KIM, LEE, SERVICE, Store, draft
from tests.contract.use_cases.crashes import Crash, crash_at
from tests.contract.use_cases.measured_world import HOUR, START, House, settled
from tests.contract.use_cases.test_turns import Room, deployed
from tests.snapshots import cache

#: By the store's clock, which the clock of the test does not move.
COUNTDOWN = timedelta(milliseconds=20)
SET = AutoApplySettings(frozenset({Knob.TTL}), COUNTDOWN)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
EFFECTS = (MeasuredEffect("hit_rate_points", 0.1, 0.05, 0.15),)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    # A crashed holder's lease must run out before another may go on; the tests do not wait 15 s for that.
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=3))


@dataclass
class Post:
    """A room in which a longer TTL is recommended, and has helped `helped` times before."""

    room: Room
    automation: Automation
    seeds: int = 0

    @property
    def house(self) -> House:
        return self.room.house

    @property
    def store(self) -> Store:
        return self.house.store

    async def seed(self, *verdicts: Verdict) -> None:
        """Changes of days ago, approved by a person and measured, the oldest first."""
        store = self.store
        for verdict in verdicts:
            self.seeds += 1
            wanted = replace(draft(f"seed{self.seeds}"), change=Change(Knob.TTL, 200, 300, "s"))
            made = await store.proposals.propose(wanted, EXPIRES_IN)
            await store.proposals.decide(SERVICE, made.id, Decision(Choice.APPROVE, KIM, f"seed:{made.id}"))
            lease = await store.lease()
            why = message("effect.too_little", hours=24)
            measured = Measured(24, store.clock.time, verdict, why, EFFECTS, controlled=True)
            for state in (State.APPLYING, State.APPLIED, State(verdict.value)):
                told = measured if state is State(verdict.value) else None
                await store.proposals.advance(SERVICE, made.id, lease, state, None, told)
            await store.leases.release(SERVICE, lease)
        store.clock.time += 48 * HOUR
        await self.watched()

    async def watched(self) -> None:
        """The watch has just looked."""
        after, lease = await self.house.alerts.newest(SERVICE), await self.store.lease("slot/watch")
        assert await self.house.alerts.look(SERVICE, lease, Look(after, (Observation(self.house.now),), ()))
        await self.store.leases.release(SERVICE, lease)

    async def begun(self) -> Proposal:
        """What the turn of now proposes."""
        return await self.room.proposed(await self.room.turn(self.automation))

    def replica(self, fault: FaultPoint = no_fault) -> AutoApplyCountdowns:
        evaluator, rules = self.room.evaluator(self.automation), self.room.rules(self.automation)
        seen = self.room.seen
        return AutoApplyCountdowns(
            seen,  # type: ignore[arg-type]
            evaluator,
            rules,
            self.store.proposals,
            self.store.claims,
            self.store.outbox,
            fault,
        )

    async def over(self) -> None:
        """Its time is up, by the store's own clock."""
        await self.store.pass_time(COUNTDOWN)

    async def carry_out(self) -> None:
        store, knobs = self.store, self.house.knobs
        restraints = self.room.restraints(self.automation)
        acting = Acting(restraints, alerts=self.house.alerts)
        execution = Execution(store.proposals, store.claims, Alike(knobs), acting, no_fault)
        await execution.settle(SERVICE)

    async def ended(self) -> Proposal:
        """The newest proposal once its time is up, and what that came to was carried out."""
        await self.over()
        await self.replica().settle(SERVICE)
        await self.carry_out()
        return (await self.store.proposals.recent(SERVICE, 1))[0]

    async def posts(self) -> None:
        """Slack has taken all messages that were behind."""
        for dirty in await self.store.outbox.dirty(SERVICE):
            await self.store.outbox.shown(dirty, "C1", "1.0")

    @property
    def ttl_seconds(self) -> int:
        return self.house.places[Knob.TTL].value


@pytest.fixture
async def post(store: Store) -> Post:
    found = Post(Room(House(store)), Automation(after_deployment=24 * HOUR))
    found.room.setting = SET
    return found


async def a_countdown(post: Post) -> Proposal:
    await post.seed(*[Verdict.KEPT] * 5)
    made = await post.begun()
    assert (made.state, made.draft.change.new) == (State.PENDING, 420)
    assert made.acts_at == post.house.now + COUNTDOWN
    return made


def codes(made: Proposal) -> list[str]:
    return [reason.code for reason in made.draft.reasons]


async def test_from_a_record_to_an_applied_change(post: Post) -> None:
    made = await a_countdown(post)
    assert codes(made)[-2:] == ["effect.record", "unasked.allowed"]
    english, korean = (card(Catalogue(locale), made).text for locale in ("en", "ko"))
    assert "5 of 5 such changes helped" in english
    assert "Unless somebody decides, Lumen sets 420 s by itself at <!date^" in english
    assert "아무도 결정하지 않으면 Lumen이 <!date^" in korean
    over = await post.ended()
    assert (over.id, over.state, post.ttl_seconds) == (made.id, State.APPLIED, 420)
    assert over.decision is not None
    assert over.decision.note is not None
    assert over.decision.note.code == "unasked.acted"
    (decided,) = [e for e in await post.store.audit.entries(SERVICE, 50) if e.detail == "APPROVED_BY_TIMER"]
    assert (decided.actor, decided.proposal_id) == ("timer", made.id)
    assert '"unasked.acted"' in decided.data
    assert '"helped":5' in decided.data


NOT_ENOUGH = [
    ([Verdict.KEPT] * 4, "unasked.not_earned"),
    ([Verdict.KEPT] * 6 + [Verdict.INCONCLUSIVE], "unasked.not_earned"),
    ([], "unasked.not_earned"),
]


@pytest.mark.parametrize(("verdicts", "code"), NOT_ENOUGH)
async def test_without_the_record_people_are_asked(post: Post, verdicts: list[Verdict], code: str) -> None:
    await post.seed(*verdicts)
    post.store.clock.time += 14 * 24 * HOUR  # so long nothing is asked again that had no clear effect
    await post.watched()
    made = await post.begun()
    assert made.acts_at is None
    assert codes(made)[-2:] == ["unasked.asked_because", code]


async def test_where_it_is_not_set_it_is_offered(post: Post) -> None:
    post.room.setting = AutoApplySettings(frozenset({Knob.CACHE_SIZE}))
    await post.seed(*[Verdict.KEPT] * 5)
    made = await post.begun()
    assert made.acts_at is None
    assert codes(made)[-1] == "unasked.offered"
    assert "name `ttl` in AUTO_APPLY" in str(details(Catalogue("en"), made, ()))


async def test_what_is_pinned_or_cannot_be_known_is_asked(post: Post) -> None:
    await post.seed(*[Verdict.KEPT] * 5)
    await post.house.controls.override(SERVICE, TtlOverride(420, KIM, START))
    made = await post.begun()
    assert (made.acts_at, codes(made)[-2:]) == (None, ["unasked.asked_because", "restraint.pinned"])


async def hold(post: Post, what: str) -> None:
    """One thing that speaks against it, after its countdown has begun."""
    house, room, now = post.house, post.room, post.house.now
    match what:
        case "paused":
            await house.controls.pause(SERVICE, Pause(KIM, now, None))
        case "frozen":
            post.automation = replace(post.automation, freezes=(Window(now - HOUR, FAR),))
        case "page":
            await house.page(now)
        case "deployed":
            room.seen.now = replace(room.seen.now, deployment=deployed(now - HOUR))
        case "other_open":
            await house.approvals.propose(SERVICE, Knob.CACHE_SIZE, 384, KIM, "other")
        case "other_applied":
            await house.applied(384, knob=Knob.CACHE_SIZE)
        case "stale":
            post.store.clock.time += HOUR
            room.seen.lags = HOUR
        case "no_cache":
            missing = NoData(message("policy.too_few_lookups", lookups=3, least=9), message("alert.data_back"))
            room.seen.now = replace(room.seen.now, cache=missing)
        case "content":
            room.seen.now = replace(room.seen.now, cache=cache(0.85, 0.75, 10))
        case "moved":
            house.places[Knob.TTL].value = 360
        case "pinned_elsewhere":
            await house.controls.override(SERVICE, TtlOverride(900, KIM, now))
        case "pinned":
            await house.controls.override(SERVICE, TtlOverride(420, KIM, now))
        case "no_deployment":
            missing = NoData(message("rollback.moved"), message("approval.already_remedy"))
            room.seen.now = replace(room.seen.now, deployment=missing)
        case "alert":
            await house.page(now, severity=Severity.TICKET)
        case "unwatched":
            post.store.clock.time += HOUR
        case "not_named":
            room.setting = AutoApplySettings()
        case "dry_run":
            room.setting = replace(SET, dry_run=True)


TAKEN_BACK = [
    ("paused", "policy.held_paused"),
    ("frozen", "policy.held_frozen"),
    ("page", "policy.held_page"),
    ("deployed", "policy.held_deployed"),
    ("other_open", "policy.held_open_proposal"),
    ("other_applied", "policy.held_cooldown"),
    ("stale", "policy.held_stale"),
    ("no_cache", "policy.too_few_lookups"),
    ("no_deployment", "rollback.moved"),
    ("content", "unasked.not_wanted"),
    ("moved", "unasked.other"),
    ("pinned_elsewhere", "unasked.other"),
]
ASKED = [
    ("pinned", "restraint.pinned"),
    ("alert", "unasked.alert"),
    ("unwatched", "unasked.not_watched"),
    ("not_named", "unasked.not_named"),
    ("dry_run", "unasked.dry_run"),
]


@pytest.mark.parametrize(("what", "code"), TAKEN_BACK)
async def test_what_lumen_would_not_propose_now_is_taken_back(post: Post, what: str, code: str) -> None:
    made = await a_countdown(post)
    await hold(post, what)
    before = post.ttl_seconds
    await post.ended()
    over = await post.house.found(made)
    assert (over.state, post.ttl_seconds) == (State.WITHDRAWN, before)
    assert over.decision is not None
    assert over.decision.note is not None
    assert over.decision.note.code == code


@pytest.mark.parametrize(("what", "code"), ASKED)
async def test_what_lumen_may_not_do_alone_is_asked(post: Post, what: str, code: str) -> None:
    made = await a_countdown(post)
    await hold(post, what)
    asked = await post.ended()
    assert ((await post.house.found(made)).state, post.ttl_seconds) == (State.SUPERSEDED, 300)
    assert (asked.state, asked.acts_at, asked.draft.change.new) == (State.PENDING, None, 420)
    assert codes(asked)[-2:] == ["rollback.asked_because", code]
    await post.house.approve(asked)
    assert post.ttl_seconds == 420


async def test_a_click_is_quicker_than_the_timer_or_stops_it(post: Post) -> None:
    made = await a_countdown(post)
    await post.house.approvals.decide(SERVICE, made.id, Choice.REJECT, Permit(KIM), "no")
    assert (await post.ended()).state is State.REJECTED
    assert post.ttl_seconds == 300
    # It is not proposed again for a week, and then not done unasked, however good the record.
    post.store.clock.time += (7 * 24 + 1) * HOUR
    await post.watched()
    again = await post.begun()
    assert again.acts_at is None
    assert codes(again)[-2:] == ["unasked.asked_because", "unasked.spoken_against"]


async def test_approved_before_its_time_it_is_applied_at_once(post: Post) -> None:
    made = await a_countdown(post)
    await post.house.approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "now")
    await post.carry_out()
    assert post.ttl_seconds == 420
    await post.over()
    assert not await post.replica().settle(SERVICE)


async def test_snoozed_it_waits_longer(post: Post) -> None:
    made = await a_countdown(post)
    await post.house.approvals.snooze(SERVICE, made.id, Permit(KIM), "later")
    over = await post.ended()
    assert (over.state, over.acts_at) == (State.PENDING, post.house.now + COUNTDOWN + SNOOZE_BY)


@pytest.mark.parametrize("choice", [Choice.APPROVE, Choice.REJECT])
async def test_timers_and_clicks_at_once_decide_once(post: Post, choice: Choice) -> None:
    made = await a_countdown(post)
    await post.over()
    replicas = [post.replica() for _ in range(6)]
    clicks = [
        post.house.approvals.decide(SERVICE, made.id, choice, Permit(person), f"{person.user_id}-{n}")
        for n in range(10)
        for person in (KIM, LEE)
    ]
    settling = [asyncio.create_task(one.settle(SERVICE)) for one in replicas]
    winners = [one for one in await asyncio.gather(*clicks) if one.won]
    await asyncio.gather(*settling)
    over = await post.house.found(made)
    by_timer = over.state is State.APPROVED_BY_TIMER
    assert len(winners) == (0 if by_timer else 1)
    decided = [e for e in await post.store.audit.entries(SERVICE, 100) if e.proposal_id == made.id]
    assert [e.event for e in decided].count("decided") == 1
    await asyncio.gather(*(post.carry_out() for _ in range(3)))
    assert post.ttl_seconds == (300 if over.state is State.REJECTED else 420)


async def test_replicas_end_it_once(post: Post) -> None:
    made = await a_countdown(post)
    await post.over()
    await asyncio.gather(*(post.replica().settle(SERVICE) for _ in range(6)))
    await asyncio.gather(*(post.carry_out() for _ in range(6)))
    assert (await post.house.found(made)).state is State.APPLIED
    decided = [e for e in await post.store.audit.entries(SERVICE, 100) if e.detail == "APPROVED_BY_TIMER"]
    assert len(decided) == 1
    assert post.house.places[Knob.TTL].version == 1


END_POINTS = pytest.mark.parametrize("point", ["unasked.judged", "unasked.ended"])


@END_POINTS
async def test_a_crash_at_its_end_is_resumed(post: Post, point: str) -> None:
    await crashed_and_resumed(post, await a_countdown(post), point)


async def crashed_and_resumed(post: Post, made: Proposal, point: str) -> None:
    """At the end of a countdown to 420 s: the next replica makes that one change."""
    await post.over()
    with pytest.raises(Crash):
        await post.replica(crash_at(point)).settle(SERVICE)
    await post.house.leases_run_out()
    over = await post.ended()
    assert (over.id, over.state, post.ttl_seconds) == (made.id, State.APPLIED, 420)


async def decided_by_timer(post: Post) -> Proposal:
    """And not carried out yet: whoever decided has died."""
    made = await a_countdown(post)
    await post.over()
    await post.replica().settle(SERVICE)
    assert (await post.house.found(made)).state is State.APPROVED_BY_TIMER
    return made


async def test_paused_right_after_the_timer_nothing_is_done(post: Post) -> None:
    made = await decided_by_timer(post)
    await post.house.controls.pause(SERVICE, Pause(KIM, post.house.now, None))
    await post.carry_out()
    over = await post.house.found(made)
    assert (over.state, over.note, post.ttl_seconds) == (State.ABANDONED, message("policy.held_paused"), 300)


async def test_what_was_judged_long_ago_is_not_done_any_more(post: Post) -> None:
    made = await decided_by_timer(post)
    post.store.clock.time += HOUR
    await post.carry_out()
    over = await post.house.found(made)
    assert over.note is not None
    assert (over.state, over.note.code, post.ttl_seconds) == (State.ABANDONED, "execution.judged_long_ago", 300)
    await post.watched()
    assert (await post.begun()).acts_at is not None  # it is wanted again


async def test_a_late_restart_judges_afresh(post: Post) -> None:
    """Away for hours: the countdown still stands, on figures of now."""
    made = await a_countdown(post)
    post.store.clock.time += 5 * HOUR
    await post.watched()
    post.room.seen.now = replace(post.room.seen.now, cache=cache(0.85, 0.75, 10))
    over = await post.ended()
    assert (over.id, over.state, post.ttl_seconds) == (made.id, State.WITHDRAWN, 300)


async def test_harm_stops_it_by_itself(post: Post) -> None:
    """However long the record: until one that somebody approved has helped."""
    await post.seed(*[Verdict.KEPT] * 15)
    made = await post.begun()
    assert made.acts_at is not None
    assert (await post.ended()).state is State.APPLIED
    house = post.house
    house.store.clock.time += HOUR
    await house.did_harm(made)
    (back,) = await house.undos(made)
    assert (back.state, back.acts_at) == (State.PENDING, None)  # UNDO_HARMFUL=ask
    (shown,) = await post.room.rules(post.automation).shown(SERVICE)
    assert (shown.helped, shown.trials) == (15, 16)
    assert "unasked.spoken_against" in [reason.code for reason in shown.against]
    await house.approve(back)
    house.store.clock.time += 15 * 24 * HOUR
    await post.watched()
    again = await post.begun()
    assert again.acts_at is None
    assert codes(again)[-2:] == ["unasked.asked_because", "unasked.spoken_against"]
    # One that a person approves, and that helps, speaks for it again.
    await house.approvals.decide(SERVICE, again.id, Choice.REJECT, Permit(KIM), "not today")
    post.store.clock.time += 5 * 24 * HOUR
    await post.seed(Verdict.KEPT)
    assert (await post.begun()).acts_at is not None


async def test_by_itself_harm_is_taken_back_where_that_is_set(post: Post) -> None:
    await a_countdown(post)
    assert (await post.ended()).state is State.APPLIED
    house = post.house
    house.store.clock.time += HOUR
    await house.page(house.now - HOUR / 2)
    await house.effects(by_itself=True).guard(SERVICE)
    await post.over()  # its countdown has no time, but the clocks of some machines go back by a millisecond
    await settled(house, house.undo_harmful(by_itself=True))
    assert post.ttl_seconds == 300


async def test_a_persons_own_proposal_is_never_made_unasked(post: Post) -> None:
    await post.seed(*[Verdict.KEPT] * 5)
    own = await post.house.approvals.propose(SERVICE, Knob.TTL, 420, KIM, "mine")
    assert own.acts_at is None
    with pytest.raises(NotPossible):
        await post.house.approvals.snooze(SERVICE, own.id, Permit(KIM), "later")


async def test_a_person_who_asks_meanwhile_goes_first(post: Post) -> None:
    made = await a_countdown(post)
    own = await post.house.approvals.propose(SERVICE, Knob.TTL, 600, KIM, "mine")
    over = await post.ended()
    assert (over.id, over.state, post.ttl_seconds) == (own.id, State.PENDING, 300)
    assert (await post.house.found(made)).state is State.SUPERSEDED
