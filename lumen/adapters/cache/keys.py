"""Goes through the service's own keys in bounded, paced batches: to remove them, or to give them another lifetime.

The cache is never harmed by accident: only keys under the prefix are touched, never the keys of the contract;
a batch is one short script; between batches others get their turn. The keys never leave the server, so they need not
be text. Nothing here moves the server's hits and misses: SCAN, UNLINK and PEXPIRE are not counted, PTTL would be (a
hit for each key), so it is not used.
"""

import asyncio
import time
from dataclasses import dataclass

from redis import exceptions
from redis.asyncio import Redis

from lumen.adapters.cache.client import FAILURES, place, refusal
from lumen.adapters.cache.servers import CacheClient, primaries
from lumen.model import ion_contract
from lumen.model.messages import ActuatorFailed, with_remedy
from lumen.ports.actuators import Progress, Swept

#: One batch. ARGV: cursor, MATCH pattern (the prefix as it is, and *), COUNT, deed ("count", "unlink", "LT", "GT"),
#: least ms, span of ms. The new ends are spread over the span, so that the keys do not all end in one moment and call
#: the API at once. LT goes with XX: a key without an expiry keeps none (GT leaves it alone by itself). Everything that
#: need not be done for each key is done before the loop: the loop is what the server's time goes into.
#: Returns {cursor, seen, changed}.
BATCH = """
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local keys, deed, call, changed = found[2], ARGV[4], redis.call, 0
if deed == 'unlink' then
    for at = 1, #keys do changed = changed + call('UNLINK', keys[at]) end
elseif deed ~= 'count' then
    local ends, least, span = {}, tonumber(ARGV[5]), tonumber(ARGV[6])
    for step = 0, 63 do ends[step] = string.format('%d', least + math.floor(span * step / 64)) end
    if deed == 'GT' then
        for at = 1, #keys do changed = changed + call('PEXPIRE', keys[at], ends[at % 64], 'GT') end
    else
        for at = 1, #keys do changed = changed + call('PEXPIRE', keys[at], ends[at % 64], 'XX', 'LT') end
    end
end
return {found[1], #keys, changed}
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """`keys_per_second` on the wall, 0 = as fast as the server answers; a batch holds the server for under 1 ms."""

    batch: int = 500
    keys_per_second: float = 20_000.0


@dataclass(frozen=True, slots=True)
class CacheSweeper:
    """Implements the CacheKeys port for the keys under `prefix`."""

    redis: CacheClient
    prefix: str
    pace: Pace = Pace()

    async def flush(self, progress: Progress, *, dry_run: bool) -> Swept:
        """UNLINK of every key under the prefix. A repeat removes what has been cached since."""
        return await self._sweep("count" if dry_run else "unlink", 0, progress)

    async def retime(self, old_seconds: int, new_seconds: int, progress: Progress, *, dry_run: bool) -> Swept:
        """Shorter: nothing lives longer than `new_seconds` from now. Longer: what was written with `old_seconds` lives
        up to the difference longer, so its whole life is at most `new_seconds`.

        Each expiry only moves in that one direction (LT, GT), so a repeat after a crash is harmless. Needs a server
        that knows these (Redis 7, Valkey); an older one is refused in words.
        """
        shorter = new_seconds < old_seconds
        most_ms = (new_seconds if shorter else new_seconds - old_seconds) * 1000
        direction = "LT" if shorter else "GT"
        return await self._sweep("count" if dry_run or most_ms == 0 else direction, most_ms, progress)

    async def _sweep(self, deed: str, most_ms: int, progress: Progress) -> Swept:
        """One server after the other. A server that fails ends it; a repeat is harmless."""
        self._check_prefix()
        swept = Swept(0, 0)
        try:
            async with primaries(self.redis) as servers:
                for server in servers:
                    swept = await self._sweep_one(server, deed, most_ms, swept, progress)
        except exceptions.ResponseError as error:
            raise self._refused(error) from error
        except FAILURES as error:
            raise refusal(error, self.redis) from error
        return swept

    async def _sweep_one(self, server: Redis, deed: str, most_ms: int, swept: Swept, progress: Progress) -> Swept:
        cursor = "0"
        while True:
            began = time.monotonic()
            cursor, seen, changed = await self._batch(server, cursor, deed, most_ms)
            swept = Swept(swept.seen + seen, swept.changed + changed)
            progress(swept)
            if cursor == "0":
                return swept
            await self._rest(seen, time.monotonic() - began)

    async def _batch(self, server: Redis, cursor: str, deed: str, most_ms: int) -> tuple[str, int, int]:
        least_ms = most_ms // 2
        found = await server.eval(
            BATCH,
            0,
            cursor,
            literal(self.prefix) + "*",
            self.pace.batch,
            deed,
            least_ms,
            most_ms - least_ms,
        )
        return str(found[0]), int(found[1]), int(found[2])

    async def _rest(self, keys: int, took_seconds: float) -> None:
        rate = self.pace.keys_per_second
        # Also unpaced: a cancellation and other tasks get their turn.
        await asyncio.sleep(max(0.0, keys / rate - took_seconds) if rate > 0 else 0)

    def _check_prefix(self) -> None:
        if not self.prefix or ion_contract.is_reached_by(self.prefix):
            raise ActuatorFailed(*with_remedy("actuator.prefix_too_wide", prefix=self.prefix))

    def _refused(self, error: exceptions.ResponseError) -> ActuatorFailed:
        if "unsupported option" in str(error).lower() or "wrong number of arg" in str(error).lower():
            return ActuatorFailed(*with_remedy("actuator.server_too_old", where=place(self.redis)))
        failed = refusal(error, self.redis)
        assert isinstance(failed, ActuatorFailed)
        return failed


def literal(prefix: str) -> str:
    """`prefix` for SCAN's MATCH, where * ? [ ] ^ and \\ mean something else."""
    return "".join(f"\\{sign}" if sign in "*?[]^\\" else sign for sign in prefix)
