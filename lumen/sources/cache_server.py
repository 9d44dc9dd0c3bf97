"""What kind of server the cache is, for `lumen doctor`: asked with INFO, since managed servers block CONFIG."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from lumen.model.errors import SourceUnavailable
from lumen.model.nodata import NoData
from lumen.vendors.google_errors import no_data
from lumen.vendors.redis_errors import place, reading

MB = 2**20


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`run_id` tells two servers apart, whatever addresses they have; `max_mb` 0: no limit; `policy` may be ""."""

    where: str
    run_id: str
    version: str
    policy: str
    max_mb: float
    is_replica: bool


class CacheServer:
    """Looks at a server without changing anything."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._where = place(redis)

    async def facts(self) -> ServerFacts | NoData:
        """Two INFO calls; also tries whether scripts are allowed, for the TTL is set by one."""
        try:
            with reading(self._where):
                info: dict[str, Any] = {}
                for section in ("server", "memory", "replication"):
                    info |= await self._redis.info(section)
                await self._redis.eval("return 1", 0)
        except SourceUnavailable as error:
            return no_data(error, unreachable=True)
        return ServerFacts(
            where=self._where,
            run_id=str(info.get("run_id", "")),
            version=str(info.get("valkey_version") or info.get("redis_version") or "?"),
            policy=str(info.get("maxmemory_policy", "")),
            max_mb=int(info.get("maxmemory", 0)) / MB,
            is_replica=info.get("role") in ("slave", "replica"),
        )
