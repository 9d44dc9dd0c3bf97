"""The same holes in a turn and in money: no score, no health and no month rises or falls because of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from lumen.adapters.google import monitoring_cache as redis
from lumen.adapters.google import monitoring_query as run
from lumen.adapters.google.budget import BudgetInForce, GoogleSpend
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.alerts.lookups import UsualLookups, doubted
from lumen.effects.hours import Hour, Hours
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Observation
from lumen.model.assessment import CacheHealth
from lumen.model.cost import CostPrices, InstanceShape
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Snapshot, Spend, Window
from lumen.use_cases.collect import window_before
from tests.alike import Alike
from tests.contract.store.builders import SERVICE, TestClock
from tests.contract.use_cases.labelled import CLASS, INSTANCE, REVISION, ROLE, Fault, LabelledCloud
from tests.snapshots import snapshot

NOW = datetime(2026, 3, 10, 12, 4, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BOTH = (run.REQUESTS, run.LATENCIES)
REQUESTS = [((run.REQUESTS,), CLASS), ((run.LATENCIES,), CLASS), (BOTH, CLASS)]
#: Metrics, label, value; and what may go wrong with it. Where nobody else tells of a metric, too large is no hole.
VALUES = [
    *(
        (metrics, label, value, ("gone", "late", "jumps"))
        for metrics, label in REQUESTS
        for value in ("2xx", "4xx", "5xx")
    ),
    *(((metric,), ROLE, "primary", ("gone", "late", "jumps")) for metric in (redis.HITS, redis.MISSES)),
    *(((metric,), ROLE, "primary", ("gone", "late")) for metric in (redis.EVICTED, redis.USAGE, redis.MAXMEMORY)),
    *(((metric,), REVISION, "r3", ("gone", "late")) for metric in (run.BILLABLE, run.STARTS)),
]
HOLES = [
    (metrics, label, value, kind)
    for metrics, label, value, kinds in VALUES
    for kind in kinds
    if (metrics, kind) != (BOTH, "jumps")  # requests, as far as anybody can tell
]
SHARES = (0.0, 0.006, 0.02, 0.08, 0.3)


def _rows() -> Iterator[object]:
    """Of some label values in every run."""
    for metrics, label, value, kind in HOLES:
        for share in SHARES:
            always = share == 0.02 and kind == "gone" and value in ("5xx", "primary")
            of = "+".join(one.rpartition("/")[2] for one in metrics)
            marks = () if always else pytest.mark.prove
            yield pytest.param((metrics, label, value), kind, share, id=f"{of}-{value}-{kind}-{share}", marks=marks)


@dataclass
class World:
    """A release that serves since ten hours, at five past noon; how much its cloud costs is asked as a turn asks."""

    cloud: LabelledCloud

    @property
    def queries(self) -> MonitoringQueries:
        return cast(MonitoringQueries, self.cloud)

    @property
    def cache(self) -> MonitoringCache:
        return MonitoringCache(Alike(self.queries), {SERVICE: INSTANCE})

    @property
    def hourly(self) -> HourlyCosts:
        return HourlyCosts(Alike(self.queries), Alike(CostPrices(0.0128, 0.00001)), self, self.cache, {})

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        return dict.fromkeys(services, InstanceShape(1.0, 0.5, 0))

    async def usd(self, project: str) -> float:
        del project
        return 200.0

    async def taken(self) -> Snapshot:
        """As a turn takes and doubts it."""
        services, window = (SERVICE,), window_before(NOW, HOUR)
        traffic = (await MonitoringTraffic(Alike(self.queries), self.hourly).traffic(services, window))[SERVICE]
        week = Window(window.end - 168 * HOUR, window.end)
        history = await self.hourly.history(services, week)
        clock = TestClock()
        clock.time = NOW
        spend = await GoogleSpend(cast(BudgetInForce, self), self.hourly, clock, services).spend(services)
        read = await self.read_cache(window)
        return replace(
            snapshot(),
            service=SERVICE,
            window=window,
            taken_at=NOW,
            traffic=traffic,
            cache=doubted(read, traffic, await self.stored(window), window.start),
            history=history[SERVICE],
            spend=spend[SERVICE],
        )

    async def read_cache(self, window: Window) -> CacheStats | NoData:
        counters = (await self.cache.counters((SERVICE,), window))[SERVICE]
        memory = (await self.cache.memory((SERVICE,), window))[SERVICE]
        if isinstance(counters, NoData):
            return counters
        if isinstance(memory, NoData):
            return memory
        return CacheStats(
            counters.seconds, counters.hits, counters.misses, counters.evictions, memory.used_mb, memory.max_mb, 5.0, ""
        )

    async def stored(self, window: Window) -> Sequence[Observation]:
        """The day before and the window, as the watch has them."""
        found = (await self.cloud.slices((SERVICE,), Window(window.start - 24 * HOUR, window.end)))[SERVICE]
        assert not isinstance(found, NoData)
        usual, stored = UsualLookups(), []
        for one in found:
            stored.append(usual.checked(one))
            usual.feed(stored[-1])
        return stored

    async def hour(self) -> Hour:
        """The newest whole hour, as the effect of a change is estimated on it."""
        hours, end = Hours(), NOW.replace(minute=0)
        for one in await self.stored(Window(end - HOUR, end)):
            hours.add(one)
        (found,) = hours.between(end - HOUR, end)
        return found


def world(share: float) -> World:
    begun, released = NOW - timedelta(days=30), NOW - 10 * HOUR
    cloud = LabelledCloud(
        [(begun, "r2", 0.0), (released, "r3", share)], ["r3", "r2"], NOW, 360, knows_since=timedelta(days=30)
    )
    return World(cloud)


def month_of(found: Snapshot) -> float | NoData:
    assert isinstance(found.spend, Spend)
    return found.spend.month_to_date_usd


@pytest.mark.parametrize(("values", "kind", "share"), list(_rows()))
async def test_no_score_and_no_month_rises_or_falls_for_a_hole(
    values: tuple[tuple[str, ...], str, str], kind: str, share: float
) -> None:
    metrics, label, value = values
    seen = world(share)
    whole, measured = await seen.taken(), await seen.hour()
    late, times = (15 * MINUTE if kind == "late" else None), (10 if kind == "jumps" else 0)
    seen.cloud.faults.append(Fault(metrics, label, value, NOW - 30 * MINUTE, NOW + HOUR, late, times))
    holed, left = await seen.taken(), await seen.hour()
    # What the verdict on a change is estimated on.
    for figure in ("hit_rate", "error_rate", "p95_ms", "traffic", "demand"):
        found = getattr(left, figure)
        assert found is None or found == pytest.approx(getattr(measured, figure), rel=0.1), figure
    before, after = (assess(one, AssessmentSettings()) for one in (whole, holed))
    for was, now in zip(before.slo.objectives, after.slo.objectives, strict=True):
        assert isinstance(now.score, NoData) or now.score == pytest.approx(was.score, abs=2.0), now.name
        assert was.alert or not now.alert
    assert after.cache.health in (before.cache.health, CacheHealth.NO_DATA, CacheHealth.GOOD)
    for was_usd, now_usd in ((month_of(whole), month_of(holed)), (before.roi.savings_usd, after.roi.savings_usd)):
        assert isinstance(now_usd, NoData) or now_usd == pytest.approx(was_usd, rel=0.02)
