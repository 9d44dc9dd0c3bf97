"""Cards from before the store was lost, or restored from a copy: ids begin again, and no card decides another one's.

Also cards of a Lumen whose buttons carried no mark.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.wiring.slack import SlackSide
from handlers.blocks.card import Shown
from handlers.blocks.proposal import APPROVE, DETAILS, REJECT, SNOOZE, UNDO
from handlers.numbers import PAGE_SIZE, highest_number
from handlers.poster import Poster, tag_of
from handlers.web_api import SlackApi
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.copies import cleared, copy_from, put, taken
from lumen.adapters.store.scripts import all_keys, key
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Draft, Knob, Origin, Priority, State
from lumen.model.service import Person, ServiceId
from lumen.ports.store import Surface
from lumen.wording.catalogue import value_of
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer
from tests.contract.slack.test_screens import applied, view_with

Happens = Callable[[Rooms], Awaitable[None]]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOTHING = NoData(message("approval.not_predictable"), message("approval.not_predictable_remedy"))
OTHER = "another proposal that was called #1 too"
EARLIER = "from before Lumen's memory was lost or restored"


def draft(new: int) -> Draft:
    change = Change(Knob.TTL, 300, new, "s")
    return Draft(SERVICE, change, "1", Origin.POLICY, None, (), NOTHING, Priority.LOW, None, f"to {new}")


async def posted_with(slack: RunningSlack, value: str, *actions: str) -> SeenMessage:
    """A message of the bot's whose buttons carry `value`."""
    words = {"type": "plain_text", "text": "old"}
    buttons = [{"type": "button", "action_id": one, "text": words, "value": value} for one in actions]
    client = AsyncWebClient(token=slack.facts.bot_token, base_url=slack.api_url)
    blocks = [{"type": "actions", "elements": buttons}]
    await client.chat_postMessage(channel=slack.facts.channel, text=f"old {value}", blocks=blocks)
    return await slack.control.wait_for_message(lambda m: m.text == f"old {value}")


async def card(slack: RunningSlack, side: SlackSide, rooms: Rooms, new: int) -> SeenMessage:
    """Propose a countdown to `new` seconds; its card as it is posted."""
    await rooms.proposals.propose(draft(new), DAY, HOUR)
    side.outbox.kick()
    return await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and f"{new} s" in m.words())


async def lose(rooms: Rooms) -> None:
    """The store is empty, and prepared anew."""
    await rooms.redis.flushall()
    await epoch.init(rooms.redis, (SERVICE,), SystemClock())


async def go_back(rooms: Rooms) -> None:
    """The store is as a copy had it that was made before the first proposal, its epoch among it."""
    kept = [one for one in all_keys(SERVICE) if one != key(SERVICE, "epoch")]
    await rooms.redis.delete(*kept)


@pytest.mark.parametrize("happens", [lose, go_back])
async def test_a_card_decides_no_other_proposal_than_its_own(
    slack: RunningSlack, side: SlackSide, rooms: Rooms, happens: Happens
) -> None:
    yesterday = await card(slack, side, rooms, 430)
    await happens(rooms)
    today = await card(slack, side, rooms, 3500)
    assert today.ts != yesterday.ts, "a message was edited into another proposal"
    for button in (APPROVE, REJECT, SNOOZE):
        before = await rooms.proposals.unfinished(SERVICE)
        assert (await slack.control.click(yesterday, button, stale=True)).acked
        await answer(slack, OTHER)
        assert await rooms.proposals.unfinished(SERVICE) == before, button
    await slack.control.click(yesterday, DETAILS, stale=True)
    assert "3500" not in str(await view_with(slack, OTHER))
    assert (await slack.control.click(today, APPROVE)).acked
    await answer(slack, "you approved it")


async def test_undo_takes_back_no_other_change_than_its_own(slack: RunningSlack, side: SlackSide, rooms: Rooms) -> None:
    await card(slack, side, rooms, 430)
    (yesterday,) = await rooms.proposals.unfinished(SERVICE)
    await lose(rooms)
    await card(slack, side, rooms, 3500)
    await applied(rooms)
    await slack.control.click(await posted_with(slack, value_of(yesterday), UNDO), UNDO)
    await answer(slack, OTHER)
    assert [p.id for p in await rooms.proposals.recent(SERVICE, 9)] == ["P1"]


async def test_a_card_without_a_mark_decides_nothing_and_is_renewed(
    slack: RunningSlack, side: SlackSide, rooms: Rooms
) -> None:
    """As an earlier Lumen posted it, and stored it: after the click its own card has buttons that count."""
    posted = await card(slack, side, rooms, 430)
    await rooms.redis.hdel(key(SERVICE, "proposals"), "P1/mark")
    old = await posted_with(slack, f"1 {SERVICE.key} P1", APPROVE, REJECT, SNOOZE)
    for button in (APPROVE, REJECT, SNOOZE):
        await slack.control.click(old, button)
        await answer(slack, "made by an earlier Lumen")
    (waiting,) = await rooms.proposals.unfinished(SERVICE)
    assert waiting.state is State.PENDING
    renewed = await slack.control.wait_for_message(lambda m: f"2 {SERVICE.key} P1 -" in str(m.raw))
    assert renewed.ts == posted.ts
    await slack.control.click(renewed, APPROVE)
    await answer(slack, "you approved it")


async def test_the_highest_number_is_read_from_slack(slack: RunningSlack, session: aiohttp.ClientSession) -> None:
    """Of the service's cards by the bot itself, by their metadata or by their buttons; whatever else stands there."""
    api = SlackApi(slack.facts.bot_token, slack.api_url, session)
    await slack.control.rate_limits(False)

    async def highest(service: ServiceId = SERVICE) -> int:
        return await highest_number(api, slack.facts.channel, service)

    assert await highest() == 0
    shown = Shown("a card", ({"type": "section", "text": {"type": "mrkdwn", "text": "a card"}},))
    for kind, number, mark in (("proposal", "P2", "e.1"), ("report", "P99", ""), ("proposal", "P1", "")):
        tag = tag_of(Surface(SERVICE, kind, number, mark))
        await Poster(api, 0.0).post(slack.facts.channel, shown, tag)
    assert await highest() == 2
    assert await highest(replace(SERVICE, name="other")) == 0
    await posted_with(slack, f"2 {SERVICE.key} P41 e.1", APPROVE)
    for value in (f"2 {SERVICE.key} P{10**12} e.1", f"2 {SERVICE.key} Pig e.1", f"1 {SERVICE.key} api-1#2", "P99", " "):
        await posted_with(slack, value, APPROVE)
    await slack.control.say(f"look at 2 {SERVICE.key} P77 e.1")
    for n in range(PAGE_SIZE + 5):
        await slack.control.say(f"talk {n}")
    assert await highest() == 41


async def test_what_slack_shows_from_after_the_copy_is_answered_and_told(
    slack: RunningSlack, side: SlackSide, rooms: Rooms
) -> None:
    """A copy of the first proposal alone is restored: the second one's card decides nothing; the channel is told."""
    first = await card(slack, side, rooms, 430)
    copy = copy_from(await taken(rooms.redis, SERVICE, SystemClock()))
    newer = await card(slack, side, rooms, 3500)
    await cleared(rooms.redis, SERVICE)
    known = epoch.Known(2, Person.operator("kim@example.com"), (message("state.told_cards", first=2, last=2),))
    await epoch.restored(rooms.redis, SERVICE, SystemClock(), known, await put(rooms.redis, SERVICE, copy))
    side.outbox.kick()
    await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and "up to #2" in m.text)
    await slack.control.wait_for_message(lambda m: m.ts == first.ts and "restored from a copy" in m.words())
    for button in (APPROVE, REJECT, SNOOZE):
        assert (await slack.control.click(newer, button, stale=True)).acked
        await answer(slack, "from before Lumen's memory was lost or restored")
    assert (await slack.control.click(first, APPROVE, stale=True)).acked
    fresh = await card(slack, side, rooms, 1234)
    assert "#3" in fresh.words()
    assert (await slack.control.click(fresh, APPROVE)).acked
    await answer(slack, "you approved it")
    assert [p.id for p in await rooms.proposals.recent(SERVICE, 9)] == ["P3", "P1"]


async def retired(slack: RunningSlack, old: SeenMessage) -> SeenMessage:
    """The card once it has nothing to press, and says what it is."""
    return await slack.control.wait_for_message(
        lambda m: m.ts == old.ts and not m.action_ids() and EARLIER in m.text and old.text.splitlines()[0] in m.text
    )


@pytest.mark.parametrize("keeps_metadata", [True, False])
@pytest.mark.parametrize("happens", [lose, go_back])
async def test_a_click_on_a_card_from_before_a_loss_retires_it(
    slack: RunningSlack, side: SlackSide, rooms: Rooms, happens: Happens, keeps_metadata: bool
) -> None:
    await slack.control.drop_metadata(not keeps_metadata)
    await slack.control.wait_for_connections(1)
    yesterday = await card(slack, side, rooms, 430)
    await happens(rooms)
    await slack.control.click(yesterday, REJECT, stale=True)
    await answer(slack, "#1")
    await retired(slack, yesterday)
    # Its own cards are left alone.
    today = await card(slack, side, rooms, 3500)
    await slack.control.click(today, SNOOZE)
    await answer(slack, "Snoozed: it acts at")
    assert (await card_again(slack, today)).action_ids()


async def card_again(slack: RunningSlack, posted: SeenMessage) -> SeenMessage:
    return await slack.control.wait_for_message(lambda m: m.ts == posted.ts and "Put off by" in m.words())
