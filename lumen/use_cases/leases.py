"""The right to work, which replicas share: leases by name, and slots of a schedule that are taken once.

A lease is renewed while the work lasts, the work is stopped when it is lost, and it is given back at the end.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from lumen.model.messages import OutcomeUnknown, StoreUnavailable
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.ports.store import Lease, Leases, Slots

T = TypeVar("T")

#: On the wall. Long enough for a slow store, short enough that a crashed replica's work is taken up soon.
LEASE = timedelta(seconds=15)
#: On the wall: replicas' clocks may differ by less.
AHEAD = timedelta(minutes=2)


def hour_of(now: datetime) -> datetime:
    """The slot of an hourly schedule that `now` falls into."""
    return now.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Claims:
    """Slots are instants of `clock`; leases run on the wall. Raises StoreUnavailable, OutcomeUnknown."""

    leases: Leases
    slots: Slots
    clock: Clock

    @contextlib.asynccontextmanager
    async def claimed(
        self, services: Sequence[ServiceId], schedule: str, slot: datetime
    ) -> AsyncIterator[Mapping[ServiceId, Lease]]:
        """The services whose slot nobody has taken, with their leases, which are renewed while the block runs.

        The block marks each slot `done`; one that it leaves is taken up again when its lease has run out. A lease
        that is lost shows at the block's next fenced write for that service.
        """
        newest = self.clock.now() + AHEAD * self.clock.scale
        claims = {service: await self.slots.claim(service, schedule, slot, LEASE, newest) for service in services}
        held = {service: lease for service, lease in claims.items() if lease is not None}
        renewing = [asyncio.ensure_future(_renew_for_ever(self.leases, *one, LEASE)) for one in held.items()]
        try:
            yield held
        finally:
            for task in renewing:
                await _cancel(task)

    async def renew(self, service: ServiceId, lease: Lease) -> None:
        """Before a step that cannot be fenced. Raises LeaseLost."""
        await self.leases.renew(service, lease, LEASE)

    async def alone(self, service: ServiceId, name: str, work: Callable[[Lease], Awaitable[T]]) -> T | None:
        """Run `work` under the lease `name` (see `with_lease`); None while somebody else holds it.

        Should the other one die, its lease runs out, and the next call takes over.
        """
        lease = await self.leases.acquire(service, name, LEASE)
        return None if lease is None else await with_lease(self.leases, service, lease, work)


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


async def _cancel(task: "asyncio.Future[Any]") -> None:
    """Returns when it has ended, however it did; only a cancellation of our own comes through."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains that nobody did
