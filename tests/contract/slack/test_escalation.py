"""A page that nobody answers, in a real Slack: the second group is called in its thread, once, and may answer."""

import asyncio

from bot.wiring.slack import SlackSide
from handlers.blocks.incident import ON_IT
from lumen.model.incident import CALLS_END
from lumen.ports.store import Surface
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer
from tests.contract.slack.test_incidents import page


async def shown(rooms: Rooms, side: SlackSide) -> None:
    side.outbox.kick()
    async with asyncio.timeout(60):
        while await rooms.outbox.dirty(SERVICE):  # noqa: ASYNC110 - the store tells no event
            await asyncio.sleep(0.02)


async def test_an_unanswered_page_reaches_the_second_group_once_and_the_thread_says_who(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    key, seen = await page(rooms, side, slack)
    for _ in range(3):  # of several replicas
        await rooms.pages.mention(SERVICE, key, CALLS_END, say=True)
        await shown(rooms, side)
    told = await slack.control.messages(thread_ts=seen.ts)
    calls = [one for one in told if one.ts != seen.ts and "nobody has answered" in one.text]
    assert len(calls) == 1
    assert ["nobody has answered 7 calls" in one.text for one in told if one.ts == seen.ts] == [True], "its head too"
    assert calls[0].text.startswith(f"<!subteam^{slack.facts.approver_group}>: nobody has answered 7 calls.")
    await slack.control.click(seen, ON_IT)
    await answer(slack, "You are on it")
    # Slack may have been away: what comes late calls nobody any more.
    await rooms.outbox.mark(Surface(SERVICE, "mention", f"{key}#{CALLS_END}"))
    await shown(rooms, side)
    again = [one for one in await slack.control.messages(thread_ts=seen.ts) if "nobody has answered" in one.text]
    assert again == calls
