"""ION's side of version 2 of the contract (docs/ion-contract.md): a setting of the service's own, and reports.

The client that services copy does the work; here it lives on the sandbox's clock, and reads when it is told to.
"""

import logging
import math
from collections.abc import Callable

import redis.asyncio as redis_asyncio
from redis.exceptions import RedisError

from sandbox.ion.ion_cache import CONFIG, HIT, MISS, WRITE, Contract
from sandbox.ion.ttlsetting import TtlSetting

SECRET = b"the same in all instances and releases of this service"

_log = logging.getLogger("sandbox.ion")


class Reporter(Contract):
    """Notes accesses at the time at which Redis was really asked: keys expire by that, however requests are spread."""

    def __init__(self, service: str, clock: Callable[[], float]) -> None:
        super().__init__(service, SECRET, clock)

    def lifetime(self, key: str, seconds: int) -> tuple[int, bool]:
        """The TTL to write a key with where others get `seconds`, and whether it is held back."""
        held = self.held(self.hash(key.encode()))
        return (self.old, True) if held else (seconds, False)

    def looked_up(self, key: str, *, hit: bool, written: tuple[int, bool] | None) -> None:
        """Note a lookup, and the write (bytes, held back) that followed its miss."""
        if any(self.counts) and not 0 <= self.now() - self.began < self.send_seconds:
            self.seal()
        hashed = self.hash(key.encode())
        self.note(hashed, HIT if hit else MISS)
        if written is not None:
            self.note(hashed, WRITE, *written)


class OwnTtlSetting(TtlSetting):
    """The setting of one service, read and acknowledged by its client; the shared one holds while it has none."""

    def __init__(
        self,
        redis: redis_asyncio.Redis,
        wall_seconds: Callable[[float], float],
        clock: Callable[[], float],
        service: str,
    ) -> None:
        super().__init__(redis, wall_seconds)
        self.reporter = Reporter(service, clock)
        self.channels = (f"{CONFIG}:{service}", CONFIG)
        #: The TTL of the environment of the revision that serves.
        self.default: Callable[[], int] = lambda: 300

    async def read(self) -> None:
        """Its own setting, the shared one where it has none, and the acknowledgement; reports travel along."""
        if not self.following:
            return
        client = self.reporter
        client.default, client.read = self.default(), -math.inf
        try:
            while more := client.due():
                async with self._redis.pipeline(transaction=False) as pipe:
                    for each in (("PING",), *more):
                        pipe.execute_command(*each)
                    client.took(await pipe.execute(raise_on_error=False))
        except (RedisError, OSError) as error:
            _log.info("the TTL setting cannot be read: %s", error)
            return  # what was read last stays in force
        self.value = client.ttl if client.version else None
        self.version = str(client.version)
