"""Health that does not lie: what `/readyz` and `/metrics` say of Slack, the outbox, wakes and the pager."""

import asyncio
import time
from collections.abc import Callable

import pytest
from prometheus_client import generate_latest

from bot.http import (
    Metrics,
    outbox_readiness,
    pager_readiness,
    slack_readiness,
    wake_readiness,
)
from bot.slack.connection import ConnectionState, LaneState, Phase
from bot.wiring.slack import SlackSide, open_slack
from handlers.outbox import OutboxState
from lumen.model.answers import Readiness
from lumen.model.incident import Unheard
from lumen.model.messages import message
from lumen.wording.catalogue import Catalogue
from tests.contract.slack.conftest import RunningSlack, settings_of
from tests.contract.slack.side import Rooms
from tests.contract.slack.test_commands_and_clicks import answer, proposed

EN = Catalogue("en")
CALL = Unheard("i#1", "i", "is_archived")


async def until(side: SlackSide, true: Callable[[Readiness], bool]) -> Readiness:
    async with asyncio.timeout(30):
        while not true(found := slack_readiness(side.state(), EN)):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    return found


@pytest.mark.parametrize("word", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_revoked_token_is_not_ready_until_slack_takes_it_again(
    slack: RunningSlack, rooms: Rooms, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Its connections stay open, and nobody says anything."""
    monkeypatch.setattr("bot.wiring.slack.TOKEN_EVERY_SECONDS", 0.05)
    async with open_slack(settings_of(slack, rooms), rooms.as_lumen(), rooms.kicks.kick) as side:
        running = asyncio.create_task(side.run())
        await slack.control.wait_for_connections(1)
        await until(side, lambda found: found.ready)
        await slack.control.fault("*", "error", error=word, times=-1)
        found = await until(side, lambda found: not found.ready)
        assert word in found.detail
        assert b"lumen_slack_token_refused 1.0" in generate_latest(Metrics(side.state, side.outbox.state).registry)
        await slack.control.clear_faults()
        await until(side, lambda found: found.ready)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_lanes_tell_their_last_envelope_and_the_outbox_its_lag(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    await slack.control.command("/lumen help")
    await answer(slack, "What Lumen can do")
    assert "its last envelope 0 s ago" in slack_readiness(side.state(), EN).detail
    await slack.control.fault("chat.postMessage", "error", error="is_archived", times=-1)
    await slack.control.command("/lumen ttl 420")
    async with asyncio.timeout(30):
        while side.outbox.state().refused != "is_archived":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    found = outbox_readiness(side.outbox.state(), EN)
    assert found.ready  # for five minutes
    assert found.detail.startswith("1 message(s) behind, the longest for")
    assert "is_archived" in found.detail
    told = generate_latest(Metrics(side.state, side.outbox.state).registry).decode()
    assert "lumen_outbox_behind 1.0" in told
    assert 'lumen_outbox_refused{error="is_archived"} 1.0' in told
    await slack.control.clear_faults()
    await proposed(slack)


@pytest.mark.parametrize(
    ("outbox", "ready", "words"),
    [
        (OutboxState(0, 0.0, "", ()), True, "Slack shows what is stored."),
        (OutboxState(3, 20.0, "", ()), True, "3 message(s) behind, the longest for 20 s."),
        (OutboxState(3, 20.0, "http 503", ()), True, "The last refusal: http 503."),
        (OutboxState(3, 301.0, "", ()), False, "301 s"),
        (OutboxState(1, 20.0, "is_archived", (CALL,)), False, "1 call(s) of the people on call do not arrive"),
    ],
)
def test_what_is_behind_for_long_or_a_lost_call_is_not_ready(outbox: OutboxState, ready: bool, words: str) -> None:
    found = outbox_readiness(outbox, EN)
    assert found.ready is ready
    assert words in found.detail


def test_a_wake_that_does_not_come_is_not_ready() -> None:
    now = time.monotonic()
    assert wake_readiness(now - 10, now - 900, EN).ready
    assert wake_readiness(None, now - 10, EN).ready
    assert not wake_readiness(now - 301, now - 900, EN).ready
    assert not wake_readiness(None, now - 301, EN).ready


def test_a_pager_that_takes_no_calls_is_not_ready() -> None:
    assert pager_readiness(None, EN).ready
    found = pager_readiness(message("pager.no_answer", host="events.pagerduty.com", error="TimeoutError"), EN)
    assert not found.ready
    assert "events.pagerduty.com" in found.detail


@pytest.mark.parametrize("phase", list(Phase))
def test_a_lane_that_is_not_open_and_a_token_that_is_refused_are_not_ready(phase: Phase) -> None:
    lane = LaneState("1", phase, 0.0, 1, 0, "http 503", time.monotonic() - 12)
    state = ConnectionState((lane,), "A1", 1, 1, 0, 0)
    found = slack_readiness(state, EN)
    assert found.ready is (phase is Phase.OPEN)
    assert f"{phase} (http 503), its last envelope 12 s ago" in found.detail
    refused = ConnectionState((lane,), "A1", 1, 1, 0, 0, "token_revoked")
    assert not slack_readiness(refused, EN).ready
