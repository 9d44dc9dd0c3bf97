"""A share of the keys keeps the old TTL: set with the change, read by ION's client, ended under the same version."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.model.hold_back import HELD_FOR
from lumen.model.messages import ValueMoved
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from sandbox.ion.ion_cache import AsyncCache
from tests.contract.cache.test_ion_contract import printed_client
from tests.manual_clock import ManualClock

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
OWN, SHARED = "ion:config:cache_ttl_seconds:ion-api", "ion:config:cache_ttl_seconds"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = str(round((NOON + HELD_FOR).timestamp()))
UP = Change(Knob.TTL, 300, 600, "s", held_permille=100)


@dataclass
class House:
    """A service of version 2 that has acknowledged, in service time."""

    redis: Redis
    service: AsyncCache
    clock: ManualClock
    actuator: RedisTtlActuator

    async def live(self) -> None:
        """Let it read its setting and acknowledge."""
        self.service.read = -1e9
        for _ in range(4):
            await self.service.get(b"one")

    async def written(self, keys: int = 400) -> tuple[int, int]:
        """How many of so many fresh keys are written with 300 s, and how many with another TTL."""
        await self.live()
        for at in range(keys):
            await self.service.set(b"%d" % at, b"answer")
        lives = [await self.redis.ttl(f"ion:cache:{at}") for at in range(keys)]
        old = sum(290 <= each <= 300 for each in lives)
        return old, len(lives) - old

    async def held(self, key: str = OWN) -> tuple[object, ...]:
        return tuple(await self.redis.hmget(key, ["permille", "until"]))


@pytest.fixture
async def house(redis: Redis) -> AsyncIterator[House]:
    clock = ManualClock(NOON)
    service = AsyncCache(redis, API.name, b"secret")
    service.now = lambda: clock.now().timestamp()
    its = House(redis, service, clock, RedisTtlActuator(redis, RedisTtl(redis, 300), True, clock, [API]))
    await its.live()
    yield its


async def test_a_tenth_of_the_keys_keeps_the_old_ttl_until_the_verdict(house: House) -> None:
    first = await house.actuator.set(API, UP, await house.actuator.read(API), "P1")
    assert await house.held() == await house.held(SHARED) == ("100", UNTIL)
    old, new = await house.written()
    assert 20 <= old <= 60
    assert await house.actuator.followed(API, first)
    assert not await house.actuator.end_hold_back(API, "P0")  # another one's
    assert await house.actuator.end_hold_back(API, "P1")
    assert await house.held() == await house.held(SHARED) == (None, None)
    assert await house.actuator.read(API) == first  # the same version: no other keys are drawn
    assert await house.written() == (0, old + new)
    assert not await house.actuator.end_hold_back(API, "P1")


async def test_the_service_ends_it_by_itself(house: House) -> None:
    await house.actuator.set(API, UP, await house.actuator.read(API), "P1")
    assert (await house.written())[0] > 0
    house.clock.move(HELD_FOR)
    assert (await house.written())[0] == 0


async def test_a_repeat_neither_prolongs_nor_revives_it(house: House) -> None:
    before = await house.actuator.read(API)
    await house.actuator.set(API, UP, before, "P1")
    house.clock.move(HELD_FOR / 2)
    await house.actuator.set(API, UP, before, "P1")
    assert await house.held() == ("100", UNTIL)
    await house.actuator.end_hold_back(API, "P1")
    await house.actuator.set(API, UP, before, "P1")
    assert await house.held() == (None, None)


@pytest.mark.parametrize("change", [Change(Knob.TTL, 600, 300, "s"), Change(Knob.TTL, 600, 900, "s")])
async def test_an_undo_or_a_second_change_ends_it(house: House, change: Change) -> None:
    await house.actuator.set(API, UP, await house.actuator.read(API), "P1")
    await house.actuator.set(API, change, Reading(600, "1"), "P2")
    assert await house.held() == (None, None)
    assert await house.actuator.read(API) == Reading(change.new, "2")
    assert not await house.actuator.end_hold_back(API, "P1")


async def test_what_a_lost_server_is_given_again_holds_nothing_back(house: House) -> None:
    """Its keys are gone, so there is nothing left to compare."""
    await house.actuator.set(API, UP, await house.actuator.read(API), "P1")
    await house.redis.flushall()
    await house.live()
    present = await house.actuator.read(API)
    await house.actuator.set(API, replace(UP, held_permille=0), present, "P1")
    assert (await house.written())[0] == 0


async def test_a_value_that_moved_holds_nothing_back(house: House) -> None:
    await house.actuator.set(API, replace(UP, new=420), await house.actuator.read(API), "P1")
    await house.actuator.end_hold_back(API, "P1")
    with pytest.raises(ValueMoved):
        await house.actuator.set(API, UP, Reading(300, "0"), "P2")
    assert await house.held() == (None, None)


async def test_only_a_service_of_version_2_that_is_observed_holds_back(house: House) -> None:
    assert await house.actuator.holds_back(API)
    assert not await replace(house.actuator, observed=()).holds_back(API)
    await house.redis.flushall()
    assert not await house.actuator.holds_back(API)
    await house.redis.hset(SHARED, mapping={"value": "300", "version": "1"})
    await printed_client()(house.redis).refresh()
    assert not await house.actuator.holds_back(API)
