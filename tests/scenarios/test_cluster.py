"""Two bots whose state stands on six nodes: a primary is lost while people click."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from demo.world import World
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.scripts import key
from lumen.model.service import ServiceId
from sandbox.client import Outcome, SandboxClient, SeenMessage
from tests.redis_cluster import ClusterNode, RedisCluster
from tests.scenarios.test_loop import APPROVE, QUIET, a_card, setting, shown, until
from tests.scenarios.test_store_faults import _is_done
from tests.scenarios.test_two_bots import JIWOO, MINA, REJECT, revisions, surfaces

pytestmark = pytest.mark.prove

CLICKS = 120
#: One after the other, so that some come before, some while and some after the primary is lost.
APART_SECONDS = 0.05
#: In both languages that these people read.
NOTHING = ("Nothing was decided or changed", "아무것도 결정되거나 변경되지")
#: Those that are acked when it is lost.
BEFORE = 15


@pytest.fixture
async def six(world: World) -> AsyncIterator[RedisCluster]:
    """The nodes, prepared as `lumen state init` does."""
    with RedisCluster(world.directory / "six") as running:
        store = open_store(running.url)
        await epoch.init(store, [service(world)], SystemClock())
        await store.aclose()
        yield running


def service(world: World) -> ServiceId:
    of = world.addresses
    return ServiceId(of.project, of.region, of.service)


def holder(six: RedisCluster, world: World) -> ClusterNode:
    return six.primary_of(key(service(world), "epoch"))


def audit(six: RedisCluster, world: World) -> Sequence[dict[str, str]]:
    with holder(six, world).client() as client:
        return [fields for _, fields in client.xrange(key(service(world), "audit"))]


def remembered(six: RedisCluster, world: World) -> int:
    """Clicks of which the cluster knows what became of them, also that they did not arrive."""
    with holder(six, world).client() as client:
        return sum(1 for _ in client.scan_iter(key(service(world), "click:*"), count=1000))


async def killed(six: RedisCluster, old: ClusterNode) -> None:
    del six
    await asyncio.to_thread(old.kill)


async def stopped(six: RedisCluster, old: ClusterNode) -> None:
    """And it goes on when another one has its place."""
    old.pause()
    await until(lambda: _is_replaced(six, old), 60, "its replica is promoted")
    await asyncio.sleep(0.5)  # the bots have noticed, and some clicks have gone to the new one
    old.resume()


async def _is_replaced(six: RedisCluster, old: ClusterNode) -> bool:
    return all(node is not old for node in await asyncio.to_thread(six.primaries))


async def replaced(six: RedisCluster, old: ClusterNode) -> None:
    """By hand, as an upgrade of the nodes does."""
    six.replicas_of(old)[0].ask("CLUSTER", "FAILOVER")


@pytest.mark.parametrize("lose", [killed, stopped, replaced])
async def test_a_primary_is_lost_while_people_click(
    world: World, six: RedisCluster, slack: SandboxClient, lose: Callable[[RedisCluster, ClusterNode], Awaitable[None]]
) -> None:
    bots = [world.start_bot(name, **QUIET, STATE_REDIS_URL=six.url) for name in ("first", "second")]
    await slack.wait_for_connections(4)
    await slack.rate_limits(False)
    before = revisions(await slack.world.state())
    card, old = await a_card(slack, 420), holder(six, world)
    clicking = asyncio.create_task(clicks(slack, card))
    await until(lambda: _are_acked(slack, BEFORE), 90, "some clicks are acked")
    await lose(six, old)
    outcomes = await clicking
    await until(lambda: _has_moved(six, world, old), 60, "another node serves")
    acked = sum(outcome.acked for outcome in outcomes)
    assert acked >= BEFORE
    while "decided" not in [entry["event"] for entry in audit(six, world)]:
        acked += (await slack.click(card, APPROVE, user=MINA, stale=True)).acked
        assert acked < 2 * CLICKS, "nobody can decide any more"
        await asyncio.sleep(0.5)
    await until(lambda: _is_finished(slack, card), 120, "the card says what came of it")
    await until(lambda: _are_answered(slack, acked), 120, "every click that was acked has its answer")

    (decided,) = [entry for entry in audit(six, world) if entry["event"] == "decided"]
    applied = [entry["detail"] for entry in audit(six, world)].count("APPLIED")
    after = revisions(await slack.world.state())
    if decided["detail"] == "APPROVED":
        assert (setting(world)["value"], setting(world)["version"], applied) == ("420", "1", 1)
        assert after["ion-api"] != before["ion-api"]
    else:
        assert (setting(world), applied, after) == ({}, 0, before)
    done = [m for m in await slack.messages() if m.ephemeral_to and _is_done(m.words())]
    assert {m.ephemeral_to for m in done} <= {decided["actor"]}, "who is told that it was them is who decided"
    assert len(done) == 1
    assert set((await surfaces(slack)).values()) == {1}
    assert all(bot.exit_code() is None for bot in bots)
    # Where nothing could be sent, "nothing was decided" was the answer; what else is not remembered, was lost.
    refused = sum(any(words in said for words in NOTHING) for said in await _final(slack))
    lost = max(0, acked - refused - remembered(six, world))
    figures = f"{acked} clicks acked, {refused} of them told at once that nothing was decided; {lost} writes lost"
    print(lose.__name__, figures, sep=": ")  # noqa: T201 - the proof's figure, with -s


async def clicks(slack: SandboxClient, card: SeenMessage) -> Sequence[Outcome]:
    """Half of them to approve, half to reject; nobody's screen is up to date."""

    async def one(n: int) -> Outcome:
        await asyncio.sleep(n * APART_SECONDS)
        who, choice = (MINA, JIWOO)[n % 2], APPROVE if n % 4 < 2 else REJECT
        return await slack.click(card, choice, user=who, stale=True)

    return await asyncio.gather(*map(one, range(CLICKS)))


async def _are_acked(slack: SandboxClient, count: int) -> bool:
    return sum(1 for e in await slack.envelopes() if e["kind"] == "interactive" and e["state"] == "acked") >= count


async def _has_moved(six: RedisCluster, world: World, old: ClusterNode) -> bool:
    return await asyncio.to_thread(holder, six, world) is not old


async def _is_finished(slack: SandboxClient, card: SeenMessage) -> bool:
    text = (await shown(slack, card)).text
    return "· applied" in text or "Rejected by" in text


async def _final(slack: SandboxClient) -> Sequence[str]:
    """What people were answered, but for what only says that it is not known yet."""
    said = [m.words() for m in await slack.messages() if m.ephemeral_to]
    return [words for words in said if "It is not known yet" not in words and "아직 알 수 없습니다" not in words]


async def _are_answered(slack: SandboxClient, count: int) -> bool:
    return len(await _final(slack)) >= count
