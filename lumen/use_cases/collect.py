"""Collect: all sources at once, one grouped query per metric for all services, nothing invented for what is missing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import (
    SLICE,
    CacheStats,
    Deployment,
    HourlyHistory,
    Snapshot,
    Spend,
    Traffic,
    TtlSetting,
    Window,
)
from lumen.model.turn import Missing
from lumen.ports.clock import Clock
from lumen.ports.sources import CacheSource, DeploymentSource, SpendSource, TrafficSource, TtlSource

#: Cloud Run's metrics arrive up to three minutes late; a window that ends a minute before that is complete.
INGEST_DELAY = timedelta(minutes=4)
RHYTHM_HOURS = 168


def window_before(now: datetime, length: timedelta) -> Window:
    """The newest complete window of `length`, aligned down to whole five-minute slices."""
    end = now - INGEST_DELAY
    seconds = SLICE.total_seconds()
    end = datetime.fromtimestamp(end.timestamp() // seconds * seconds, tz=now.tzinfo)
    return Window(end - length, end)


@dataclass(frozen=True, slots=True)
class Collector:
    """Joins what the sources read into one snapshot per service."""

    traffic: TrafficSource
    cache: CacheSource
    ttl: TtlSource
    deployments: DeploymentSource
    spend: SpendSource
    clock: Clock
    look_back: timedelta

    def collection(self, services: Sequence[ServiceId]) -> "Collection":
        """Snapshots of these over the newest complete window, all from the same questions."""
        return Collection(self, services)

    async def snapshots(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Snapshot]:
        """One snapshot per service over the newest complete window."""
        collection = self.collection(services)
        return {service: await collection.snapshot(service) for service in services}

    async def caches(self, services: Sequence[ServiceId], length: timedelta) -> Mapping[ServiceId, CacheStats | NoData]:
        """The caches alone, over the newest complete window of `length`."""
        return await self.cache.cache(services, window_before(self.clock.now(), length))

    async def sample_caches(self) -> None:
        """Between turns: let a source that works by differences of counters see them every five minutes."""
        await self.cache.sample()


class Collection:
    """Whatever is told of all services together is asked once, with the first snapshot; the TTL with each one's own."""

    def __init__(self, collector: Collector, services: Sequence[ServiceId]) -> None:
        self._collector = collector
        self._services = services
        self._answers: _Answers | None = None
        self._asking = asyncio.Lock()

    async def is_cut_off(self, service: ServiceId) -> bool:
        """Whether its cache does not answer: nobody asks it a second time."""
        cache = (await self._asked()).cache[service]
        return isinstance(cache, NoData) and cache.unreachable

    async def snapshot(self, service: ServiceId) -> Snapshot:
        """Of one of the services; its time is that of the questions."""
        answers = await self._asked()
        ttl = await ttl_beside(answers.cache[service], self._collector.ttl, service)
        return Snapshot(
            service=service,
            window=answers.window,
            taken_at=answers.asked_at,
            traffic=answers.traffic[service],
            cache=answers.cache[service],
            ttl=ttl,
            deployment=answers.deployment[service],
            spend=answers.spend[service],
            history=answers.history[service],
        )

    async def _asked(self) -> "_Answers":
        async with self._asking:  # services that are looked at side by side ask once
            if self._answers is None:
                self._answers = await self._ask()
            return self._answers

    async def _ask(self) -> "_Answers":
        collector, services, now = self._collector, self._services, self._collector.clock.now()
        window = window_before(now, collector.look_back)
        hour = (now - INGEST_DELAY).replace(minute=0, second=0, microsecond=0)
        traffic, history, cache, deployment, spend = await asyncio.gather(
            collector.traffic.traffic(services, window),
            collector.traffic.history(services, Window(hour - timedelta(hours=RHYTHM_HOURS), hour)),
            collector.cache.cache(services, window),
            collector.deployments.deployments(services),
            collector.spend.spend(services),
        )
        return _Answers(now, window, traffic, history, cache, deployment, spend)


async def ttl_beside(cache: CacheStats | NoData, ttl: TtlSource, service: ServiceId) -> TtlSetting | NoData:
    """The setting in a cache that was asked before: one that does not answer is waited for once, not once a service."""
    return cache if isinstance(cache, NoData) and cache.unreachable else await ttl.ttl(service)


@dataclass(frozen=True, slots=True)
class _Answers:
    asked_at: datetime
    window: Window
    traffic: Mapping[ServiceId, Traffic | NoData]
    history: Mapping[ServiceId, HourlyHistory | NoData]
    cache: Mapping[ServiceId, CacheStats | NoData]
    deployment: Mapping[ServiceId, Deployment | NoData]
    spend: Mapping[ServiceId, Spend | NoData]


def missing_from(snapshot: Snapshot) -> tuple[Missing, ...]:
    """Everything that this snapshot could not measure, with the reason and the remedy."""
    found: list[tuple[str, object]] = [
        ("traffic", snapshot.traffic),
        ("cache", snapshot.cache),
        ("ttl", snapshot.ttl),
        ("deployment", snapshot.deployment),
        ("spend", snapshot.spend),
        ("history", snapshot.history),
    ]
    if not isinstance(snapshot.traffic, NoData):
        found.append(("latency", snapshot.traffic.latency))
    if not isinstance(snapshot.spend, NoData):
        found.append(("spend", snapshot.spend.month_to_date_usd))
    if not isinstance(snapshot.cache, NoData):
        found += _of_cache(snapshot.cache)
    return tuple(Missing(what, value) for what, value in found if isinstance(value, NoData))


def _of_cache(cache: CacheStats) -> list[tuple[str, object]]:
    """Its parts, where the one before does not give the same reason."""
    parts: list[tuple[str, object]] = [
        ("cache", cache.lookups),
        ("cache_evictions", cache.evictions),
        ("cache_memory", cache.used_mb),
        ("cache_limit", cache.max_mb),
        ("cache_latency", cache.p95_ms),
    ]
    told = [None, *(value for _, value in parts)]
    return [part for part, before in zip(parts, told, strict=False) if part[1] != before]
