"""Sets `maxmemory` of a self-managed cache server. Gone after its restart: the next turn sees that and says so."""

from dataclasses import dataclass
from datetime import timedelta

from redis import exceptions
from redis.asyncio import Redis

from lumen.adapters.cache.client import FAILURES, needed, place, reading, refusal
from lumen.adapters.checks import check_moved, check_room, would
from lumen.model.messages import ActuatorFailed, Message, with_remedy
from lumen.model.proposal import Change, number
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading

MB = 2**20


@dataclass(frozen=True, slots=True)
class RedisMemoryActuator:
    """Implements the Actuator port; values are MB of 2**20 bytes, 0 = no limit.

    Managed servers block CONFIG: there the refusal says which command of gcloud does it.
    """

    name = "redis_memory"

    redis: Redis

    async def read(self, service: ServiceId) -> Reading:
        """`maxmemory` as INFO tells it. Raises SourceUnavailable."""
        del service
        limit_mb, _ = await self._memory()
        return Reading(limit_mb, "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Compare, CONFIG SET, read back. A repeat finds the value in place.

        The server knows no compare-and-set for its settings: between reading and writing a person could get in.
        Raises ValueMoved, ActuatorFailed (below what is used: that would evict at once; CONFIG blocked),
        SourceUnavailable (call again).
        """
        del proposal_id
        if await self._anything(change, expected):
            try:
                await self.redis.config_set("maxmemory", change.new * MB)
            except exceptions.ResponseError as error:
                raise ActuatorFailed(
                    *with_remedy(
                        "actuator.config_blocked", where=place(self.redis), detail=str(error), wanted_mb=change.new
                    )
                ) from error
            except FAILURES as error:
                raise refusal(error, self.redis) from error
        return await self.read(service)

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return (await self.read(service)).value == wanted.value

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        del service
        return would(place(self.redis), change, anything=await self._anything(change, expected))

    async def lost(self, service: ServiceId, proposal_id: str, applied_ago: timedelta) -> bool:
        """The server has been restarted since: what CONFIG SET says does not outlive that."""
        del service, proposal_id
        with reading(self.redis):
            info = await self.redis.info("server")
        return timedelta(seconds=needed(info, "uptime_in_seconds", place(self.redis))) < applied_ago

    async def _anything(self, change: Change, expected: Reading) -> bool:
        present_mb, used_mb = await self._memory()
        check_moved(present_mb, change, expected)
        check_room(number(change.new), used_mb)
        return present_mb != change.new

    async def _memory(self) -> tuple[int, float]:
        with reading(self.redis):
            info = await self.redis.info("memory")
        where = place(self.redis)
        return round(needed(info, "maxmemory", where) / MB), needed(info, "used_memory", where) / MB
