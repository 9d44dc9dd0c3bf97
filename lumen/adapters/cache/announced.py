"""Misses that the server announces (`notify-keyspace-events` with E and m), for services that report none.

Names are hashed the moment they come, with a secret of this installation, and are kept nowhere. Pub/Sub delivers at
most once: what is lost while the connection is away shows against the server's own count of misses.
"""

import asyncio
import contextlib
from array import array
from functools import partial
from hashlib import blake2b
from typing import Any

from redis.asyncio import Redis

from lumen.adapters.cache.client import FAILURES
from lumen.model.accesses import HASH_BYTES
from lumen.ports.clock import Clock

#: What is held of the time between two calls, 16 bytes each; more is dropped, and so counts as lost.
MOST = 60_000
#: On the wall. A connection on which nothing came for so long may be dead, and is opened anew.
QUIET_SECONDS = 600.0


class RedisAnnouncedMisses:
    """Implements the AnnouncedMisses port over a connection of its own, which is opened by the first call."""

    def __init__(self, url: str, prefix: str, clock: Clock) -> None:
        self._prefix, self._clock = prefix.encode(), clock
        # The other clients decode replies; a name need not be text.
        self._open = partial(Redis.from_url, url, protocol=2, driver_info=None, socket_timeout=QUIET_SECONDS)
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
        """Until the connection is lost; the next call opens another one."""
        with contextlib.suppress(*FAILURES):
            async with self._open() as redis, redis.pubsub(ignore_subscribe_messages=True) as channel:
                database = int(redis.connection_pool.connection_kwargs.get("db") or 0)
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
