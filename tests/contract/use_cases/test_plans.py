"""Plans over a real store: approved once, each further step has a countdown, and what ends them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.proposal import IN_STEPS, card
from lumen.adapters.store import epoch
from lumen.model.audit import Moved
from lumen.model.incident import Pause
from lumen.model.messages import NoData, NotPossible, message, with_remedy
from lumen.model.proposal import Change, Choice, Knob, Measured, Proposal, State, Verdict
from lumen.model.service import Permit
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation
from lumen.policies.plans import Present, plan_of
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.wording.catalogue import LOCALES, Catalogue
from lumen.wording.restrictions import in_steps
from tests.contract.store.builders import KIM, SERVICE, Store, draft
from tests.contract.use_cases.measured_world import HOUR, House
from tests.contract.use_cases.test_turns import Foretold, Room
from tests.contract.use_cases.test_unasked import (
    COUNTDOWN,
    EFFECTS,
    END_POINTS,
    TAKEN_BACK,
    Post,
    codes,
    crashed_and_resumed,
    hold,
)
from tests.unit.policies.test_predicted import forecast

MOST = 540
NO_FORECAST = NoData(*with_remedy("forecast.beyond", ttl_seconds=420))


SETTING = AutoApplySettings(after=COUNTDOWN)


@pytest.fixture
async def post(store: Store) -> Post:
    found = Post(Room(House(store)), Automation(after_deployment=24 * HOUR))
    found.room.setting = SETTING
    found.room.foretold = Foretold(forecast(most=420))
    return found


async def approved(post: Post, verdict: Verdict = Verdict.KEPT) -> Proposal:
    """180 → 300 s, approved in steps two days ago, and measured."""
    store = post.store
    wanted = replace(draft("plan"), change=Change(Knob.TTL, 180, 300, "s"), steps_to=MOST, reasons=())
    made = await store.proposals.propose(wanted, EXPIRES_IN)
    assert "Approve in steps" in str(card(Catalogue("en"), made).blocks)
    await post.house.approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "click", in_steps=True)
    lease, why = await store.lease(), message("effect.too_little", hours=24)
    measured = Measured(24, store.clock.time, verdict, why, EFFECTS, controlled=True)
    for state in (State.APPLYING, State.APPLIED, State(verdict.value)):
        told = measured if state is State(verdict.value) else None
        await store.proposals.advance(SERVICE, made.id, lease, state, None, told)
    await store.leases.release(SERVICE, lease)
    store.clock.time += timedelta(hours=48)
    await post.watched()
    return made


async def counting(post: Post) -> Proposal:
    """The next step, announced."""
    made = await post.begun()
    assert (made.acts_at is not None, made.draft.change.held_permille) == (True, 100)
    await post.posts()
    return made


async def change(post: Post, what: str) -> None:
    """What only steps mind."""
    match what:
        case "page_is_over":
            await post.house.page(post.house.now, over=True)
        case "version_1":
            post.house.places[Knob.TTL].can_hold = False
        case "no_forecast":
            post.room.foretold = Foretold(NO_FORECAST)
        case "two_people":
            post.room.setting = replace(SETTING, approvals_needed=2)
        case "restored":
            await epoch.restored(post.store.redis, SERVICE, post.store.clock, epoch.Known(0, KIM, ()))
        case "resumed":
            await post.house.controls.pause(SERVICE, Pause(KIM, post.house.now, None))
            await post.house.controls.resume(SERVICE, KIM)
        case "plan_undone":
            await post.house.approvals.propose_undo(SERVICE, "P1", KIM, "undo")
        case _:
            await hold(post, what)


#: What, whether the plan goes on by itself once it has passed, and why not.
MEANWHILE = [
    *(
        (what, "plan.over_step")
        for what, _ in TAKEN_BACK
        if what not in ("content", "moved", "paused", "pinned_elsewhere")
    ),
    ("paused", "plan.over_pause"),
    *((what, "plan.over_step") for what in ("unwatched", "dry_run", "page_is_over", "version_1", "no_forecast")),
    ("content", None),
    ("alert", None),
    ("moved", "plan.over_moved"),
    ("pinned", "plan.over_step"),
    ("two_people", "plan.over_needed"),
    ("restored", "plan.over_step"),
    ("resumed", "plan.over_pause"),
    ("plan_undone", "plan.over_step"),
]


@pytest.mark.parametrize(("what", "ended"), MEANWHILE, ids=[what for what, _ in MEANWHILE])
async def test_what_happens_while_a_step_counts_down_keeps_it_from_being_made(
    post: Post, what: str, ended: str | None
) -> None:
    await approved(post)
    made = await counting(post)
    await change(post, what)
    before = post.ttl_seconds
    await post.ended()
    over = await post.house.found(made)
    assert (over.state in (State.WITHDRAWN, State.SUPERSEDED), post.ttl_seconds) == (True, before)
    past = await post.store.proposals.recent(SERVICE, 9)
    controls = await post.house.controls.read(SERVICE)
    present = Present(post.house.now, controls.paused_at, post.room.setting.approvals_needed)
    found = plan_of(past, Change(Knob.TTL, post.ttl_seconds, post.ttl_seconds + 60, "s"), present)
    assert found is not None
    assert (found.ended and found.ended.code) == ended


async def test_a_step_that_nobody_could_see_is_announced_again(post: Post) -> None:
    await approved(post)
    unseen = await post.begun()
    await post.ended()
    over = await post.house.found(unseen)
    assert (over.state, post.ttl_seconds) == (State.WITHDRAWN, 300)
    post.store.clock.time += HOUR
    await post.watched()
    await counting(post)
    assert (await post.ended()).state is State.APPLIED


async def test_after_a_restoration_between_steps_people_are_asked(post: Post) -> None:
    """A rejection or a pause may be forgotten since the copy."""
    await approved(post)
    await change(post, "restored")
    await counting(post)
    asked = await post.ended()
    assert (asked.state, asked.acts_at, asked.draft.step_of, post.ttl_seconds) == (State.PENDING, None, "", 300)


@pytest.mark.parametrize("what", ["version_1", "no_forecast", "alert", "page", "no_cache", "stale", "paused"])
async def test_a_step_waits_and_nobody_is_asked(post: Post, what: str) -> None:
    await approved(post)
    await change(post, what)
    turn = await post.room.turn(post.automation)
    assert (turn.proposed, post.ttl_seconds) == ((), 300)


async def test_with_a_page_the_timers_own_decision_is_not_carried_out(post: Post) -> None:
    await approved(post)
    made = await counting(post)
    await post.over()
    await post.replica().settle(SERVICE)
    await post.house.page(post.house.now)
    await post.carry_out()
    over = await post.house.found(made)
    assert (over.state, over.note and over.note.code, post.ttl_seconds) == (State.ABANDONED, "policy.held_page", 300)


@END_POINTS
async def test_a_crash_at_a_steps_end_makes_one_step(post: Post, point: str) -> None:
    await approved(post)
    await crashed_and_resumed(post, await counting(post), point)


async def test_replicas_make_one_step(post: Post) -> None:
    await approved(post)
    await counting(post)
    await post.over()
    await asyncio.gather(*(post.replica().settle(SERVICE) for _ in range(3)))
    await asyncio.gather(*(post.carry_out() for _ in range(3)))
    assert (post.ttl_seconds, post.house.places[Knob.TTL].version) == (420, 1)


async def test_the_same_click_twice_and_another_one_is_one_plan(post: Post) -> None:
    wanted = replace(draft("plan"), steps_to=MOST, reasons=())
    made = await post.store.proposals.propose(wanted, EXPIRES_IN)
    decide = partial(post.house.approvals.decide, SERVICE, made.id, Choice.APPROVE, Permit(KIM))
    first = await decide("click", in_steps=True)
    assert [(await decide(click, in_steps=steps)).won for click, steps in (("click", True), ("other", False))] == [
        first.won,
        False,
    ]
    with pytest.raises(NotPossible):
        await decide("old card", mark="another.epoch", in_steps=True)
    stored = await post.house.found(made)
    assert stored.decision is not None
    assert stored.decision.in_steps
    (told,) = [one for one in await post.store.audit.entries(SERVICE, 9) if one.event == "decided"]
    assert (told.actor, told.about) == (KIM.user_id, Moved(State.APPROVED, message("plan.began")))


async def test_the_status_tells_of_it_until_it_is_over(post: Post) -> None:
    rules = post.room.rules(post.automation)
    assert await rules.running(SERVICE) is None
    plan = await approved(post)
    found = await rules.running(SERVICE)
    assert found is not None
    assert found.approved.id == plan.id
    for locale in LOCALES:
        assert f"{MOST}" in Catalogue(locale).say(in_steps(found))
    await counting(post)
    assert await rules.running(SERVICE) == found
    await change(post, "resumed")
    assert await rules.running(SERVICE) is None


async def test_one_click_and_the_next_step_comes_by_itself(post: Post) -> None:
    plan = await approved(post)
    made = await counting(post)
    assert (made.draft.step_of, made.acts_at) == (plan.id, post.house.now + COUNTDOWN)
    assert codes(made)[-1] == "plan.step"
    assert made.has_message
    for locale, said in (("en", "Rejecting it ends them"), ("ko", "거절하면 단계가 끝납니다")):
        assert said in str(card(Catalogue(locale), made).blocks)
    over = await post.ended()
    assert (over.id, over.state, post.ttl_seconds) == (made.id, State.APPLIED, 420)
    assert over.decision is not None
    assert over.decision.note is not None
    assert over.decision.note.code == "plan.acted"


async def test_after_a_step_that_did_not_help_people_are_asked(post: Post) -> None:
    await approved(post, Verdict.INCONCLUSIVE)
    post.store.clock.time += timedelta(days=13)
    await post.watched()
    made = await post.begun()
    assert (made.acts_at, made.draft.step_of) == (None, "")


async def test_a_pause_ends_it_also_when_it_has_ended_itself(post: Post) -> None:
    await approved(post)
    await post.house.controls.pause(SERVICE, Pause(KIM, post.house.now, None))
    await post.house.controls.resume(SERVICE, KIM)
    made = await post.begun()
    assert (made.acts_at, codes(made)[-2:]) == (None, ["plan.asked_because", "plan.over_pause"])


async def test_a_pause_while_a_step_counts_down_takes_it_back(post: Post) -> None:
    await approved(post)
    made = await counting(post)
    await post.house.controls.pause(SERVICE, Pause(KIM, post.house.now, None))
    await post.ended()
    assert ((await post.house.found(made)).state, post.ttl_seconds) == (State.WITHDRAWN, 300)


async def test_a_rejection_ends_it(post: Post) -> None:
    await approved(post)
    made = await post.begun()
    await post.house.approvals.decide(SERVICE, made.id, Choice.REJECT, Permit(KIM), "no")
    post.store.clock.time += timedelta(days=8)
    await post.watched()
    again = await post.begun()
    assert (again.acts_at, codes(again)[-1]) == (None, "plan.over_step")


async def test_an_approval_without_steps_is_of_one_step(post: Post) -> None:
    wanted = replace(draft("plan"), steps_to=MOST, reasons=())
    made = await post.store.proposals.propose(wanted, EXPIRES_IN)
    decided = await post.house.approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "click")
    assert decided.proposal.decision is not None
    assert not decided.proposal.decision.in_steps
    assert IN_STEPS not in str(card(Catalogue("en"), decided.proposal).blocks)
