"""Goes through the service's own keys in bounded, paced batches: to remove them, or to give them another lifetime.

The cache is never harmed by accident: only keys under the prefix are touched, never the two hashes of the contract;
a batch is one short command of the server; between batches others get their turn. Nothing here moves the server's
hits and misses: SCAN, UNLINK and EXPIRE are not counted, PTTL would be (a hit for each key), so it is not used.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import exceptions
from redis.asyncio import Redis
from redis.client import NEVER_DECODE

from lumen.model import ion
from lumen.model.errors import ActuatorFailed
from lumen.model.message import message
from lumen.ports.actuators import Progress, Swept
from lumen.vendors.redis_errors import FAILURES, place, refusal

#: KEYS = a batch; ARGV: least ms, span of ms, "LT" or "GT". Expiries are spread over the span, so that the keys do not
#: all end in one moment and call the API at once. XX: a key without an expiry keeps none. Returns how many changed.
RETIME = """
local changed = 0
for at, key in ipairs(KEYS) do
    local ms = tonumber(ARGV[1]) + (at * 7919 + tonumber(ARGV[4])) % tonumber(ARGV[2])
    changed = changed + redis.call('PEXPIRE', key, ms, 'XX', ARGV[3])
end
return changed
"""

_OWN = (ion.CONFIG_KEY.encode(), ion.ACK_KEY.encode())


@dataclass(frozen=True, slots=True)
class Pace:
    """`keys_per_second` on the wall, 0 = as fast as the server answers; a batch holds the server for under 1 ms."""

    batch: int = 500
    keys_per_second: float = 20_000.0


class CacheSweeper:
    """Implements the CacheKeys port for the keys under `prefix`."""

    def __init__(self, redis: "Redis", prefix: str, pace: Pace | None = None) -> None:
        self._redis = redis
        self._prefix = prefix
        self._pace = pace or Pace()
        self._where = place(redis)

    async def flush(self, progress: Progress, *, dry_run: bool) -> Swept:
        """UNLINK of every key under the prefix. A repeat removes what has been cached since."""

        async def unlink(keys: Sequence[bytes], _batch: int) -> int:
            return int(await self._redis.unlink(*keys))

        return await self._sweep(None if dry_run else unlink, progress)

    async def retime(self, old_seconds: int, new_seconds: int, progress: Progress, *, dry_run: bool) -> Swept:
        """Shorter: nothing lives longer than `new_seconds` from now. Longer: what was written with `old_seconds` lives
        up to the difference longer, so its whole life is at most `new_seconds`.

        Each expiry only moves in that one direction (LT, GT), so a repeat after a crash is harmless. Needs a server
        that knows these (Redis 7, Valkey); an older one is refused in words.
        """
        shorter = new_seconds < old_seconds
        most_ms = (new_seconds if shorter else new_seconds - old_seconds) * 1000
        direction = "LT" if shorter else "GT"

        async def move(keys: Sequence[bytes], batch: int) -> int:
            least_ms = most_ms // 2
            arguments = (least_ms, max(1, most_ms - least_ms), direction, batch * 104729)
            return int(await self._redis.eval(RETIME, len(keys), *keys, *arguments))

        return await self._sweep(None if dry_run or most_ms == 0 else move, progress)

    async def _sweep(self, deed: Callable[[Sequence[bytes], int], Awaitable[int]] | None, progress: Progress) -> Swept:
        self._check_prefix()
        seen = changed = batch = 0
        try:
            async for keys in self._batches():
                began = time.monotonic()
                seen += len(keys)
                batch += 1
                if deed is not None and keys:
                    changed += await deed(keys, batch)
                progress(Swept(seen, changed))
                await self._rest(len(keys), time.monotonic() - began)
        except exceptions.ResponseError as error:
            raise self._refused(error) from error
        except FAILURES as error:
            raise refusal(error, self._where) from error
        return Swept(seen, changed)

    async def _batches(self) -> AsyncIterator[Sequence[bytes]]:
        """Raw keys: a cache's keys need not be text."""
        prefix, cursor = self._prefix.encode(), 0
        client: Any = self._redis  # this method carries no types
        while True:
            found = await client.execute_command(
                "SCAN", cursor, "MATCH", _literal(prefix) + b"*", "COUNT", self._pace.batch, **{NEVER_DECODE: []}
            )
            cursor = int(found[0])
            yield [key for key in found[1] if key.startswith(prefix) and key not in _OWN]
            if cursor == 0:
                return

    async def _rest(self, keys: int, took_seconds: float) -> None:
        rate = self._pace.keys_per_second
        # Also unpaced: a cancellation and other tasks get their turn.
        await asyncio.sleep(max(0.0, keys / rate - took_seconds) if rate > 0 else 0)

    def _check_prefix(self) -> None:
        if not self._prefix or any(key.startswith(self._prefix.encode()) for key in _OWN):
            raise ActuatorFailed(
                message("actuator.prefix_too_wide", prefix=self._prefix),
                message("actuator.prefix_too_wide_remedy"),
            )

    def _refused(self, error: exceptions.ResponseError) -> ActuatorFailed:
        if "unsupported option" in str(error).lower() or "wrong number of arg" in str(error).lower():
            return ActuatorFailed(
                message("actuator.server_too_old", where=self._where), message("actuator.server_too_old_remedy")
            )
        failed = refusal(error, self._where)
        assert isinstance(failed, ActuatorFailed)
        return failed


def _literal(prefix: bytes) -> bytes:
    """`prefix` for SCAN's MATCH, where * ? [ ] and \\ mean something else."""
    return b"".join(b"\\" + bytes((c,)) if c in b"*?[]^\\" else bytes((c,)) for c in prefix)
