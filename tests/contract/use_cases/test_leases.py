"""Work under a lease: what it came to is told, whatever becomes of the lease afterwards."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from lumen.model.messages import LeaseLost, OutcomeUnknown, StoreUnavailable, message
from lumen.model.service import ServiceId
from lumen.ports.store import Lease
from lumen.use_cases.leases import with_lease
from tests.contract.store.builders import LONG, SERVICE, Store

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
