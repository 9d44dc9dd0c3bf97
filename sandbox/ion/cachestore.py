"""The cache that ION uses: a real Redis or Valkey server, run here as the "Memorystore instance" of the project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio as redis_asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

MB = 2**20
SQUEEZE_PREFIX = "ion:batch:"  # data of a batch job that has no business here
BALLAST_PREFIX = "ion:embedding:"  # other data of the application in the same instance: never expires
_BALLAST_CHUNK = MB


class CacheDown(Exception):
    """The cache did not answer."""


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """INFO, as far as Memorystore turns it into metrics. Counters since the server's start."""

    run_id: str
    hits: int
    misses: int
    evicted: int
    expired: int
    used_bytes: int
    max_bytes: int
    clients: int
    keys: int
    expiring: int  # of them have a TTL
    average_ttl_ms: float


class CacheStore:
    """Pipelined reads and writes of cached answers. Raises CacheDown from every method that speaks to the server."""

    def __init__(self, url: str, prefix: str, answer_bytes: int) -> None:
        """`url` as redis-py takes it (redis://, unix://). Keys stand under `prefix`."""
        self.redis = redis_asyncio.Redis.from_url(
            url, socket_timeout=5.0, socket_connect_timeout=5.0, retry=Retry(NoBackoff(), 0), decode_responses=False
        )
        self._prefix = prefix
        self._admin: redis_asyncio.Redis | None = None
        self._max_clients = 0
        self.answer_bytes = answer_bytes
        self._answer = (b"An answer of ION, long enough to weigh something. " * (answer_bytes // 50 + 1))[:answer_bytes]

    async def look_up(self, keys: Sequence[str], along: Sequence[tuple[Any, ...]] = ()) -> list[bool]:
        """GET each key; whether it was there. What becomes of the commands that go along is nobody's business."""
        pipe = self.redis.pipeline(transaction=False)
        for key in keys:
            pipe.get(self._prefix + key)
        for command in along:
            pipe.execute_command(*command)
        try:
            answers = (await pipe.execute(raise_on_error=False))[: len(keys)]
            if refused := next((answer for answer in answers if isinstance(answer, Exception)), None):
                raise refused
            return [found is not None for found in answers]
        except (RedisError, OSError) as error:
            raise CacheDown(str(error)) from error

    async def keep(self, missed: Sequence[tuple[str, int]], again: Sequence[str]) -> list[bool]:
        """SET what was missed, each with its lifetime in wall ms, then GET `again`; whether those were there."""
        pipe = self.redis.pipeline(transaction=False)
        for key, lifetime_ms in missed:
            pipe.set(self._prefix + key, self._answer, px=lifetime_ms)
        for key in again:
            pipe.get(self._prefix + key)
        try:
            answers = await pipe.execute(raise_on_error=False)  # SET may be refused (OOM); GETs still count
        except (RedisError, OSError) as error:
            raise CacheDown(str(error)) from error
        return [found is not None and not isinstance(found, Exception) for found in answers[len(missed) :]]

    async def info(self) -> CacheInfo:
        """The server's own counters."""
        try:
            raw = await self.redis.info()
        except (RedisError, OSError) as error:
            raise CacheDown(str(error)) from error
        keyspace = raw.get("db0", {})
        return CacheInfo(
            run_id=str(raw.get("run_id", "")),
            hits=int(raw["keyspace_hits"]),
            misses=int(raw["keyspace_misses"]),
            evicted=int(raw["evicted_keys"]),
            expired=int(raw["expired_keys"]),
            used_bytes=int(raw["used_memory"]),
            max_bytes=int(raw.get("maxmemory", 0)),
            clients=int(raw["connected_clients"]),
            keys=int(keyspace.get("keys", 0)),
            expiring=int(keyspace.get("expires", 0)),
            average_ttl_ms=float(keyspace.get("avg_ttl", 0)),
        )

    async def become_instance(self, max_bytes: int) -> None:
        """Give the server the instance's memory limit and Memorystore's default policy, unless it has a limit."""
        try:
            current = await self.redis.config_get("maxmemory")
            if int(current["maxmemory"] or 0) == 0:
                await self.redis.config_set("maxmemory", max_bytes)
                await self.redis.config_set("maxmemory-policy", "volatile-lru")
        except (RedisError, OSError) as error:
            raise CacheDown(str(error)) from error

    async def configure(self, configs: Mapping[str, str]) -> None:
        """Apply Memorystore's configuration; names as there ("maxmemory-gb"). Others are noted and do nothing."""
        if "maxmemory-gb" in configs:
            await self.redis.config_set("maxmemory", round(float(configs["maxmemory-gb"]) * 1024 * MB))
        for name in ("maxmemory-policy", "notify-keyspace-events", "timeout"):
            if name in configs:
                await self.redis.config_set(name, configs[name])

    async def ballast(self, wanted_bytes: int) -> None:
        """Have about so much other data in the instance; made by the server itself, so nothing big is sent."""
        chunks = max(0, round(wanted_bytes / _BALLAST_CHUNK))
        pipe = self.redis.pipeline(transaction=False)
        for chunk in range(chunks):
            pipe.setrange(f"{BALLAST_PREFIX}{chunk:04d}", _BALLAST_CHUNK - 1024, b"\0")
        try:
            await pipe.execute()
        except (RedisError, OSError) as error:
            raise CacheDown(str(error)) from error

    async def squeeze(self, share: float) -> None:
        """Let other data take `share` of the memory limit, so that answers are evicted."""
        info = await self.info()
        others = info.used_bytes - info.expiring * len(self._answer)
        extra = int(info.max_bytes * share) - others
        pipe = self.redis.pipeline(transaction=False)
        for chunk, offset in enumerate(range(0, extra, _BALLAST_CHUNK // 4)):
            size = min(_BALLAST_CHUNK // 4, extra - offset)
            pipe.setrange(f"{SQUEEZE_PREFIX}{chunk:05d}", max(1, size - 256), b"\0")
        await pipe.execute(raise_on_error=False)

    async def release(self) -> None:
        """Take that data away again."""
        keys = [key async for key in self.redis.scan_iter(f"{SQUEEZE_PREFIX}*", count=1000)]
        if keys:
            await self.redis.unlink(*keys)

    async def refuse_clients(self) -> None:
        """Cut everybody off and let nobody in but this one connection, which can undo it."""
        self._admin = self.redis.client()
        await self._admin.ping()
        self._max_clients = int((await self._admin.config_get("maxclients"))["maxclients"] or 0)
        await self._admin.config_set("maxclients", 1)
        for kind in ("normal", "pubsub"):
            await self._admin.client_kill_filter(_type=kind, skipme=True)

    async def admit_clients(self) -> None:
        """The end of that."""
        if self._admin is not None:
            await self._admin.config_set("maxclients", self._max_clients)
            await self._admin.aclose()
            self._admin = None

    async def warm(self, lifetimes_ms: Sequence[tuple[str, int]]) -> None:
        """Put in what a running service would already have cached."""
        pipe = self.redis.pipeline(transaction=False)
        for key, lifetime_ms in lifetimes_ms:
            pipe.set(self._prefix + key, self._answer, px=lifetime_ms, nx=True)
        try:
            await pipe.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise CacheDown(str(error)) from error

    async def stretch(self, factor: float) -> None:
        """Multiply what every cached answer has left to live."""
        try:
            keys = [key async for key in self.redis.scan_iter(f"{self._prefix}*", count=1000)]
            pipe = self.redis.pipeline(transaction=False)
            for key in keys:
                pipe.pttl(key)
            left = await pipe.execute()
            for key, milliseconds in zip(keys, left, strict=True):
                if milliseconds > 0:
                    pipe.pexpire(key, max(1, round(milliseconds * factor)))
            await pipe.execute()
        except (RedisError, OSError) as error:
            raise CacheDown(str(error)) from error

    async def close(self) -> None:
        await self.redis.aclose()
