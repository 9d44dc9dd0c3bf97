"""A Cloud whose figures come label value by label value, as Cloud Monitoring's do, and may each go wrong by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

import numpy as np
from google.api.distribution_pb2 import Distribution

from lumen.adapters.google import monitoring_cache as redis
from lumen.adapters.google import monitoring_query as run
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries, Query
from lumen.adapters.google.monitoring_series import Series
from lumen.adapters.google.monitoring_slices import MonitoringSlices
from lumen.model.alert import Observation
from lumen.model.incident import RevisionCount
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import Window
from tests.alike import Alike
from tests.contract.use_cases.cloud import MINUTE, Cloud

INSTANCE = "projects/p/locations/r/instances/cache"
CLASS, REVISION, ROLE = "response_code_class", "revision_name", "role"
#: Of all requests, whatever the release: as many as a good service has.
NOT_FOUND, FAILED = 0.004, 0.0005
LOOKUPS, HIT_RATE = 0.88, 0.72


@dataclass(frozen=True)
class Fault:
    """One label value of some metrics: gone, late, or so many times too large. Half-open, in service time."""

    metrics: tuple[str, ...]
    label: str
    value: str
    since: datetime
    until: datetime
    late: timedelta | None = None
    times: int = 0


@dataclass(frozen=True)
class _Line:
    """One time series: `labels` of the resource and of the metric, and how many a minute from when on."""

    metric: str
    labels: Mapping[str, str]
    rates: tuple[tuple[datetime, float], ...]

    def counted(self, until: datetime) -> int:
        """Up to then, in whole units."""
        total = 0.0
        for (since, rate), (end, _) in zip(self.rates, (*self.rates[1:], (until, 0.0)), strict=True):
            total += rate * max(0.0, (min(end, until) - since) / MINUTE)
        return int(total)


@dataclass
class LabelledCloud(Cloud):
    """The same world; what is read of it goes through the adapters of Cloud Monitoring."""

    faults: list[Fault] = field(default_factory=list)
    knows_since: timedelta = timedelta(days=2)

    @property
    def source(self) -> MonitoringSlices:
        queries = cast(MonitoringQueries, self)
        return MonitoringSlices(
            Alike(queries), MonitoringCache(Alike(queries), dict.fromkeys(self.services, INSTANCE)), {}
        )

    services: Sequence[ServiceId] = ()

    async def slices(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        if window.end <= self.now - self.knows_since:
            return dict.fromkeys(services, ())
        self.services = services
        return await self.source.slices(services, window)

    async def by_revision(
        self, services: Sequence[ServiceId], window: Window, period: timedelta
    ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
        return await self.source.by_revision(services, window, period)

    async def series(self, query: Query, window: Window, before: int = 0) -> Sequence[Series]:
        """In place of MonitoringQueries: grouped and summed as Monitoring does."""
        grouped: dict[tuple[str, ...], dict[int, int]] = {}
        labels: dict[tuple[str, ...], Mapping[str, str]] = {}
        names = [name.rpartition(".")[2] for name in query.group_by]
        for line in self._lines(query.metric):
            key = tuple(line.labels.get(name, "") for name in names)
            labels[key] = {name: line.labels.get(name, "") for name in names}
            sums = grouped.setdefault(key, {})
            for index, count in self._points(line, window, query.period):
                sums[index] = sums.get(index, 0) + count
        is_timed = query.metric == run.LATENCIES
        return [
            Series(
                labels[key],
                labels[key],
                np.array(sorted(sums)) - before,
                np.array([sums[at] for at in sorted(sums)], dtype=np.float64),
                [_timed(sums[at]) for at in sorted(sums)] if is_timed else (),
            )
            for key, sums in grouped.items()
            if sums
        ]

    def _points(self, line: _Line, window: Window, period: timedelta) -> Iterator[tuple[int, int]]:
        faults = [
            f
            for f in self.faults
            if line.metric in f.metrics and line.labels.get(f.label) == f.value and f.since < self.now
        ]
        if line.metric in (redis.USAGE, redis.MAXMEMORY):
            rate = line.rates[0][1]
            for index in range(round(window.seconds / period.total_seconds())):
                end = window.start + (index + 1) * period
                share = self._share(faults, end - period, end)
                if share:
                    yield index, int(rate * share)
            return
        before = line.counted(window.start)
        for index in range(round(window.seconds / period.total_seconds())):
            start = window.start + index * period
            end = start + period
            after = line.counted(end)
            count, before = after - before, after
            if count and faults:
                share = self._share(faults, start, end)
                count = int(count * share)
            if count:
                yield index, count

    def _share(self, faults: Sequence[Fault], start: datetime, end: datetime) -> float:
        """What is seen of (start, end], as a ratio of what there was; by whole minutes."""
        share = 1.0
        for fault in faults:
            if fault.late is not None:
                seen_until = self.now - fault.late if self.now < fault.until else end
                share *= min(1.0, max(0.0, (seen_until - start) / (end - start)))
            else:
                inside = max(timedelta(), min(end, fault.until) - max(start, fault.since)) / (end - start)
                share *= 1 - inside + inside * fault.times
        return share

    def _lines(self, metric: str) -> Iterator[_Line]:
        begun = self.shares[0][0]
        instance = {"instance_id": INSTANCE, "role": "primary"}
        asked = self.requests_per_minute * LOOKUPS
        redis_rates = {
            redis.HITS: asked * HIT_RATE,
            redis.MISSES: asked * (1 - HIT_RATE),
            redis.EVICTED: 0.2,
            redis.USAGE: 180 * 2**20,
            redis.MAXMEMORY: 256 * 2**20,
        }
        if metric in redis_rates:
            yield _Line(metric, instance, ((begun, redis_rates[metric]),))
            return
        for revision in {name for _, name, _ in self.shares}:
            of = {"service_name": "ion-api", "revision_name": revision}
            if metric in (run.BILLABLE, run.STARTS):
                rate = 90.0 if metric == run.BILLABLE else 0.05
                yield _Line(metric, of, self._rates(revision, lambda _, rate=rate: rate))
                continue
            for kind in ("2xx", "4xx", "5xx"):
                rates = self._rates(revision, lambda share, kind=kind: self.requests_per_minute * _part(kind, share))
                yield _Line(metric, {**of, CLASS: kind}, rates)

    def _rates(self, revision: str, rate: Any) -> tuple[tuple[datetime, float], ...]:
        return tuple((at, rate(share) if name == revision else 0.0) for at, name, share in self.shares)


def _part(kind: str, share: float) -> float:
    failed = max(share, FAILED)
    return {"2xx": 1 - failed - NOT_FOUND, "4xx": NOT_FOUND, "5xx": failed}[kind]


@cache
def _timed(count: int) -> Any:
    slow = count // 50
    options = Distribution.BucketOptions(
        explicit_buckets=Distribution.BucketOptions.Explicit(bounds=[50, 100, 150, 300, 600])
    )
    counts = [0, count // 2, count - count // 2 - slow, slow]
    return Distribution(count=count, bucket_options=options, bucket_counts=counts)
