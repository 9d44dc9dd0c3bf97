"""Slack is gone for a while, and Lumen dies meanwhile: nothing is lost, the order is kept, one message a surface.

The outage lasts up to two minutes on the wall, which are eight hours of service time. How long it lasts changes nothing
else: what is behind waits in the store, and tries are never further apart than BACKOFF_LONGEST_SECONDS
(tests/unit/handlers/test_backoff.py).
"""

import asyncio
import re
import time

import pytest
import redis

from demo.ports import free_port
from demo.processes import Child
from demo.world import LUMEN, World
from handlers.outbox import BACKOFF_LONGEST_SECONDS
from sandbox.client import SandboxClient
from tests.scenarios.test_loop import APPROVE, a_card, setting, shown, until
from tests.scenarios.test_two_bots import stored_turns, surfaces

#: By how Slack fails.
OUTAGE_SECONDS = {"http_500": 120.0, "drop": 60.0, "hang": 60.0}
#: The wall's seconds in which everything is shown again: a pause, a ticket, a message a second.
CATCHES_UP_SECONDS = 2 * BACKOFF_LONGEST_SECONDS + 120

pytestmark = [pytest.mark.prove, pytest.mark.parametrize("world", [240.0], indirect=True)]


def behind(world: World) -> list[str]:
    """Surfaces whose message is older than what is stored, in the order in which they were marked."""
    with redis.Redis.from_url(world.state.socket_url, decode_responses=True) as store:
        return [str(name) for key in store.scan_iter("*:dirty") for name in store.zrange(key, 0, -1)]


def start_without_slack(world: World, name: str) -> Child:
    """It cannot become ready, and must live all the same."""
    bot = world.child(name)
    bot.start([*LUMEN, "run"], world.bot_environment(free_port()), world.directory)
    return bot


async def posted(slack: SandboxClient) -> dict[str, str]:
    """The ts of each surface's message, in the channel's order."""
    found: dict[str, str] = {}
    for each in await slack.messages():
        payload = (each.raw.get("metadata") or {}).get("event_payload") or {}
        if each.ephemeral_to is None and payload:
            found.setdefault(str(payload["surface"]).split("/", 3)[-1], each.ts)
    return found


@pytest.mark.parametrize("kind", OUTAGE_SECONDS)
async def test_an_outage_loses_nothing_and_keeps_the_order(world: World, slack: SandboxClient, kind: str) -> None:
    bot = world.start_bot()
    card = await a_card(slack, 420)
    before = await posted(slack)
    assert (await slack.click(card, APPROVE)).acked

    await slack.fault("*", kind, times=-1)
    await slack.sockets("reset")
    began = time.monotonic()
    await slack.world.start_incident("bad_release_errors", lasts="3h", error_share=0.1)
    await until(lambda: _is_set(world), 60, "what was approved is carried out without Slack")
    await asyncio.sleep(OUTAGE_SECONDS[kind] / 2)
    bot.kill()
    heir = start_without_slack(world, "heir")
    await asyncio.sleep(max(0.0, OUTAGE_SECONDS[kind] - (time.monotonic() - began)))
    assert heir.exit_code() is None
    assert await posted(slack) == before
    waiting = behind(world)
    assert len(waiting) >= 3, "turns, the proposal, and the incident"
    turns = len(stored_turns(world))
    assert turns >= 3, "turns go on without Slack"

    await slack.clear_faults()
    await until(lambda: _shows(slack, waiting), CATCHES_UP_SECONDS, "everything is shown")
    found = await posted(slack)
    fresh = [name for name in waiting if name not in before]
    assert sorted(fresh, key=lambda name: float(found[name])) == fresh, "in the order in which it was marked"
    assert set((await surfaces(slack)).values()) == {1}
    # A page so soon after the change is held against it, once a look has come to that.
    assert {"· applied", "· harmful"} & set(re.findall("· [a-z]+", (await shown(slack, card)).text.splitlines()[0]))
    assert (await slack.command("/lumen status")).acked
    assert heir.exit_code() is None


async def _is_set(world: World) -> bool:
    return setting(world).get("value") == "420"


async def _shows(slack: SandboxClient, waiting: list[str]) -> bool:
    return set(waiting) <= set(await posted(slack))
