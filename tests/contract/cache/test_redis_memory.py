"""The cache's memory limit on a real Valkey."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.memory import RedisMemoryActuator
from lumen.model.messages import ActuatorFailed, SourceUnavailable, ValueMoved
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
MB = 2**20


@pytest.fixture
async def redis(cache_url: str) -> AsyncIterator[Redis]:
    client = open_server(cache_url)
    await client.config_set("maxmemory", 256 * MB)
    yield client
    await client.config_set("maxmemory", 256 * MB)
    await client.aclose()


def to(new: int, old: int = 256) -> Change:
    return Change(Knob.CACHE_SIZE, old, new, "MB")


async def test_read_set_read_back_and_repeat(redis: Redis) -> None:
    actuator = RedisMemoryActuator(redis)
    before = await actuator.read(API)
    assert before == Reading(256, "")
    assert await actuator.set(API, to(384), before, "p1") == Reading(384, "")
    assert await actuator.set(API, to(384), before, "p1") == Reading(384, "")
    assert await actuator.followed(API, Reading(384, ""))
    assert (await redis.config_get("maxmemory"))["maxmemory"] == str(384 * MB)


async def test_a_moved_limit_is_refused(redis: Redis) -> None:
    await redis.config_set("maxmemory", 300 * MB)
    with pytest.raises(ValueMoved):
        await RedisMemoryActuator(redis).set(API, to(384), Reading(256, ""), "p1")


async def test_less_than_is_used_would_evict_and_is_refused(redis: Redis) -> None:
    await redis.set("ion:cache:large", "x" * 12 * MB)
    with pytest.raises(ActuatorFailed) as refused:
        await RedisMemoryActuator(redis).set(API, to(10), Reading(256, ""), "p1")
    assert refused.value.reason.code == "actuator.below_used"
    assert (await RedisMemoryActuator(redis).read(API)).value == 256


async def test_a_dry_run_says_it_and_does_nothing(redis: Redis) -> None:
    actuator = RedisMemoryActuator(redis)
    said = await actuator.rehearse(API, to(384), Reading(256, ""))
    assert (said.code, said.params["old"], said.params["new"]) == ("actuator.would", 256, 384)
    assert await actuator.read(API) == Reading(256, "")
    assert (await actuator.rehearse(API, to(256, 200), Reading(200, ""))).code == "actuator.would_nothing"


async def test_a_server_that_blocks_config_says_which_command_does_it(redis: Redis, cache_url: str) -> None:
    """As Memorystore does."""
    await redis.acl_setuser("managed", enabled=True, nopass=True, keys="*", categories=["+@all"], commands=["-config"])
    managed = open_server(cache_url)
    try:
        await managed.auth("", "managed")
        with pytest.raises(ActuatorFailed) as refused:
            await RedisMemoryActuator(managed).set(API, to(384), Reading(256, ""), "p1")
        assert refused.value.reason.code == "actuator.config_blocked"
    finally:
        await managed.aclose()
        await redis.acl_deluser("managed")


async def test_a_cache_that_is_gone() -> None:
    client = open_server("redis://127.0.0.1:1")
    with pytest.raises(SourceUnavailable):
        await RedisMemoryActuator(client).read(API)
    await client.aclose()
