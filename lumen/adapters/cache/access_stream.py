"""The stream of accesses that a service of version 2 reports (docs/ion-contract.md, The stream)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.client import NEVER_DECODE

from lumen.adapters.cache.client import OwnReads, reading
from lumen.adapters.cache.servers import CacheClient
from lumen.model import ion_contract
from lumen.model.accesses import ALL_KEYS, Batch, Malformed, batch_or_fault
from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True, eq=False)
class RedisAccessStream:
    """Implements the AccessStream port. The last entry that was read stays in the stream, so that it is known again."""

    redis: CacheClient
    reads: OwnReads = field(default_factory=OwnReads)
    #: Services that have been seen to speak version 2.
    _speaks: set[ServiceId] = field(default_factory=set)

    async def read(self, service: ServiceId, after: str, limit: int) -> Sequence[tuple[str, Batch | Malformed]]:
        key = ion_contract.own(ion_contract.ACCESSES_KEY, service.name)
        with reading(self.redis):
            if not await self._is_reported(service):
                return []
            entries = await self._range(key, after or "-", limit + 1)
            if after and not entries:
                # It began anew, and its server's clock may have been set back: all of it is new.
                after, entries = "", await self._range(key, "-", limit + 1)
        return [(name, batch_or_fault(fields)) for name, fields in entries if name != after][:limit]

    async def trim(self, service: ServiceId, upto: str) -> None:
        with reading(self.redis):
            await self.redis.xtrim(
                ion_contract.own(ion_contract.ACCESSES_KEY, service.name), minid=upto, approximate=False
            )

    async def thin(self, service: ServiceId, below: int) -> None:
        key = ion_contract.own(ion_contract.CONFIG_KEY, service.name)
        with reading(self.redis):
            if below < ALL_KEYS:
                await self.redis.hset(key, "below", str(below))
            else:
                await self.redis.hdel(key, "below")

    async def _is_reported(self, service: ServiceId) -> bool:
        if service in self._speaks:
            return True
        told = await self.redis.hget(ion_contract.own(ion_contract.ACK_KEY, service.name), "contract")
        self.reads.add(told)
        if told == "2":
            self._speaks.add(service)
        return told == "2"

    async def _range(self, key: str, first: str, limit: int) -> list[tuple[str, Mapping[bytes, bytes]]]:
        client: Any = self.redis
        entries = await client.execute_command("XRANGE", key, first, "+", "COUNT", limit, **{NEVER_DECODE: []})
        self.reads.add(entries)
        return [(name.decode(), fields) for name, fields in entries]
