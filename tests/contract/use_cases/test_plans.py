"""Plans over a real store: approved once, each further step has a countdown, and what ends them."""

from dataclasses import replace
from datetime import timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.proposal import IN_STEPS, card
from lumen.model.incident import Pause
from lumen.model.messages import message
from lumen.model.proposal import Change, Choice, Knob, Measured, Proposal, State, Verdict
from lumen.model.service import Permit
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import KIM, SERVICE, Store, draft
from tests.contract.use_cases.measured_world import HOUR, House
from tests.contract.use_cases.test_turns import Room
from tests.contract.use_cases.test_unasked import COUNTDOWN, EFFECTS, Post, codes

FURTHER = (Change(Knob.TTL, 180, 540, "s"),)


@pytest.fixture
async def post(store: Store) -> Post:
    found = Post(Room(House(store)), Automation(after_deployment=24 * HOUR))
    found.room.setting = AutoApplySettings(after=COUNTDOWN)
    return found


async def approved(post: Post, verdict: Verdict = Verdict.KEPT) -> Proposal:
    """180 → 300 s, approved in steps two days ago, and measured."""
    store = post.store
    wanted = replace(draft("plan"), change=Change(Knob.TTL, 180, 300, "s"), further=FURTHER, reasons=())
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


async def test_one_click_and_the_next_step_comes_by_itself(post: Post) -> None:
    plan = await approved(post)
    made = await post.begun()
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
    made = await post.begun()
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
    wanted = replace(draft("plan"), further=FURTHER, reasons=())
    made = await post.store.proposals.propose(wanted, EXPIRES_IN)
    decided = await post.house.approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "click")
    assert decided.proposal.decision is not None
    assert not decided.proposal.decision.in_steps
    assert IN_STEPS not in str(card(Catalogue("en"), decided.proposal).blocks)
