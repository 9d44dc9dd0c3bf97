"""A cache in Redis that keeps version 2 of the contract with Lumen (docs/ion-contract.md). Copy this one file.

It needs redis-py alone. One `Cache` (or `AsyncCache`) serves one process or thread; it holds no lock.
"""

import hashlib
import math
import os
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

CONFIG, ACK, LOG = "ion:config:cache_ttl_seconds", "ion:ack:cache_ttl_seconds", "ion:accesses"
FIELDS = ("value", "version", "old", "permille", "until", "below")
RECORD, MISS, HIT, WRITE, DELETE, HELD = struct.Struct("<QBB"), 0, 1, 2, 3, 4


class Contract:
    """Notes every access, says which commands are due, and takes the setting from their replies; has no connection."""

    read_seconds, send_seconds, send_bytes = 30.0, 10.0, 5000

    def __init__(self, service: str, secret: bytes, now: Callable[[], float] = time.time) -> None:
        """`secret`: up to 64 bytes, the same in all instances and releases, else keys change their identity."""
        self.service, self.secret, self.now = service, secret, now
        self.default = self.ttl = self.old = int(os.environ.get("DEFAULT_TTL_SECONDS", "300"))
        self.version, self.permille, self.until, self.below = 0, 0, 0, 1 << 32
        self.instance, self.sequence, self.buffer, self.counts = os.urandom(6).hex(), 0, bytearray(), [0, 0, 0, 0]
        self.began, self.read, self.name = 0.0, -math.inf, f"{CONFIG}:{service}"
        self.pending: list[tuple[Any, ...]] = []

    def hash(self, key: bytes) -> int:
        """48 bits; the key itself never leaves the process."""
        return int.from_bytes(hashlib.blake2b(key, digest_size=6, key=self.secret).digest(), "big")

    def held(self, hashed: int) -> bool:
        """Whether the key is written with the old TTL; each version of the setting draws other keys."""
        if not self.permille or self.until <= self.now():
            return False
        return (zlib.crc32(hashed.to_bytes(6, "big"), self.version) & 0xFFFF) * 1000 >> 16 < self.permille

    def note(self, hashed: int, kind: int, size: int = 0, held: bool | None = None) -> None:
        """Note an access after it was made; `held`: of a write, as it was when its TTL was chosen."""
        now = self.now()
        if not any(self.counts):
            self.began = now
        self.counts[kind] += 1  # of all keys, reported or not
        if hashed >> 16 < self.below:
            flag = HELD * (self.held(hashed) if held is None else held)
            at_ms = min(max(int((now - self.began) * 1000), 0), 65535)
            self.buffer += RECORD.pack(hashed << 16 | at_ms, kind | flag, round(8 * math.log2(size + 1)) if size else 0)

    def due(self, *, at_once: bool = False) -> list[tuple[Any, ...]]:
        """Commands to send along with the next one. They are forgotten at once: a batch is never sent twice."""
        now = self.now()
        full = len(self.buffer) >= self.send_bytes or not 0 <= now - self.began < self.send_seconds
        if any(self.counts) and (full or at_once):
            self.seal()
        more, self.pending = self.pending, []
        if not 0 <= now - self.read < self.read_seconds:  # also where the clock was set back
            self.read = now
            more.append(("HMGET", self.name, *FIELDS))
        return more

    def seal(self) -> None:
        """End the batch, for the next command to take along."""
        head = "i", self.instance, "s", self.sequence, "t", int(self.began * 1000), "v", self.version
        batch = *head, "l", self.below, "n", " ".join(map(str, self.counts)), "b", bytes(self.buffer)
        self.pending.append(("XADD", f"{LOG}:{self.service}", "MAXLEN", "~", 1000, "*", *batch))
        self.sequence, self.buffer, self.counts = self.sequence + 1, bytearray(), [0, 0, 0, 0]

    def took(self, replies: Sequence[Any]) -> Any:
        """The reply to the command itself; what became of the others is never in its way."""
        if isinstance(replies[-1], list):
            self.follow([int(x) if x and x.isascii() and x.isdigit() and len(x) < 20 else None for x in replies[-1]])
        if isinstance(replies[0], Exception):
            raise replies[0]
        return replies[0]

    def follow(self, fields: list[int | None]) -> None:
        """Use the setting of this service, else the one that services of version 1 share, else the environment's."""
        if any(self.counts):
            self.seal()  # a batch is of one version
        value, version, old, permille, until, below = fields
        own, valid = self.name != CONFIG, value is not None and 60 <= value <= 3600
        if own:
            self.below = 1 << 32 if below is None else below
        if own and not valid:
            self.name, self.read = CONFIG, -math.inf  # the next command looks there
            return
        self.name = f"{CONFIG}:{self.service}"
        if valid and value:
            self.ttl, self.version, self.permille, self.until = value, version or 0, permille or 0, until or 0
            self.old = old if old and 60 <= old <= 3600 else value
        else:
            self.ttl = self.old = self.default
            self.version = self.permille = self.until = 0
        used = "value", self.ttl, "version", self.version, "contract", 2
        self.pending.append(("HSET", f"{ACK}:{self.service}", *used))


class Cache(Contract):
    """For a redis.Redis: get, set, delete; close at SIGTERM."""

    def __init__(self, redis: Any, service: str, secret: bytes, prefix: bytes = b"ion:cache:") -> None:
        super().__init__(service, secret)
        self.redis, self.prefix = redis, prefix

    def run(self, *command: Any, at_once: bool = False) -> Any:
        """One command; what is due travels with it: no thread, no round trip of its own."""
        more = self.due(at_once=at_once)
        if not more:
            return self.redis.execute_command(*command)
        with self.redis.pipeline(transaction=False) as pipe:
            for each in (command, *more):
                pipe.execute_command(*each)
            return self.took(pipe.execute(raise_on_error=False))

    def get(self, key: bytes) -> Any:
        value = self.run("GET", self.prefix + key)
        self.note(self.hash(self.prefix + key), MISS if value is None else HIT)
        return value

    def set(self, key: bytes, value: bytes) -> None:
        hashed = self.hash(self.prefix + key)
        held = self.held(hashed)
        self.run("SET", self.prefix + key, value, "EX", self.old if held else self.ttl)
        self.note(hashed, WRITE, len(value), held)

    def delete(self, key: bytes) -> None:
        self.run("DEL", self.prefix + key)
        self.note(self.hash(self.prefix + key), DELETE)

    def close(self) -> None:
        self.run("PING", at_once=True)


class AsyncCache(Contract):
    """The same for a redis.asyncio.Redis; one for each event loop."""

    def __init__(self, redis: Any, service: str, secret: bytes, prefix: bytes = b"ion:cache:") -> None:
        super().__init__(service, secret)
        self.redis, self.prefix = redis, prefix

    async def run(self, *command: Any, at_once: bool = False) -> Any:
        """As Cache.run."""
        more = self.due(at_once=at_once)
        if not more:
            return await self.redis.execute_command(*command)
        async with self.redis.pipeline(transaction=False) as pipe:
            for each in (command, *more):
                pipe.execute_command(*each)
            return self.took(await pipe.execute(raise_on_error=False))

    async def get(self, key: bytes) -> Any:
        value = await self.run("GET", self.prefix + key)
        self.note(self.hash(self.prefix + key), MISS if value is None else HIT)
        return value

    async def set(self, key: bytes, value: bytes) -> None:
        hashed = self.hash(self.prefix + key)
        held = self.held(hashed)
        await self.run("SET", self.prefix + key, value, "EX", self.old if held else self.ttl)
        self.note(hashed, WRITE, len(value), held)

    async def delete(self, key: bytes) -> None:
        await self.run("DEL", self.prefix + key)
        self.note(self.hash(self.prefix + key), DELETE)

    async def close(self) -> None:
        await self.run("PING", at_once=True)
