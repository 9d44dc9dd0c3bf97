"""The right to work, which replicas share: leases by name, and slots of a schedule that are taken once.

A lease is renewed while the work lasts, the work is stopped when it is lost, and it is given back at the end.
"""

import asyncio
import contextlib
import secrets
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from lumen.model.messages import LeaseLost, NotPrepared, OtherSchema, OutcomeUnknown, SomeFailed, StoreUnavailable
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.ports.store import Lease, Leases, Slots
from lumen.use_cases.membership import Membership

T = TypeVar("T")
Of = TypeVar("Of")

#: On the wall. Long enough for a slow store, short enough that a crashed replica's work is taken up soon.
LEASE = timedelta(seconds=15)
#: On the wall: replicas' clocks may differ by less.
AHEAD = timedelta(minutes=2)
#: A schedule's services are taken in so many batches, so that replicas share them, of at most so many services.
BATCHES, MOST_AT_ONCE = 12, 32
#: After so many batches of which the store answered to none, no further one is tried.
SILENCE = 3
#: So many services of a batch are done side by side: few enough that clicks get their turn between them.
TOGETHER = 8
#: On the wall: so long after its first service a batch begins with no further one.
MOST_TIME = timedelta(seconds=20)
#: On the wall. A replica's part is claimed whole, and worked on for MOST_TIME.
HELD = MOST_TIME + LEASE
#: Of service time. Every replica wakes once a minute: what it has not begun by its second wake is for all.
LATE = timedelta(seconds=50)


def hour_of(now: datetime) -> datetime:
    """The slot of an hourly schedule that `now` falls into."""
    return now.replace(minute=0, second=0, microsecond=0)


@contextlib.contextmanager
def noted(failures: dict[Of, Exception], *of: Of) -> Iterator[None]:
    """Note what fails, by whom it fails for, so that the others have their turn. A store of another schema ends all."""
    try:
        yield
    except OtherSchema:
        raise
    except Exception as error:
        failures.update(dict.fromkeys(of, error))


@dataclass(frozen=True, slots=True)
class Batch:
    """Services whose slot is this process's to do, with their leases, which are renewed meanwhile."""

    claims: "Claims"
    schedule: str
    slot: datetime
    leases: Mapping[ServiceId, Lease]
    #: By service, of those that could not be done.
    failures: dict[ServiceId, Exception]
    put_off: list[ServiceId] = field(default_factory=list, init=False)

    async def each(self, do: Callable[[ServiceId, Lease], Awaitable[bool | None]], together: int = TOGETHER) -> None:
        """So many at a time, which share their trips to the store; each is marked done as it ends, unless `do` says
        False. One that fails holds up none.

        Those that are not begun within twenty seconds are put off, for whoever comes to them first.
        """

        async def one(service: ServiceId) -> None:
            with noted(self.failures, service):
                if await do(service, self.leases[service]) is not False:
                    await self.done(service)

        loop, waiting = asyncio.get_running_loop(), list(self.leases)
        until = loop.time() + MOST_TIME.total_seconds()
        while waiting and (len(waiting) == len(self.leases) or loop.time() < until):
            some, waiting = waiting[:together], waiting[together:]
            await _all(map(one, some))
        self.put_off.extend(waiting)

    async def done(self, service: ServiceId) -> None:
        """For ever. Raises LeaseLost."""
        await self.claims.slots.done(service, self.schedule, self.slot, self.leases[service])
        self.claims.known_done[service, self.schedule] = self.slot


@dataclass(frozen=True, slots=True)
class Claims:
    """Slots are instants of `clock`; leases run on the wall. Raises StoreUnavailable, OutcomeUnknown.

    `membership`: tells this process's part of the fleet; None: it takes whatever is free.
    """

    leases: Leases
    slots: Slots
    clock: Clock
    membership: Membership | None = None
    #: The newest slot of each service and schedule that is done as far as this process knows: it asks no more for it.
    known_done: dict[tuple[ServiceId, str], datetime] = field(default_factory=dict, init=False)
    #: Each process begins with other services than the others do.
    _seat: str = field(default_factory=partial(secrets.token_hex, 8), init=False)
    #: By schedule, the slot that was shared last, and the time at which it first was.
    _seen: dict[str, tuple[datetime, datetime]] = field(default_factory=dict, init=False)

    async def share(
        self,
        services: Sequence[ServiceId],
        schedule: str,
        slot: datetime,
        work: Callable[[Batch], Awaitable[object]],
        most: int = MOST_AT_ONCE,
        until: datetime | None = None,
        batches: int = BATCHES,
        *,
        asked: bool = False,
    ) -> None:
        """Have `work` done with the services whose slot nobody has taken, a batch of them at a time.

        This replica's part comes first; those of others are left to them until they are late, or at once where
        somebody `asked` this replica and no other. `until`: no further batch is begun after that, of service time. What
        a batch leaves undone is given back, for the next call of any replica. Raises SomeFailed after all had their
        turn. A service whose node of the store does not answer is one of those that fail; a store that answers for none
        is not asked for all of them.
        """
        late = self._is_late(schedule, slot)
        waiting = [service for service in self._seated(services) if self.known_done.get((service, schedule)) != slot]
        sharing = _Sharing(self, schedule, slot, work, max(1, min(most, -(-len(services) // batches))), until)
        part = self.membership.part if self.membership else None
        if part is not None:
            others = [service for service in waiting if service not in part] if asked or late else []
            waiting = [*await sharing.do_held([service for service in waiting if service in part]), *others]
        await sharing.take(waiting)
        sharing.tell()

    def _is_late(self, schedule: str, slot: datetime) -> bool:
        """Whether every replica that lives has had the time to begin with that slot."""
        now, (known, since) = self.clock.now(), self._seen.get(schedule, (None, None))
        if known != slot or since is None:
            self._seen[schedule], since = (slot, now), now
        return now - since >= LATE

    async def renew(self, service: ServiceId, lease: Lease) -> None:
        """Before a step that cannot be fenced. Raises LeaseLost."""
        await self.leases.renew(service, lease, LEASE)

    async def alone(self, service: ServiceId, name: str, work: Callable[[Lease], Awaitable[T]]) -> T | None:
        """Run `work` under the lease `name` (see `with_lease`); None while somebody else holds it.

        Should the other one die, its lease runs out, and the next call takes over.
        """
        lease = await self.leases.acquire(service, name, LEASE)
        return None if lease is None else await with_lease(self.leases, service, lease, work)

    def _seated(self, services: Sequence[ServiceId]) -> Sequence[ServiceId]:
        return sorted(services, key=lambda service: zlib.crc32(f"{self._seat}/{service.key}".encode()))


@dataclass(slots=True)
class _Sharing:
    """One call of `share`: services are claimed and done `size` at a time."""

    claims: Claims
    schedule: str
    slot: datetime
    work: Callable[[Batch], Awaitable[object]]
    size: int
    until: datetime | None
    failures: dict[ServiceId, Exception] = field(default_factory=dict, init=False)
    #: Claims of so many batches were tried, and the store answered to none of so many newest.
    tried: int = field(default=0, init=False)
    unheard: int = field(default=0, init=False)
    begun: int = field(default=0, init=False)

    async def do_held(self, services: Sequence[ServiceId]) -> list[ServiceId]:
        """Claim all of them before any is worked on, so that whoever begins slowly keeps his part; which are left."""
        held: dict[ServiceId, Lease] = {}
        loop, left = asyncio.get_running_loop(), list[ServiceId]()
        end = loop.time() + MOST_TIME.total_seconds()
        try:
            for at in range(0, len(services), self.size):
                held |= await self._claimed(services[at : at + self.size], HELD)
            while held and loop.time() < end and not self._is_over():
                some = {service: held.pop(service) for service in list(held)[: self.size]}
                left += await self._do(some)
        finally:
            await self._give_back(held)
        return [*left, *held]

    async def take(self, services: Sequence[ServiceId]) -> None:
        """Claim a batch of them, do it, and come to the next."""
        waiting = list(services)
        while waiting and not self._is_over():
            some, waiting = waiting[: self.size], waiting[self.size :]
            leases = await self._claimed(some, LEASE)
            if leases:
                waiting += await self._do(leases)  # given back: they come last, unless another replica is sooner

    def tell(self) -> None:
        """Raises SomeFailed, and what failed for all where the store answered to nothing."""
        if self.unheard and self.unheard == self.tried:
            raise next(iter(self.failures.values()))
        if self.failures:
            raise SomeFailed({service.key: error for service, error in self.failures.items()})

    def _is_over(self) -> bool:
        return bool(self.begun) and self.until is not None and self.claims.clock.now() >= self.until

    async def _claimed(self, services: Sequence[ServiceId], lasts: timedelta) -> Mapping[ServiceId, Lease]:
        claims, clock = self.claims, self.claims.clock
        newest = clock.now() + AHEAD * clock.scale

        async def claim(service: ServiceId) -> Lease | None:
            with noted(self.failures, service):
                lease = await claims.slots.claim(service, self.schedule, self.slot, lasts, newest)
                if lease is None and await claims.slots.last_done(service, self.schedule) == self.slot:
                    claims.known_done[service, self.schedule] = self.slot
                return lease
            return None

        found = await asyncio.gather(*map(claim, services))
        self.tried += 1
        self.unheard = self.unheard + 1 if all(_is_unheard(self.failures.get(one)) for one in services) else 0
        if self.unheard == SILENCE:
            raise self.failures[services[0]]
        return {service: lease for service, lease in zip(services, found, strict=True) if lease is not None}

    async def _do(self, leases: Mapping[ServiceId, Lease]) -> Sequence[ServiceId]:
        """Which it has put off."""
        self.begun += 1
        batch = Batch(self.claims, self.schedule, self.slot, leases, self.failures)
        renewing = asyncio.ensure_future(self._renew(batch))
        try:
            with noted(batch.failures, *batch.leases):
                await self.work(batch)
        finally:
            await _cancel(renewing)
            await self._give_back({service: leases[service] for service in self._left(batch)})
        return batch.put_off

    async def _give_back(self, leases: Mapping[ServiceId, Lease]) -> None:
        for service, lease in leases.items():
            with contextlib.suppress(StoreUnavailable, OutcomeUnknown):
                await self.claims.leases.release(service, lease)

    def _left(self, batch: Batch) -> Sequence[ServiceId]:
        done = self.claims.known_done
        return [one for one in batch.leases if done.get((one, batch.schedule)) != batch.slot]

    async def _renew(self, batch: Batch) -> None:
        """A lease that is lost, or that nobody could renew in time, shows at the next fenced write of its service."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)  # leases are on the wall, whatever the Clock's scale
            await asyncio.gather(*(self._renewed(service, batch.leases[service]) for service in self._left(batch)))

    async def _renewed(self, service: ServiceId, lease: Lease) -> None:
        with contextlib.suppress(StoreUnavailable, OutcomeUnknown, LeaseLost):
            await self.claims.leases.renew(service, lease, LEASE)


def _is_unheard(error: Exception | None) -> bool:
    """Whether the store could not be asked."""
    return isinstance(error, StoreUnavailable | OutcomeUnknown) and not isinstance(error, NotPrepared)


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


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Each to its end, also where another one fails; then raises what the first did."""
    for ended in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended


async def _cancel(task: "asyncio.Future[Any]") -> None:
    """Returns when it has ended, however it did; only a cancellation of our own comes through."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains that nobody did
