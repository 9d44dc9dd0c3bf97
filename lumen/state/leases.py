"""Leases with fencing tokens (docs/adr/0006)."""

from datetime import timedelta

from redis.asyncio import Redis

from lumen.model.errors import LeaseLost
from lumen.model.message import message
from lumen.model.service import ServiceId
from lumen.ports.state import Lease
from lumen.state.calls import Calls


def milliseconds(duration: timedelta) -> int:
    """Of the wall; at least one, so that nothing is taken for "no limit"."""
    return max(1, round(duration.total_seconds() * 1000))


def lease_lost(name: str) -> LeaseLost:
    """Somebody else holds it by now, or nobody."""
    return LeaseLost(message("state.lease_lost", name=name), message("state.lease_lost_remedy"))


class RedisLeases:
    """`lumen.ports.state.Leases`; durations are on the wall."""

    def __init__(self, redis: Redis) -> None:
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
