"""Sets `maxmemory` of a self-managed cache, evenly on all servers of a cluster.

Gone after a restart: the next turn sees that and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from redis import exceptions
from redis.asyncio import Redis

from lumen.adapters.cache.client import FAILURES, needed, place, reading, refusal
from lumen.adapters.cache.servers import CacheClient, all_servers, primaries
from lumen.adapters.checks import check_moved, check_room, would
from lumen.model.messages import ActuatorFailed, Message, with_remedy
from lumen.model.proposal import Change, number
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading

MB = 2**20


@dataclass(frozen=True, slots=True)
class _Memory:
    """Of one server, in bytes."""

    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class RedisMemoryActuator:
    """Implements the Actuator port; values are MB of 2**20 bytes of all primaries together, 0 = no limit.

    Managed servers block CONFIG: there the refusal says which command of gcloud does it.
    """

    name = "redis_memory"

    redis: CacheClient

    async def read(self, service: ServiceId) -> Reading:
        """`maxmemory` as INFO tells it. Raises SourceUnavailable."""
        del service
        return Reading(_limit_mb(await self._memory()), "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Compare, CONFIG SET, read back. A repeat finds the value in place, on some servers or on all.

        A replica is given the same limit, for it may become a primary. The server knows no compare-and-set for its
        settings: between reading and writing a person could get in. Raises ValueMoved, ActuatorFailed (below what is
        used: that would evict at once; CONFIG blocked), SourceUnavailable (call again).
        """
        del proposal_id
        if await self._anything(change, expected):
            share = _share(number(change.new), len(await self._memory()))
            try:
                async with all_servers(self.redis) as servers:
                    for server in servers:
                        await self._limit(server, share, change)
            except FAILURES as error:
                raise refusal(error, self.redis) from error
        return await self.read(service)

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return (await self.read(service)).value == wanted.value

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        del service
        return would(place(self.redis), change, anything=await self._anything(change, expected))

    async def lost(self, service: ServiceId, proposal_id: str, applied_ago: timedelta) -> bool:
        """A server has been restarted since: what CONFIG SET says does not outlive that. Or one that was away when the
        limit was set has become a primary, and has another limit than the rest."""
        del service, proposal_id
        if len({one.limit for one in await self._memory()}) > 1:
            return True
        with reading(self.redis):
            async with primaries(self.redis) as servers:
                told = [await server.info("server") for server in servers]
        up = [timedelta(seconds=needed(info, "uptime_in_seconds", place(self.redis))) for info in told]
        return min(up) < applied_ago

    async def _limit(self, server: Redis, share: int, change: Change) -> None:
        try:
            await server.config_set("maxmemory", share)
        except exceptions.ResponseError as error:
            raise ActuatorFailed(
                *with_remedy("actuator.config_blocked", where=place(server), detail=str(error), wanted_mb=change.new)
            ) from error

    async def _anything(self, change: Change, expected: Reading) -> bool:
        """Some servers may have the new limit already, of an earlier try: that is no value that others have set."""
        memory = await self._memory()
        count, present_mb = len(memory), _limit_mb(memory)
        old, new = (_share(number(of), count) for of in (expected.value, change.new))
        is_begun = count > 1 and {one.limit for one in memory} == {old, new}
        check_moved(number(expected.value) if is_begun else present_mb, change, expected)
        check_room(number(change.new), max(one.used for one in memory) * count / MB)
        return is_begun or present_mb != change.new

    async def _memory(self) -> Sequence[_Memory]:
        """Raises SourceUnavailable where one server does not tell."""
        with reading(self.redis):
            async with primaries(self.redis) as servers:
                told = [(await server.info("memory"), place(server)) for server in servers]
        return [_Memory(needed(info, "maxmemory", at), needed(info, "used_memory", at)) for info, at in told]


def _limit_mb(memory: Sequence[_Memory]) -> int:
    """Of all together; 0 where one has none."""
    limits = [one.limit for one in memory]
    return 0 if 0 in limits else round(sum(limits) / MB)


def _share(size_mb: float, count: int) -> int:
    """Bytes of each of `count` servers."""
    return round(size_mb * MB) // count
