"""The place of a message is state: channels that move, close or turn private, messages that people delete."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot.wiring.slack import SlackSide, open_slack
from handlers.blocks.emergency import ACTIONS
from handlers.blocks.incident import FALSE_ALARM, ON_IT, REAL
from handlers.blocks.proposal import APPROVE, CHOICES, DETAILS, SNOOZE
from handlers.outbox import OutboxWorker, Timing
from handlers.poster import Poster
from handlers.web_api import SlackApi
from lumen.model.proposal import State
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack, settings_of
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, card, proposed
from tests.contract.slack.test_incidents import page
from tests.contract.slack.test_other_epochs import Happens, go_back, lose, posted_with, retired
from tests.contract.slack.test_other_epochs import card as countdown_card

OTHER = "C0GENERAL1"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 0.1)
    monkeypatch.setattr("handlers.poster.TIDY_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("handlers.places.LOOK_EVERY_SECONDS", 0.1)
    quick = Timing(poll=0.05, look_after=(0.05, 0.1))
    monkeypatch.setattr("bot.wiring.slack.Poster", partial(Poster, pace_seconds=0.0))
    monkeypatch.setattr("bot.wiring.slack.OutboxWorker", partial(OutboxWorker, timing=quick))


@pytest.fixture(autouse=True)
async def unhurried(slack: RunningSlack) -> None:
    await slack.control.rate_limits(False)


@asynccontextmanager
async def running(slack: RunningSlack, rooms: Rooms, **other: Any) -> AsyncIterator[SlackSide]:
    """The Slack side as a process that was started with these settings."""
    settings = settings_of(slack, rooms).model_copy(update=other)
    async with open_slack(settings, rooms.as_lumen(), rooms.kicks.kick) as joined:
        task = asyncio.create_task(joined.run())
        await slack.control.wait_for_connections(1)
        yield joined
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def calls(slack: RunningSlack, channel: str | None = None) -> list[SeenMessage]:
    return [m for m in await slack.control.messages(channel=channel) if "still needs somebody" in m.text]


async def called(slack: RunningSlack, count: int = 1, channel: str | None = None) -> list[SeenMessage]:
    async with asyncio.timeout(30):
        while len(found := await calls(slack, channel)) < count:  # noqa: ASYNC110 - Slack tells nobody
            await asyncio.sleep(0.02)
    return found


async def call(rooms: Rooms, side: SlackSide, incident_id: str, number: int) -> None:
    await rooms.pages.mention(SERVICE, incident_id, number, say=True)
    side.outbox.kick()


@pytest.mark.parametrize("happens", [lose, go_back])
async def test_cards_from_before_a_loss_are_retired_at_the_start(
    slack: RunningSlack, rooms: Rooms, happens: Happens
) -> None:
    async with running(slack, rooms) as side:
        yesterday = await countdown_card(slack, side, rooms, 430)
    await happens(rooms)
    foreign = await posted_with(slack, f"2 {SERVICE.key} P1 somebody", APPROVE)
    async with running(slack, rooms) as side:
        today = await countdown_card(slack, side, rooms, 3500)
        await retired(slack, yesterday)
        for kept in (today, foreign):
            (shown,) = [m for m in await slack.control.messages() if m.ts == kept.ts]
            assert APPROVE in shown.action_ids()


async def test_what_is_open_follows_slack_channel(slack: RunningSlack, rooms: Rooms) -> None:
    """Nothing has changed but the setting: the card, the incident and its calls are in the new channel all the same."""
    async with running(slack, rooms) as side:
        old = await proposed(slack)
        incident_id, _ = await page(rooms, side, slack)
        await call(rooms, side, incident_id, 1)
        await called(slack)
    await slack.control.change_channel(OTHER, with_app=True)
    async with running(slack, rooms, slack_channel=OTHER) as side:
        moved = await slack.control.wait_for_message(lambda m: APPROVE in m.action_ids(), channel=OTHER)
        await slack.control.wait_for_message(lambda m: ON_IT in m.action_ids(), channel=OTHER)
        await call(rooms, side, incident_id, 2)
        (newer,) = await called(slack, channel=OTHER)
        assert newer.thread_ts is not None
        left = await slack.control.wait_for_message(lambda m: m.ts == old.ts and "another channel" in m.text)
        assert left.action_ids() == []
        await slack.control.click(moved, APPROVE)
        await answer(slack, "you approved it")
    assert (await rooms.proposals.recent(SERVICE, 1))[0].state is State.APPROVED


async def test_a_deleted_message_stands_again_and_its_thread_follows(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    incident_id, first = await page(rooms, side, slack)
    posted = await proposed(slack)
    await slack.control.delete_message(first)
    await slack.control.delete_message(posted)
    again = await slack.control.wait_for_message(lambda m: ON_IT in m.action_ids() and m.ts != first.ts)
    await call(rooms, side, incident_id, 1)
    (said,) = await called(slack)
    assert said.thread_ts == again.ts
    assert (await card(slack)).ts != posted.ts


async def test_a_call_whose_thread_is_gone_still_arrives(
    slack: RunningSlack, rooms: Rooms, side: SlackSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is deleted in the very moment in which somebody is to be called."""
    monkeypatch.setattr("handlers.places.LOOK_EVERY_SECONDS", 3600.0)
    monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 1.0)  # its message stands again by then
    incident_id, first = await page(rooms, side, slack)
    await slack.control.delete_message(first)
    await call(rooms, side, incident_id, 1)
    (said,) = await called(slack)
    above = await slack.control.wait_for_message(lambda m: ON_IT in m.action_ids())
    assert said.thread_ts == above.ts != first.ts


async def test_a_call_that_its_thread_does_not_take_goes_to_the_channel(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    incident_id, _ = await page(rooms, side, slack)
    await slack.control.fault("chat.postMessage", "error", error="thread_locked", times=2)
    await call(rooms, side, incident_id, 1)
    (said,) = await called(slack)
    assert said.thread_ts is None


TROUBLE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "archived": ({"archived": True}, {"archived": False}, "is archived"),
    "app removed": ({"with_app": False}, {"with_app": True}, "is not a member"),
    "private without the app": ({"with_app": False, "private": True}, {"with_app": True}, "is gone, or private"),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_a_channel_that_takes_nothing_is_said_and_what_waited_comes_later(
    slack: RunningSlack, rooms: Rooms, side: SlackSide, name: str
) -> None:
    change, mended, words = TROUBLE[name]
    incident_id, _ = await page(rooms, side, slack)
    await slack.control.change_channel(**change)
    await call(rooms, side, incident_id, 1)
    async with asyncio.timeout(30):
        while not side.outbox.state().unheard:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    (unheard,) = side.outbox.unheard(SERVICE)
    assert unheard.incident_id == incident_id
    await slack.control.command("/lumen ttl", channel=OTHER)
    await answer(slack, words)
    await slack.control.change_channel(**mended)
    await called(slack)
    async with asyncio.timeout(30):
        while side.outbox.state().behind:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    assert side.outbox.state().unheard == ()
    assert side.outbox.place_trouble() is None


@pytest.mark.parametrize("change", [{"name": "ion-incidents"}, {"private": True}])
async def test_a_channel_that_is_renamed_or_private_now_is_the_same(
    slack: RunningSlack, rooms: Rooms, side: SlackSide, change: dict[str, Any]
) -> None:
    posted = await proposed(slack)
    await slack.control.change_channel(**change)
    await slack.control.click(posted, APPROVE)
    shown = await slack.control.wait_for_message(lambda m: m.ts == posted.ts and APPROVE not in m.action_ids())
    assert shown.ts == posted.ts


async def test_a_card_is_one_card_on_a_slack_that_drops_metadata(
    slack: RunningSlack, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.web_api.REQUEST_SECONDS", 0.5)
    await slack.control.drop_metadata()
    await slack.control.fault("chat.postMessage", "post_then_timeout")
    async with running(slack, rooms):
        first = await proposed(slack)
        await slack.control.command("/lumen ttl 480")
        # The first card, too, says by what it is superseded.
        await slack.control.wait_for_message(
            lambda m: m.ephemeral_to is None and m.ts != first.ts and "480" in m.words()
        )
        cards = [m for m in await slack.control.messages() if m.raw.get("blocks") and m.ephemeral_to is None]
    assert len(cards) == 2, [m.text for m in cards]


async def test_a_click_on_an_orphan_decides_and_tidies_it_up(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    posted = await proposed(slack)
    orphan = await _posted_again(slack, side, posted)
    assert (await slack.control.click(orphan, APPROVE)).acked
    await answer(slack, "you approved it")
    async with asyncio.timeout(30):
        while any(m.ts == orphan.ts for m in await slack.control.messages()):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)
    kept = await slack.control.wait_for_message(lambda m: m.ts == posted.ts and APPROVE not in m.action_ids())
    assert kept.ts == posted.ts


async def test_a_click_on_an_answer_with_the_same_buttons_deletes_nothing(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    await proposed(slack)
    await slack.control.command("/lumen approvals share")
    shared = await slack.control.wait_for_message(lambda m: DETAILS in m.action_ids() and "P1" in str(m.raw))
    await slack.control.click(shared, DETAILS)
    await asyncio.sleep(0.3)
    assert any(m.ts == shared.ts for m in await slack.control.messages())


async def _posted_again(slack: RunningSlack, side: SlackSide, posted: SeenMessage) -> SeenMessage:
    """The same card once more, as a lost answer may leave it."""
    session = side.responder.replies.session
    api = SlackApi(slack.facts.bot_token, slack.api_url, session)
    said = {"channel": posted.channel, "text": posted.text, "blocks": posted.blocks}
    ts = (await api.write("chat.postMessage", said)).text("ts")
    return replace(posted, ts=ts)


async def test_buttons_of_a_service_that_is_not_watched_any_more_say_so(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    api = SlackApi(slack.facts.bot_token, slack.api_url, side.responder.replies.session)
    value, label = f"1 {replace(SERVICE, name='ion-old').key} P1", {"type": "plain_text", "text": "x"}
    action_ids = [*CHOICES, SNOOZE, DETAILS, ON_IT, REAL, FALSE_ALARM, *ACTIONS]
    buttons = [{"type": "button", "action_id": each, "value": value, "text": label} for each in action_ids]
    blocks = [{"type": "actions", "block_id": "b", "elements": buttons}]
    await api.write("chat.postMessage", {"channel": slack.facts.channel, "text": "old", "blocks": blocks})
    old = await slack.control.wait_for_message(lambda m: m.text == "old")
    for action_id in action_ids:
        assert (await slack.control.click(old, action_id)).acked
    words = "belongs to ion-old, which this Lumen does not watch"
    async with asyncio.timeout(30):
        while sum(words in m.words() for m in await slack.control.messages()) < len(action_ids):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
