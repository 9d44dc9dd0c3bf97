"""Custom metrics over a whole world: one point a slot whichever replica writes it, and refusals in one sentence."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import NotFound
from google.cloud.monitoring_v3 import ListTimeSeriesRequest, TimeInterval
from redis.asyncio import Redis

from bot.config import Settings
from bot.store import StateStore, clock_of, open_state_store
from bot.wiring.assembly import assemble
from demo.world import World
from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.ttl import RedisTtl
from lumen.adapters.google.clients import GoogleClients, open_google
from lumen.adapters.google.custom_metrics import PREFIX, CustomMetrics
from lumen.adapters.store import epoch
from lumen.model.messages import ActuatorFailed, NoData, SomeFailed
from lumen.model.metrics import HEARTBEAT, UNITS, Published
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.use_cases.collect import Collector, window_before
from lumen.use_cases.leases import Claims
from lumen.use_cases.publish import Publish
from lumen.wording.catalogue import LOCALES, Catalogue
from sandbox.client import SandboxClient


@pytest.fixture(scope="session")
def settings(sandbox_world: World) -> Settings:
    """Those of a real installation, on a prepared store."""
    sandbox_world.initialise_state()
    of = sandbox_world.addresses
    given: dict[str, Any] = {
        "project_id": of.project,
        "region": of.region,
        "service_name": f"{of.service},{of.service}-canary",
        "cache_redis_url": sandbox_world.cache.url,
        "cache_instance": of.redis_instance,
        "state_redis_url": sandbox_world.state.url,
        "slack_bot_token": of.bot_token,
        "slack_app_token": of.app_token,
        "slack_channel": of.channel,
        "slack_api_url": of.slack_api_url,
        "lumen_gcp_endpoint": of.gcp_endpoint,
        "lumen_clock_scale": sandbox_world.clock.scale,
        "lumen_clock_origin": sandbox_world.clock.origin,
    }
    return Settings(**given)


class Stepping:
    """A clock in the world's past, where every slot is still free; it goes on when a test says so."""

    scale = 1.0

    def __init__(self, at: datetime) -> None:
        self.time = at

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def step(self) -> None:
        """To the next slot."""
        self.time += SLICE


@dataclass(frozen=True)
class Running:
    """A replica, with clients of its own to look at what it has done."""

    store: StateStore
    collector: Collector
    google: GoogleClients
    cache: Redis


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    google, cache = await open_google(settings.lumen_gcp_endpoint), open_server(settings.cache_url)
    async with assemble(settings) as lumen:
        yield Running(lumen.store, lumen.collector, google, cache)
    await google.close()
    await cache.aclose()


@pytest.fixture
async def lumen(settings: Settings, sandbox: SandboxClient) -> AsyncIterator[Running]:
    async with open_state_store(settings) as store:
        await epoch.init(store.redis, settings.services, clock_of(settings))
    async with running(settings) as replica:
        yield replica


@pytest.fixture(scope="session")
def clock(settings: Settings) -> Stepping:
    return Stepping(clock_of(settings).now() - timedelta(hours=10))


def replica(lumen: Running, settings: Settings, clock: Stepping) -> Publish:
    """As the assembly joins it, but for the clock."""
    store = lumen.store
    sink, ttl = CustomMetrics(lumen.google.metrics), RedisTtl(lumen.cache, 300)
    claims = Claims(store.leases, store.slots, clock)
    return Publish(sink, store.alerts, store.turns, store.proposals, lumen.collector, ttl, claims)


async def written(
    lumen: Running, project: str, name: str, since: datetime, until: datetime | None = None
) -> Mapping[str, Sequence[tuple[datetime, float]]]:
    """Points by service and labels, newest first. `until`; None: now."""
    request = ListTimeSeriesRequest(
        name=f"projects/{project}",
        filter=f'metric.type = "{PREFIX}{name}" AND resource.type = "generic_task"',
        interval=TimeInterval(start_time=since, end_time=until or lumen.store.clock.now()),
    )
    found: dict[str, list[tuple[datetime, float]]] = {}
    try:
        listed = await lumen.google.metrics.list_time_series(request)
    except NotFound:
        return {}  # nobody has ever written it
    async for series in listed:
        of = " ".join((series.resource.labels["job"], *dict(series.metric.labels).values()))
        assert of not in found, "a figure of a service is one series for each of its labels"
        points: Any = series.points
        found[of] = [
            (datetime.fromtimestamp(one.interval.end_time.timestamp(), UTC), one.value.double_value) for one in points
        ]
    return found


async def test_replicas_write_each_slot_once(lumen: Running, settings: Settings, clock: Stepping) -> None:
    # After the slots that other tests have written.
    since, counts = window_before(clock.now(), SLICE).end + timedelta(seconds=1), []
    async with running(settings) as other:
        both = [replica(each, settings, clock) for each in (lumen, other)]
        for _ in range(3):
            clock.step()
            counts += await asyncio.gather(*(each.due(settings.services) for each in both))
            assert await both[0].due(settings.services) == 0
    until = clock.now()
    beats = await written(lumen, settings.project_id, HEARTBEAT, since, until)
    assert set(beats) == {service.name for service in settings.services}
    for points in beats.values():
        assert [value for _, value in points] == [1.0] * 3
        assert [at - points[-1][0] for at, _ in reversed(points)] == [nth * SLICE for nth in range(3)]
        assert all(at.timestamp() % 300 == 0 for at, _ in points)
    ttl = await written(lumen, settings.project_id, "cache_ttl_seconds", since, until)
    assert ttl.keys() == beats.keys()
    for service in settings.services:  # other tests may have set another one
        present = await RedisTtl(lumen.cache, 300).ttl(service)
        assert not isinstance(present, NoData)
        assert {value for _, value in ttl[service.name]} == {float(present.value_seconds)}
    rates = await written(lumen, settings.project_id, "cache_hit_rate", since, until)
    assert all(1 < value <= 100 for points in rates.values() for _, value in points)
    every = [await written(lumen, settings.project_id, name, since, until) for name in UNITS]
    assert sum(len(points) for figure in every for points in figure.values()) == sum(counts)


async def test_what_is_refused_is_said_and_the_next_slot_goes_on(
    lumen: Running, settings: Settings, sandbox: SandboxClient, clock: Stepping
) -> None:
    publish = replica(lumen, settings, clock)
    clock.step()
    await sandbox.post("world/permissions", denied=["monitoring.timeSeries.create"])
    with pytest.raises(SomeFailed) as refused:
        await publish.due(settings.services)
    assert refused.value.reason.code == "source.permission_denied"
    assert refused.value.remedy.params["role"] == "roles/monitoring.metricWriter"
    for locale in LOCALES:
        assert Catalogue(locale).plain(refused.value.reason)
    await sandbox.post("world/permissions", denied=[])
    assert await publish.due(settings.services) == 0  # that slot is over
    clock.step()
    assert await publish.due(settings.services) > 0


async def test_nobody_knows_whether_an_unanswered_write_arrived(
    lumen: Running, settings: Settings, sandbox: SandboxClient, clock: Stepping
) -> None:
    clock.step()
    await sandbox.post("world/fault", method="MetricService/CreateTimeSeries", code="UNAVAILABLE", times=1)
    with pytest.raises(SomeFailed):
        await replica(lumen, settings, clock).due(settings.services)


async def test_the_same_points_again_are_no_failure(lumen: Running, settings: Settings) -> None:
    """As when a replica died between writing and saying that it had."""
    sink = CustomMetrics(lumen.google.metrics)
    service = ServiceId(settings.project_id, settings.region, "written-twice")
    figures = [Published(service, name, 1.0) for name in UNITS]
    at = lumen.store.clock.now()
    await sink.publish(figures, at)
    await sink.publish(figures, at)
    new = replace(service, name="not-written-yet")
    await sink.publish([Published(service, HEARTBEAT, 1.0), Published(new, HEARTBEAT, 1.0)], at)
    with pytest.raises(ActuatorFailed):
        await sink.publish([Published(service, HEARTBEAT, 2.0)], at - timedelta(days=2))


async def test_more_than_one_call_takes(lumen: Running, settings: Settings) -> None:
    sink, at = CustomMetrics(lumen.google.metrics), lumen.store.clock.now()
    fleet = [ServiceId(settings.project_id, settings.region, f"fleet-{nth}") for nth in range(201)]
    await sink.publish([Published(service, HEARTBEAT, 1.0) for service in fleet], at)
    beats = await written(lumen, settings.project_id, HEARTBEAT, at - timedelta(minutes=1))
    assert {service.name for service in fleet} <= set(beats)


async def test_whether_it_may_is_asked_without_writing(
    lumen: Running, settings: Settings, sandbox: SandboxClient
) -> None:
    sink = CustomMetrics(lumen.google.metrics)
    assert await sink.lacking(settings.project_id) is None
    await sandbox.post("world/permissions", denied=["monitoring.timeSeries.create"])
    lacking = await sink.lacking(settings.project_id)
    assert lacking is not None
    assert lacking.remedy.params["role"] == "roles/monitoring.metricWriter"
