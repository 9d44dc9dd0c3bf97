"""SIGTERM at every fault point: the process ends by itself within ten seconds, and whoever follows loses nothing.

It is stopped at the point, is sent SIGTERM there, and goes on: the signal takes effect in the very next step.
"""

import asyncio
import json
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis

from demo.ports import free_port
from demo.processes import Child
from demo.world import LUMEN, World
from handlers.blocks.incident import ON_IT
from sandbox.client import SandboxClient
from tests.chaos.faults import FAULTS, Scene
from tests.pager_server import ROUTING_KEY, pager_server
from tests.scenarios.test_crashes import CARRYING_OUT, DECIDING, PROPOSING, audited, survives
from tests.scenarios.test_loop import APPROVE, CONFIG_KEY, QUIET, a_card, is_open_card, setting, until
from tests.scenarios.test_rollback import GOOD, HALF_AN_HOUR, a_countdown, says, traffic
from tests.scenarios.test_two_bots import is_stopped
from tests.scenarios.test_unasked import TTL_UNASKED, a_record

WITHIN_SECONDS = 10.0
#: One hour of service time in so many seconds of the wall.
IN_15_S, IN_6_S = ([240.0], [600.0])
#: The points at which a story below ends its bot, by the story.
CLICKED = [*PROPOSING, *DECIDING, *CARRYING_OUT]
MOVED = ["store.replace.before", "store.replace.after", "execute.abandoned"]
ROLLED_BACK = ["rollback.judged", "rollback.ended"]
UNASKED = ["unasked.judged", "unasked.ended"]
DRIFTED = ["drift.claimed", "drift.noted", "drift.set"]
RETIMED = ["execute.retiming", "execute.retimed"]
MEASURED = ["effect.judged", "effect.stored"]
ASKED_BACK = ["effect.proposed_back"]
PAGED = ["pager.called"]
#: Reached by no story here: what they guard is tried by contract tests with a crash at the same point.
ELSEWHERE = {"execute.undone", "execute.setting_back"}


def stops_at(point: str) -> str:
    """For LUMEN_FAULT_AT."""
    return f"{point if ':' in point else f'{point}:1'}:stop"


async def terminated(bot: Child, within_seconds: float = 300.0) -> None:
    """Wait until it has stopped at its point, end it as a platform does, and see it go in time and well."""
    await until(lambda: is_stopped(bot), within_seconds, "it stops at the point")
    bot.signal(signal.SIGTERM)
    began = time.monotonic()
    bot.signal(signal.SIGCONT)
    code = await asyncio.to_thread(bot.wait, WITHIN_SECONDS)
    print(f"ended with {code} after {time.monotonic() - began:.1f} s")  # noqa: T201 - shown with -s
    assert code == 0, bot.tail()


def verdict(world: World) -> str | None:
    """On the first proposal, as it is stored."""
    with redis.Redis.from_url(world.state.socket_url, decode_responses=True) as store:
        (key,) = store.scan_iter("*:proposals")
        found: str | None = json.loads(store.hget(key, "P1/measured") or "{}").get("verdict")
        return found


def doomed(world: World, point: str, environment: Mapping[str, str]) -> Child:
    return world.start_bot("doomed", **{**environment, "LUMEN_FAULT_AT": stops_at(point)})


def test_every_fault_point_is_in_a_story() -> None:
    """Those of the product's text; `execute.set.{place}` is named with its places."""
    root = Path(__file__).parents[2] / "lumen"
    texts = [path.read_text(encoding="utf-8") for path in root.rglob("*.py")]
    points = {found for text in texts for found in re.findall(r'fault\(f?"([a-z_.]+?)\.?["{]', text)}
    known = [*CLICKED, *MOVED, *ROLLED_BACK, *UNASKED, *DRIFTED, *RETIMED, *MEASURED, *ASKED_BACK, *PAGED, *ELSEWHERE]
    assert points == {re.sub(r":\d+$|(?<=execute\.set)\..*", "", point) for point in known}


@pytest.mark.prove
async def test_a_stop_where_it_hurts_most(world: World, slack: SandboxClient) -> None:
    await survives(world, slack, stops_at("execute.set.redis"), terminated)


@pytest.mark.prove
@pytest.mark.parametrize("point", CLICKED)
async def test_a_stop_while_it_proposes_decides_and_carries_out(world: World, slack: SandboxClient, point: str) -> None:
    await survives(world, slack, stops_at(point), terminated)


@pytest.mark.prove
@pytest.mark.parametrize("point", MOVED)
async def test_a_stop_while_a_fresh_proposal_takes_the_place(world: World, slack: SandboxClient, point: str) -> None:
    bot = doomed(world, point, QUIET)
    card = await a_card(slack, 420)
    with redis.Redis.from_url(world.cache.socket_url) as cache:
        cache.hset(CONFIG_KEY, mapping={"value": 500, "version": 1})
    await slack.click(card, APPROVE)
    await terminated(bot)
    world.start_bot("heir", **QUIET)
    await slack.wait_for_message(lambda m: is_open_card(m) and "500 s → 420 s" in m.text, within_seconds=60)
    await says(slack, card, "· abandoned")
    assert setting(world)["value"] == "500"
    assert audited(world).count("proposed") == 2


@pytest.mark.prove
@pytest.mark.parametrize("world", IN_15_S, indirect=True)
@pytest.mark.parametrize("point", ROLLED_BACK)
async def test_a_stop_while_a_countdown_ends(world: World, slack: SandboxClient, point: str) -> None:
    bot = doomed(world, point, HALF_AN_HOUR)
    card = await a_countdown(slack)
    await terminated(bot)
    world.start_bot("heir", **HALF_AN_HOUR)
    await says(slack, card, "· applied")
    assert await traffic(slack) == {GOOD: 100}
    assert audited(world).count("decided") == 1


@pytest.mark.prove
@pytest.mark.parametrize("point", UNASKED)
async def test_a_stop_while_a_change_without_asking_ends(world: World, slack: SandboxClient, point: str) -> None:
    await a_record(world, 7)
    bot = doomed(world, point, TTL_UNASKED)
    await terminated(bot)
    world.start_bot("heir", **TTL_UNASKED)

    async def is_set() -> bool:
        return setting(world).get("version") == "1"

    await until(is_set, 180, "it is applied, once")
    await asyncio.sleep(5)
    assert setting(world)["version"] == "1"


@pytest.mark.prove
@pytest.mark.parametrize("world", IN_15_S, indirect=True)
@pytest.mark.parametrize("point", DRIFTED)
async def test_a_stop_while_a_lost_value_is_set_again(world: World, slack: SandboxClient, point: str) -> None:
    told = QUIET | {"TTL_ACTUATOR": "redis"}
    bot = doomed(world, point, told)
    card = await a_card(slack, 420)
    await slack.click(card, APPROVE)
    await says(slack, card, "· applied")
    with redis.Redis.from_url(world.cache.socket_url) as cache:
        cache.flushall()
    await terminated(bot)
    world.start_bot("heir", **told)

    async def is_set_again() -> bool:
        return setting(world).get("value") == "420"

    await until(is_set_again, 120, "the value is set again")


@pytest.mark.prove
@pytest.mark.parametrize("point", RETIMED)
async def test_a_stop_while_keys_get_their_new_end(world: World, slack: SandboxClient, point: str) -> None:
    told = QUIET | {"TTL_ACTUATOR": "redis"}
    bot = doomed(world, point, told)
    await slack.command("/lumen ttl 120 existing")
    card = await slack.wait_for_message(is_open_card, within_seconds=60)
    await slack.click(card, APPROVE)
    await terminated(bot)
    world.start_bot("heir", **told)
    await says(slack, card, "· applied", within_seconds=120)
    assert (setting(world)["value"], setting(world)["version"]) == ("120", "1")


@pytest.mark.prove
@pytest.mark.parametrize("world", IN_6_S, indirect=True)
@pytest.mark.parametrize("point", MEASURED)
async def test_a_stop_with_a_verdict_in_its_hands(world: World, slack: SandboxClient, point: str) -> None:
    bot = doomed(world, point, QUIET)
    card = await a_card(slack, 900)
    await slack.click(card, APPROVE)
    await says(slack, card, "· applied")
    await terminated(bot, within_seconds=400)
    stored = verdict(world)
    world.start_bot("heir", **QUIET)
    # Which one it is depends on how much of its day the machine measured in time.
    await says(slack, card, "Measured:", within_seconds=500)
    assert verdict(world) is not None
    assert stored in (None, verdict(world))


@pytest.mark.prove
@pytest.mark.parametrize("world", IN_15_S, indirect=True)
@pytest.mark.parametrize("point", ASKED_BACK)
async def test_a_stop_right_after_a_change_was_asked_back(world: World, slack: SandboxClient, point: str) -> None:
    told = QUIET | {"TTL_ACTUATOR": "redis"}  # a revision of its own would be blamed before the change is
    bot = doomed(world, point, told)
    card = await a_card(slack, 420)
    await slack.click(card, APPROVE)
    await says(slack, card, "· applied")
    await asyncio.sleep(30 * 60 / world.clock.scale)  # a page of the same slices would be older than the change
    await slack.post("world/incident", kind="vertex_trouble", error_share=0.5)
    await terminated(bot)
    world.start_bot("heir", **told)
    back = await slack.wait_for_message(
        lambda m: APPROVE in m.action_ids() and "420 s → 300 s" in m.text, within_seconds=120
    )
    await slack.click(back, APPROVE)
    await says(slack, card, "· undone")
    assert audited(world).count("proposed") == 2


@pytest.mark.prove
@pytest.mark.parametrize("world", IN_15_S, indirect=True)
@pytest.mark.parametrize("point", PAGED)
async def test_a_stop_while_the_pager_is_called(world: World, slack: SandboxClient, point: str) -> None:
    async with pager_server() as pager:
        told = {
            "ONCALL_GROUP": world.addresses.approver_group,
            "PAGER_WEBHOOK_URL": f"{pager.url.replace('://', f'://{ROUTING_KEY}@')}/v2/enqueue",
            "ROLLBACK_TIMEOUT_SECONDS": "86400",
        }
        bot = doomed(world, point, told)
        await slack.post("world/incident", kind="bad_release_errors", error_share=0.1)
        await terminated(bot)
        world.start_bot("heir", **told)
        page = await slack.wait_for_message(lambda m: ON_IT in m.action_ids(), within_seconds=90)
        await slack.click(page, ON_IT)

        async def told_both() -> bool:
            return list(dict.fromkeys(pager.steps)) == ["trigger", "acknowledge"]

        await until(told_both, 90, "the pager hears of it, and that somebody is on it")
        assert len({body["dedup_key"] for body in pager.bodies}) == 1


#: What may fail just when the platform ends the process.
WHILE = [
    *((system, kind) for system in ("store", "cache") for kind in ("paused", "slow")),
    *(("slack", kind) for kind in ("hangs", "drops", "slow", "rate limited", "sockets half open", "sockets stall")),
    *(("google", kind) for kind in ("slow", "unavailable", "update never ends")),
]


@pytest.mark.prove
@pytest.mark.parametrize(("system", "kind"), WHILE, ids=[" ".join(each) for each in WHILE])
async def test_a_stop_while_something_fails(world: World, slack: SandboxClient, system: str, kind: str) -> None:
    """In the middle of a turn, a change and answers; somebody's half a request to its health stands open, too."""
    scene = Scene(world, slack, QUIET)
    await slack.rate_limits(False)
    port, bot = free_port(), world.child("bot")
    bot.start([*LUMEN, "run"], world.bot_environment(port, **QUIET), world.directory)
    await slack.wait_for_connections(2, within_seconds=60)
    card = await a_card(slack, 420)
    _, half = await asyncio.open_connection("127.0.0.1", port)
    half.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n")
    fault = FAULTS[system][kind]
    await fault.begin(scene)
    people = [
        asyncio.create_task(each)
        for each in (slack.click(card, APPROVE), slack.command("/lumen run"), slack.command("/lumen status"))
    ]
    await asyncio.sleep(2)
    bot.signal(signal.SIGTERM)
    began = time.monotonic()
    code = await asyncio.to_thread(bot.wait, WITHIN_SECONDS)
    print(f"ended with {code} after {time.monotonic() - began:.1f} s")  # noqa: T201 - shown with -s
    assert code == 0, bot.tail()
    half.close()
    await fault.end(scene)
    await asyncio.gather(*people, return_exceptions=True)
