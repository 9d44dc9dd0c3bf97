"""Details, App Home, undo and mentions, over the real protocols and the real store."""

import asyncio
from datetime import timedelta

import pytest

from handlers.blocks.proposal import APPROVE, DETAILS, UNDO
from lumen.model.messages import message
from lumen.model.proposal import Choice, Decision, Proposal, State
from lumen.model.service import Person
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, proposed

pytestmark = pytest.mark.usefixtures("side")
KIM = Person("U0KIM", "Kim", "T1")


async def applied(rooms: Rooms, value: int = 420) -> Proposal:
    """The newest change, approved and carried out."""
    made = (await rooms.proposals.recent(SERVICE, 1))[0]
    await rooms.proposals.decide(SERVICE, made.id, Decision(Choice.APPROVE, KIM, f"c:{made.id}"))
    lease = await rooms.leases.acquire(SERVICE, "execute:ttl", timedelta(seconds=30))
    assert lease is not None
    await rooms.proposals.advance(SERVICE, made.id, lease, State.APPLYING, None)
    rooms.knob.value = value
    done = await rooms.proposals.advance(SERVICE, made.id, lease, State.APPLIED, message("command.ttl_hint"))
    await rooms.leases.release(SERVICE, lease)
    return done


async def view_with(slack: RunningSlack, words: str) -> dict[str, object]:
    async with asyncio.timeout(60):
        while True:
            open_now = await slack.control.views()
            if open_now and words in str(open_now[-1]):
                return open_now[-1]
            await asyncio.sleep(0.02)


async def home_with(slack: RunningSlack, words: str, user: str | None = None) -> dict[str, object]:
    async with asyncio.timeout(60):
        while True:
            shown = await slack.control.home(user=user)
            if shown and words in str(shown):
                return shown
            await asyncio.sleep(0.02)


async def test_details_open_at_once_and_tell_the_history(slack: RunningSlack) -> None:
    posted = await proposed(slack)
    assert (await slack.control.click(posted, DETAILS)).acked
    view = await view_with(slack, "What happened so far")
    assert "PENDING" in str(view) or "proposed" in str(view)


async def test_home_shows_what_waits_first_and_decides(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.open_home()
    await home_with(slack, "Nothing waits for a decision")
    await proposed(slack)
    await slack.control.open_home()
    view = await home_with(slack, "Waiting for a decision: 1")
    await slack.control.open_home(user=slack.facts.bystander)
    seen = await home_with(slack, "You may not decide", slack.facts.bystander)
    assert APPROVE not in str(seen)
    assert (await slack.control.click_in_view(view, APPROVE)).acked
    await answer(slack, "you approved it")
    await home_with(slack, "Nothing waits for a decision")
    assert rooms.kicks.kicked == 1


async def test_home_follows_each_step_of_a_click_while_it_is_open(slack: RunningSlack, rooms: Rooms) -> None:
    await proposed(slack)
    await slack.control.open_home()
    view = await home_with(slack, "Waiting for a decision: 1")
    assert (await slack.control.click_in_view(view, APPROVE)).acked
    await home_with(slack, "Nothing waits for a decision")
    await applied(rooms)
    await home_with(slack, "300 → 420")


async def report_with_undo(slack: RunningSlack, user: str | None = None) -> SeenMessage:
    """The answer to `/lumen status`, which has the way back at the side of a change."""
    await slack.control.command("/lumen status", user=user)
    return await slack.control.wait_for_message(lambda seen: UNDO in seen.action_ids(), user=user)


async def test_one_click_takes_a_change_back(slack: RunningSlack, rooms: Rooms) -> None:
    await proposed(slack)
    done = await applied(rooms)
    reported = await report_with_undo(slack)
    assert (await slack.control.click(reported, UNDO)).acked
    await answer(slack, "the old value is being set again")
    newest = (await rooms.proposals.recent(SERVICE, 1))[0]
    assert (newest.draft.undo_of, newest.state) == (done.id, State.APPROVED)
    assert (newest.draft.change.old, newest.draft.change.new) == (420, 300)
    assert rooms.kicks.kicked == 1


async def test_without_the_right_an_undo_is_proposed(slack: RunningSlack, rooms: Rooms) -> None:
    await proposed(slack)
    await applied(rooms)
    reported = await report_with_undo(slack, user=slack.facts.bystander)
    assert (await slack.control.click(reported, UNDO, user=slack.facts.bystander)).acked
    await answer(slack, "It is proposed to set the old value again", user=slack.facts.bystander)
    assert (await rooms.proposals.recent(SERVICE, 1))[0].state is State.PENDING
    assert rooms.kicks.kicked == 0


async def test_undo_by_command(slack: RunningSlack, rooms: Rooms) -> None:
    await proposed(slack)
    done = await applied(rooms)
    await slack.control.command(f"/lumen undo {done.id}")
    await answer(slack, "The card in the channel waits for approval")
    assert (await rooms.proposals.recent(SERVICE, 1))[0].draft.undo_of == done.id
