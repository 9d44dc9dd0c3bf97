"""Which notice of a budget counts, on a real server: the same one however they come."""

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumen.adapters.store.controls import RedisBills
from lumen.adapters.store.scripts import key
from lumen.model.billing import BudgetNotice, BudgetState
from lumen.model.messages import NoData, message
from tests.contract.store.builders import OTHER, SERVICE, Store

START = datetime(2026, 11, 1, 7, tzinfo=UTC)
WRONG = NoData(message("source.billed_none"), message("source.billed_none_remedy"), unreachable=True)

NOTICES = st.builds(
    lambda month, minutes, cost: BudgetNotice(
        "b-1", "예산", START + timedelta(days=30 * month), START + timedelta(minutes=minutes), cost, "USD"
    ),
    st.integers(0, 2),
    st.integers(0, 3) | st.floats(0, 3),
    st.sampled_from([0.0, 9.99, 10.0, 120.000001, 1e6]),
)


def bills(store: Store) -> RedisBills:
    return RedisBills(store.redis, store.clock)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NOTICES, min_size=1, max_size=6), st.data())
async def test_in_any_order_and_however_often_the_same_one_counts(
    store: Store, came: list[BudgetNotice], data: st.DataObject
) -> None:
    await store.redis.delete(key(SERVICE, "standing"))
    again = data.draw(st.permutations([*came, *came[: len(came) // 2]]))
    greatest: BudgetNotice | None = None
    for one in again:
        is_greater = greatest is None or one.order > greatest.order
        assert await bills(store).keep(SERVICE, one) is is_greater
        greatest = one if greatest is None or is_greater else greatest
        found = (await bills(store).budget_state(SERVICE)).notice
        assert found is not None
        assert found.order == greatest.order
    assert greatest is not None
    assert greatest.order == max(one.order for one in came)


async def test_replicas_at_once(store: Store) -> None:
    came = [BudgetNotice("b", "n", START, START + timedelta(seconds=n), float(n), "USD") for n in range(20)]
    await asyncio.gather(*(bills(store).keep(SERVICE, one) for one in came))
    assert await bills(store).budget_state(SERVICE) == BudgetState(came[-1])
    assert await bills(store).budget_state(OTHER) == BudgetState()


async def test_trouble_stands_beside_it_until_it_is_over(store: Store) -> None:
    one = BudgetNotice("b", "n", START, START, 1.0, "USD")
    await bills(store).trouble(SERVICE, WRONG)
    await bills(store).keep(SERVICE, one)
    assert await bills(store).budget_state(SERVICE) == BudgetState(one, WRONG)
    await bills(store).trouble(SERVICE, None)
    assert await bills(store).budget_state(SERVICE) == BudgetState(one)
