"""Google's quota of queries, shared over replicas: with the sandbox's Google, counting by minutes of service time."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from demo.world import World
from lumen.adapters.clock import ScaledClock
from lumen.adapters.google.clients import Patience, open_google
from lumen.adapters.google.monitoring_query import REQUESTS, MonitoringQueries, by_service
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.queries import RedisQueryBudget
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.ports.clock import Clock
from lumen.use_cases.collect import window_before
from sandbox.client import SandboxClient
from tests.service_time import began

LIMIT = 40


class Counting(RedisQueryBudget):
    """Notes how often Google said that the quota is used up."""

    refusals = 0

    async def pause(self, delay_seconds: float | None) -> bool:
        self.refusals += 1
        assert delay_seconds is not None and 0 <= delay_seconds <= 60
        return await super().pause(delay_seconds)


class Replica:
    """A process with clients of its own."""

    def __init__(self, world: World, clock: Clock, limit: int) -> None:
        self._world, self._clock = world, clock
        self._store = open_store(world.state.url)
        self.budget = Counting(self._store, clock, limit)

    async def look(self, times: int) -> int:
        """The looks that came to an answer, one after another."""
        of, found = self._world.addresses, 0
        google, service = await open_google(of.gcp_endpoint), ServiceId(of.project, of.region, of.service)
        queries = MonitoringQueries(google.metrics, of.project, Patience(5, 0), self.budget)
        window = window_before(began(self._clock.now()), timedelta(hours=1))
        try:
            for _ in range(times):
                found += bool(await queries.series(by_service(REQUESTS, [service], SLICE), window))
        finally:
            await google.close()
        return found

    async def close(self) -> None:
        await self._store.aclose()


@pytest.fixture
def clock(sandbox_world: World) -> ScaledClock:
    return ScaledClock(sandbox_world.clock.scale, datetime.fromisoformat(sandbox_world.clock.origin))


async def replicas(world: World, clock: Clock, limit: int) -> Sequence[Replica]:
    return [Replica(world, clock, limit) for _ in range(2)]


async def test_two_replicas_never_exceed_the_quota_and_lose_no_look(
    sandbox_world: World, sandbox: SandboxClient, clock: ScaledClock
) -> None:
    await sandbox.post("world/quota", limits={"MetricService/List*": LIMIT})
    both = await replicas(sandbox_world, clock, LIMIT)
    assert await asyncio.gather(*(one.look(LIMIT) for one in both)) == [LIMIT, LIMIT]
    assert [one.budget.refusals for one in both] == [0, 0]
    await asyncio.gather(*(one.close() for one in both))


async def test_what_google_refuses_all_the_same_is_asked_again_when_it_says(
    sandbox_world: World, sandbox: SandboxClient, clock: ScaledClock
) -> None:
    await sandbox.post("world/quota", limits={"MetricService/List*": 10})
    both = await replicas(sandbox_world, clock, LIMIT)
    assert await asyncio.gather(*(one.look(10) for one in both)) == [10, 10]
    assert sum(one.budget.refusals for one in both) >= 1
    await asyncio.gather(*(one.close() for one in both))
