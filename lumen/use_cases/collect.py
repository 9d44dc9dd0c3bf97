"""Collect: all sources at once, one grouped query per metric for all services, nothing invented for what is missing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, CacheStats, HourlyHistory, Snapshot, TtlSetting, Window
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

    async def snapshots(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Snapshot]:
        """One snapshot per service over the newest complete window."""
        now = self.clock.now()
        window = window_before(now, self.look_back)
        traffic, history, cache, deployments, spend, ttl = await asyncio.gather(
            self.traffic.traffic(services, window),
            self._history(services, now),
            self.cache.cache(services, window),
            self.deployments.deployments(services),
            self.spend.spend(services),
            asyncio.gather(*(self.ttl.ttl(service) for service in services)),
        )
        ttl_of: Mapping[ServiceId, TtlSetting | NoData] = dict(zip(services, ttl, strict=True))
        return {
            service: Snapshot(
                service=service,
                window=window,
                taken_at=now,
                traffic=traffic[service],
                cache=cache[service],
                ttl=ttl_of[service],
                deployment=deployments[service],
                spend=spend[service],
                history=history[service],
            )
            for service in services
        }

    async def caches(self, services: Sequence[ServiceId], length: timedelta) -> Mapping[ServiceId, CacheStats | NoData]:
        """The caches alone, over the newest complete window of `length`."""
        return await self.cache.cache(services, window_before(self.clock.now(), length))

    async def sample_caches(self) -> None:
        """Between turns: let a source that works by differences of counters see them every five minutes."""
        await self.cache.sample()

    async def _history(
        self, services: Sequence[ServiceId], now: datetime
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        end = (now - INGEST_DELAY).replace(minute=0, second=0, microsecond=0)
        return await self.traffic.history(services, Window(end - timedelta(hours=RHYTHM_HOURS), end))


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
