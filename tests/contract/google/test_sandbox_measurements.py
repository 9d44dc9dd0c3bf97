"""Every reader against the sandbox's Google and cache, over the real protocols: a whole turn's measurements."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.config import Settings
from bot.wiring.examined import open_examined, open_servers
from demo.world import World
from lumen.adapters.cache.client import open_cache
from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.cache.ttl import RedisTtl
from lumen.adapters.cache_reader import CacheReader
from lumen.adapters.clock import ScaledClock
from lumen.adapters.google.budget import BudgetInForce, GoogleBudgets, GoogleSpend
from lumen.adapters.google.clients import Patience, open_google
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.model.cost import CostPrices
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Deployment, HourlyHistory, LatencyDistribution, Snapshot, Spend, Traffic
from lumen.use_cases.collect import Collector
from sandbox.client import SandboxClient
from tests.alike import Alike
from tests.manual_clock import ManualClock
from tests.service_time import began

PATIENCE = Patience(attempt_seconds=5, retry_seconds=3)


@dataclass
class Measuring:
    """The collector, joined as the assembly does it."""

    collector: Collector
    api: ServiceId
    canary: ServiceId

    async def snapshot(self) -> Snapshot:
        return (await self.collector.snapshots([self.api]))[self.api]


@pytest.fixture
async def measuring(sandbox_world: World, sandbox: SandboxClient) -> AsyncIterator[Measuring]:
    of = sandbox_world.addresses
    live = ScaledClock(sandbox_world.clock.scale, datetime.fromisoformat(sandbox_world.clock.origin))
    clock = ManualClock(began(live.now()))
    api = ServiceId(of.project, of.region, of.service)
    canary = ServiceId(of.project, of.region, f"{of.service}-canary")
    google = await open_google(of.gcp_endpoint)
    cache = open_cache(sandbox_world.cache.url)
    deployments = CloudRunDeployments(google.services, google.revisions, PATIENCE)
    projects = Alike(MonitoringQueries(google.metrics, of.project, PATIENCE))
    monitoring = MonitoringCache(projects, {api: of.redis_instance, canary: of.redis_instance})
    hourly = HourlyCosts(projects, Alike(CostPrices(redis_hour=0.0128, api_call=0.01)), deployments, monitoring, {})
    budgets = GoogleBudgets(google.budgets, of.billing_account, "ION API Monthly Budget", PATIENCE)
    yield Measuring(
        Collector(
            traffic=MonitoringTraffic(projects, hourly),
            cache=CacheReader(Alike(RedisInfoCache(cache, live)), monitoring),
            ttl=RedisTtl(cache, 300, deployments.environment_ttl),
            deployments=deployments,
            spend=GoogleSpend(BudgetInForce(budgets, clock, Alike(123.0)), hourly, clock),
            clock=clock,
            look_back=timedelta(hours=1),
        ),
        api,
        canary,
    )
    await google.close()
    await cache.aclose()


async def test_a_turn_finds_everything(measuring: Measuring) -> None:
    found = await measuring.snapshot()
    traffic = found.traffic
    assert isinstance(traffic, Traffic)
    assert len(traffic.slices) == found.window.slices == 12
    assert traffic.requests > 1000
    assert isinstance(traffic.latency, LatencyDistribution)
    assert traffic.latency.total == pytest.approx(traffic.requests, rel=0.02)  # two series, written one after the other
    assert traffic.latency.percentile_ms(0.5) < traffic.latency.percentile_ms(0.99)
    assert isinstance(traffic.billable_instance_seconds, float)
    cache = found.cache
    assert isinstance(cache, CacheStats)
    assert 0 < (cache.hit_rate or 0) < 1
    assert cache.max_mb == 256
    assert isinstance(cache.p95_ms, float)
    assert isinstance(found.deployment, Deployment)
    assert found.deployment.revisions[0].traffic_percent == 100
    assert type(found.deployment.revisions[0].created_at) is datetime
    history = found.history
    assert isinstance(history, HourlyHistory)
    assert len(history.requests) == len(history.cost_usd) == len(history.errors_5xx) == 168
    assert all(cost is not None for cost in history.cost_usd)
    assert isinstance(found.spend, Spend)
    assert isinstance(found.spend.month_to_date_usd, float)
    assert found.spend.budget_usd == 200  # what the Budgets API says, not the setting


async def test_a_turn_costs_the_same_calls_for_two_services(measuring: Measuring, sandbox: SandboxClient) -> None:
    async def calls() -> int:
        return sum((await sandbox.get("world/calls")).values())

    await measuring.snapshot()  # the budget is asked for once an hour
    before = await calls()
    await measuring.snapshot()
    one = await calls() - before
    await measuring.collector.snapshots([measuring.api, measuring.canary])
    assert await calls() - before - one == one == 17


async def test_permission_refused_and_granted_again(measuring: Measuring, sandbox: SandboxClient) -> None:
    await sandbox.post("world/permissions", denied=["monitoring.*"])
    found = await measuring.snapshot()
    assert isinstance(found.traffic, NoData)
    assert found.traffic.reason.code == "source.permission_denied"
    assert found.traffic.remedy.params["role"] == "roles/monitoring.viewer"
    assert isinstance(found.deployment, Deployment)
    await sandbox.post("world/permissions", denied=[])
    assert isinstance((await measuring.snapshot()).traffic, Traffic)


async def test_unavailable_is_tried_again(measuring: Measuring, sandbox: SandboxClient) -> None:
    await sandbox.post("world/fault", method="MetricService/ListTimeSeries", code="UNAVAILABLE", times=3)
    assert isinstance((await measuring.snapshot()).traffic, Traffic)


async def test_google_gone_altogether_finishes_the_turn(measuring: Measuring, sandbox: SandboxClient) -> None:
    await sandbox.post("world/fault", method="*", code="UNAVAILABLE")
    found = await measuring.snapshot()
    for part in (found.traffic, found.deployment, found.history):
        assert isinstance(part, NoData)
        assert part.reason.code == "source.unavailable"
    assert isinstance(found.spend, Spend)
    assert found.spend.budget_usd == 123  # the setting
    assert isinstance(found.spend.month_to_date_usd, NoData)


async def test_the_bot_s_month_is_that_of_the_world_s_ledger(sandbox_world: World, sandbox: SandboxClient) -> None:
    """One price, and one month: what Lumen estimates is what the simulated service really cost."""
    environment = sandbox_world.bot_environment(1)
    given: dict[str, Any] = {
        name.lower(): value for name, value in environment.items() if name.lower() in Settings.model_fields
    }
    given |= {"service_name": f"{sandbox_world.addresses.service},{sandbox_world.addresses.service}-canary"}
    settings = Settings(**given)
    async with open_servers(settings) as servers, open_examined(settings, servers) as examined:
        found = (await examined.collector.snapshots(settings.services))[settings.services[0]].spend
    assert isinstance(found, Spend)
    if isinstance(found.month_to_date_usd, NoData):
        pytest.skip("the month has just begun")
    truth = (await sandbox.get("world/state"))["ion"]["month_usd"]
    hour_usd = truth / max(1.0, (found.as_of.day - 1) * 24 + found.as_of.hour)
    assert found.month_to_date_usd == pytest.approx(truth, rel=0.08, abs=3 * hour_usd)
