"""`@Lumen …`, and answers that take their time, over the real protocols and the real store."""

import asyncio
from dataclasses import replace

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks.answers import said
from handlers.blocks.card import Shown
from handlers.people import Addressee
from lumen.model.messages import message
from lumen.wording.catalogue import Catalogue
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, card

pytestmark = pytest.mark.usefixtures("side")
WORKING = "Working on it"


async def test_a_mention_is_answered_as_a_command(slack: RunningSlack) -> None:
    for text, words in {
        "status": "nothing measured yet",
        "what is wrong?": "`/lumen help` lists all commands",
        "": "`/lumen help` lists all commands",
        "help ttl": "`/lumen ttl [seconds] [existing]`",
        "statsu": "Did you mean `/lumen status`?",
        "ttl soon": "is no TTL",
        "ttl 5": "60 to 3600 s",
    }.items():
        await slack.control.say(f"@Lumen {text}")
        await answer(slack, words)


async def test_a_mention_proposes_once_under_the_name_of_who_wrote_it(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.say("@Lumen ttl 7분")
    await card(slack)
    (made,) = await rooms.proposals.recent(SERVICE, 5)
    assert made.draft.change.new == 420
    assert made.draft.asked_by is not None
    assert made.draft.asked_by.user_id == slack.facts.approver
    assert made.draft.asked_by.name == slack.server.directory.users[slack.facts.approver].name


async def test_a_mention_in_a_thread_is_answered_there(slack: RunningSlack) -> None:
    begun = await slack.control.say("it is slow")
    await slack.control.say("@Lumen status share", thread_ts=begun)
    async with asyncio.timeout(60):
        while "nothing measured" not in (await slack.control.messages(thread_ts=begun))[-1].words():  # noqa: ASYNC110 - the answer
            await asyncio.sleep(0.05)


async def slowly(side: SlackSide, to: Addressee, shown: Shown, *, share: bool) -> asyncio.Event:
    """An answer that is ready once the event is set, and is announced at once."""
    ready = asyncio.Event()

    async def step(_: Catalogue) -> Shown:
        await ready.wait()
        return shown

    replace(side.responder, announce_after_seconds=0.0).answer(to, step, share=share, anew=True)
    return ready


async def test_what_takes_its_time_is_announced_and_then_answered(slack: RunningSlack, side: SlackSide) -> None:
    to = Addressee(slack.facts.approver, slack.facts.channel, "")
    ready = await slowly(side, to, said(Catalogue("en"), message("command.history_none")), share=False)
    await answer(slack, WORKING)
    ready.set()
    await answer(slack, "Nothing has happened yet")


async def test_working_becomes_the_answer_in_the_channel(slack: RunningSlack, side: SlackSide) -> None:
    to = Addressee(slack.facts.approver, slack.facts.channel, "")
    ready = await slowly(side, to, said(Catalogue("en"), message("command.history_none")), share=True)
    working = await slack.control.wait_for_message(lambda m: WORKING in m.words())
    ready.set()
    told = await slack.control.wait_for_message(lambda m: "Nothing has happened yet" in m.words())
    assert told.ts == working.ts
    assert not [m for m in await slack.control.messages() if WORKING in m.words()]


async def test_a_shared_answer_is_in_the_channels_language(slack: RunningSlack) -> None:
    reader = next(user.id for user in slack.server.directory.users.values() if user.locale == "ko-KR")
    await slack.control.command("/lumen 도움말 공유", user=reader)
    await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and "What Lumen can do" in m.words())
    await slack.control.command("/lumen 도움말", user=reader)
    await answer(slack, "Lumen이 할 수 있는 일", reader)
