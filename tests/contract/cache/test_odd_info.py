"""INFO that is odd: counters that fall, figures that are left out, and more than one server behind one address."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from lumen.adapters.cache.client import CacheServer, ServerFacts, needed, open_server
from lumen.adapters.cache.redis_info import RISING, Counters, RedisInfoCache
from lumen.adapters.cache_reader import CacheReader
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.exporters.cache import assess_cache
from lumen.model.messages import NoData, SourceUnavailable
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Window
from lumen.policies.size import SizeLimits, recommend_size
from lumen.policies.ttl import TtlLimits, recommend_ttl
from tests.alike import Alike
from tests.manual_clock import ManualClock
from tests.snapshots import snapshot

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
START = datetime(2026, 11, 21, 11, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))
WHOLE: dict[str, Any] = {
    "run_id": "a" * 40,
    "uptime_in_seconds": 90_000,
    "used_memory": 100 * 2**20,
    "maxmemory": 256 * 2**20,
    "keyspace_hits": 8000,
    "keyspace_misses": 2000,
    "evicted_keys": 4277,
    "total_commands_processed": 12_000,
}


class ToldSections:
    """What it tells when it is asked for several sections at once."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    def info(self, section: str) -> None:
        pass

    async def execute(self) -> list[dict[str, Any]]:
        return [self._told]


class ToldCache:
    """A server that tells what it is given to tell."""

    connection_pool = type("Pool", (), {"connection_kwargs": {"host": "cache", "port": 6379}})

    def __init__(self, *told: dict[str, Any]) -> None:
        self._told = list(told)

    def pipeline(self, transaction: bool) -> "ToldSections":
        return ToldSections(self._told.pop(0))

    async def info(self, section: str) -> dict[str, Any]:
        return {}

    async def ping(self) -> None:
        pass


async def looked(*told: dict[str, Any], minutes: int = 6) -> CacheStats | NoData:
    """What the last of several looks gives, one after another."""
    clock = ManualClock()
    reader = CacheReader(Alike(RedisInfoCache(cast("Redis", ToldCache(*told)), clock)), MonitoringCache({}, {}))
    for _ in told:
        clock.move(timedelta(minutes=minutes))
        found = (await reader.cache([API], HOUR))[API]
    return found


def later(**other: Any) -> dict[str, Any]:
    """The same server some minutes later."""
    more = {name: WHOLE[name] + 100 for name in RISING if name in WHOLE}
    return {**WHOLE, **more, **other}


def without(told: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in names}


@pytest.mark.parametrize("fallen", [name for name in RISING if name in WHOLE])
async def test_any_counter_that_falls_begins_anew(fallen: str) -> None:
    found = await looked(WHOLE, later(**{fallen: 0}))
    assert isinstance(found, CacheStats)
    assert isinstance(found.lookups, NoData)
    assert found.lookups.reason.code == "source.counters_too_early"
    assert isinstance(found.evictions, NoData)
    assert found.used_mb == 100


@pytest.mark.parametrize("gone", sorted(WHOLE))
async def test_each_figure_of_info_stands_alone(gone: str) -> None:
    found = await looked(without(WHOLE, gone), without(later(), gone))
    assert isinstance(found, CacheStats)
    known = {
        "keyspace_hits": found.lookups,
        "keyspace_misses": found.lookups,
        "evicted_keys": found.evictions,
        "used_memory": found.used_mb,
        "maxmemory": found.max_mb,
    }
    for name, value in known.items():
        lookups_are_gone = gone.startswith("keyspace") and name.startswith("keyspace")
        assert isinstance(value, NoData) == (name == gone or lookups_are_gone), name


async def test_a_limit_that_is_not_told_is_not_no_limit() -> None:
    silent = await looked(without(WHOLE, "maxmemory"), without(later(), "maxmemory"))
    unlimited = await looked({**WHOLE, "maxmemory": 0}, later(maxmemory=0))
    assert isinstance(silent, CacheStats) and isinstance(unlimited, CacheStats)
    assert isinstance(silent.max_mb, NoData) and isinstance(unlimited.max_mb, NoData)
    assert (silent.max_mb.reason.code, silent.max_mb.known_absent) == ("source.info_incomplete", False)
    assert (unlimited.max_mb.reason.code, unlimited.max_mb.known_absent) == ("source.no_maxmemory", True)


async def test_two_servers_behind_one_address_are_named() -> None:
    other = later(run_id="b" * 40)
    for told in ([WHOLE, other, later()], [WHOLE, other, other, later(), other]):
        found = await looked(*told)
        assert isinstance(found, NoData)
        assert found.reason.code == "source.several_servers"
        assert found.reason.params["names"] == "aaaaaaaa, bbbbbbbb"


async def test_one_that_takes_over_is_one_server() -> None:
    other = later(run_id="b" * 40)
    found = await looked(WHOLE, other, {**other, "keyspace_hits": 8500, "keyspace_misses": 2200})
    assert isinstance(found, CacheStats)
    assert found.lookups == (400, 500)


async def test_counters_that_begin_anew_again_and_again_are_said() -> None:
    found = await looked(*(later(run_id="", keyspace_hits=9000 - nth) for nth in range(5)))
    assert isinstance(found, NoData)
    assert found.reason.code == "source.counters_restless"


def test_never_evicted_is_believed_of_counters_that_know_the_lookups() -> None:
    """After CONFIG RESETSTAT the server says that it never evicted anything."""
    cache = RedisInfoCache(cast("Redis", ToldCache({**WHOLE, "evicted_keys": 0})), ManualClock())
    info = asyncio.run(cache.refresh())
    assert not isinstance(info, NoData)
    assert info.nothing_evicted_since(Counters(3600, 8000, 2000, 0))
    assert not info.nothing_evicted_since(Counters(3600, 8001, 2000, 0))


ODD = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.floats())
)
READING = st.fixed_dictionaries({}, optional={name: st.integers(0, 9) | ODD for name in (*WHOLE, *RISING)}).flatmap(
    lambda told: st.fixed_dictionaries(
        {"latency_percentiles_usec_get": st.dictionaries(st.sampled_from(["p95", "p99", "p", "x", "95.0"]), ODD)}
    ).map(lambda percentiles: told | percentiles)
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(READING, min_size=1, max_size=3))
def test_whatever_info_says_no_figure_is_negative_and_nothing_is_raised(told: list[dict[str, Any]]) -> None:
    found = asyncio.run(looked(*told))
    assert isinstance(found, CacheStats | NoData)
    if isinstance(found, NoData):
        return
    for value in (found.hits, found.misses, found.evictions, found.used_mb, found.max_mb, found.p95_ms):
        assert isinstance(value, NoData) or value >= 0
    assert isinstance(found.hits, NoData) == isinstance(found.misses, NoData)
    seen = snapshot(cache=found)
    assess_cache(seen)
    recommend_size(seen, SizeLimits())
    recommend_ttl(seen, TtlLimits())


@pytest.fixture
async def redis(cache_url: str) -> AsyncIterator[Redis]:
    client = open_server(cache_url)
    yield client
    await client.aclose()


async def test_evictions_after_config_resetstat_on_a_real_server(redis: Redis) -> None:
    """Evictions are the only counter that had risen: it alone falls."""
    clock = ManualClock()
    reader = CacheReader(Alike(RedisInfoCache(redis, clock)), MonitoringCache({}, {}))
    await redis.config_resetstat()
    before = {str(name): str(value) for name, value in (await redis.config_get("maxmemory*")).items()}
    try:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.config_set("maxmemory", 4 * 2**20)
        for number in range(1500):
            await redis.set(f"ion:cache:{number}", "x" * 4000, ex=300)
    finally:
        await redis.config_set("maxmemory", before["maxmemory"])
        await redis.config_set("maxmemory-policy", before["maxmemory-policy"])
    await reader.sample()
    await redis.config_resetstat()
    clock.move(timedelta(minutes=6))
    found = (await reader.cache([API], HOUR))[API]
    assert isinstance(found, CacheStats)
    assert isinstance(found.evictions, NoData)
    clock.move(timedelta(minutes=6))
    found = (await reader.cache([API], HOUR))[API]
    assert isinstance(found, CacheStats)
    assert found.evictions == 0


async def test_doctor_s_facts_keep_an_untold_limit_apart(redis: Redis) -> None:
    facts = await CacheServer(redis).facts()
    assert isinstance(facts, ServerFacts)
    assert isinstance(facts.max_mb, float)
    with pytest.raises(SourceUnavailable):
        needed({"maxmemory": "lots"}, "maxmemory", "here")
