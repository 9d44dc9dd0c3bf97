"""Slices for the watch and requests by revision, from the sandbox's Monitoring and cache over the real protocols."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis

from demo.world import World
from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.clock import ScaledClock
from lumen.adapters.google.cache_requests import CacheRequests
from lumen.adapters.google.clients import GoogleClients, Patience, open_google
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_slices import MonitoringSlices, PricedSlices
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.model.alert import Observation
from lumen.model.cost import CostPrices
from lumen.model.history import folded
from lumen.model.incident import RevisionCount
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.use_cases.collect import window_before
from sandbox.client import SandboxClient
from tests.alike import Alike
from tests.service_time import began

PATIENCE = Patience(attempt_seconds=5, retry_seconds=3)
HOUR = timedelta(hours=1)
PRICES = CostPrices(redis_hour=0.0128, api_call=0.01)


@dataclass
class Looking:
    """The source as the assembly joins it, and the world's clock."""

    google: GoogleClients
    cache: Redis
    clock: ScaledClock
    api: ServiceId
    canary: ServiceId
    instance: str

    def source(self, *, own: bool = False, none: bool = False) -> MonitoringSlices:
        projects = Alike(MonitoringQueries(self.google.metrics, self.api.project, PATIENCE))
        instances = {} if own or none else {self.api: self.instance, self.canary: self.instance}
        info = {self.api: RedisInfoCache(self.cache, self.clock)} if own else {}
        return MonitoringSlices(projects, MonitoringCache(projects, instances), info)

    def priced(self, *, counts_misses: bool, sharing: Sequence[ServiceId] = ()) -> PricedSlices:
        projects = Alike(MonitoringQueries(self.google.metrics, self.api.project, PATIENCE))
        shapes = CloudRunDeployments(self.google.services, self.google.revisions, PATIENCE)
        slices = self.source(none=not counts_misses)
        counted = (self.api, self.canary) if counts_misses else ()
        requests = CacheRequests(projects, slices, dict.fromkeys(sharing, "cache"))
        return PricedSlices(slices, projects, Alike(PRICES), shapes, counted, requests)

    def window(self, length: timedelta, *, live: bool = False) -> Window:
        """Up to now where the world must be `live`, else up to when it began to be: its written past, in which a busy
        machine leaves no holes."""
        now = self.clock.now()
        return window_before(now if live else began(now), length)

    async def slices(
        self, source: MonitoringSlices | PricedSlices, length: timedelta, *, live: bool = False
    ) -> list[Observation]:
        found = (await source.slices((self.api,), self.window(length, live=live)))[self.api]
        assert not isinstance(found, NoData)
        return list(found)


@pytest.fixture
async def looking(sandbox_world: World, sandbox: SandboxClient) -> AsyncIterator[Looking]:
    of = sandbox_world.addresses
    clock = ScaledClock(sandbox_world.clock.scale, datetime.fromisoformat(sandbox_world.clock.origin))
    google = await open_google(of.gcp_endpoint)
    cache = open_server(sandbox_world.cache.url)
    api, canary = (ServiceId(of.project, of.region, name) for name in (of.service, f"{of.service}-canary"))
    yield Looking(google, cache, clock, api, canary, of.redis_instance)
    await google.close()
    await cache.aclose()


async def test_three_days_come_whole_and_in_order(looking: Looking) -> None:
    length = timedelta(days=3)
    found = await looking.slices(looking.source(), length)
    assert [one.start for one in found] == [found[0].start + i * SLICE for i in range(round(length / SLICE))]
    for one in found[::50]:
        assert one.requests is not None
        assert one.requests > 100
        assert one.errors_5xx is not None
        assert one.errors_5xx < one.requests / 50
        assert one.p50_ms is not None
        assert one.p95_ms is not None
        assert one.p50_ms < one.p95_ms
        assert one.lookups is not None
        assert one.lookups > 0


async def test_without_a_cache_instance_hits_are_unknown(looking: Looking) -> None:
    assert all(one.lookups is None for one in await looking.slices(looking.source(none=True), HOUR))


async def test_a_servers_own_counters_tell_of_the_newest_slice(looking: Looking) -> None:
    source = looking.source(own=True)
    assert all(
        one.lookups is None for one in await looking.slices(source, HOUR, live=True)
    )  # one look is no difference
    await looking.clock.sleep(310)
    found = await looking.slices(source, HOUR, live=True)
    assert found[-1].lookups is not None
    assert found[-1].lookups > 100
    assert all(one.lookups is None for one in found[:-1])
    long_ago = looking.window(2 * HOUR, live=True)
    past = (await source.slices((looking.api,), Window(long_ago.start, long_ago.end - HOUR)))[looking.api]
    assert not isinstance(past, NoData)
    assert all(one.lookups is None for one in past)


async def test_counts_are_the_slices_without_latencies(looking: Looking) -> None:
    source, window = looking.priced(counts_misses=True), looking.window(HOUR)
    counts = (await source.counts((looking.api,), window))[looking.api]
    slices = (await source.slices((looking.api,), window))[looking.api]
    assert not isinstance(counts, NoData)
    assert not isinstance(slices, NoData)
    assert list(counts) == [replace(one, p50_ms=None, p95_ms=None, p99_ms=None, latency=None) for one in slices]


async def test_a_day_counts_slow_requests_as_the_distribution_of_the_hour_does(looking: Looking) -> None:
    window = looking.window(HOUR)
    queries = MonitoringQueries(looking.google.metrics, looking.api.project, PATIENCE)
    prices = HourlyCosts(
        Alike(queries),
        Alike(PRICES),
        CloudRunDeployments(looking.google.services, looking.google.revisions),
        MonitoringCache({}, {}),
        {},
    )
    traffic = (await MonitoringTraffic(Alike(queries), prices).traffic((looking.api,), window))[looking.api]
    slices = (await looking.source().slices((looking.api,), window))[looking.api]
    assert not isinstance(slices, NoData)
    assert not isinstance(traffic, NoData)
    assert not isinstance(traffic.latency, NoData)
    days = folded(slices)
    assert sum(day.timed_slices for day in days) == window.slices
    assert sum(day.timed for day in days) == traffic.latency.total
    for threshold_ms in (200.0, 500.0, 77.7):
        slower = sum(day.slower(threshold_ms) for day in days)
        assert slower == pytest.approx((1 - traffic.latency.share_below(threshold_ms)) * traffic.latency.total)
        assert slower > 0


async def test_slices_cost_what_their_hours_cost(looking: Looking) -> None:
    projects = Alike(MonitoringQueries(looking.google.metrics, looking.api.project, PATIENCE))
    shapes = CloudRunDeployments(looking.google.services, looking.google.revisions, PATIENCE)
    end = whole_hours(looking).end
    window = Window(end - timedelta(days=1), end)
    for instances in ({}, {looking.api: looking.instance}):
        monitoring = MonitoringCache(projects, instances)
        source = looking.priced(counts_misses=bool(instances))
        slices = (await source.slices((looking.api,), window))[looking.api]
        costs = HourlyCosts(projects, Alike(PRICES), shapes, monitoring, {})
        hours = (await costs.history((looking.api,), window))[looking.api]
        assert not isinstance(slices, NoData)
        assert not isinstance(hours, NoData)
        days = folded(slices)
        assert sum(day.cost_slices for day in days) == window.slices
        assert sum(day.cost_usd for day in days) == pytest.approx(sum(c for c in hours.cost_usd if c), rel=0.001)


async def test_two_services_pay_their_cache_once(looking: Looking) -> None:
    """By slices and by hours alike, whichever of them is asked for; alone each would pay all of it."""
    both = (looking.api, looking.canary)
    end = whole_hours(looking).end
    window = Window(end - timedelta(hours=6), end)
    projects = Alike(MonitoringQueries(looking.google.metrics, looking.api.project, PATIENCE))
    shapes = CloudRunDeployments(looking.google.services, looking.google.revisions, PATIENCE)
    monitoring = MonitoringCache(projects, dict.fromkeys(both, looking.instance))

    async def by_hours(asked: Sequence[ServiceId], sharing: Sequence[ServiceId]) -> list[float]:
        caches = dict.fromkeys(sharing, "cache")
        found = await HourlyCosts(projects, Alike(PRICES), shapes, monitoring, caches).history(asked, window)
        return [sum(cost or 0.0 for cost in one.cost_usd) for one in found.values() if not isinstance(one, NoData)]

    async def by_slices(asked: Sequence[ServiceId], sharing: Sequence[ServiceId]) -> list[float]:
        found = await looking.priced(counts_misses=True, sharing=sharing).slices(asked, window)
        return [sum(one.cost_usd or 0.0 for one in of) for of in found.values() if not isinstance(of, NoData)]

    misses = sum((await monitoring.hourly_misses(both, window))[looking.api])  # type: ignore[arg-type]
    cache_usd = misses * PRICES.api_call + 6 * PRICES.redis_hour
    for costs in (by_hours, by_slices):
        together, twice = await costs(both, both), await costs(both, ())
        assert [*await costs(both[:1], both), *await costs(both[1:], both)] == pytest.approx(together, rel=0.02)
        assert sum(twice) - sum(together) == pytest.approx(cache_usd, rel=0.01)
        assert together[0] > 5 * together[1]  # the canary has a twentieth of the requests
    assert await by_slices(both, both) == pytest.approx(await by_hours(both, both), rel=0.01)


async def test_a_slice_without_lookups_has_no_cost_where_they_count(looking: Looking) -> None:
    source = looking.priced(counts_misses=True)
    projects = Alike(MonitoringQueries(looking.google.metrics, looking.api.project, PATIENCE))
    shapes = CloudRunDeployments(looking.google.services, looking.google.revisions, PATIENCE)
    slices = looking.source(none=True)
    requests = CacheRequests(projects, slices, {})
    blind = PricedSlices(slices, projects, Alike(PRICES), shapes, (looking.api,), requests)
    assert all(one.cost_usd is not None for one in await looking.slices(source, HOUR))
    assert all(one.cost_usd is None for one in await looking.slices(blind, HOUR))


async def test_requests_by_revision(looking: Looking) -> None:
    source = looking.source()
    both = await source.by_revision((looking.api, looking.canary), looking.window(HOUR), SLICE)
    for service in (looking.api, looking.canary):
        counts = both[service]
        assert not isinstance(counts, NoData)
        assert counts
        assert all(one.revision.startswith(f"{service.name}-0") and one.requests > 0 for one in counts)
    days = (await source.by_revision((looking.api,), whole_hours(looking), HOUR))[looking.api]
    assert not isinstance(days, NoData)
    assert {one.revision for one in days} >= {"ion-api-00039-kxd", "ion-api-00040-rvt", "ion-api-00041-qhm"}
    assert total(days) > 1_000_000


async def test_what_cannot_be_read_is_no_data(looking: Looking, sandbox: SandboxClient) -> None:
    source = looking.source()
    await sandbox.post("world/permissions", denied=["monitoring.timeSeries.list"])
    window = looking.window(HOUR)
    assert isinstance((await source.slices((looking.api,), window))[looking.api], NoData)
    assert isinstance((await source.by_revision((looking.api,), window, SLICE))[looking.api], NoData)


def whole_hours(looking: Looking) -> Window:
    end = began(looking.clock.now())
    return Window(end - timedelta(days=13), end)


def total(counts: object) -> int:
    assert isinstance(counts, list)
    return sum(one.requests for one in counts if isinstance(one, RevisionCount))
