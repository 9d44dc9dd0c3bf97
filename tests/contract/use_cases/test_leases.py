"""Work under a lease: what it came to is told, whatever becomes of the lease afterwards. Slots that are shared."""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lumen.adapters.store import epoch
from lumen.model.messages import LeaseLost, OutcomeUnknown, SomeFailed, StoreUnavailable, message
from lumen.model.service import ServiceId
from lumen.ports.store import Lease, Slots
from lumen.use_cases import leases
from lumen.use_cases.leases import Batch, Claims, with_lease
from tests.contract.store.builders import LONG, SERVICE, SOON, Store

GONE = message("state.too_late_remedy")


class Unreleased:
    """The real leases, but the store goes away before the release."""

    def __init__(self, store: Store, error: type[StoreUnavailable | OutcomeUnknown]) -> None:
        self._store, self._error = store, error
        self.tried = 0

    async def acquire(self, service: ServiceId, name: str, duration: timedelta) -> Lease | None:
        return await self._store.leases.acquire(service, name, duration)

    async def renew(self, service: ServiceId, lease: Lease, duration: timedelta) -> None:
        await self._store.leases.renew(service, lease, duration)

    async def release(self, service: ServiceId, lease: Lease) -> None:
        self.tried += 1
        raise self._error(GONE, GONE)


async def forever(_: Lease) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("error", [StoreUnavailable, OutcomeUnknown])
async def test_a_release_that_fails_replaces_neither_result_nor_failure_nor_cancellation(
    store: Store, error: Callable[..., Exception]
) -> None:
    leases = Unreleased(store, error)  # type: ignore[arg-type]
    lease = await store.lease()

    async def seven(_: Lease) -> int:
        return 7

    async def fails(_: Lease) -> int:
        raise ValueError("the work's own")

    assert await with_lease(leases, SERVICE, lease, seven, LONG) == 7
    with pytest.raises(ValueError, match="the work's own"):
        await with_lease(leases, SERVICE, lease, fails, LONG)
    working = asyncio.create_task(with_lease(leases, SERVICE, lease, forever, LONG))
    await asyncio.sleep(0.01)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert leases.tried == 3


async def test_a_lost_lease_stops_the_work(store: Store) -> None:
    lease = await store.lease()
    await store.leases.release(SERVICE, lease)
    stopped = asyncio.Event()

    async def work(_: Lease) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    with pytest.raises(LeaseLost):
        await with_lease(store.leases, SERVICE, lease, work, timedelta(milliseconds=30))
    assert stopped.is_set()


async def test_it_is_given_back(store: Store) -> None:
    lease = await store.lease()

    async def nothing(_: Lease) -> None:
        return None

    await with_lease(store.leases, SERVICE, lease, nothing, LONG)
    assert await store.leases.acquire(SERVICE, "execute:ttl", LONG) is not None


FLEET = tuple(ServiceId("p", "us-central1", f"svc-{n:02d}") for n in range(48))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def fleet(store: Store) -> Store:
    await epoch.init(store.redis, FLEET, store.clock)
    return store


async def test_replicas_share_a_slot_and_each_service_is_done_once(fleet: Store) -> None:
    replicas = [fleet.claims for _ in range(3)]
    done: dict[int, list[ServiceId]] = {n: [] for n in range(3)}

    async def share(n: int) -> None:
        async def one(service: ServiceId, _: Lease) -> None:
            await fleet.leases.acquire(service, "a step of the work", LONG)
            done[n].append(service)

        await replicas[n].share(FLEET, "turn", NOON, lambda batch: batch.each(one))

    await asyncio.gather(*(share(n) for n in range(3)))
    assert sorted(service for each in done.values() for service in each) == sorted(FLEET)
    assert all(done.values())
    for replica in replicas:  # each has seen by now what is done, and asks no more
        await replica.share(FLEET, "turn", NOON, lambda batch: batch.each(never))
    before = await scripts_run(fleet)
    for replica in replicas:
        await replica.share(FLEET, "turn", NOON, lambda batch: batch.each(never))
    assert await scripts_run(fleet) == before


async def never(service: ServiceId, _: Lease) -> None:
    raise AssertionError(f"{service.name} a second time")


async def scripts_run(store: Store) -> int:
    stats = await store.redis.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"])


@pytest.mark.parametrize("error", [StoreUnavailable(GONE, GONE), ZeroDivisionError()])
async def test_a_broken_service_is_named_and_holds_up_no_other(fleet: Store, error: Exception) -> None:
    claims, broken, done = fleet.claims, FLEET[7], list[ServiceId]()
    failing = [error]

    async def one(service: ServiceId, _: Lease) -> None:
        if service == broken and failing:
            raise failing.pop()
        done.append(service)

    with pytest.raises(SomeFailed) as failed:
        await claims.share(FLEET, "turn", NOON, lambda batch: batch.each(one))
    assert failed.value.failures == {broken.key: error}
    assert len(done) == len(FLEET) - 1
    await fleet.claims.share(FLEET, "turn", NOON, lambda batch: batch.each(one))  # another replica, at once
    assert sorted(done) == sorted(FLEET)


class Deaf:
    """Slots of a store of which some services' nodes do not answer."""

    def __init__(self, slots: Slots, deaf: Collection[ServiceId]) -> None:
        self.slots, self.deaf, self.asked = slots, deaf, 0

    async def claim(
        self, service: ServiceId, schedule: str, slot: datetime, duration: timedelta, newest: datetime | None = None
    ) -> Lease | None:
        self.asked += 1
        if service in self.deaf:
            raise StoreUnavailable(GONE, GONE)
        return await self.slots.claim(service, schedule, slot, duration, newest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.slots, name)


async def test_a_node_that_does_not_answer_costs_its_services_alone(fleet: Store) -> None:
    deaf, done = FLEET[::3], list[ServiceId]()

    async def one(service: ServiceId, _: Lease) -> None:
        done.append(service)

    claims = Claims(fleet.leases, Deaf(fleet.slots, deaf), fleet.clock)
    with pytest.raises(SomeFailed) as failed:
        await claims.share(FLEET, "turn", NOON, lambda batch: batch.each(one))
    assert failed.value.failures.keys() == {service.key for service in deaf}
    assert sorted([*done, *deaf]) == sorted(FLEET)


async def test_a_store_that_does_not_answer_is_not_asked_for_all(fleet: Store) -> None:
    slots = Deaf(fleet.slots, FLEET)
    for services, batches in ((FLEET, 3), (FLEET[:1], 1)):
        slots.asked = 0
        with pytest.raises(StoreUnavailable):
            await Claims(fleet.leases, slots, fleet.clock).share(
                services, "turn", NOON, lambda batch: batch.each(never)
            )
        assert slots.asked == batches * -(-len(services) // leases.BATCHES)


async def test_what_a_slow_batch_does_not_come_to_is_given_back_and_done_later(
    fleet: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "MOST_TIME", timedelta(0))
    other, done, taken = fleet.claims, list[ServiceId](), list[ServiceId]()

    async def one(service: ServiceId, _: Lease) -> None:
        done.append(service)

    async def work(batch: Batch) -> None:
        await batch.each(one)
        if len(done) > 1 and not taken:  # what the first batch put off is anybody's
            await other.share(FLEET[:4], "turn", NOON, lambda theirs: theirs.each(steal))

    async def steal(service: ServiceId, _: Lease) -> None:
        taken.append(service)

    await fleet.claims.share(FLEET, "turn", NOON, work)
    assert sorted((*done, *taken)) == sorted(FLEET)
    assert len(done) >= len(FLEET) - 4


async def test_what_a_dead_replica_had_begun_is_taken_over(fleet: Store) -> None:
    dead, done = fleet.claims, list[ServiceId]()
    some = FLEET[:4]
    for service in some:
        assert await dead.slots.claim(service, "turn", NOON, SOON)

    async def one(service: ServiceId, _: Lease) -> None:
        done.append(service)

    await fleet.pass_time(SOON)
    await fleet.claims.share(FLEET, "turn", NOON, lambda batch: batch.each(one))
    assert sorted(done) == sorted(FLEET)


async def test_a_long_batch_keeps_its_leases_and_one_that_is_lost_costs_no_other(
    fleet: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE", timedelta(milliseconds=900))
    lost: list[ServiceId] = []

    async def work(batch: Batch) -> None:
        if not lost:
            kept, *_, other = batch.leases
            lost.append(other)
            await fleet.leases.release(other, batch.leases[other])
            for _ in range(50):  # longer than the leases last
                assert await fleet.slots.claim(kept, "turn", NOON, SOON) is None
                await fleet.pass_time(timedelta(milliseconds=20))
        await batch.each(nothing)

    with pytest.raises(SomeFailed) as failed:
        await fleet.claims.share(FLEET, "turn", NOON, work)
    assert list(failed.value.failures) == [lost[0].key]
    assert isinstance(failed.value.failures[lost[0].key], LeaseLost)


async def nothing(_: ServiceId, __: Lease) -> None:
    """Done at once."""
