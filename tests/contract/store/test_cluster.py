"""The state on a cluster: the node of a service is found again, others go on, and what is answered outlives its node.

The contract of the store itself runs over the same six nodes (conftest.py).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from redis.crc import key_slot

from demo.valkey import EmbeddedValkey
from lumen.adapters.store import epoch
from lumen.adapters.store.cluster_state import members, troubles, troubles_of
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.scripts import NAMES, click_key, key, request_key
from lumen.model.messages import LumenError, OutcomeUnknown, StoreUnavailable
from lumen.model.proposal import Choice, Decided
from lumen.model.service import ServiceId
from tests.contract.store.builders import DAY, LONG, OTHER, SERVICE, Store, click, draft
from tests.redis_cluster import ClusterNode, RedisCluster, free_ports

CLICKS = 120
#: Until the others have taken a node for dead and promoted its replica, on a busy machine.
FAILOVER_SECONDS = 30.0

over_six = pytest.mark.parametrize("server", ["cluster"], indirect=True)


@pytest.fixture
async def broken(server: RedisCluster) -> AsyncIterator[RedisCluster]:
    """What a test breaks is mended after it."""
    yield server
    await asyncio.to_thread(server.wait_until_whole)


@pytest.fixture
async def ours(server: RedisCluster, store: Store) -> AsyncIterator[Store]:
    """As the product waits, on what the fixture has prepared."""
    redis = open_store(server.url)
    yield Store.over(redis, store.clock)
    await redis.aclose()


def holder(six: RedisCluster, service: ServiceId = SERVICE) -> ClusterNode:
    return six.primary_of(key(service, "epoch"))


async def elsewhere(six: RedisCluster, store: Store) -> ServiceId:
    """A service that another node serves."""
    services = (replace(SERVICE, name=f"away-{n}") for n in range(100))
    found = next(one for one in services if holder(six, one) is not holder(six))
    await store.prepare_only(found)
    return found


async def until_it_serves(store: Store, service: ServiceId = SERVICE) -> None:
    async with asyncio.timeout(FAILOVER_SECONDS):
        while True:
            try:
                await store.leases.acquire(service, "serves", LONG)
            except (StoreUnavailable, OutcomeUnknown):
                await asyncio.sleep(0.05)
            else:
                return


def test_all_keys_of_a_service_share_a_slot() -> None:
    for service in (SERVICE, OTHER):
        keys = [key(service, name) for name in NAMES] + [click_key(service, "c"), request_key(service, "r")]
        assert len({key_slot(each.encode()) for each in keys}) == 1
    assert len(set(NAMES)) == len(NAMES)


@over_six
async def test_a_failover_that_is_asked_for_is_followed(broken: RedisCluster, store: Store) -> None:
    """Nothing is lost by it, and no answer is unknown: the old primary says which node it is now."""
    before, old = await store.lease(), holder(broken)
    made = await store.proposals.propose(draft(), DAY)
    broken.replicas_of(old)[0].ask("CLUSTER", "FAILOVER")
    async with asyncio.timeout(FAILOVER_SECONDS):
        while holder(broken) is old:  # noqa: ASYNC110 - only the nodes can tell
            await asyncio.sleep(0.02)
    assert (await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))).won
    after = await store.lease("another")
    assert after.token > before.token


@over_six
async def test_a_url_of_the_other_kind_is_told_which_to_write(
    server: RedisCluster, own_server: Callable[..., EmbeddedValkey]
) -> None:
    (port,) = free_ports(1)
    own_server(port=port)
    named = f"redis+cluster://127.0.0.1:{port}"
    for url, code in ((server.nodes[0].url, "state.is_cluster"), (named, "state.no_cluster")):
        client = open_store(url)
        with pytest.raises(StoreUnavailable) as raised:
            await epoch.check(client, (SERVICE,))
        assert raised.value.reason.code == code
        await client.aclose()


def test_what_a_cluster_lacks_is_told() -> None:
    """As a node tells it: a replica is down, its primary alone, and another primary gone with nobody in its place."""
    told = """a 10.0.0.1:6379@16379,one myself,master - 0 0 1 connected 0-5460
b 10.0.0.2:6379@16379 master - 0 1 2 connected 5461-10922 [5461->-c]
c 10.0.0.3:6379@16379 master,fail - 1 1 3 disconnected 10923-16383
d 10.0.0.4:6379@16379 slave a 0 1 1 connected
e 10.0.0.5:6379@16379 slave,fail? b 1 1 2 connected"""
    found = [reason for reason, _ in troubles_of(members(told), "10.0.0.1:6379")]
    assert [(each.code, each.params.get("node"), each.params.get("slots")) for each in found] == [
        ("state.cluster_node_down", "10.0.0.3:6379", None),
        ("state.cluster_node_down", "10.0.0.5:6379", None),
        ("state.cluster_uncovered", None, 5461),
        ("state.cluster_alone", "10.0.0.2:6379", None),
    ]


@pytest.mark.prove
@over_six
async def test_a_dead_node_holds_up_its_own_services_alone(broken: RedisCluster, ours: Store) -> None:
    away, dead = await elsewhere(broken, ours), holder(broken)
    dead.pause()
    waiting = [asyncio.create_task(_tried(ours, n)) for n in range(100)]
    for n in range(50):
        assert await ours.leases.acquire(away, f"goes on {n}", LONG) is not None
    await epoch.check(ours.redis, (SERVICE, away))
    assert any(isinstance(end, LumenError) for end in await asyncio.gather(*waiting))
    await until_it_serves(ours)


async def _tried(store: Store, n: int) -> object:
    try:
        return await store.leases.acquire(SERVICE, f"waits {n}", LONG)
    except (StoreUnavailable, OutcomeUnknown) as error:
        return error


@pytest.mark.prove
@over_six
async def test_what_no_replica_confirms_is_unknown_until_it_is_known_that_there_is_none(
    broken: RedisCluster, ours: Store
) -> None:
    made = await ours.proposals.propose(draft(), DAY)
    (replica,) = broken.replicas_of(holder(broken))
    replica.pause()
    # The second one is the same click, which is answered from memory; and that is on no replica either.
    same = [ours.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c")) for _ in range(2)]
    ends = await asyncio.gather(*same, return_exceptions=True)
    codes = [end.reason.code for end in ends if isinstance(end, OutcomeUnknown)]
    assert codes == ["state.not_replicated"] * 2
    await until_it_serves(ours)  # with its disk alone, as one server does
    assert {says.code for says, _ in await troubles(ours.redis)} == {"state.cluster_node_down", "state.cluster_alone"}
    settled = await ours.proposals.settle(SERVICE, "c")
    assert settled is not None
    assert settled.won


@pytest.mark.prove
@pytest.mark.parametrize("stopped", [False, True], ids=["killed", "stopped"])
@over_six
async def test_what_was_answered_outlives_its_primary(broken: RedisCluster, ours: Store, stopped: bool) -> None:
    """And nothing is decided twice: of each proposal the cluster holds what whoever was answered has heard."""
    assert await troubles(ours.redis) == []
    made, old = await ours.proposals.propose(draft(), DAY), holder(broken)
    clicks = [asyncio.create_task(_decided(ours, made.id, n)) for n in range(CLICKS)]
    await asyncio.wait(clicks, return_when=asyncio.FIRST_COMPLETED)
    old.pause() if stopped else old.kill()
    ends = await asyncio.gather(*clicks)
    await until_it_serves(ours)
    assert holder(broken) is not old
    told = [await _settled(ours, n) for n in range(CLICKS)]
    lost = [end for end, now in zip(ends, told, strict=True) if isinstance(end, Decided) and now != end]
    print(f"{sum(isinstance(end, Decided) for end in ends)} of {CLICKS} answered, {len(lost)} of them lost")  # noqa: T201 - the proof's figure
    assert lost == []
    assert sum(now.won for now in told if now is not None) <= 1
    for end, now in zip(ends, told, strict=True):
        assert now is None or not isinstance(end, StoreUnavailable), '"nothing happened" was true'


async def _decided(store: Store, proposal_id: str, n: int) -> Decided | LumenError:
    await asyncio.sleep(n / 200)
    choice = Choice.APPROVE if n % 2 else Choice.REJECT
    try:
        return await store.proposals.decide(SERVICE, proposal_id, click(choice, f"c{n}"))
    except (StoreUnavailable, OutcomeUnknown) as error:
        return error


async def _settled(store: Store, n: int) -> Decided | None:
    async with asyncio.timeout(FAILOVER_SECONDS):
        while True:
            try:
                return await store.proposals.settle(SERVICE, f"c{n}")
            except (StoreUnavailable, OutcomeUnknown):
                await asyncio.sleep(0.05)
