"""ION's side of the TTL contract (docs/ion-contract.md): read, check, follow, acknowledge."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import redis.asyncio as redis_asyncio
from redis.exceptions import RedisError

CONFIG_KEY = "ion:config:cache_ttl_seconds"  # a hash {value, version}, announced on a channel of the same name
ACK_KEY = "ion:ack:cache_ttl_seconds"
MIN_SECONDS = 60
MAX_SECONDS = 3600
LONGEST_WAIT_SECONDS = 2.0  # of the wall
POLL_SECONDS = 28.0  # of service time; the contract asks for at least each 30 s

_log = logging.getLogger("sandbox.ion")


class TtlSetting:
    """The setting that the service follows. `value` None: none that is valid, the environment's default holds."""

    def __init__(self, redis: redis_asyncio.Redis, wall_seconds: Callable[[float], float]) -> None:
        """`wall_seconds` turns a duration of service time into one of the wall."""
        self._redis = redis
        self._wall_seconds = wall_seconds
        self.value: int | None = None
        self.version = ""
        self.following = True
        self.channels: tuple[str, ...] = (CONFIG_KEY,)

    async def read(self) -> None:
        """Look at the setting once and acknowledge it. Does nothing while told not to follow."""
        if not self.following:
            return
        try:
            value, version = await self._redis.hmget(CONFIG_KEY, "value", "version")
        except (RedisError, OSError) as error:
            _log.info("the TTL setting cannot be read: %s", error)
            return  # what was read last stays in force
        self.value = checked(value)
        self.version = version.decode() if isinstance(version, bytes) else version or "0"
        if self.value is not None:
            await self._acknowledge()  # every time: a write is no lookup, and what was flushed away comes back

    async def _acknowledge(self) -> None:
        try:
            await self._redis.hset(ACK_KEY, mapping={"value": str(self.value), "version": self.version})
        except (RedisError, OSError) as error:
            _log.info("the TTL setting cannot be acknowledged: %s", error)

    async def follow(self) -> None:
        """Read on every announcement, and each POLL_SECONDS of service time; for ever."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                _log.info("the announcements of the TTL setting cannot be heard: %s", error)
                await asyncio.sleep(min(2.0, self._pause()))
                await self.read()

    def _pause(self) -> float:
        # The floor keeps a fast clock from polling without end. Each look at a setting that nobody made is a miss in
        # the server's counters, so looking more often than the contract asks for would lower the hit rate.
        return max(0.1, self._wall_seconds(POLL_SECONDS))

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(*self.channels)
            while True:
                await self.read()
                await self._announced(channel)

    async def _announced(self, channel: Any) -> None:
        """Until an announcement, or until it is time to look anyway; the clock's pace may change meanwhile."""
        waited = 0.0
        while (left := self._pause() - waited) > 0:
            step = min(LONGEST_WAIT_SECONDS, left)
            if await channel.get_message(timeout=step) is not None:
                return
            waited += step


def checked(value: bytes | str | None) -> int | None:
    """The value as the service takes it; None for anything that is not a whole number from 60 to 3600."""
    try:
        seconds = int(value or b"")
    except ValueError:
        return None
    return seconds if MIN_SECONDS <= seconds <= MAX_SECONDS else None


def default_ttl(environment: dict[str, str]) -> int:
    """A revision's DEFAULT_TTL_SECONDS, or 300 where it has none that is valid."""
    return checked(environment.get("DEFAULT_TTL_SECONDS", "").encode()) or 300
