"""Each slot of a schedule once, across replicas and restarts (docs/adr/0006)."""

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from lumen.model.service import ServiceId
from lumen.ports.state import Lease
from lumen.state.calls import Calls
from lumen.state.keys import position
from lumen.state.leases import lease_lost, milliseconds


class RedisSlots:
    """`lumen.ports.state.Slots`; durations are on the wall. A claim is the lease "slot/<schedule>"."""

    def __init__(self, redis: Redis) -> None:
        self._calls = Calls(redis)

    async def claim(self, service: ServiceId, schedule: str, slot: datetime, duration: timedelta) -> Lease | None:
        reply = await self._calls.change("slot_claim", service, schedule, _stamp(slot), milliseconds(duration))
        return Lease(f"slot/{schedule}", int(reply.values[0])) if reply.status == "OK" else None

    async def done(self, service: ServiceId, schedule: str, slot: datetime, lease: Lease) -> None:
        reply = await self._calls.change("slot_done", service, schedule, _stamp(slot), lease.token)
        if reply.status == "LEASE_LOST":
            raise lease_lost(lease.name)

    async def last_done(self, service: ServiceId, schedule: str) -> datetime | None:
        reply = await self._calls.read("read", service, "HGET", position("slots"), schedule)
        done = reply.values[0]
        return None if done is None else datetime.fromtimestamp(int(done) / 1000, UTC)


def _stamp(slot: datetime) -> int:
    return round(slot.timestamp() * 1000)
