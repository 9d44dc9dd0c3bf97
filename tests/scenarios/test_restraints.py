"""What people set against Lumen, on real processes: a pin that survives a crash, a freeze, and two knobs at once."""

import pytest
import redis

from demo.world import World
from sandbox.client import SandboxClient, SeenMessage
from tests.scenarios.test_loop import APPROVE, QUIET, a_card, is_open_card, setting, shown, until

pytestmark = pytest.mark.prove

#: At 20,000 a second a sweep of so many keys takes 15 s.
MANY_KEYS = 300_000


async def answered(slack: SandboxClient, words: str) -> SeenMessage:
    return await slack.wait_for_message(lambda m: bool(m.ephemeral_to) and words in m.text, within_seconds=60)


async def test_a_sweep_of_keys_holds_up_no_other_approval(world: World, slack: SandboxClient) -> None:
    world.start_bot(**QUIET)
    with redis.Redis.from_url(world.cache.socket_url) as cache:
        for start in range(0, MANY_KEYS, 10_000):
            pipeline = cache.pipeline(transaction=False)
            for number in range(start, start + 10_000):
                pipeline.set(f"ion:cache:swept-{number}", "x", ex=3000)
            pipeline.execute()
    assert (await slack.command("/lumen ttl 240 existing")).acked
    sweep = await slack.wait_for_message(lambda m: is_open_card(m) and "240 s" in m.text)
    await slack.click(sweep, APPROVE)

    async def sweeping() -> bool:
        return "keys" in (await shown(slack, sweep)).text and "being applied" in (await shown(slack, sweep)).text

    await until(sweeping, 120, "the keys are being gone through")
    assert (await slack.command("/lumen instances 1")).acked
    other = await slack.wait_for_message(lambda m: is_open_card(m) and "nstances" in m.text)
    await slack.click(other, APPROVE)

    async def applied() -> bool:
        return "· applied" in (await shown(slack, other)).text

    await until(applied, 60, "the other knob is turned")
    assert await sweeping(), "the sweep was over too soon to prove anything"


async def test_a_pin_survives_a_crash_and_a_freeze_is_answered(world: World, slack: SandboxClient) -> None:
    bot = world.start_bot(**QUIET)
    assert (await slack.command("/lumen override ttl 600 for 7d because load test")).acked
    await answered(slack, "pinned to 600 s")
    bot.kill()
    heir = world.start_bot("heir", **QUIET)
    await slack.command("/lumen ttl 420")
    await answered(slack, "/lumen override off")
    await slack.command("/lumen override off")
    await answered(slack, "not pinned any more")
    waiting = await a_card(slack, 420)
    heir.kill()
    world.start_bot("frozen", FREEZE="2020-01-01T00:00Z/2100-01-01T00:00Z", **QUIET)
    await slack.click(waiting, APPROVE)
    await answered(slack, "Changes are frozen until")
    assert APPROVE in (await shown(slack, waiting)).action_ids()
    assert setting(world) == {}
