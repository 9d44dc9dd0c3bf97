"""The cache read from a real Valkey: counters by difference, memory, latency; and servers that are gone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.redis_info import CacheInfo, Counters, RedisInfoCache, ServerInfo
from lumen.adapters.cache_reader import CacheReader
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Window
from tests.alike import Alike
from tests.manual_clock import ManualClock

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
START = datetime(2026, 11, 21, 11, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))


@pytest.fixture
async def redis(cache_url: str) -> AsyncIterator[Redis]:
    client = open_server(cache_url)
    await client.config_resetstat()
    yield client
    await client.aclose()


async def ask(redis: Redis, hits: int, misses: int) -> None:
    """Ask the cache for something, as the service does."""
    await redis.set("ion:cache:here", "value")
    for _ in range(hits):
        await redis.get("ion:cache:here")
    for _ in range(misses):
        await redis.get("ion:cache:not-here")


async def read(source: RedisInfoCache, window: Window = HOUR) -> CacheStats | NoData:
    return (await CacheReader(Alike(source), MonitoringCache({}, {})).cache([API], window))[API]


def missing(found: CacheStats | NoData) -> NoData:
    """Why there are no lookups yet; the memory is known all the same."""
    assert isinstance(found, CacheStats)
    assert isinstance(found.used_mb, float)
    assert isinstance(found.lookups, NoData)
    return found.lookups


async def told(source: RedisInfoCache) -> CacheInfo:
    info = await source.refresh()
    assert isinstance(info, CacheInfo)
    return info


async def test_looks_at_the_same_time_do_not_disturb_each_other(redis: Redis) -> None:
    """A turn that somebody asked for and the five-minute sample meet in the same process."""
    clock = ManualClock()
    reader = CacheReader(Alike(RedisInfoCache(redis, clock)), MonitoringCache({}, {}))
    await reader.sample()
    clock.move(timedelta(minutes=6))
    sampling = asyncio.gather(*(reader.sample() for _ in range(40)))
    found = await asyncio.gather(*(reader.cache([API], HOUR) for _ in range(10)))
    await sampling
    assert all(isinstance(look[API], CacheStats) for look in found)


async def test_the_first_sample_says_how_long_it_still_takes(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    found = missing(await read(source))
    assert (found.reason.code, found.reason.params["minutes"]) == ("source.counters_too_early", 5)
    clock.move(timedelta(minutes=3))
    found = missing(await read(source))
    assert found.reason.params["minutes"] == 2
    assert not found.unreachable


async def test_hits_are_the_difference_of_two_samples(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    await ask(redis, hits=50, misses=50)  # before Lumen looked: none of its business
    await read(source)
    await ask(redis, hits=30, misses=10)
    clock.move(timedelta(minutes=5))
    found = await read(source)
    assert isinstance(found, CacheStats)
    assert (found.hits, found.misses, found.evictions, found.seconds) == (30, 10, 0, 300)
    assert found.hit_rate == 0.75


async def test_looking_moves_neither_hits_nor_misses(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    for _ in range(3):
        clock.move(timedelta(minutes=5))
        found = await read(source)
    assert isinstance(found, CacheStats)
    assert (found.hits, found.misses) == (0, 0)
    assert found.hit_rate is None


async def test_the_span_follows_the_window(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    for hour in range(4):
        await ask(redis, hits=hour * 10, misses=1)
        await read(source)
        clock.move(timedelta(hours=1))
    found = await read(source)
    assert isinstance(found, CacheStats)
    assert (found.hits, found.seconds) == (0, 3600)  # the last hour, not the whole memory
    longer = source.counters(Window(START, START + timedelta(hours=2)), await told(source))
    assert (longer.hits, longer.seconds) == (30, 7200)


async def test_samples_that_come_fast_do_not_pile_up(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    for _ in range(100):
        clock.move(timedelta(seconds=10))
        await source.refresh()
    assert len(source._samples) <= 20
    assert source.counters(HOUR, await told(source)).hits == 0


async def test_counters_that_fell_begin_anew(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    await ask(redis, hits=20, misses=5)
    await read(source)
    clock.move(timedelta(minutes=10))
    await redis.config_resetstat()
    missing(await read(source))
    await ask(redis, hits=4, misses=0)
    clock.move(timedelta(minutes=6))
    found = await read(source)
    assert isinstance(found, CacheStats)
    assert found.hits == 4


async def test_a_restarted_server_begins_anew(tmp_path: Path) -> None:
    clock = ManualClock()
    with EmbeddedValkey(tmp_path, Kind.CACHE) as server:
        client = open_server(server.url)
        source = RedisInfoCache(client, clock)
        await read(source)
    clock.move(timedelta(minutes=10))
    dead = await read(source)
    assert isinstance(dead, NoData)
    assert (dead.reason.code, dead.unreachable) == ("source.redis_unreachable", True)
    with EmbeddedValkey(tmp_path, Kind.CACHE):
        await ask(client, hits=3, misses=3)
        assert missing(await read(source)).reason.code == "source.counters_too_early"
        await client.aclose()


async def test_memory_and_its_limit(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    before = str((await redis.config_get("maxmemory"))["maxmemory"])
    try:
        await redis.config_set("maxmemory", 64 * 2**20)
        memory = (await told(source)).memory()
        assert memory.max_mb == 64
        assert isinstance(memory.used_mb, float)
        assert 0 < memory.used_mb < 64
        await redis.config_set("maxmemory", 0)
        unlimited = (await told(source)).memory()
        limit = unlimited.max_mb
        assert isinstance(limit, NoData)
        assert limit.reason.code == "source.no_maxmemory"
    finally:
        await redis.config_set("maxmemory", before)


async def test_evictions_are_counted(redis: Redis) -> None:
    clock = ManualClock()
    source = RedisInfoCache(redis, clock)
    settings = {str(name): str(value) for name, value in (await redis.config_get("maxmemory*")).items()}
    none = Counters(300, 0, 0, 0)
    assert (await told(source)).nothing_evicted_since(none)
    try:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.config_set("maxmemory", 4 * 2**20)
        for number in range(3000):
            await redis.set(f"ion:cache:{number}", "x" * 4000, ex=300)
    finally:
        await redis.config_set("maxmemory", settings["maxmemory"])
        await redis.config_set("maxmemory-policy", settings["maxmemory-policy"])
    clock.move(timedelta(minutes=5))
    found = await read(source)
    assert isinstance(found, CacheStats)
    assert isinstance(found.evictions, int)
    assert found.evictions > 100
    assert not (await told(source)).nothing_evicted_since(none)


async def test_latency_is_the_probe_s_unless_the_server_tells_a_slower_p95(redis: Redis) -> None:
    source = RedisInfoCache(redis, ManualClock())
    await ask(redis, hits=20, misses=0)
    latency = await source.latency(await told(source))
    assert not isinstance(latency, NoData)
    assert latency.source == "probe"  # by default the server tells 50, 99 and 99.9: none of them is 95
    assert 0 < latency.p95_ms < 1000
    await redis.config_set("latency-tracking-info-percentiles", "50 95 99")
    try:
        assert not isinstance(await source.latency(await told(source)), NoData)
        slow = CacheInfo([ServerInfo({"latency_percentiles_usec_get": {"p95": 5_000_000.0}}, "here")], "here")
        slower = await source.latency(slow)
        assert not isinstance(slower, NoData)
        assert (slower.source, slower.p95_ms) == ("latencystats", 5000)
    finally:
        await redis.config_set("latency-tracking-info-percentiles", "50 99 99.9")


async def test_the_client_sends_no_hello_and_no_client_command(cache_url: str) -> None:
    """Memorystore blocks CLIENT, and servers before 6 do not know HELLO."""
    watcher = open_server(cache_url)
    before = {name for name in await watcher.info("commandstats") if "client" in name or "hello" in name}
    await watcher.config_resetstat()
    newcomer = open_server(cache_url)
    await newcomer.ping()
    seen = {name for name in await watcher.info("commandstats") if "client" in name or "hello" in name}
    await newcomer.aclose()
    await watcher.aclose()
    assert seen == set(), before


async def test_a_sample_between_turns_is_enough(redis: Redis) -> None:
    clock = ManualClock()
    reader = CacheReader({API: RedisInfoCache(redis, clock)}, MonitoringCache({}, {}))
    await reader.sample()
    await ask(redis, hits=9, misses=1)
    clock.move(timedelta(minutes=5))
    found = (await reader.cache([API], HOUR))[API]
    assert isinstance(found, CacheStats)
    assert found.hit_rate == 0.9
