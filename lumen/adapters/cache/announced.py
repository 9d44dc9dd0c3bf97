"""Misses that the server announces (`notify-keyspace-events` with E and m), for services that report none.

Names are hashed the moment they come, with a secret of this installation, and are kept nowhere. Pub/Sub delivers at
most once: what is lost while the connection is away shows against the server's own count of misses.
"""

import asyncio
import contextlib
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from lumen.adapters.cache.client import FAILURES
from lumen.adapters.cache.servers import CacheClient, primaries
from lumen.adapters.redis_clients import open_cluster, open_redis
from lumen.model.accesses import HASH_BYTES
from lumen.model.cluster_url import is_cluster
from lumen.ports.clock import Clock

#: What is held of the time between two calls, 16 bytes each; more is dropped, and so counts as lost.
MOST = 60_000
#: On the wall. A connection on which nothing came for so long may be dead, and is opened anew.
QUIET_SECONDS = 600.0


class RedisAnnouncedMisses:
    """Implements the AnnouncedMisses port over connections of its own, which are opened by the first call.

    A node of a cluster announces what it alone missed, so each primary is listened to, or none.
    """

    def __init__(self, url: str, prefix: str, clock: Clock) -> None:
        self._url, self._prefix, self._clock = url, prefix.encode(), clock
        self._listening: asyncio.Task[None] | None = None
        self._hashes, self._times = array("Q"), array("Q")

    def __len__(self) -> int:
        return len(self._times)

    async def heard(self, secret: bytes) -> tuple["array[int]", "array[int]"]:
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen(secret), name="announced misses")
        found = self._hashes, self._times
        self._hashes, self._times = array("Q"), array("Q")
        return found

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None

    async def _listen(self, secret: bytes) -> None:
        """Until one connection is lost; the next call opens all anew."""
        with contextlib.suppress(*FAILURES):
            async with self._servers() as servers:
                listening = [asyncio.create_task(self._listen_to(server, secret)) for server in servers]
                try:
                    await asyncio.wait(listening, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for each in listening:
                        each.cancel()
                    await asyncio.gather(*listening, return_exceptions=True)

    @asynccontextmanager
    async def _servers(self) -> AsyncIterator[Sequence[Redis]]:
        """The other clients decode replies; a name need not be text."""
        options: dict[str, Any] = {"protocol": 2, "driver_info": None, "socket_timeout": QUIET_SECONDS}
        options["retry"] = Retry(NoBackoff(), 0)
        cache: CacheClient = (
            open_cluster(self._url, **options) if is_cluster(self._url) else open_redis(self._url, **options)
        )
        try:
            async with primaries(cache) as servers:
                yield servers
        finally:
            await cache.aclose()

    async def _listen_to(self, server: Redis, secret: bytes) -> None:
        async with server.pubsub(ignore_subscribe_messages=True) as channel:
            database = int(server.connection_pool.connection_kwargs.get("db") or 0)
            await channel.subscribe(f"__keyevent@{database}__:keymiss")
            async for told in channel.listen():
                self._note(told, secret)

    def _note(self, told: dict[str, Any], secret: bytes) -> None:
        name = told["data"]
        if not isinstance(name, bytes) or not name.startswith(self._prefix) or len(self._times) >= MOST:
            return
        hashed = blake2b(name, digest_size=HASH_BYTES, key=secret).digest()
        self._hashes.append(int.from_bytes(hashed, "big"))
        self._times.append(round(self._clock.now().timestamp() * 1000))
