"""The hint of which services may have work, read, refilled, and taken from those that have none."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from lumen.adapters.store.connection import REFUSALS, SILENCE, place, refused, unreachable
from lumen.adapters.store.epoch import time_of
from lumen.adapters.store.hint import ACTIVE, SINCE
from lumen.adapters.store.scripts import Calls, cancellations, script
from lumen.model.messages import StoreUnavailable
from lumen.model.service import ServiceId
from lumen.ports.store import Hinted

#: Longer than any change that was sent before may still run, on a clock that is a little behind.
REFILLED_FOR = timedelta(seconds=10)
#: A score that is further ahead than any change's may be is of a clock that has stepped back since.
STEPPED_MS = 120_000
#: So many are asked at once whether anything stands: the rest of the connections is for clicks.
AT_ONCE = 16


class RedisHint:
    """`lumen.ports.store.Hint`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._calls = Calls(redis)

    async def active(self) -> Hinted:
        async with self._told():
            found: Any = await self._redis.zrange(ACTIVE, 0, -1, withscores=True)
        scores: dict[str, float] = dict(found)
        return Hinted(scores, scores.pop(SINCE, None))

    async def refill(self, services: Sequence[ServiceId]) -> float:
        now = await time_of(self._redis)
        until = round((now + REFILLED_FOR).timestamp() * 1000)
        async with self._told():
            await self._redis.zadd(ACTIVE, {SINCE: round(now.timestamp() * 1000)}, nx=True)
            await self._redis.zadd(ACTIVE, {service.key: until for service in services}, gt=True)
            since = await self._redis.zscore(ACTIVE, SINCE)
        return float(since or 0)

    async def rest(self, seen: Mapping[ServiceId, float], soon: datetime) -> None:
        services, idle = list(seen), list[ServiceId]()
        for at in range(0, len(services), AT_ONCE):
            some = services[at : at + AT_ONCE]
            found = await asyncio.gather(*(self._is_idle(one, seen[one], soon) for one in some), return_exceptions=True)
            for error in found:
                if isinstance(error, BaseException) and not isinstance(error, StoreUnavailable):
                    raise error
            idle += [one for one, is_idle in zip(some, found, strict=True) if is_idle is True]
        if idle:
            pairs = [word for one in idle for word in (one.key, round(seen[one]))]
            async with self._told():
                await self._redis.eval(script("rest", bare=True).text, 1, ACTIVE, *pairs)

    async def _is_idle(self, service: ServiceId, score: float, soon: datetime) -> bool:
        """Whether nothing stands, and no change that was announced can run any more."""
        stands, now = (await self._calls.read("standing", service, soon.isoformat())).values
        return not stands and not int(now) <= score <= int(now) + STEPPED_MS

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        """Turn what the client raises into StoreUnavailable."""
        cancelled_before = cancellations()
        try:
            yield
        except REFUSALS as error:
            raise refused(error, place(self._redis)) from error
        except SILENCE as error:
            raise unreachable(error, place(self._redis)) from error
        if cancellations() > cancelled_before:
            raise asyncio.CancelledError  # the client may lose it on Python 3.11 (scripts.py)
