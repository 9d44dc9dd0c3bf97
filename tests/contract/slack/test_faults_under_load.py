"""The socket faults of docs/adr/0012 at 100 commands a second: nothing acknowledged is lost, nothing is done twice."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.connection import PINGS_SECONDS, SlackConnection
from bot.slack.envelopes import Envelopes
from handlers.replies import Background
from handlers.web_api import SlackApi
from sandbox.client import Outcome
from tests.contract.slack.conftest import RunningSlack

pytestmark = pytest.mark.prove

A_SECOND = 100
SECONDS = 4.0


@dataclass
class Handled:
    """Counts each command by its own text."""

    texts: Counter[str] = field(default_factory=Counter)

    async def async_dispatch(self, request: AsyncBoltRequest) -> BoltResponse:
        self.texts[str(request.body["text"])] += 1
        return BoltResponse(status=200, body="")


@dataclass
class Load:
    """The commands that were sent: when, and with which outcome."""

    sent: list[tuple[float, str, Outcome]] = field(default_factory=list)

    def acked(self) -> set[str]:
        return {text for _, text, outcome in self.sent if outcome.acked}

    def longest_gap_seconds(self) -> float:
        """The longest time without a command that was acked."""
        times = sorted(at for at, _, outcome in self.sent if outcome.acked)
        return max((b - a for a, b in itertools.pairwise(times)), default=SECONDS)


@pytest.fixture
async def handled(slack: RunningSlack, session: aiohttp.ClientSession) -> AsyncIterator[Handled]:
    """A bot whose connections have stood for longer than the pace of tickets."""
    listener, background = Handled(), Background()
    client = SlackApi(slack.facts.app_token, slack.api_url, session)
    envelopes = Envelopes(listener, background)  # type: ignore[arg-type]  # only its dispatch is used
    connection = SlackConnection(client, envelopes, jitter=random.Random(1))
    running = asyncio.create_task(connection.run())
    await slack.control.wait_for_connections(2)
    await asyncio.sleep(1.0)
    yield listener
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await background.drain(1)


async def load(slack: RunningSlack, *faults: tuple[float, str]) -> Load:
    """A hundred commands a second; at the given moments something happens to every connection."""
    made, began = Load(), time.monotonic()

    async def one(n: int) -> None:
        text = f"n{n}"
        at = time.monotonic()
        made.sent.append((at, text, await slack.control.command(f"/lumen {text}")))

    async def fate() -> None:
        for at, what in faults:
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            await slack.control.sockets(what)

    async with asyncio.TaskGroup() as group:
        group.create_task(fate())
        for n in range(int(A_SECOND * SECONDS)):
            await asyncio.sleep(max(0.0, began + n / A_SECOND - time.monotonic()))
            group.create_task(one(n))
    return made


@pytest.mark.parametrize("what", ["reset", "finish", "close"])
async def test_after_a_cut_commands_flow_again_within_a_second(
    slack: RunningSlack, handled: Handled, what: str
) -> None:
    made = await load(slack, (1.0, what), (2.5, what))
    assert made.longest_gap_seconds() < 1.0
    assert made.acked() <= set(handled.texts)
    assert max(handled.texts.values()) == 1


async def test_a_warning_loses_nothing(slack: RunningSlack, handled: Handled) -> None:
    made = await load(slack, (1.0, "warning"))
    assert len(made.acked()) == len(made.sent)
    assert max(handled.texts.values()) == 1


async def test_a_refresh_of_one_connection_at_a_time_loses_nothing(slack: RunningSlack, handled: Handled) -> None:
    async def refresh() -> None:
        for one in await slack.control.connections():
            await asyncio.sleep(1.2)
            await slack.control.sockets("refresh_requested", connection=str(one["id"]))

    refreshing = asyncio.create_task(refresh())
    made = await load(slack)
    await refreshing
    assert len(made.acked()) == len(made.sent)
    assert max(handled.texts.values()) == 1


async def test_a_refresh_of_all_connections_at_once_loses_nothing(slack: RunningSlack, handled: Handled) -> None:
    """Both get their notice in the same moment, and are closed soon after; tickets stay a second apart."""

    async def refresh() -> None:
        await asyncio.sleep(1.0)
        await slack.control.sockets("refresh_requested", seconds=0.5)

    refreshing = asyncio.create_task(refresh())
    made = await load(slack)
    await refreshing
    assert len(made.acked()) == len(made.sent)
    assert max(handled.texts.values()) == 1


async def test_a_refresh_of_all_that_closes_at_once_is_over_within_a_second(
    slack: RunningSlack, handled: Handled
) -> None:
    """Until the next hello Slack has nowhere to send anything: only how long that lasts is ours to bound."""
    made = await load(slack, (1.0, "refresh_requested"), (2.5, "refresh_requested"))
    assert made.longest_gap_seconds() < 1.0
    assert made.acked() <= set(handled.texts)
    assert max(handled.texts.values()) == 1


async def test_duplicates_are_handled_once(slack: RunningSlack, handled: Handled) -> None:
    await slack.control.sockets("duplicate_envelopes", count=200)
    made = await load(slack)
    assert len(made.acked()) == len(made.sent)
    assert max(handled.texts.values()) == 1


async def test_half_open_connections_are_noticed_under_load(slack: RunningSlack, handled: Handled) -> None:
    made = await load(slack, (0.5, "half_open"))
    # Nothing can be acked on a connection that swallows everything: only how long that lasts is ours to bound.
    assert made.longest_gap_seconds() < PINGS_SECONDS[0] * 1.5 + 2.0
    assert max(handled.texts.values()) == 1
