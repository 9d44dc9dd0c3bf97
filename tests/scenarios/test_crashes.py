"""kill -9 of the real bot at every named point: never twice, never forgotten, never a lie."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
import redis

from demo.processes import Child
from demo.world import World
from sandbox.client import SandboxClient, SeenMessage
from tests.scenarios.test_loop import APPROVE, QUIET, is_open_card, setting, shown, until

PROPOSING = ["store.propose.before", "store.propose.after"]
DECIDING = ["store.decide.before", "store.decide.after"]
CARRYING_OUT = [
    "execute.claimed",
    "execute.applying",
    "execute.set.redis",
    "execute.set.cloud_run",
    "execute.waiting",
    "execute.applied",
    *(f"store.advance.{side}:{nth}" for side in ("before", "after") for nth in (1, 2, 3)),
]


async def died(bot: Child, within_seconds: float = 90.0) -> None:
    async def gone() -> bool:
        return bot.exit_code() is not None

    await until(gone, within_seconds, "the bot kills itself at the point")


async def card_or_none(slack: SandboxClient) -> SeenMessage | None:
    return next((m for m in await slack.messages() if is_open_card(m)), None)


async def ask(slack: SandboxClient) -> None:
    await slack.command("/lumen ttl 420")


async def survives(
    world: World, slack: SandboxClient, point: str, ends: Callable[[Child], Awaitable[None]] = died
) -> None:
    """A person who asks, clicks, and clicks again where nothing has happened; a bot that `ends` once at `point`."""
    bot = world.start_bot("doomed", **QUIET, LUMEN_FAULT_AT=point)
    revisions = {service["name"]: service["latest_created"] for service in (await slack.get("world/state"))["services"]}
    asking = asyncio.create_task(ask(slack))
    if point.startswith("store.propose"):
        await ends(bot)
        world.start_bot("heir", **QUIET)
        if point.startswith("store.propose.before"):
            await ask(slack)
    await asking
    card = await slack.wait_for_message(is_open_card, within_seconds=60)
    clicking = asyncio.create_task(slack.click(card, APPROVE))
    if not point.startswith("store.propose"):
        await ends(bot)
        world.start_bot("heir", **QUIET)
    await clicking
    await finished(slack, card)
    assert setting(world)["value"] == "420"
    assert setting(world)["version"] == "1"
    after = {service["name"]: service["latest_created"] for service in (await slack.get("world/state"))["services"]}
    assert after["ion-api"] != revisions["ion-api"]
    assert [event for event in audited(world) if event == "decided"] == ["decided"]
    cards = [m for m in await slack.messages() if "/proposal/" in str(m.raw.get("metadata"))]
    assert len([card for card in cards if "TTL 300 s → 420 s" in card.text]) == 1  # a report may speak of it too


async def finished(slack: SandboxClient, card: SeenMessage) -> None:
    """Until the card says applied; whoever sees an undecided card after the crash clicks once more."""
    deadline, clicked_again = time.monotonic() + 150, False
    while "· applied" not in (now := await shown(slack, card)).text:
        assert time.monotonic() < deadline, now.text
        undecided = APPROVE in now.action_ids()
        if undecided and not clicked_again and len(await slack.connections()) >= 1:
            await slack.click(now, APPROVE, stale=True)  # it may have been decided this very moment
            clicked_again = True
        await asyncio.sleep(0.2)


def audited(world: World) -> list[str]:
    """The events of the audit, as they are stored."""
    with redis.Redis.from_url(world.state.socket_url, decode_responses=True) as store:
        keys = [key for key in store.scan_iter("*audit") if store.type(key) == "stream"]
        return [fields["event"] for key in keys for _, fields in store.xrange(key)]


@pytest.mark.prove  # a countdown over kill -9 is in every run (test_rollback.py)
async def test_a_kill_where_it_hurts_most(world: World, slack: SandboxClient) -> None:
    await survives(world, slack, "execute.set.redis")


@pytest.mark.prove
@pytest.mark.parametrize("point", [*PROPOSING, *DECIDING, *CARRYING_OUT])
async def test_a_kill_at_every_point(world: World, slack: SandboxClient, point: str) -> None:
    await survives(world, slack, point)
