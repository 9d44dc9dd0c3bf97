"""What may be asked of Cloud Monitoring in a minute: one count a project, from which every process takes portions."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.node import Node, reached
from lumen.adapters.store.scripts import script
from lumen.model.messages import SourceUnavailable, StoreUnavailable, with_remedy
from lumen.ports.clock import Clock
from lumen.ports.sources import Asking, Urgency

#: Google's own limit: time series queries a minute and project.
QUERIES_A_MINUTE = 6000
#: Taken at once: this part of the limit. So round trips to the store do not grow with queries.
PORTION = 1 / 120
#: How much of a minute each may use up. What is asked near its end counts in the next one, and people look at
#: dashboards, so that nobody uses all of it; the more urgent always find room that the others leave.
SHARES = {Urgency.LOOK: 0.95, Urgency.TURN: 0.8, Urgency.PAST: 0.5}
MINUTE = timedelta(minutes=1)
#: A look has five minutes.
LONGEST_WAIT = timedelta(minutes=3)
#: On the wall; of counts that nobody asks for any more.
KEPT_SECONDS = 600


@dataclass(slots=True)
class _Portion:
    """What this process may still ask in a minute."""

    minute: int = -1
    left: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RedisQueryBudget:
    """`lumen.ports.sources.QueryBudget`. While the store does not answer, a process asks as if it were alone."""

    def __init__(self, redis: StoreClient, clock: Clock, limit: int = QUERIES_A_MINUTE) -> None:
        self._redis, self._clock, self._limit = redis, clock, limit
        self._portions = defaultdict[tuple[str, Urgency], _Portion](_Portion)

    async def take(self, asking: Asking) -> None:
        latest = self._clock.now() + LONGEST_WAIT
        while not await self._given(asking):
            if self._clock.now() + self._rest_of_minute() > latest:
                raise self._no_room(asking)
            await self._clock.sleep(self._rest_of_minute().total_seconds())

    async def pause(self, delay_seconds: float | None) -> bool:
        delay = self._rest_of_minute() if delay_seconds is None else timedelta(seconds=delay_seconds)
        if delay > LONGEST_WAIT:
            return False
        await self._clock.sleep(delay.total_seconds())
        return True

    def _no_room(self, asking: Asking) -> SourceUnavailable:
        what, where, minutes = asking.metric, asking.project, round(LONGEST_WAIT / MINUTE)
        told = with_remedy("source.queries_used", what=what, where=where, limit=self._limit, minutes=minutes)
        return SourceUnavailable(*told)

    async def _given(self, asking: Asking) -> bool:
        portion = self._portions[asking.project, asking.urgency]
        async with portion.lock:
            minute = self._minute()
            if portion.minute != minute or not portion.left:
                portion.left = await self._portion(asking, minute)
                portion.minute = minute
            if not portion.left:
                return False
            portion.left -= 1
            return True

    async def _portion(self, asking: Asking, minute: int) -> int:
        wanted, most = max(1, round(PORTION * self._limit)), int(SHARES[asking.urgency] * self._limit)
        key = f"lumen:queries:{{{asking.project}}}:{minute}"
        try:
            return await self._redis.at(key, partial(_take, key, wanted, most))
        except StoreUnavailable:
            return wanted

    def _minute(self) -> int:
        return int(self._clock.now().timestamp() // MINUTE.total_seconds())

    def _rest_of_minute(self) -> timedelta:
        """A little more, so that the next one has begun."""
        return timedelta(seconds=60.05 - self._clock.now().timestamp() % 60)


async def _take(key: str, wanted: int, most: int, node: Node) -> int:
    with reached(node):
        given = await node.redis.eval(script("queries_take", bare=True).text, 1, key, wanted, most, KEPT_SECONDS)
        return int(given)
