"""Services of either version on one cache follow what Lumen sets for each of them."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.model.messages import NoData
from lumen.model.proposal import Change, Knob, number
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from sandbox.ion.ion_cache import AsyncCache
from tests.contract.cache.test_ion_contract import printed_client

SERVICES = tuple(ServiceId("naeda-genesis", "us-central1", name) for name in ("api", "batch"))


class Running:
    """A service that has been deployed with a client of one version; deploying another one takes its place."""

    def __init__(self, redis: Redis, service: ServiceId, version: int) -> None:
        self.version, self.first = version, printed_client()(redis)
        self.second = AsyncCache(redis, service.name, b"secret")

    async def live(self) -> int:
        """Read whatever is due, acknowledge it, and say with which TTL keys are written."""
        if self.version == 1:
            await self.first.refresh()
            return int(self.first.seconds)
        self.second.read = -1e9
        for _ in range(4):
            await self.second.get(b"one")
        return int(self.second.ttl)


def source(redis: Redis, *, alone: bool) -> RedisTtl:
    return RedisTtl(redis, 300, None, alone)


async def change(redis: Redis, service: ServiceId, seconds: int, *, alone: bool) -> Any:
    actuator = RedisTtlActuator(redis, source(redis, alone=alone), alone)
    expected = await actuator.read(service)
    return await actuator.set(service, Change(Knob.TTL, number(expected.value), seconds, "s"), expected, "p1")


async def told(redis: Redis, service: ServiceId, *, alone: bool) -> TtlSetting:
    setting = await source(redis, alone=alone).ttl(service)
    assert not isinstance(setting, NoData)
    return setting


@pytest.mark.parametrize("versions", [(1, 1), (1, 2), (2, 2)])
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 1), st.integers(60, 3600)), min_size=2, max_size=4))
async def test_each_of_two_services_follows_what_is_set_for_it(
    redis: Redis, versions: tuple[int, int], changes: list[tuple[int, int]]
) -> None:
    await redis.flushall()
    running = [Running(redis, service, version) for service, version in zip(SERVICES, versions, strict=True)]
    has_own: dict[int, int] = {}
    for each in running:
        await each.live()
    for which, seconds in changes:
        if seconds == (await told(redis, SERVICES[which], alone=False)).value_seconds:
            continue
        await change(redis, SERVICES[which], seconds, alone=False)
        assert await running[which].live() == seconds
        assert (await told(redis, SERVICES[which], alone=False)).followed
        has_own |= {which: seconds} if versions[which] == 2 else {}
        for other, kept in has_own.items():
            assert await running[other].live() == kept  # nobody else's change moves what is its own
        for number_, each in enumerate(running):
            uses = await each.live()
            setting = await told(redis, SERVICES[number_], alone=False)
            if setting.contract == 2 or setting.version:
                assert setting.value_seconds == uses  # what Lumen takes to be in force is what keys are written with


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(60, 3600)), min_size=2, max_size=5))
async def test_a_service_that_is_alone_follows_through_releases_of_either_version(
    redis: Redis, steps: list[tuple[int, int]]
) -> None:
    """Also back to version 1, which leaves its own acknowledgement behind."""
    await redis.flushall()
    service = SERVICES[0]
    for version, seconds in steps:
        running = Running(redis, service, version)
        await running.live()
        if seconds != (await told(redis, service, alone=True)).value_seconds:
            await change(redis, service, seconds, alone=True)
        assert await running.live() == (await told(redis, service, alone=True)).value_seconds
        setting = await told(redis, service, alone=True)
        assert setting.version == 0 or setting.followed


async def test_the_version_that_a_service_speaks_is_told_by_its_acknowledgement(redis: Redis) -> None:
    service = SERVICES[0]
    assert (await told(redis, service, alone=True)).contract is None
    await redis.hset("ion:ack:cache_ttl_seconds", mapping={"value": "300", "version": "0"})
    assert (await told(redis, service, alone=True)).contract == 1
    await Running(redis, service, 2).live()
    assert (await told(redis, service, alone=True)).contract == 2
    for version in (1, 2, 1):  # from the first change after a release on, back and forth
        running = Running(redis, service, version)
        await running.live()
        await change(redis, service, 420 + 60 * version, alone=True)
        await running.live()
        assert (await told(redis, service, alone=True)).contract == version


async def test_before_anything_is_set_the_service_s_own_word_is_the_ttl(redis: Redis) -> None:
    """Its environment may be another one than Lumen reads."""
    await redis.hset("ion:ack:cache_ttl_seconds:api", mapping={"value": "240", "version": "0", "contract": "2"})
    setting = await told(redis, SERVICES[0], alone=True)
    assert (setting.value_seconds, setting.version, setting.followed) == (240, 0, True)


async def test_what_was_lost_is_told_for_the_setting_that_the_service_reads(redis: Redis) -> None:
    service = SERVICES[0]
    await Running(redis, service, 2).live()
    await change(redis, service, 420, alone=False)
    actuator = RedisTtlActuator(redis, source(redis, alone=False), alone=False)
    assert not await actuator.lost(service, "p1", timedelta(hours=1))
    await redis.hset("ion:config:cache_ttl_seconds", mapping={"value": "900", "version": "7", "proposal": "p9"})
    assert not await actuator.lost(service, "p1", timedelta(hours=1))  # the other services' setting is none of it
    await redis.delete("ion:config:cache_ttl_seconds:api", "ion:config:cache_ttl_seconds")
    assert await actuator.lost(service, "p1", timedelta(hours=1))
