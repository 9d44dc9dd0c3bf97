"""The hint of which services may have work, read, refilled, and taken from those that have none."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.hint import SINCE, hint_of, hints_of
from lumen.adapters.store.node import Node, of_each, reached
from lumen.adapters.store.scripts import Calls, script
from lumen.model.messages import Message, StoreUnavailable
from lumen.model.service import ServiceId
from lumen.ports.store import Hinted

#: Longer than any change that was sent before may still run, on a clock that is a little behind.
REFILLED_FOR = timedelta(seconds=10)
#: A score that is further ahead than any change's may be is of a clock that has stepped back since.
STEPPED_MS = 120_000
#: So many are asked at once whether anything stands: the rest of the connections is for clicks.
AT_ONCE = 16


class RedisHint:
    """`lumen.ports.store.Hint`. Of a cluster's node that does not answer nothing is told: nor could its services be."""

    def __init__(self, redis: StoreClient) -> None:
        self._redis = redis
        self._calls = Calls(redis)

    async def active(self) -> Hinted:
        found = await of_each(hints_of(self._redis), lambda hint: self._redis.at(hint, partial(_scores, hint)))
        sets = [each for each in found if not isinstance(each, Message)]
        sinces = [each.pop(SINCE, None) for each in sets]
        known = [since for since in sinces if since is not None]
        scores = {key: score for each in sets for key, score in each.items()}
        return Hinted(scores, sum(known) if len(known) == len(sinces) else None)

    async def refill(self, services: Sequence[ServiceId]) -> float:
        of = {
            hint: [one.key for one in services if hint_of(self._redis, one) == hint] for hint in hints_of(self._redis)
        }
        found = await of_each(list(of), lambda hint: self._redis.at(hint, partial(_refill, hint, of[hint])))
        return sum(since for since in found if not isinstance(since, Message))

    async def rest(self, seen: Mapping[ServiceId, float], soon: datetime) -> None:
        services, idle = list(seen), dict[str, list[ServiceId]]()
        for at in range(0, len(services), AT_ONCE):
            some = services[at : at + AT_ONCE]
            found = await asyncio.gather(*(self._is_idle(one, seen[one], soon) for one in some), return_exceptions=True)
            for error in found:
                if isinstance(error, BaseException) and not isinstance(error, StoreUnavailable):
                    raise error
            for one, is_idle in zip(some, found, strict=True):
                if is_idle is True:
                    idle.setdefault(hint_of(self._redis, one), []).append(one)
        for hint, resting in idle.items():
            pairs = [word for one in resting for word in (one.key, round(seen[one]))]
            await self._redis.at(hint, partial(_rest, hint, pairs))

    async def _is_idle(self, service: ServiceId, score: float, soon: datetime) -> bool:
        """Whether nothing stands, and no change that was announced can run any more."""
        stands, now = (await self._calls.read("standing", service, soon.isoformat())).values
        return not stands and not int(now) <= score <= int(now) + STEPPED_MS


async def _scores(hint: str, node: Node) -> dict[str, float]:
    client: Any = node.redis  # this method's types are those of several protocols
    with reached(node):
        return dict(await client.zrange(hint, 0, -1, withscores=True))


async def _refill(hint: str, keys: Sequence[str], node: Node) -> float:
    """The filling that the set has begun with."""
    with reached(node):
        seconds, microseconds = await node.redis.time()
        now_ms = seconds * 1000 + microseconds // 1000
        until = now_ms + round(REFILLED_FOR / timedelta(milliseconds=1))
        await node.redis.zadd(hint, {SINCE: now_ms}, nx=True)
        if keys:
            await node.redis.zadd(hint, dict.fromkeys(keys, until), gt=True)
        return float(await node.redis.zscore(hint, SINCE) or 0)


async def _rest(hint: str, pairs: Sequence[str | int], node: Node) -> None:
    with reached(node):
        await node.redis.eval(script("rest", bare=True).text, 1, hint, *map(str, pairs))
