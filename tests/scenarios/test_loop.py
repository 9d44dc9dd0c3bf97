"""The main job on real processes: report, command, card, click, applied, followed, hit rate up."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
import redis

from demo.world import World
from sandbox.client import SandboxClient, SeenMessage

CONFIG_KEY = "ion:config:cache_ttl_seconds"
APPROVE = "proposal.approve"
#: The bot proposes nothing of its own, so that every card is the one that the test asked for.
QUIET = {"OBSERVE_ONLY": "7d"}


def is_report(message: SeenMessage) -> bool:
    """A turn's, and no incident's or proposal's."""
    surface = ((message.raw.get("metadata") or {}).get("event_payload") or {}).get("surface", "")
    return message.ephemeral_to is None and "/report/" in str(surface)


def is_open_card(message: SeenMessage) -> bool:
    return message.ephemeral_to is None and APPROVE in message.action_ids()


async def until(holds: Callable[[], Awaitable[bool]], within_seconds: float, what: str) -> None:
    deadline = time.monotonic() + within_seconds
    while not await holds():
        assert time.monotonic() < deadline, f"not within {within_seconds} s: {what}"
        await asyncio.sleep(0.1)


async def shown(slack: SandboxClient, card: SeenMessage) -> SeenMessage:
    """The card as it stands in Slack now."""
    return next(m for m in await slack.messages() if m.ts == card.ts)


async def a_card(slack: SandboxClient, ttl_seconds: int) -> SeenMessage:
    outcome = await slack.command(f"/lumen ttl {ttl_seconds}")
    assert outcome.acked
    return await slack.wait_for_message(lambda m: is_open_card(m) and f"{ttl_seconds} s" in m.text)


def setting(world: World) -> dict[str, str]:
    with redis.Redis.from_url(world.cache.socket_url, decode_responses=True) as cache:
        found: dict[str, str] = cache.hgetall(CONFIG_KEY)
        return found


def longest_ttl_seconds(world: World) -> float:
    """Of the keys that the service wrote, brought back to service time."""
    with redis.Redis.from_url(world.cache.socket_url) as cache:
        keys = [key for _, key in zip(range(400), cache.scan_iter("ion:cache:*", count=400), strict=False)]
        left = [cache.pttl(key) for key in keys]
    return max(int(ms) for ms in left) / 1000 * world.clock.scale


@pytest.mark.prove  # the browser goes the same way in every run
async def test_from_a_command_to_a_higher_hit_rate(world: World, slack: SandboxClient) -> None:
    world.start_bot(**QUIET)
    report = await slack.wait_for_message(is_report, within_seconds=60)
    assert "%" in report.text

    await slack.command("/lumen status")
    await slack.wait_for_message(lambda m: m.ephemeral_to is not None and "ion-api" in m.text)

    before = (await slack.get("world/state"))["ion"]["hit_rate"]["30"]
    card = await a_card(slack, 900)
    assert longest_ttl_seconds(world) <= 305
    await slack.click(card, APPROVE)

    async def applied() -> bool:
        return "· applied" in (await shown(slack, card)).text

    await until(applied, 120, "the card says that it is applied")
    assert APPROVE not in (await shown(slack, card)).action_ids()
    assert "U0MINA0001" in str((await shown(slack, card)).raw)
    assert setting(world)["value"] == "900"
    state = await slack.get("world/state")
    assert state["ion"]["ttl_seconds"] == 900

    async def longer_lived() -> bool:
        return longest_ttl_seconds(world) > 600

    await until(longer_lived, 60, "the service writes its keys with the new TTL")

    async def risen() -> bool:
        now = (await slack.get("world/state"))["ion"]["hit_rate"]["10"]
        return bool(now > before + 0.03)

    await until(risen, 120, "the hit rate rises")


@pytest.mark.prove
async def test_a_click_after_kill_9_still_works(world: World, slack: SandboxClient) -> None:
    bot = world.start_bot(**QUIET)
    card = await a_card(slack, 420)
    bot.kill()
    world.start_bot("bot-again", **QUIET)
    outcome = await slack.click(card, APPROVE)
    assert outcome.acked

    async def applied() -> bool:
        return "· applied" in (await shown(slack, card)).text

    await until(applied, 120, "the old button's approval is applied")
    assert setting(world)["value"] == "420"


@pytest.mark.prove
async def test_a_bystander_is_refused_and_told_who_may(world: World, slack: SandboxClient) -> None:
    world.start_bot(**QUIET)
    card = await a_card(slack, 420)
    bystander = world.addresses.bystander
    await slack.click(card, APPROVE, user=bystander)
    refusal = await slack.wait_for_message(lambda m: m.ephemeral_to == bystander)
    assert world.addresses.approver in str(refusal.raw)
    assert APPROVE in (await shown(slack, card)).action_ids()
    assert setting(world) == {}


@pytest.mark.prove
@pytest.mark.parametrize("actuator", ["redis", "both"])
async def test_fifty_clicks_apply_once(world: World, slack: SandboxClient, actuator: str) -> None:
    world.start_bot(**QUIET, TTL_ACTUATOR=actuator)
    card = await a_card(slack, 420)
    revisions_before = (await slack.get("world/state"))["services"][0]["latest_created"]
    clicks = [slack.click(card, APPROVE, stale=True) for _ in range(50)]
    outcomes = await asyncio.gather(*clicks)
    assert all(outcome.acked for outcome in outcomes)

    async def applied() -> bool:
        return "· applied" in (await shown(slack, card)).text

    await until(applied, 120, "the card says that it is applied")
    assert setting(world)["value"] == "420"
    assert setting(world)["version"] == "1"
    revisions_after = (await slack.get("world/state"))["services"][0]["latest_created"]
    assert (revisions_after != revisions_before) == (actuator == "both")

    async def all_answered() -> bool:
        told = [m for m in await slack.messages() if m.ephemeral_to == world.addresses.approver]
        return len(told) >= 51  # the answer to the command, and one to each click

    await until(all_answered, 90, "every click has an answer")
