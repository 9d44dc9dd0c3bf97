"""The supervisor of the Socket Mode connections against a Slack that resets, refreshes, refuses and falls silent."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.connection import PASSED_BY, PINGS_SECONDS, SlackConnection
from bot.slack.envelopes import Envelopes
from handlers.replies import Background
from handlers.web_api import SlackApi
from tests.contract.slack.conftest import RunningSlack


@dataclass
class Listener:
    """Stands for the Bolt app: counts what it is given. `hold` delays the answer to a click."""

    texts: list[str] = field(default_factory=list)
    hold_seconds: float = 0.0

    async def async_dispatch(self, request: AsyncBoltRequest) -> BoltResponse:
        self.texts.append(str(request.body.get("text", request.body.get("type"))))
        await asyncio.sleep(self.hold_seconds)
        return BoltResponse(status=200, body="")


@dataclass
class Bot:
    connection: SlackConnection
    listener: Listener
    envelopes: Envelopes

    @property
    def opened(self) -> int:
        """Connections made so far, in all lanes."""
        return sum(lane.opened for lane in self.connection.state().lanes)

    async def replaced(self, times: int = 2) -> None:
        """Until so many new connections were made and all stand."""
        await until(lambda: self.opened >= 2 + times and self.connection.state().whole, within_seconds=60)


#: A quarter of those in production; a connection is silent for long after a while that no other test lasts.
PINGS, SILENT_SECONDS = tuple(seconds / 4 for seconds in PINGS_SECONDS), 20.0
PRODUCTION_PACE = pytest.mark.parametrize("bot", [1.0], indirect=True)


@pytest.fixture
async def bot(
    slack: RunningSlack, session: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> AsyncIterator[Bot]:
    """Both lanes open. Tickets are paced as in production where a test asks for it: `indirect` 1.0."""
    pace_seconds = getattr(request, "param", 0.05)
    listener, background = Listener(), Background()
    envelopes = Envelopes(listener, background)  # type: ignore[arg-type]  # only its dispatch is used
    client = SlackApi(slack.facts.app_token, slack.api_url, session)
    connection = SlackConnection(
        client, envelopes, pace_seconds, random.Random(1), pings_seconds=PINGS, silent_seconds=SILENT_SECONDS
    )
    running = asyncio.create_task(connection.run())
    await slack.control.wait_for_connections(2)
    yield Bot(connection, listener, envelopes)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await background.drain(1)
    assert not connection.state().ready


async def until(true: Callable[[], bool], within_seconds: float = 60.0) -> float:
    """Seconds until `true`; fails after `within_seconds`."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within_seconds, "it did not come true in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def commands_until_acked(slack: RunningSlack, within_seconds: float) -> float:
    """Seconds until a slash command is acked again."""
    began = time.monotonic()
    while time.monotonic() - began < within_seconds:
        outcome = await slack.control.command("/lumen status")
        if outcome.acked:
            return time.monotonic() - began
        await asyncio.sleep(0.02)
    raise AssertionError(f"no command was acked within {within_seconds} s")


async def test_two_connections_stand_and_commands_are_acked(slack: RunningSlack, bot: Bot) -> None:
    outcome = await slack.control.command("/lumen status")
    assert outcome.acked
    assert bot.listener.texts == ["status"]
    state = bot.connection.state()
    assert state.whole
    assert state.app_id == slack.facts.app_id
    assert state.tickets == 2


async def test_a_slow_answer_does_not_delay_the_ack_of_a_command(slack: RunningSlack, bot: Bot) -> None:
    bot.listener.hold_seconds = 5.0
    outcome = await slack.control.command("/lumen run")
    assert outcome.acked
    assert outcome.ack_ms is not None
    assert outcome.ack_ms < 1000 * bot.listener.hold_seconds


async def test_a_second_delivery_is_acked_and_not_handled_again(slack: RunningSlack, bot: Bot) -> None:
    await slack.control.sockets("duplicate_envelopes", count=1)
    assert (await slack.control.command("/lumen ttl 420")).acked
    await until(lambda: bot.envelopes.duplicates == 1)
    assert bot.listener.texts == ["ttl 420"]


@PRODUCTION_PACE
@pytest.mark.parametrize("how", ["reset", "finish", "close"])
async def test_a_cut_of_every_connection_is_mended(slack: RunningSlack, bot: Bot, how: str) -> None:
    await asyncio.sleep(1.0)  # the pace of tickets: a connection is never cut in the second in which it was made
    await slack.control.sockets(how)
    await commands_until_acked(slack, 60)  # how soon: test_faults_under_load.py
    await bot.replaced()


async def test_a_warning_to_every_connection_loses_nothing(slack: RunningSlack, bot: Bot) -> None:
    await slack.control.sockets("warning")
    await every_command_is_acked(slack)
    await until(lambda: [lane.opened for lane in bot.connection.state().lanes] == [2, 2])
    assert len(bot.listener.texts) == 30


async def test_a_refresh_that_closes_at_once_loses_nothing(slack: RunningSlack, bot: Bot) -> None:
    """Slack refreshes connections one by one; the other lane carries on."""
    for one in await slack.control.connections():
        await slack.control.sockets("refresh_requested", connection=str(one["id"]))
        await every_command_is_acked(slack)
        await until(lambda: bot.connection.state().whole)
    assert [lane.opened for lane in bot.connection.state().lanes] == [2, 2]


async def every_command_is_acked(slack: RunningSlack, commands: int = 30) -> None:
    for _ in range(commands):
        assert (await slack.control.command("/lumen status")).acked
        await asyncio.sleep(0.02)


async def test_a_half_open_connection_is_noticed_and_replaced(slack: RunningSlack, bot: Bot) -> None:
    await slack.control.sockets("half_open")
    await until(lambda: not bot.connection.state().whole)
    await bot.replaced()
    assert (await slack.control.command("/lumen status")).acked


async def test_a_rejected_ticket_is_followed_by_a_fresh_one(slack: RunningSlack, bot: Bot) -> None:
    await slack.control.sockets("reject_tickets", count=2)
    await slack.control.sockets("reset")
    await bot.replaced()
    assert (await slack.control.command("/lumen status")).acked
    assert bot.connection.state().tickets >= 4


@PRODUCTION_PACE
async def test_a_disabled_link_is_not_hammered(slack: RunningSlack, bot: Bot) -> None:
    before = bot.connection.state().tickets
    await slack.control.sockets("link_disabled_on_connect", count=1000)
    await slack.control.sockets("link_disabled")
    began = time.monotonic()
    await asyncio.sleep(3.0)
    elapsed = time.monotonic() - began
    assert bot.connection.state().tickets - before <= elapsed + 1
    assert not bot.connection.state().ready
    await slack.control.sockets("heal")
    await until(lambda: bot.connection.state().ready, within_seconds=60)


async def test_too_many_connections_are_not_overlapped(slack: RunningSlack, bot: Bot) -> None:
    await slack.control.sockets("too_many_websockets")
    await bot.replaced()
    assert (await slack.control.command("/lumen status")).acked


async def test_no_hello_is_given_up(slack: RunningSlack, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.socket.HELLO_SECONDS", 0.3)
    await slack.control.sockets("withhold_hello", count=1)
    await slack.control.sockets("reset")
    await bot.replaced()
    assert (await slack.control.command("/lumen status")).acked


async def test_no_ticket_at_all_is_waited_for(slack: RunningSlack, bot: Bot) -> None:
    await slack.control.fault("apps.connections.open", "http_500", times=2)
    await slack.control.sockets("reset")
    await bot.replaced()


async def test_a_connection_that_pings_and_brings_nothing_is_replaced(
    slack: RunningSlack, session: aiohttp.ClientSession
) -> None:
    """Slack's side believes in both of them, and nothing comes through either."""
    listener, background = Listener(), Background()
    envelopes = Envelopes(listener, background)  # type: ignore[arg-type]  # only its dispatch is used
    api = SlackApi(slack.facts.app_token, slack.api_url, session)
    connection = SlackConnection(api, envelopes, 0.05, random.Random(1), silent_seconds=0.6)
    running = asyncio.create_task(connection.run())
    await slack.control.wait_for_connections(2)
    slack.server.hub.ack_seconds = 0.3
    await slack.control.sockets("mute")
    assert not (await slack.control.command("/lumen status")).acked
    await commands_until_acked(slack, 60)
    assert connection.state().whole
    assert any(lane.heard_at for lane in connection.state().lanes)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_connection_that_envelopes_pass_by_is_replaced(
    slack: RunningSlack, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the two is mute; what comes through the other tells. A lane that never brought any is left alone."""
    monkeypatch.setattr("bot.slack.connection.PASSED_BY_SECONDS", 0.2)
    slack.server.hub.ack_seconds = 0.2
    await until_all_heard(slack, bot)
    first, _ = slack.server.hub.connections
    await slack.control.sockets("mute", connection=first.id)
    for _ in range(10 * PASSED_BY):
        await slack.control.command("/lumen status")
        if bot.opened == 3:
            break
    await until(lambda: bot.opened == 3 and first not in slack.server.hub.connections)
    assert all([(await slack.control.command("/lumen status")).acked for _ in range(6)])
    assert bot.opened == 3


async def until_all_heard(slack: RunningSlack, bot: Bot) -> None:
    while not all(lane.heard_at for lane in bot.connection.state().lanes):
        await slack.control.command("/lumen status")


def test_a_stall_of_a_second_and_a_half_ends_no_connection_and_none_ends_both() -> None:
    limits = sorted(seconds / 2 for seconds in PINGS_SECONDS)
    assert limits[0] >= 2.0
    assert all(longer - shorter >= 1.0 for shorter, longer in itertools.pairwise(limits))


async def test_one_stall_does_not_end_both_connections(slack: RunningSlack, bot: Bot) -> None:
    """It begins with a ping under way on each, and is longer than the shorter limit."""
    await asyncio.sleep(0.1)
    shorter, longer = (seconds / 2 for seconds in PINGS)
    await slack.control.sockets("stall", seconds=PINGS[1] + (shorter + longer) / 2)
    await until(lambda: not bot.connection.state().whole)
    assert bot.connection.state().ready
    await until(lambda: bot.connection.state().whole)
    assert [lane.opened for lane in bot.connection.state().lanes] == [2, 1]


async def test_an_odd_frame_ends_nothing(slack: RunningSlack, bot: Bot) -> None:
    odd = ("null", "[]", "{", '"x"', "7", "", '{"type": 7}', '{"envelope_id": "e", "payload": []}', "[" * 100_000)
    for one in slack.server.hub.connections:
        for frame in odd:
            await one.send_text(frame)
    assert (await slack.control.command("/lumen status")).acked
    assert bot.opened == 2
