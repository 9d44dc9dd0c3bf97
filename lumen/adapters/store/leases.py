"""Leases with fencing tokens, and what is done once across replicas: slots of a schedule, and messages that come from
outside (docs/adr/0006).
"""

import secrets
from datetime import UTC, datetime, timedelta

from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.scripts import Calls, inbox_key, position
from lumen.model.messages import LeaseLost, with_remedy
from lumen.model.service import ServiceId
from lumen.ports.store import Lease, Taken


def milliseconds(duration: timedelta) -> int:
    """Of the wall; at least one, so that nothing is taken for "no limit"."""
    return max(1, round(duration.total_seconds() * 1000))


def lease_lost(name: str) -> LeaseLost:
    """Somebody else holds it by now, or nobody."""
    return LeaseLost(*with_remedy("state.lease_lost", name=name))


class RedisLeases:
    """`lumen.ports.store.Leases`; durations are on the wall."""

    def __init__(self, redis: StoreClient) -> None:
        self._calls = Calls(redis)

    async def acquire(self, service: ServiceId, name: str, duration: timedelta) -> Lease | None:
        reply = await self._calls.change("lease_acquire", service, name, milliseconds(duration))
        return Lease(name, int(reply.values[0])) if reply.status == "OK" else None

    async def renew(self, service: ServiceId, lease: Lease, duration: timedelta) -> None:
        reply = await self._calls.change("lease_renew", service, lease.name, lease.token, milliseconds(duration))
        if reply.status == "LEASE_LOST":
            raise lease_lost(lease.name)

    async def release(self, service: ServiceId, lease: Lease) -> None:
        await self._calls.change("lease_release", service, lease.name, lease.token)


class RedisSlots:
    """`lumen.ports.store.Slots`; durations are on the wall. A claim is the lease "slot/<schedule>"."""

    def __init__(self, redis: StoreClient) -> None:
        self._calls = Calls(redis)

    async def claim(
        self, service: ServiceId, schedule: str, slot: datetime, duration: timedelta, newest: datetime | None = None
    ) -> Lease | None:
        latest = "" if newest is None else _stamp(newest)
        reply = await self._calls.change("slot_claim", service, schedule, _stamp(slot), milliseconds(duration), latest)
        return Lease(f"slot/{schedule}", int(reply.values[0])) if reply.status == "OK" else None

    async def done(self, service: ServiceId, schedule: str, slot: datetime, lease: Lease) -> None:
        reply = await self._calls.change("slot_done", service, schedule, _stamp(slot), lease.token)
        if reply.status == "LEASE_LOST":
            raise lease_lost(lease.name)

    async def last_done(self, service: ServiceId, schedule: str) -> datetime | None:
        reply = await self._calls.read("read", service, "HGET", position("slots"), schedule)
        done = reply.values[0]
        return None if done is None else datetime.fromtimestamp(int(done) / 1000, UTC)


class RedisInbox:
    """`lumen.ports.store.Inbox`."""

    def __init__(self, redis: StoreClient) -> None:
        self._calls = Calls(redis)
        self._me = secrets.token_hex(8)

    async def take(self, home: ServiceId, message_id: str, duration: timedelta) -> Taken:
        return Taken(await self._step(home, message_id, "take", duration))

    async def done(self, home: ServiceId, message_id: str, remember: timedelta) -> None:
        await self._step(home, message_id, "done", remember)

    async def give_back(self, home: ServiceId, message_id: str) -> None:
        await self._step(home, message_id, "back", timedelta())

    async def _step(self, home: ServiceId, message_id: str, step: str, lasts: timedelta) -> str:
        dedupe = inbox_key(home, message_id)
        return (await self._calls.change("inbox", home, step, self._me, milliseconds(lasts), dedupe=dedupe)).status


def _stamp(slot: datetime) -> int:
    return round(slot.timestamp() * 1000)
