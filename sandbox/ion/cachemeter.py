"""The redis_instance series: what INFO says, once a minute, as Memorystore reports it."""

from collections.abc import Callable

from sandbox.google.monitoring import catalogue
from sandbox.google.monitoring.metric import MetricType
from sandbox.google.monitoring.series import GridSeries, Labels
from sandbox.google.monitoring.store import SeriesStore
from sandbox.ion.cachestore import CacheInfo
from sandbox.ion.revisionmeter import KEEP_MINUTES

_PRIMARY = {"role": "primary"}
_DATABASE = {"role": "primary", "db": "db0"}
_LABELS = {
    catalogue.AVERAGE_TTL.name: _DATABASE,
    catalogue.KEYS.name: _DATABASE,
}
METRICS: tuple[MetricType, ...] = (
    catalogue.KEYSPACE_HITS,
    catalogue.KEYSPACE_MISSES,
    catalogue.EVICTED_KEYS,
    catalogue.EXPIRED_KEYS,
    catalogue.CACHE_HIT_RATIO,
    catalogue.MEMORY_USAGE,
    catalogue.MEMORY_USAGE_RATIO,
    catalogue.MAXMEMORY,
    catalogue.CLIENTS_CONNECTED,
    catalogue.AVERAGE_TTL,
    catalogue.KEYS,
)


class CacheMeter:
    """Writes one instance's points. Counters are differences of INFO; a restart of the server begins them anew."""

    def __init__(
        self, store: SeriesStore, resource: dict[str, str], first_minute: int, clock_scale: Callable[[], float]
    ) -> None:
        """`resource`: the labels of its redis_instance. The server's TTLs are on the wall: they are scaled back."""
        self._scale = clock_scale
        self._before: CacheInfo | None = None
        self.series = {
            m.name: GridSeries(m, Labels("redis_instance", resource, _LABELS.get(m.name, _PRIMARY)), first_minute)
            for m in METRICS
        }
        for series in self.series.values():
            store.add(series)

    def start_from(self, info: CacheInfo) -> None:
        """Count from here on."""
        self._before = info

    def put(self, minute: int, info: CacheInfo) -> tuple[int, int]:
        """Write the minute's points. Returns (hits, misses) of the minute."""
        before = self._before
        self._before = info
        if before is None or before.run_id != info.run_id:
            before = CacheInfo(info.run_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0)
        # CONFIG RESETSTAT lets a counter fall: then all of it is new.
        hits = info.hits - before.hits if info.hits >= before.hits else info.hits
        misses = info.misses - before.misses if info.misses >= before.misses else info.misses
        self._write(minute, catalogue.KEYSPACE_HITS, hits)
        self._write(minute, catalogue.KEYSPACE_MISSES, misses)
        self._write(minute, catalogue.EVICTED_KEYS, max(0, info.evicted - before.evicted))
        self._write(minute, catalogue.EXPIRED_KEYS, max(0, info.expired - before.expired))
        self._write(minute, catalogue.CACHE_HIT_RATIO, hits / (hits + misses) if hits + misses else None)
        self._write(minute, catalogue.MEMORY_USAGE, info.used_bytes)
        self._write(minute, catalogue.MEMORY_USAGE_RATIO, info.used_bytes / info.max_bytes if info.max_bytes else None)
        self._write(minute, catalogue.MAXMEMORY, info.max_bytes)
        self._write(minute, catalogue.CLIENTS_CONNECTED, info.clients)
        self._write(minute, catalogue.AVERAGE_TTL, info.average_ttl_ms * self._scale())
        self._write(minute, catalogue.KEYS, info.keys)
        return hits, misses

    def _write(self, minute: int, metric: MetricType, value: float | None) -> None:
        self.series[metric.name].put(minute, value)

    def trim(self) -> None:
        for series in self.series.values():
            series.trim(KEEP_MINUTES)
