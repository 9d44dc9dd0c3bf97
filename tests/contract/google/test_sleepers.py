"""Services that sleep, through the real client against the sandbox's Monitoring: no requests is not no data."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.monitoring_v3 import MetricServiceAsyncClient

from lumen.adapters.google.budget import BudgetInForce, GoogleBudgets, GoogleSpend
from lumen.adapters.google.cache_requests import CacheRequests
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_slices import MonitoringSlices, PricedSlices
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.cost_rhythm import rhythm_of
from lumen.model.alert import Observation
from lumen.model.assessment import CacheHealth, RhythmState
from lumen.model.cost import CostPrices, InstanceShape
from lumen.model.history import folded
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, HourlyHistory, Spend, Traffic, Window
from lumen.use_cases.collect import window_before
from sandbox.google.monitoring import catalogue
from sandbox.google.monitoring.metric import Buckets, Histogram, MetricType
from sandbox.google.monitoring.series import GridHistograms, GridSeries, Labels
from tests.alike import Alike
from tests.manual_clock import ManualClock
from tests.snapshots import snapshot
from tests.unit.sandbox.google_side import PROJECT, START, GoogleSide, google_side

ONE, TWO = (ServiceId(PROJECT, "us-central1", name) for name in ("one", "two"))
NOW = datetime.fromtimestamp(START, UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PRICES = CostPrices(redis_hour=0.0128, api_call=0.0)
BUCKETS = Buckets.growing(10, 2.0, 10.0)
#: Of a minute (by its number since the epoch): how many requests came.
Shape = Callable[[int], int]


def busy(_minute: int) -> int:
    return 30


def now_and_then(every: int) -> Shape:
    return lambda minute: int(minute % every == 0)


def office_hours(minute: int) -> int:
    day, of_day = divmod(minute, 1440)
    return 40 if day % 7 not in (2, 3) and 540 <= of_day < 1080 else 0  # the epoch began on a Thursday


def nightly(minute: int) -> int:
    return 200 if 120 <= minute % 1440 < 180 else 0


SHAPES = {"hourly": now_and_then(60), "every 20 min": now_and_then(20), "office": office_hours, "nightly": nightly}


@dataclass
class World:
    """A project with services and perhaps a cache, as its Monitoring shows it."""

    side: GoogleSide

    def serves(self, service: ServiceId, shape: Shape, days: float, until: float = START) -> None:
        """Counted, timed and billed in each minute with requests."""
        first, last = int(START - days * 86_400) // 60, int(until) // 60
        labels = self.labels(service, {"response_code": "200", "response_code_class": "2xx"})
        counted = GridSeries(catalogue.REQUEST_COUNT, labels, first)
        timed = GridHistograms(catalogue.REQUEST_LATENCIES, labels, first, BUCKETS)
        for minute in range(first, last):
            if requests := shape(minute):
                counted.put(minute, requests)
                timed.put(minute, Histogram.of_counts(BUCKETS, (0, 0, requests) + (0,) * 9))
        self.side.cloud.series.add(counted)
        self.side.cloud.series.add(timed)
        self.has(service, catalogue.BILLABLE_TIME, lambda minute: 30.0 * bool(shape(minute)), days, until)

    def has(
        self,
        service: ServiceId,
        metric: MetricType,
        shape: Callable[[int], float],
        days: float,
        until: float = START,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        first, last = int(START - days * 86_400) // 60, int(until) // 60
        grid = GridSeries(metric, self.labels(service, labels or {}), first)
        for minute in range(first, last):
            if value := shape(minute):
                grid.put(minute, value)
        self.side.cloud.series.add(grid)

    def has_cache(self, days: float, until: float = START) -> None:
        first, last = int(START - days * 86_400) // 60, int(until) // 60
        resource = {"project_id": PROJECT, "instance_id": "cache", "region": "us-central1", "node_id": "node-0"}
        used = GridSeries(catalogue.MEMORY_USAGE, Labels("redis_instance", resource, {"role": "primary"}), first)
        used.fill([1_000_000] * (last - first), sparse=False)
        self.side.cloud.series.add(used)

    @staticmethod
    def labels(service: ServiceId, own: Mapping[str, str]) -> Labels:
        resource = {
            "project_id": PROJECT,
            "service_name": service.name,
            "revision_name": f"{service.name}-00001-abc",
            "location": service.region,
            "configuration_name": service.name,
        }
        return Labels("cloud_run_revision", resource, own)

    @property
    def queries(self) -> MonitoringQueries:
        return MonitoringQueries(self.side.client(MetricServiceAsyncClient), PROJECT)

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        return dict.fromkeys(services, InstanceShape(1.0, 0.5, min_instances=1, since=NOW - timedelta(days=60)))

    @property
    def hourly(self) -> HourlyCosts:
        return HourlyCosts(Alike(self.queries), Alike(PRICES), self, MonitoringCache({}, {}), {})

    async def slices(self, service: ServiceId = ONE, length: timedelta = HOUR) -> list[Observation]:
        projects = Alike(self.queries)
        slices = MonitoringSlices(projects, MonitoringCache({}, {}), {})
        source = PricedSlices(slices, projects, Alike(PRICES), self, (), CacheRequests(projects, slices, {}))
        found = (await source.slices((service,), window_before(NOW, length)))[service]
        assert not isinstance(found, NoData)
        return list(found)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with google_side() as side:
        yield World(side)


#: A slice without requests costs what one idle instance does, and the cache.
IDLE_USD = 300 * (1.0 * 0.0000025 + 0.5 * 0.0000025) + 0.0128 / 12
#: Who else in the project shows that Monitoring is not late.
OTHERS: Mapping[str, Callable[[World], None]] = {
    "another service": lambda world: world.serves(TWO, busy, 1),
    "a cache": lambda world: world.has_cache(1),
    "an instance": lambda world: world.has(TWO, catalogue.INSTANCE_COUNT, lambda _: 1, 1, labels={"state": "idle"}),
}


@pytest.mark.parametrize("other", OTHERS)
async def test_a_service_that_sleeps_has_no_requests_and_costs_what_idles(world: World, other: str) -> None:
    world.serves(ONE, busy, 1, until=START - 3 * 3600)
    OTHERS[other](world)
    found = await world.slices()
    assert len(found) == 12
    for one in found:
        assert (one.requests, one.errors_5xx, one.doubt, one.p95_ms) == (0, 0, None, None)
        assert one.cost_usd == pytest.approx(IDLE_USD)
    (day,) = folded(found)
    assert (day.known_slices, day.good_slices, day.bad_slices, day.timed_slices, day.cost_slices) == (12, 0, 0, 12, 12)


def late(world: World) -> None:
    world.serves(TWO, busy, 1, until=START - 3900)


def billed(world: World) -> None:
    world.serves(TWO, busy, 1)
    world.has(ONE, catalogue.BILLABLE_TIME, lambda _: 20.0, 0.12)


#: Silence that is no sleep, or that nobody can tell from it.
NO_SLEEP: Mapping[str, Callable[[World], None]] = {
    "nobody else": lambda _: None,
    "Monitoring is late": late,
    "billed": billed,
}


@pytest.mark.parametrize("why", NO_SLEEP)
async def test_a_silence_that_is_not_shown_to_be_sleep_is_unknown(world: World, why: str) -> None:
    world.serves(ONE, busy, 1, until=START - 3 * 3600)
    NO_SLEEP[why](world)
    assert [one for one in await world.slices() if one.requests is not None] == []


async def test_only_the_minutes_up_to_which_others_have_points_are_slept_through(world: World) -> None:
    world.serves(ONE, busy, 1, until=START - 3 * 3600)
    world.serves(TWO, busy, 1, until=START - 1800)
    found = await world.slices()
    assert [one.start for one in found] == [NOW - 65 * MINUTE + at * SLICE for at in range(7)]


async def test_an_instance_that_lingers_after_a_few_requests_is_no_work(world: World) -> None:
    world.serves(ONE, now_and_then(60), 1)
    world.serves(TWO, busy, 1)
    world.has(ONE, catalogue.BILLABLE_TIME, lambda minute: 60.0 * (minute % 60 < 15), 1)
    assert [one.requests for one in await world.slices()] == [0, 1] + [0] * 10


async def test_an_hour_of_sleep_raises_no_score_and_fails_nothing(world: World) -> None:
    world.serves(ONE, office_hours, 8)
    world.has_cache(8)
    at = NOW.replace(hour=4, minute=4)
    window = window_before(at, HOUR)
    traffic = (await MonitoringTraffic(Alike(world.queries), world.hourly).traffic((ONE,), window))[ONE]
    assert isinstance(traffic, Traffic)
    assert (len(traffic.slices), traffic.requests, traffic.billable_instance_seconds) == (12, 0, 0.0)
    awake = snapshot()
    asleep = assess(snapshot(service=ONE, window=window, taken_at=at, traffic=traffic), AssessmentSettings())
    for objective in asleep.slo.objectives:
        assert objective.name == "cache_hit_rate" or isinstance(objective.score, NoData), objective.name
        assert not objective.alert
    assert asleep.cache.health is assess(awake, AssessmentSettings()).cache.health is not CacheHealth.FAILED


@pytest.mark.parametrize("name", SHAPES)
async def test_a_month_of_a_service_that_sleeps_has_a_sum_and_a_rhythm(world: World, name: str) -> None:
    shape = SHAPES[name]
    world.serves(ONE, shape, 15)
    world.has_cache(15)
    clock = ManualClock(NOW)
    budgets = GoogleBudgets(world.side.client(MetricServiceAsyncClient), "", "")  # type: ignore[arg-type]  # never asked
    spend = (await GoogleSpend(BudgetInForce(budgets, clock, Alike(200.0)), world.hourly, clock, (ONE,)).spend((ONE,)))[
        ONE
    ]
    assert isinstance(spend, Spend)
    begin, end = NOW.replace(day=1, hour=0), NOW - HOUR
    minutes = range(int(begin.timestamp()) // 60, int(end.timestamp()) // 60)
    served = sum(shape(minute) for minute in minutes)
    billed = 30.0 * sum(1 for minute in minutes if shape(minute))
    hours = len(minutes) / 60
    expected = (
        billed * (0.000024 + 0.5 * 0.0000025)
        + (hours * 3600 - billed) * 0.00000375
        + served * 0.4 / 1e6
        + hours * 0.0128
    )
    assert spend.month_to_date_usd == pytest.approx(expected, rel=0.001)
    assert spend.filled_hours == 0
    week = (await world.hourly.history((ONE,), Window(end - 168 * HOUR, end)))[ONE]
    assert isinstance(week, HourlyHistory)
    assert None not in week.requests
    assert None not in week.cost_usd
    assert sum(count or 0 for count in week.requests) == sum(
        shape(minute) for minute in range(int((end - 168 * HOUR).timestamp()) // 60, int(end.timestamp()) // 60)
    )
    assert rhythm_of(week).state is not RhythmState.UNKNOWN or name in ("hourly", "every 20 min")  # a flat demand
