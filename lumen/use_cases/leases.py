"""Do a piece of work under a lease: renewed while it lasts, stopped when it is lost, given back at the end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from lumen.model.messages import OutcomeUnknown, StoreUnavailable
from lumen.model.service import ServiceId
from lumen.ports.store import Lease, Leases

T = TypeVar("T")

#: On the wall. Long enough for a slow store, short enough that a crashed replica's work is taken up soon.
LEASE = timedelta(seconds=15)


async def _renew_for_ever(leases: Leases, service: ServiceId, lease: Lease, duration: timedelta) -> None:
    while True:
        await asyncio.sleep(duration.total_seconds() / 3)  # leases are on the wall, whatever the Clock's scale
        await leases.renew(service, lease, duration)


async def with_lease(
    leases: Leases,
    service: ServiceId,
    lease: Lease,
    work: Callable[[Lease], Awaitable[T]],
    duration: timedelta = LEASE,
) -> T:
    """Run `work` while renewing `lease` for `duration` at a time, then release it.

    Raises LeaseLost (or StoreUnavailable) when the lease cannot be renewed; the work is cancelled first, and what
    it may still have sent is refused by the fencing token. A release that fails takes nothing from what the work came
    to, and stands in for no cancellation: the lease then runs out by itself.
    """
    working = asyncio.ensure_future(work(lease))
    renewing = asyncio.ensure_future(_renew_for_ever(leases, service, lease, duration))
    try:
        await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await _cancel(working)
            renewing.result()
        return working.result()
    finally:
        try:
            await _cancel(renewing)
            await _cancel(working)
        finally:
            with contextlib.suppress(StoreUnavailable, OutcomeUnknown):
                await leases.release(service, lease)


@contextlib.asynccontextmanager
async def keep_leases(leases: Leases, held: Mapping[ServiceId, Lease]) -> AsyncIterator[None]:
    """Renew all of `held` while the block runs. A lease that is lost shows at the block's next fenced write."""
    renewing = [
        asyncio.ensure_future(_renew_for_ever(leases, service, lease, LEASE)) for service, lease in held.items()
    ]
    try:
        yield
    finally:
        for task in renewing:
            await _cancel(task)


async def _cancel(task: "asyncio.Future[Any]") -> None:
    """Returns when it has ended, however it did; only a cancellation of our own comes through."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains that nobody did
