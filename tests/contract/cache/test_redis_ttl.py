"""The TTL setting as the contract has it, read from a real Valkey."""

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.client import open_cache
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.model import ion_contract
from lumen.model.messages import NoData, SourceUnavailable, message
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.ports.actuators import Reading

API = ServiceId("naeda-genesis", "us-central1", "ion-api")


async def test_a_fresh_installation_has_the_environment_s_ttl_at_version_0(redis: Redis) -> None:
    async def environment(_service: ServiceId) -> int | None:
        return 600

    assert await RedisTtl(redis, 300, environment).ttl(API) == TtlSetting(600, 0, None, None)
    assert await RedisTtl(redis, 300).ttl(API) == TtlSetting(300, 0, None, None)


async def test_the_default_is_in_force_only_where_the_environment_is_known_not_to_set_another(redis: Redis) -> None:
    async def unset(_service: ServiceId) -> int | None:
        return None

    async def unreadable(_service: ServiceId) -> int | None:
        raise SourceUnavailable(message("source.unreachable_test"), message("source.unreachable_test"))

    assert await RedisTtl(redis, 300, unset).ttl(API) == TtlSetting(300, 0, None, None)
    found = await RedisTtl(redis, 300, unreadable).ttl(API)
    assert isinstance(found, NoData)
    assert found.reason.code == "source.unreachable_test"
    await redis.hset(ion_contract.CONFIG_KEY, mapping={"value": "420", "version": "7"})
    assert await RedisTtl(redis, 300, unreadable).ttl(API) == TtlSetting(420, 7, None, None)


async def test_setting_and_acknowledgement(redis: Redis) -> None:
    await redis.hset(ion_contract.CONFIG_KEY, mapping={"value": "420", "version": "7", "proposal": "p1"})
    await redis.hset(ion_contract.ACK_KEY, mapping={"value": "300", "version": "6"})
    found = await RedisTtl(redis, 300).ttl(API)
    assert found == TtlSetting(420, 7, 300, 6, contract=1)
    assert isinstance(found, TtlSetting)
    assert not found.followed
    await redis.hset(ion_contract.ACK_KEY, mapping={"value": "420", "version": "7"})
    found = await RedisTtl(redis, 300).ttl(API)
    assert isinstance(found, TtlSetting)
    assert found.followed


async def test_a_damaged_setting_is_no_data_with_the_key_s_name(redis: Redis) -> None:
    await redis.hset(ion_contract.CONFIG_KEY, mapping={"value": "abc", "version": "1"})
    found = await RedisTtl(redis, 300).ttl(API)
    assert isinstance(found, NoData)
    assert (found.reason.code, found.reason.params["key"]) == ("source.setting_damaged", ion_contract.CONFIG_KEY)
    await redis.delete(ion_contract.CONFIG_KEY)
    await redis.set(ion_contract.CONFIG_KEY, "420")
    found = await RedisTtl(redis, 300).ttl(API)
    assert isinstance(found, NoData)
    assert found.reason.code == "source.setting_damaged"


@pytest.mark.parametrize("garbage", ["abc", "", "4.2", "\x00", "a string"])
async def test_an_acknowledgement_that_cannot_be_read_stops_no_change_of_the_ttl(redis: Redis, garbage: str) -> None:
    if garbage == "a string":
        await redis.set(ion_contract.ACK_KEY, garbage)
    else:
        await redis.hset(ion_contract.ACK_KEY, mapping={"value": garbage, "version": "1"})
    ttl = RedisTtl(redis, 300)
    actuator = RedisTtlActuator(redis, ttl)
    set_to = await actuator.set(API, Change(Knob.TTL, 300, 420, "s"), await actuator.read(API), "p1")
    assert set_to == Reading(420, "1")
    assert not await actuator.followed(API, set_to)
    found = await ttl.ttl(API)
    assert isinstance(found, TtlSetting)
    assert (found.value_seconds, found.acknowledged_version) == (420, None)
    assert found.unread is not None
    assert found.unread.reason.code == "source.ack_damaged"
    await redis.delete(ion_contract.ACK_KEY)  # as the remedy says; and the service follows
    await redis.hset(ion_contract.ACK_KEY, mapping={"value": "420", "version": "1"})
    assert await actuator.followed(API, set_to)


async def test_a_cache_that_is_gone() -> None:
    client = open_cache("redis://127.0.0.1:1")
    found = await RedisTtl(client, 300).ttl(API)
    await client.aclose()
    assert isinstance(found, NoData)
    assert found.reason.code == "source.redis_unreachable"
    assert found.reason.params["where"] == "127.0.0.1:1"
