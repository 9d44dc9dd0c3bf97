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
from lumen.ports.hint import Hinted, Waiting

#: Longer than any change that was sent before may still run, on a clock that is a little behind.
REFILLED_FOR = timedelta(seconds=10)
#: A score that is further ahead than any change's may be is of a clock that has stepped back since.
STEPPED_MS = 120_000
#: So many are asked at once whether anything stands: the rest of the connections is for clicks.
AT_ONCE = 16


class RedisHint:
    """`lumen.ports.hint.Hint`. Of a cluster's node that does not answer nothing is told: nor could its services be."""

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

    async def rest(self, seen: Mapping[ServiceId, float], soon: datetime) -> Mapping[ServiceId, Sequence[Waiting]]:
        services, idle = list(seen), dict[str, list[ServiceId]]()
        waiting: dict[ServiceId, Sequence[Waiting]] = {}
        for at in range(0, len(services), AT_ONCE):
            some = services[at : at + AT_ONCE]
            found = await asyncio.gather(*(self._waits(one, seen[one], soon) for one in some), return_exceptions=True)
            for error in found:
                if isinstance(error, BaseException) and not isinstance(error, StoreUnavailable):
                    raise error
            for one, waits in zip(some, found, strict=True):
                if waits is None or isinstance(waits, BaseException):
                    continue
                if waits:
                    waiting[one] = waits
                else:
                    idle.setdefault(hint_of(self._redis, one), []).append(one)
        for hint, resting in idle.items():
            pairs = [word for one in resting for word in (one.key, round(seen[one]))]
            await self._redis.at(hint, partial(_rest, hint, pairs))
        return waiting

    async def _waits(self, service: ServiceId, score: float, soon: datetime) -> Sequence[Waiting] | None:
        """What waits; None where something else stands, or a change that was announced can still run."""
        stands, now, rows = (await self._calls.read("standing", service, soon.isoformat())).values
        if stands or int(now) <= score <= int(now) + STEPPED_MS:
            return None
        return [_waiting(*rows[at : at + 4], now_ms=int(now)) for at in range(0, len(rows), 4)]


def _waiting(created_at: str, expires_at: str, deadline: str, reminded: str, *, now_ms: int) -> Waiting:
    created, expires = datetime.fromisoformat(created_at), datetime.fromisoformat(expires_at)
    return Waiting(created, expires, timedelta(milliseconds=int(deadline) - now_ms), reminded == "1")


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
