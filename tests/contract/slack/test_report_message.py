"""The hourly report in a real Slack: what Lumen would like better stands in it and is decided in it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks.hourly import DETAILS, WHY
from handlers.blocks.proposal import APPROVE, REJECT
from lumen.model.proposal import Change, Knob, Priority, State
from lumen.model.turn import Recommendation
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer
from tests.contract.slack.test_controls import is_top_level
from tests.unit.handlers.test_hourly import turn_at


async def posted_report(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> SeenMessage:
    """Of one turn, measured just now."""
    made = turn_at(rooms.clock.now() - timedelta(minutes=4))
    await rooms.turns.save(replace(made, snapshot=replace(made.snapshot, service=SERVICE)), None, made.id)
    side.outbox.kick()
    return await slack.control.wait_for_message(lambda seen: WHY in seen.action_ids(), within_seconds=60)


async def without_buttons(slack: RunningSlack, ts: str) -> None:
    await slack.control.wait_for_message(
        lambda seen: seen.ts == ts and APPROVE not in seen.action_ids(), within_seconds=60
    )


async def propose(rooms: Rooms, side: SlackSide, priority: Priority) -> str:
    wanted = Recommendation(Change(Knob.TTL, 300, 420, "s"), "MODERATE", (), priority)
    made = await rooms.approvals.propose_recommended(SERVICE, wanted, "turn:1")
    assert made is not None
    side.outbox.kick()
    return made.id


async def test_what_can_wait_stands_in_the_report_and_is_decided_there(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    report = await posted_report(slack, rooms, side)
    proposal_id = await propose(rooms, side, Priority.MEDIUM)
    card = await slack.control.wait_for_message(
        lambda seen: seen.thread_ts == report.ts != seen.ts and APPROVE in seen.action_ids(), within_seconds=60
    )
    report = await slack.control.wait_for_message(
        lambda seen: seen.ts == report.ts and APPROVE in seen.action_ids(), within_seconds=60
    )
    assert report.action_ids() == [APPROVE, REJECT, WHY, DETAILS]
    await slack.control.click(report, APPROVE)
    await answer(slack, "you approved it")
    for ts in (report.ts, card.ts):
        await without_buttons(slack, ts)
    decided = await rooms.proposals.get(SERVICE, proposal_id)
    assert decided is not None
    assert decided.state is State.APPROVED
    assert [seen.ts for seen in await slack.control.messages() if is_top_level(seen)] == [report.ts]


@pytest.mark.parametrize(("button", "words"), [(WHY, "weight 20%"), (DETAILS, "Objectives")])
async def test_the_rest_is_behind_two_buttons_for_the_one_who_asks(
    slack: RunningSlack, rooms: Rooms, side: SlackSide, button: str, words: str
) -> None:
    report = await posted_report(slack, rooms, side)
    await slack.control.click(report, button, user=slack.facts.bystander)
    await answer(slack, words, user=slack.facts.bystander)
