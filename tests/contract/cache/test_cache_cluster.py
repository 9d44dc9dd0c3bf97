"""The tuned cache as a cluster of six real nodes: figures of all primaries or none, and each change on all of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from redis.asyncio.cluster import RedisCluster as Client

from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.cache.access_stream import RedisAccessStream
from lumen.adapters.cache.announced import RedisAnnouncedMisses
from lumen.adapters.cache.client import CacheServer, OwnReads, ServerFacts, open_cache
from lumen.adapters.cache.keys import CacheSweeper, Pace
from lumen.adapters.cache.memory import MB, RedisMemoryActuator
from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.cache_reader import CacheReader
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.model import ion_contract
from lumen.model.accesses import Batch
from lumen.model.messages import ActuatorFailed, NoData, SourceUnavailable, ValueMoved
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Window
from lumen.ports.actuators import Reading, Swept
from sandbox.ion.ion_cache import AsyncCache, Cache
from tests.alike import Alike
from tests.manual_clock import ManualClock
from tests.redis_cluster import RedisCluster, free_ports

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
PREFIX = "ion:cache:"
KEYS = 300


@pytest.fixture
def nodes(cache_nodes: RedisCluster) -> RedisCluster:
    return cache_nodes


@pytest.fixture
def url(nodes: RedisCluster, cache_cluster_url: str) -> str:
    for node in nodes.nodes:
        node.ask("CONFIG", "SET", "maxmemory", str(64 * MB))
    return cache_cluster_url


@pytest.fixture
async def cache(url: str) -> AsyncIterator[Client]:
    client = open_cache(url)
    assert isinstance(client, Client)
    yield client
    await client.aclose()


async def fill(cache: Client, keys: int = KEYS, seconds: int = 300) -> None:
    for number in range(keys):
        await cache.set(f"{PREFIX}{number}", "answer", ex=seconds)
    await cache.hset(ion_contract.CONFIG_KEY, mapping={"value": "300", "version": "1"})
    await cache.set("session:1", "somebody", ex=1000)


async def read_all(cache: Client, keys: int) -> None:
    for number in range(keys):
        await cache.get(f"{PREFIX}{number}")


def to(new: int, old: int = 192, knob: Knob = Knob.CACHE_SIZE) -> Change:
    return Change(knob, old, new, "s" if knob is Knob.TTL else "MB")


def ignored(_: Swept) -> None:
    """Nobody listens."""


class Reader:
    """The figures of the last ten minutes, at a time that a test moves."""

    def __init__(self, cache: Client) -> None:
        self.clock = ManualClock()
        info = RedisInfoCache(cache, self.clock, OwnReads())
        self.reader = CacheReader(Alike(info), MonitoringCache({}, {}))

    async def __call__(self, minutes: int = 6) -> CacheStats | NoData:
        self.clock.move(timedelta(minutes=minutes))
        now = self.clock.now()
        return (await self.reader.cache([API], Window(now - timedelta(minutes=10), now)))[API]


async def test_figures_are_those_of_all_primaries_or_none(nodes: RedisCluster, cache: Client) -> None:
    read = Reader(cache)
    await fill(cache)
    await read()
    await read_all(cache, 2 * KEYS)
    found = await read()
    assert isinstance(found, CacheStats)
    assert (found.hits, found.misses, found.evictions) == (KEYS, KEYS, 0)
    assert found.max_mb == 3 * 64
    assert isinstance(found.used_mb, float) and found.used_mb > 3
    assert found.eviction_policy == "volatile-lru"
    assert not isinstance(found.p95_ms, NoData)

    hung = nodes.primary_of(f"{PREFIX}1")
    hung.kill()  # it is asked until another node has taken its place
    assert isinstance(await read(), NoData)
    nodes.wait_until_whole()
    taken_over = await read()
    assert isinstance(taken_over, CacheStats) and isinstance(taken_over.hits, NoData)
    assert taken_over.hits.reason.code == "source.counters_too_early"
    await read_all(cache, KEYS)
    whole = await read()
    assert isinstance(whole, CacheStats)
    assert not isinstance(whole.hits, NoData) and not isinstance(whole.misses, NoData)
    assert whole.hits + whole.misses == KEYS


async def test_a_size_is_shared_by_all_nodes(nodes: RedisCluster, cache: Client) -> None:
    size = RedisMemoryActuator(cache)
    before = await size.read(API)
    assert before == Reading(192, "")
    assert await size.set(API, to(384), before, "p1") == Reading(384, "")
    assert await size.set(API, to(384), before, "p1") == Reading(384, "")  # a repeat
    limits = {node.ask("CONFIG", "GET", "maxmemory")["maxmemory"] for node in nodes.nodes}
    assert limits == {str(128 * MB)}  # of replicas too: one of them may become a primary

    primary, *_ = nodes.primaries()
    primary.ask("CONFIG", "SET", "maxmemory", str(256 * MB))  # as a try that ended after one node
    assert await size.set(API, to(768, 384), Reading(384, ""), "p2") == Reading(768, "")
    primary.ask("CONFIG", "SET", "maxmemory", str(100 * MB))
    with pytest.raises(ValueMoved):
        await size.set(API, to(384, 768), Reading(768, ""), "p3")
    assert await size.lost(API, "p2", timedelta(0))


async def test_less_than_one_node_uses_is_refused(cache: Client) -> None:
    await cache.set(f"{PREFIX}large", "x" * 12 * MB)
    with pytest.raises(ActuatorFailed) as refused:
        await RedisMemoryActuator(cache).set(API, to(30), Reading(192, ""), "p1")
    assert refused.value.reason.code == "actuator.below_used"


async def test_sweeps_reach_every_node_and_only_our_keys(cache: Client) -> None:
    await fill(cache)
    sweeper = CacheSweeper(cache, PREFIX, Pace(batch=50, keys_per_second=0))
    assert await sweeper.flush(ignored, dry_run=True) == Swept(KEYS, 0)
    assert await sweeper.retime(300, 60, ignored, dry_run=False) == Swept(KEYS, KEYS)
    assert max([await cache.ttl(f"{PREFIX}{number}") for number in range(0, KEYS, 20)]) <= 60
    assert await sweeper.flush(ignored, dry_run=False) == Swept(KEYS, KEYS)
    assert await cache.exists(ion_contract.CONFIG_KEY) and await cache.exists("session:1")


@pytest.mark.parametrize("reads_own", [False, True])
async def test_one_of_many_who_set_the_ttl_wins(cache: Client, reads_own: bool) -> None:
    own_ack, own = (ion_contract.own(key, API.name) for key in (ion_contract.ACK_KEY, ion_contract.CONFIG_KEY))
    if reads_own:
        await cache.hset(own_ack, mapping={"value": "300", "version": "0", "contract": "2"})
    ttl = RedisTtlActuator(cache, RedisTtl(cache, 300))
    start = await ttl.read(API)
    results = await asyncio.gather(
        *(ttl.set(API, to(400 + n, 300, Knob.TTL), start, f"p{n}") for n in range(10)), return_exceptions=True
    )
    (won,) = [each for each in results if isinstance(each, Reading)]
    assert sum(isinstance(each, ValueMoved) for each in results) == 9
    for key in (own, ion_contract.CONFIG_KEY):
        assert await cache.hmget(key, ["value", "version"]) == [str(won.value), won.version]


async def test_what_a_crash_left_between_two_nodes_is_finished(cache: Client) -> None:
    own = ion_contract.own(ion_contract.CONFIG_KEY, API.name)
    ttl = RedisTtlActuator(cache, RedisTtl(cache, 300))
    start = await ttl.read(API)
    done = await ttl.set(API, to(420, 300, Knob.TTL), start, "p1")
    await cache.delete(own)  # as if only the setting in force had been written
    assert await ttl.set(API, to(420, 300, Knob.TTL), start, "p1") == done
    assert await cache.hmget(own, ["value", "version", "proposal"]) == ["420", "1", "p1"]


async def test_a_service_follows_reports_and_holds_back(nodes: RedisCluster, cache: Client) -> None:
    """From the setting, through the client that services copy, to what Lumen reads of it; keys lie on several nodes."""
    service = Client.from_url(nodes.nodes[0].url)
    reported, stream = AsyncCache(service, API.name, b"secret"), RedisAccessStream(cache)
    ttl = RedisTtlActuator(cache, RedisTtl(cache, 300), observed=[API])
    await reported.get(b"1")
    await reported.get(b"1")  # takes the acknowledgement along
    held = Change(Knob.TTL, 300, 420, "s", held_permille=100)
    wanted = await ttl.set(API, held, await ttl.read(API), "p1")
    assert not await ttl.followed(API, wanted)
    reported.read = float("-inf")
    for number in range(200):
        await reported.set(b"%d" % number, b"answer")
    assert await ttl.followed(API, wanted)
    assert await ttl.holds_back(API)
    lives = [await cache.ttl(f"{PREFIX}{number}") for number in range(200)]
    assert {300, 420} >= {300 if life <= 300 else 420 for life in lives} and max(lives) > 300
    await reported.close()
    batches = [each for _, each in await stream.read(API, "", 100)]
    assert batches and all(isinstance(each, Batch) for each in batches)
    assert sum(each.counts[2] for each in batches if isinstance(each, Batch)) == 200
    assert await ttl.end_hold_back(API, "p1")
    assert await cache.hmget(ion_contract.own(ion_contract.CONFIG_KEY, API.name), ["permille"]) == [None]
    await service.aclose()


async def test_the_plain_client_reports_too(nodes: RedisCluster, url: str, cache: Client) -> None:
    with redis.RedisCluster.from_url(nodes.nodes[0].url) as service:
        plain = Cache(service, API.name, b"secret")
        plain.get(b"1")
        plain.close()
    assert await cache.xlen(ion_contract.own(ion_contract.ACCESSES_KEY, API.name))


async def test_announced_misses_of_every_node_are_heard(nodes: RedisCluster, url: str, cache: Client) -> None:
    for node in nodes.nodes:
        node.ask("CONFIG", "SET", "notify-keyspace-events", "Em")
    announced = RedisAnnouncedMisses(url, PREFIX, ManualClock())
    await announced.heard(b"secret")

    async def all_listen() -> bool:
        return all(node.ask("PUBSUB", "NUMSUB", "__keyevent@0__:keymiss")[1] for node in nodes.primaries())

    async with asyncio.timeout(10):
        while not await all_listen():  # noqa: ASYNC110 - the servers are polled, not a flag
            await asyncio.sleep(0.01)
        await read_all(cache, 60)
        while len(announced) < 60:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    hashes, _ = await announced.heard(b"secret")
    assert len(set(hashes)) == 60
    await announced.stop()


async def test_doctor_sees_all_nodes(nodes: RedisCluster, cache: Client) -> None:
    await fill(cache, 50)
    facts = await CacheServer(cache, PREFIX).facts()
    assert isinstance(facts, ServerFacts)
    assert (len(facts.run_ids), facts.max_mb, facts.policy, facts.is_replica) == (3, 192, "volatile-lru", False)
    assert facts.keys.ours
    nodes.primaries()[0].ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    unlike = await CacheServer(cache, PREFIX).facts()
    assert isinstance(unlike, ServerFacts) and unlike.policy == "allkeys-lru"
    nodes.primaries()[0].ask("CONFIG", "SET", "maxmemory-policy", "volatile-lru")


async def reason_of(url: str) -> set[str]:
    """The sentences that ways of asking give."""
    client, clock = open_cache(url), ManualClock()
    reasons = set[str]()
    info = await RedisInfoCache(client, clock).refresh()
    reasons.add(info.reason.code if isinstance(info, NoData) else "")
    for ask in (RedisMemoryActuator(client).read(API), CacheSweeper(client, PREFIX).flush(ignored, dry_run=True)):
        with pytest.raises((SourceUnavailable, ActuatorFailed)) as failed:
            await ask
        reasons.add(failed.value.reason.code)
    await client.aclose()
    return reasons


async def test_a_url_of_the_other_kind_is_told(nodes: RedisCluster, url: str, tmp_path: Path) -> None:
    assert await reason_of(nodes.nodes[0].url) == {"source.redis_is_cluster"}
    (port,) = free_ports(1)
    with EmbeddedValkey(tmp_path, Kind.CACHE, port=port):
        assert await reason_of(f"redis+cluster://127.0.0.1:{port}") == {"source.redis_no_cluster"}
    assert await reason_of("redis+cluster://127.0.0.1:1,127.0.0.1:2") == {"source.redis_unreachable"}
