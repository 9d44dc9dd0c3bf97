"""A person types and clicks; the store decides; everybody gets an answer. Over the real protocols."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks.proposal import APPROVE, DETAILS, REJECT
from handlers.clicks import Click, reply_to
from handlers.people import Addressee
from lumen.model.messages import OutcomeUnknown, StoreUnavailable, message
from lumen.model.proposal import Choice, Decided, State
from lumen.model.service import Permit, Person
from lumen.use_cases.approvals import Approvals
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms

Decide = Callable[..., Coroutine[Any, Any, Decided]]

pytestmark = pytest.mark.usefixtures("side")


async def answer(slack: RunningSlack, words: str, user: str | None = None) -> SeenMessage:
    """The newest ephemeral message that says `words`, as its reader sees it."""
    reader = user or slack.facts.approver
    return await slack.control.wait_for_message(
        lambda m: m.ephemeral_to == reader and words in m.words(), user=reader, within_seconds=60
    )


async def card(slack: RunningSlack, words: str = "waiting for approval") -> SeenMessage:
    """The newest proposal in the channel."""
    return await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and words in m.words())


async def proposed(slack: RunningSlack) -> SeenMessage:
    assert (await slack.control.command("/lumen ttl 420", user=slack.facts.bystander)).acked
    return await card(slack)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("/lumen", "What Lumen can do"),
        ("/lumen help", "60 to 3600 s"),
        ("/lumen status", "nothing measured yet"),
        ("/lumen report", "nothing measured yet"),
        ("/lumen ttl", "uses a TTL of 300 s"),
        ("/lumen approvals", "Nothing waits for a decision"),
        ("/lumen history", "What happened lately"),
        ("/lumen graph", "Nothing is drawn yet"),
        ("/lumen statsu", "Did you mean `/lumen status`?"),
        ("/lumen ttl soon", "is no TTL"),
        ("/lumen ttl 5", "60"),
        ("/lumen ttl 300", "300"),
        ("/lumen undo p-1", "p-1"),
    ],
)
async def test_every_command_is_answered_to_the_asker_alone(slack: RunningSlack, typed: str, words: str) -> None:
    assert (await slack.control.command(typed)).acked
    await answer(slack, words)


async def test_shared_answers_stand_in_the_channel(slack: RunningSlack) -> None:
    await slack.control.command("/lumen status share")
    await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and "nothing measured yet" in m.words())


async def test_an_extra_turn_is_audited_with_who_asked(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.command("/lumen run", user=slack.facts.bystander)
    await answer(slack, "nothing measured yet", slack.facts.bystander)
    assert rooms.kicks.turns == 1
    (asked,) = await rooms.audit.entries(SERVICE, 10)
    assert (asked.event, asked.actor) == ("turn-asked", slack.facts.bystander)
    await slack.control.command("/lumen history")
    await answer(slack, "asked for an extra measurement")


async def test_a_proposal_is_decided_by_one_click(slack: RunningSlack, rooms: Rooms) -> None:
    posted = await proposed(slack)
    assert posted.action_ids() == [APPROVE, REJECT, DETAILS]
    assert (await slack.control.click(posted, APPROVE)).acked
    await answer(slack, "you approved it")
    decided = await card(slack, "Approved by")
    assert decided.ts == posted.ts
    assert APPROVE not in decided.action_ids()
    assert slack.facts.approver in decided.words()
    assert rooms.kicks.kicked == 1


async def test_a_rejected_proposal_starts_nothing(slack: RunningSlack, rooms: Rooms) -> None:
    posted = await proposed(slack)
    assert (await slack.control.click(posted, REJECT)).acked
    await answer(slack, "you rejected it")
    await card(slack, "Rejected by")
    assert rooms.kicks.kicked == 0


async def test_a_bystander_is_refused_and_told_who_may(slack: RunningSlack, rooms: Rooms) -> None:
    posted = await proposed(slack)
    assert (await slack.control.click(posted, APPROVE, user=slack.facts.bystander)).acked
    refusal = await answer(slack, "You may not decide this", user=slack.facts.bystander)
    assert slack.facts.approver_group in refusal.words()
    assert [p.state for p in await rooms.proposals.unfinished(SERVICE)] == [State.PENDING]
    async with asyncio.timeout(60):
        while not [e for e in await rooms.audit.entries(SERVICE, 50) if e.event == "refused"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_who_comes_late_is_told_who_decided(slack: RunningSlack) -> None:
    posted = await proposed(slack)
    await slack.control.click(posted, REJECT)
    await answer(slack, "you rejected it")
    await slack.control.click(posted, APPROVE, stale=True)
    await answer(slack, "Already decided by")


async def test_the_same_click_twice_is_one_decision(slack: RunningSlack, rooms: Rooms) -> None:
    posted = await proposed(slack)
    await slack.control.sockets("duplicate_envelopes", count=1)
    await slack.control.click(posted, APPROVE)
    await answer(slack, "you approved it")
    approved = [e for e in await rooms.audit.entries(SERVICE, 100) if e.detail.startswith("APPROVED")]
    assert len(approved) <= 1


async def test_fifty_clicks_decide_once_and_all_are_answered(slack: RunningSlack, rooms: Rooms) -> None:
    posted = await proposed(slack)
    outcomes = await asyncio.gather(
        *(slack.control.click(posted, APPROVE if n % 2 else REJECT, stale=True) for n in range(50))
    )
    assert all(outcome.acked for outcome in outcomes)
    async with asyncio.timeout(60):
        while True:
            seen = await slack.control.messages(user=slack.facts.approver)
            answers = [m for m in seen if m.ephemeral_to == slack.facts.approver]
            if len(answers) == 50:
                break
            await asyncio.sleep(0.05)
    assert len([m for m in answers if "Done: you" in m.words()]) == 1
    proposal = (await rooms.proposals.recent(SERVICE, 1))[0]
    assert proposal.state in (State.APPROVED, State.REJECTED)


async def test_an_unknown_outcome_is_said_and_settled(
    slack: RunningSlack, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = await proposed(slack)
    monkeypatch.setattr(Approvals, "decide", lost(Approvals.decide))
    assert (await slack.control.click(posted, APPROVE)).acked
    await answer(slack, "not known yet")
    await answer(slack, "you approved it")
    assert rooms.kicks.kicked == 1


def lost(decide: Decide) -> Decide:
    """The decision arrives; its answer does not."""

    async def silent(*asked: Any, **how: Any) -> Decided:
        await decide(*asked, **how)
        raise OutcomeUnknown(message("state.unanswered"), message("state.unanswered"))

    return silent


async def test_a_slow_store_is_said_and_then_the_decision(slack: RunningSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    posted = await proposed(slack)
    decide, slow = Approvals.decide, asyncio.Event()

    async def slowly(*asked: Any, **how: Any) -> Decided:
        await slow.wait()
        return await decide(*asked, **how)

    monkeypatch.setattr(Approvals, "decide", slowly)
    outcome = await slack.control.click(posted, APPROVE)
    assert outcome.acked
    assert outcome.ack_ms is not None
    assert outcome.ack_ms < 3000
    await answer(slack, "not known yet")
    slow.set()
    await answer(slack, "you approved it")


async def test_a_store_that_is_gone_decides_nothing_and_says_so(
    slack: RunningSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = await proposed(slack)

    async def gone(*_: object, **__: object) -> Decided:
        raise StoreUnavailable(message("command.ttl_hint"), message("command.ttl_hint"))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Approvals, "decide", gone)
        assert (await slack.control.click(posted, APPROVE)).acked
        await answer(slack, "Nothing was decided by this click")
    assert (await slack.control.click(posted, APPROVE)).acked
    await answer(slack, "you approved it")


async def test_a_spent_response_url_is_answered_all_the_same(slack: RunningSlack) -> None:
    posted = await proposed(slack)
    await slack.control.click(posted, REJECT)
    await answer(slack, "you rejected it")
    for _ in range(7):
        await slack.control.click(posted, REJECT, stale=True)
    async with asyncio.timeout(60):
        while True:
            seen = await slack.control.messages(user=slack.facts.approver)
            if len([m for m in seen if "decided this already" in m.words()]) == 7:
                break
            await asyncio.sleep(0.05)


async def test_korean_is_spoken_to_who_reads_it(slack: RunningSlack) -> None:
    users = slack.server.directory.users
    reader = next(user.id for user in users.values() if user.locale == "ko-KR")
    await slack.control.command("/lumen help", user=reader)
    await answer(slack, "Lumen이 할 수 있는 일", user=reader)


async def test_a_group_that_slack_does_not_tell_lets_nobody_in(slack: RunningSlack, rooms: Rooms) -> None:
    posted = await proposed(slack)
    await slack.control.fault("usergroups.users.list", "error", times=-1, error="no_such_subteam")
    assert (await slack.control.click(posted, APPROVE)).acked
    await answer(slack, "could not be found out just now")
    assert [p.state for p in await rooms.proposals.unfinished(SERVICE)] == [State.PENDING]


async def test_an_unknown_button_is_answered(slack: RunningSlack, side: SlackSide) -> None:
    posted = await proposed(slack)
    outcome = await slack.control.click(posted, DETAILS)
    assert outcome.acked


async def test_an_answer_that_a_process_owed_when_it_died_is_given_by_another(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    """The decision is stored, with whom to tell; whoever took it is gone."""
    posted = await proposed(slack)
    (waiting,) = await rooms.proposals.unfinished(SERVICE)
    mina = slack.facts.approver
    to = Addressee(mina, posted.channel, "")
    click = Click(APPROVE, SERVICE, waiting.id, Person(mina, "mina", "T1"), "c-1", "", "", to)
    await rooms.approvals.decide(SERVICE, waiting.id, Choice.APPROVE, Permit(click.person), "c-1", reply_to(click))
    await side.pending_replies.settle(SERVICE, timedelta(0))
    await answer(slack, "you approved it")
    assert await rooms.pending_replies.older_than(SERVICE, timedelta(0)) == []


async def test_an_answer_that_was_given_is_owed_no_more(slack: RunningSlack, rooms: Rooms) -> None:
    posted = await proposed(slack)
    await slack.control.click(posted, REJECT)
    await answer(slack, "you rejected it")
    async with asyncio.timeout(60):
        while await rooms.pending_replies.older_than(SERVICE, timedelta(0)):  # noqa: ASYNC110 - the background's next step
            await asyncio.sleep(0.02)


async def test_an_answer_that_slack_did_not_take_is_given_later(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    """Slack is gone for answers too: what is owed stays owed."""
    posted = await proposed(slack)
    slack.server.response_urls.lifetime_seconds = -1.0
    await slack.control.fault("chat.postEphemeral", "error", times=2, error="internal_error")
    await slack.control.click(posted, REJECT)
    async with asyncio.timeout(60):
        while side.responder.background.running:  # noqa: ASYNC110 - until it has tried in vain
            await asyncio.sleep(0.02)
    await side.pending_replies.settle(SERVICE, timedelta(0))
    (reply,) = await rooms.pending_replies.older_than(SERVICE, timedelta(0))
    assert reply.age < timedelta(minutes=5)
    await side.pending_replies.settle(SERVICE, timedelta(0))
    await answer(slack, "you rejected it")
    assert await rooms.pending_replies.older_than(SERVICE, timedelta(0)) == []


async def test_a_refusal_is_kept_before_slack_hears_of_the_click_and_given_by_another(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    """No decision stores it, and whoever refused may be gone as soon as the click is acked."""
    posted = await proposed(slack)
    slack.server.response_urls.lifetime_seconds = -1.0
    await slack.control.fault("chat.postEphemeral", "error", times=1, error="internal_error")
    assert (await slack.control.click(posted, REJECT, user=slack.facts.bystander)).acked
    (reply,) = await rooms.pending_replies.older_than(SERVICE, timedelta(0))
    assert [each.code for each in reply.says] == ["slack.refused", "slack.refused_remedy"]
    async with asyncio.timeout(60):
        while side.responder.background.running:  # noqa: ASYNC110 - until it has tried in vain
            await asyncio.sleep(0.02)
    await side.pending_replies.settle(SERVICE, timedelta(0))
    await slack.control.wait_for_message(lambda m: m.ephemeral_to == slack.facts.bystander)
    assert await rooms.pending_replies.older_than(SERVICE, timedelta(0)) == []
