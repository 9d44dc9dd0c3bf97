"""The budget of queries to Cloud Monitoring, over real servers: shared by all processes, and the urgent find room."""

from datetime import timedelta

import pytest

from lumen.adapters.store.connection import open_store
from lumen.adapters.store.queries import LONGEST_WAIT, MINUTE, QUERIES_A_MINUTE, RedisQueryBudget
from lumen.model.messages import SourceUnavailable
from lumen.ports.sources import Asking, Urgency
from tests.contract.store.builders import Store
from tests.manual_clock import ManualClock

LOOK, TURN, PAST = (Asking("naeda-genesis", urgency, "m") for urgency in Urgency)


async def taken_in_a_minute(budget: RedisQueryBudget, clock: ManualClock, asking: Asking) -> int:
    """The queries that it lets pass until it waits."""
    began, count = clock.now(), 0
    while clock.now() == began:
        await budget.take(asking)
        count += 1
    clock.move(began - clock.now())
    return count - 1


@pytest.mark.on_cluster
async def test_what_is_urgent_finds_room_that_the_past_and_turns_leave(store: Store) -> None:
    clock = ManualClock()
    one, other = (RedisQueryBudget(store.redis, clock, limit=120) for _ in range(2))
    taken = [await taken_in_a_minute(budget, clock, PAST) for budget in (one, other)]
    assert sum(taken) == 60
    taken += [await taken_in_a_minute(budget, clock, TURN) for budget in (other, one)]
    assert sum(taken) == 96
    taken += [await taken_in_a_minute(budget, clock, LOOK) for budget in (one, other)]
    assert sum(taken) == 114
    await one.take(Asking("shop-prod", Urgency.PAST, "m"))
    clock.move(2 * MINUTE)
    assert await taken_in_a_minute(other, clock, LOOK) == 114


async def test_a_portion_is_taken_at_once_and_what_is_left_of_it_ends_with_its_minute(store: Store) -> None:
    clock = ManualClock()
    budget = RedisQueryBudget(store.redis, clock)
    for _ in range(60):
        await budget.take(LOOK)
    counts = [key async for key in store.redis.scan_iter("lumen:queries:*")]
    assert [await store.redis.get(key) for key in counts] == [str(2 * QUERIES_A_MINUTE // 120)]
    clock.move(MINUTE)
    await budget.take(LOOK)
    assert len([key async for key in store.redis.scan_iter("lumen:queries:*")]) == 2


async def test_where_no_minute_has_room_it_is_said_which_quota_and_what_mends_it(store: Store) -> None:
    clock = ManualClock()
    began = clock.now()
    with pytest.raises(SourceUnavailable) as error:
        await RedisQueryBudget(store.redis, clock, limit=1).take(PAST)
    assert (error.value.reason.code, error.value.reason.params["where"]) == ("source.queries_used", "naeda-genesis")
    assert clock.now() - began <= LONGEST_WAIT
    assert not await RedisQueryBudget(store.redis, clock).pause(LONGEST_WAIT.total_seconds() + 1)


async def test_without_the_store_google_is_asked_all_the_same() -> None:
    redis, clock = open_store("redis://127.0.0.1:1/0"), ManualClock()
    began = clock.now()
    try:
        await RedisQueryBudget(redis, clock).take(LOOK)
    finally:
        await redis.aclose()
    assert clock.now() - began == timedelta(0)
