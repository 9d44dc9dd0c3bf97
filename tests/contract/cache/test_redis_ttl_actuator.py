"""Compare-and-set of the TTL on a real Valkey: once, whoever races and whatever answer is lost."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from lumen.adapters.cache.client import open_cache
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.model import ion_contract
from lumen.model.messages import ActuatorFailed, SourceUnavailable, ValueMoved
from lumen.model.proposal import Change, Knob
from lumen.model.proposal import number as whole
from lumen.model.service import ServiceId
from lumen.ports.actuators import Actuator, Reading

API = ServiceId("naeda-genesis", "us-central1", "ion-api")


@pytest.fixture
def actuator(redis: Redis) -> Actuator:
    return RedisTtlActuator(redis, RedisTtl(redis, 300))


def change(old: int, new: int) -> Change:
    return Change(Knob.TTL, old, new, "s")


async def test_the_first_change_starts_from_the_environment_s_value(redis: Redis, actuator: Actuator) -> None:
    before = await actuator.read(API)
    assert before == Reading(300, "0")
    assert await actuator.set(API, change(300, 420), before, "p1") == Reading(420, "1")
    assert await actuator.read(API) == Reading(420, "1")
    assert await redis.hgetall(ion_contract.CONFIG_KEY) == {
        "value": "420",
        "version": "1",
        "old": "300",
        "proposal": "p1",
    }


async def test_a_change_is_announced(redis: Redis, actuator: Actuator) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe(ion_contract.CONFIG_KEY)
        await listener.get_message(timeout=5)
        await actuator.set(API, change(300, 420), Reading(300, "0"), "p1")
        heard = await listener.get_message(ignore_subscribe_messages=True, timeout=5)
    assert heard is not None
    assert heard["data"] == "420"


async def test_a_repeat_after_a_lost_answer_changes_nothing(redis: Redis, actuator: Actuator) -> None:
    expected = await actuator.read(API)
    first = await actuator.set(API, change(300, 420), expected, "p1")
    again = await actuator.set(API, change(300, 420), expected, "p1")
    assert first == again == Reading(420, "1")


async def test_a_late_repeat_after_an_undo_does_not_come_back(actuator: Actuator) -> None:
    expected = await actuator.read(API)
    set_to = await actuator.set(API, change(300, 420), expected, "p1")
    undone = await actuator.set(API, change(420, 300), set_to, "p2")
    with pytest.raises(ValueMoved):
        await actuator.set(API, change(300, 420), expected, "p1")
    assert await actuator.read(API) == undone == Reading(300, "2")


async def test_moved_is_refused_also_when_only_the_version_moved(actuator: Actuator) -> None:
    start = await actuator.read(API)
    once = await actuator.set(API, change(300, 420), start, "p1")
    await actuator.set(API, change(420, 300), once, "p2")  # 300 again, but not the 300 of before
    with pytest.raises(ValueMoved) as moved:
        await actuator.set(API, change(300, 600), start, "p3")
    assert moved.value.reason.code == "actuator.written_since"
    assert moved.value.reason.params == {"expected": 300, "present": 300, "unit": "s"}


async def test_one_of_many_who_race_wins(redis: Redis, actuator: Actuator) -> None:
    start = await actuator.read(API)
    results = await asyncio.gather(
        *(actuator.set(API, change(300, 400 + n), start, f"p{n}") for n in range(20)), return_exceptions=True
    )
    won = [r for r in results if isinstance(r, Reading)]
    assert len(won) == 1
    assert sum(isinstance(r, ValueMoved) for r in results) == 19
    assert await actuator.read(API) == won[0]


@pytest.mark.parametrize("seconds", [0, 59, 3601])
async def test_what_the_service_would_ignore_is_not_written(redis: Redis, actuator: Actuator, seconds: int) -> None:
    with pytest.raises(ActuatorFailed) as refused:
        await actuator.set(API, change(300, seconds), Reading(300, "0"), "p1")
    assert refused.value.reason.code == "actuator.ttl_out_of_contract"
    assert await redis.exists(ion_contract.CONFIG_KEY) == 0


async def test_followed_only_when_the_service_says_this_value_and_version(redis: Redis, actuator: Actuator) -> None:
    wanted = await actuator.set(API, change(300, 420), Reading(300, "0"), "p1")
    assert not await actuator.followed(API, wanted)
    await redis.hset(ion_contract.ACK_KEY, mapping={"value": "420", "version": "0"})
    assert not await actuator.followed(API, wanted)
    await redis.hset(ion_contract.ACK_KEY, mapping={"value": "420", "version": "1"})
    assert await actuator.followed(API, wanted)


async def test_a_cache_that_is_gone_says_that_nobody_knows(actuator: Actuator) -> None:
    client = open_cache("redis://127.0.0.1:1")
    gone = RedisTtlActuator(client, RedisTtl(client, 300))
    with pytest.raises(SourceUnavailable):
        await gone.read(API)
    with pytest.raises(SourceUnavailable):
        await gone.set(API, change(300, 420), Reading(300, "0"), "p1")
    await client.aclose()


async def test_a_read_only_server_refuses_in_words(redis: Redis, actuator: Actuator) -> None:
    await redis.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(ActuatorFailed) as refused:
            await actuator.set(API, change(300, 420), Reading(300, "0"), "p1")
        assert refused.value.reason.code == "source.redis_read_only"
    finally:
        await redis.replicaof("NO", "ONE")


steps = st.lists(st.tuples(st.integers(0, 3), st.integers(60, 3600), st.booleans()), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_the_version_counts_exactly_the_changes(
    redis: Redis, actuator: Actuator, steps: list[tuple[int, int, bool]]
) -> None:
    """Whoever sets with a stale reading is refused; whoever sets with a fresh one raises the version by one."""
    await redis.flushall()
    readings: dict[int, Reading] = {}
    changes = 0
    for number, (worker, seconds, refresh) in enumerate(steps):
        present = await actuator.read(API)
        if refresh or worker not in readings:
            readings[worker] = present
        expected = readings[worker]
        if expected == present:
            got = await actuator.set(API, change(whole(expected.value), seconds), expected, f"p{number}")
            changes += 1
            assert got == Reading(seconds, str(changes))
        else:
            with pytest.raises(ValueMoved):
                await actuator.set(API, change(whole(expected.value), seconds), expected, f"p{number}")
    assert (await actuator.read(API)).version == str(changes)


async def test_a_mark_of_an_earlier_epoch_is_no_proof(actuator: Actuator) -> None:
    """Ids begin again after `lumen state init`: another p1 has set what stands."""
    await actuator.set(API, change(300, 420), await actuator.read(API), "p1")
    stands = await actuator.read(API)
    assert await actuator.set(API, change(420, 500), stands, "p1") == Reading(500, "2")
    assert await actuator.set(API, change(420, 500), stands, "p1") == Reading(500, "2")  # and again
