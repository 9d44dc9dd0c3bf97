"""Days of metrics up to the start, from the same demand, latencies and cache profile as the live world.

Requests are counted a minute at a time; latency distributions follow from the counts when somebody asks for them.
"""

from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import ceil, sqrt
from random import Random

from sandbox.google.monitoring import catalogue
from sandbox.google.monitoring.catalogue import LATENCY_BUCKETS
from sandbox.google.monitoring.metric import Histogram, MetricType
from sandbox.google.monitoring.series import MINUTE, CountingSeries, GridSeries, Labels
from sandbox.google.monitoring.store import SeriesStore
from sandbox.ion import replay
from sandbox.ion.cachemeter import CacheMeter
from sandbox.ion.config import IonConfig, ServiceConfig
from sandbox.ion.demand import Demand
from sandbox.ion.instances import BUSY_SHARE, PER_SECOND
from sandbox.ion.latency import COLD_START, HIT, IN_PROCESS, MISS, UNCACHED
from sandbox.ion.ledger import Ledger
from sandbox.ion.random_counts import poisson
from sandbox.ion.revisionmeter import response_labels

_NOISE = 8191  # precomputed normal draws; a prime, so that the weekly pattern does not meet them twice alike
DAY_MINUTES = 1440
#: Counts a minute, and the shares of the buckets they fall into.
Kinds = list[tuple[Sequence[int], Sequence[float]]]


class _Draws:
    """Fast approximate Poisson counts from a pool of normal draws."""

    def __init__(self, random: Random) -> None:
        self._pool = [random.gauss(0.0, 1.0) for _ in range(_NOISE)]
        self._at = random.randrange(_NOISE)

    def normal(self, count: int) -> list[float]:
        """The next `count` draws."""
        start = self._at
        self._at = (start + count) % _NOISE
        rounds = (start + count) // _NOISE + 1
        return (self._pool * rounds)[start : start + count] if rounds > 1 else self._pool[start : start + count]


class History:
    """Writes the past of the world. `minutes` are [first, last) since the epoch."""

    def __init__(self, config: IonConfig, demand: Demand, store: SeriesStore, end_minute: int) -> None:
        self._config = config
        self._store = store
        self._random = Random(config.seed)  # noqa: S311 - a simulation must be repeatable
        self._draws = _Draws(self._random)
        self._end = end_minute
        self._first = end_minute - config.history_days * DAY_MINUTES
        levels = [demand.usual_level(minute * MINUTE) for minute in range(self._first, end_minute, 5)]
        self._levels = [level for level in levels for _ in range(5)][: end_minute - self._first]
        settled = [replay.steady(level) for level in levels]
        self._hit_rates = [s.hit_rate for s in settled for _ in range(5)]
        self._resident = [s.resident for s in settled for _ in range(5)]
        self._in_process = [s.in_process for s in settled for _ in range(5)]
        self._hits = [0] * len(self._levels)
        self._misses = [0] * len(self._levels)
        self._asked = [0] * len(self._levels)
        self._billed_seconds = [0.0] * len(self._levels)

    def write(self) -> None:
        """The Cloud Run series of every service, revision after revision."""
        for service in self._config.services:
            starts = [self._minute_of(age) for _, age in service.revisions]
            for (name, _), start, end in zip(service.revisions, starts, [*starts[1:], self._end], strict=True):
                self._revision(service, name, start, end)

    def _minute_of(self, age_days: float) -> int:
        return max(self._first, self._end - round(age_days * DAY_MINUTES))

    def _revision(self, service: ServiceConfig, name: str, start: int, end: int) -> None:
        config = self._config
        low, high = start - self._first, end - self._first
        per_minute = config.requests_per_second * service.traffic_share * MINUTE
        expected = [per_minute * level for level in self._levels[low:high]]
        requests = [
            max(0, round(m + sqrt(m) * z)) for m, z in zip(expected, self._draws.normal(high - low), strict=True)
        ]
        near = [round(n * config.cached_share * p) for n, p in zip(requests, self._in_process[low:high], strict=False)]
        cached = [round(n * config.cached_share) - p for n, p in zip(requests, near, strict=True)]
        hits = [
            min(n, max(0, round(n * h + z * sqrt(n * h * (1 - h)))))
            for n, h, z in zip(cached, self._hit_rates[low:high], self._draws.normal(high - low), strict=True)
        ]
        for index, (asked, hit) in enumerate(zip(cached, hits, strict=True), low):
            self._hits[index] += hit
            self._misses[index] += asked - hit
        for index, count in enumerate(requests, low):
            self._asked[index] += count
        labels = Labels("cloud_run_revision", config.run_labels(service.name, name), {})
        failed = self._requests(labels, start, requests)
        self._latencies(labels, start, requests, near, cached, hits, failed)
        self._instances(labels, start, requests)

    def _grid(self, metric: MetricType, labels: Labels, own: dict[str, str], start: int) -> GridSeries:
        series = GridSeries(metric, Labels(labels.resource_type, labels.resource, own), start)
        self._store.add(series)
        return series

    def _requests(self, labels: Labels, start: int, requests: Sequence[int]) -> dict[int, Sequence[int]]:
        """How many were answered 500 and 404, minute by minute."""
        metric = catalogue.REQUEST_COUNT
        total, failed = sum(requests), dict[int, Sequence[int]]()
        for code, share in ((500, self._config.error_share), (404, self._config.client_error_share)):
            counts = array("q", [-1]) * len(requests)
            for _ in range(poisson(self._random, total * share)):
                at = self._random.randrange(len(requests))
                if sum(max(0, of[at]) for of in (counts, *failed.values())) < requests[at]:
                    counts[at] = max(1, counts[at] + 1)
            self._grid(metric, labels, response_labels(code), start).fill(counts, sparse=True)
            failed[code] = [max(0, count) for count in counts]
        good = [n - sum(several) for n, *several in zip(requests, *failed.values(), strict=True)]
        self._grid(metric, labels, response_labels(200), start).fill(good, sparse=False)
        return failed

    def _latencies(
        self,
        labels: Labels,
        start: int,
        requests: Sequence[int],
        near: Sequence[int],
        cached: Sequence[int],
        hits: Sequence[int],
        failed: Mapping[int, Sequence[int]],
    ) -> None:
        """`near`: answered in the process; `cached`: asked of Redis, `hits` of them found; `failed` by code."""
        left = [n - sum(several) for n, *several in zip(requests, *failed.values(), strict=True)]
        kinds: Kinds = []
        misses = [c - h for c, h in zip(cached, hits, strict=True)]
        for counts, of in ((misses, MISS), (hits, HIT), (near, IN_PROCESS), (requests, UNCACHED)):
            fitting = [min(count, most) for count, most in zip(counts, left, strict=True)]
            left = [most - count for most, count in zip(left, fitting, strict=True)]
            kinds.append((fitting, of.shares(LATENCY_BUCKETS)))
        unasked = UNCACHED.shares(LATENCY_BUCKETS)
        codes: dict[int, Kinds] = {200: kinds, **{code: [(of, unasked)] for code, of in failed.items()}}
        for code, mixed in codes.items():
            self._store.add(
                CountingSeries(
                    catalogue.REQUEST_LATENCIES,
                    Labels(labels.resource_type, labels.resource, response_labels(code)),
                    Mixture(start, mixed),
                    start * MINUTE,
                    (start + len(requests)) * MINUTE,
                )
            )

    def _instances(self, labels: Labels, start: int, requests: Sequence[int]) -> None:
        loads = [n / MINUTE / PER_SECOND for n in requests]
        active = [ceil(load) for load in loads]
        billable = [60.0 * a * (BUSY_SHARE + (1 - BUSY_SHARE) * load / a) if a else 0.0
                    for a, load in zip(active, loads, strict=True)]  # fmt: skip
        # An instance lingers: as many run as were busy at most within the last quarter of an hour.
        running = [max(active[max(0, i - 15) : i + 1]) for i in range(len(active))]
        idle = [r - a for r, a in zip(running, active, strict=True)]
        started = [max(0, b - a) for a, b in zip([0, *running], running, strict=False)]
        self._grid(catalogue.INSTANCE_COUNT, labels, {"state": "active"}, start).fill(active, sparse=False)
        self._grid(catalogue.INSTANCE_COUNT, labels, {"state": "idle"}, start).fill(idle, sparse=False)
        self._grid(catalogue.BILLABLE_TIME, labels, {}, start).fill(billable, sparse=False)
        for index, seconds in enumerate(billable, start - self._first):
            self._billed_seconds[index] += seconds
        self._store.add(
            CountingSeries(
                catalogue.STARTUP_LATENCIES,
                labels,
                Mixture(start, ((started, COLD_START.shares(LATENCY_BUCKETS)),)),
                start * MINUTE,
                (start + len(requests)) * MINUTE,
            )
        )

    def spent_usd(self, since_minute: int, ledger: Ledger) -> float:
        """The world's cost from a minute on, at the ledger's prices; for the month that has begun."""
        low = max(0, since_minute - self._first)
        minutes = len(self._misses) - low
        rest = ledger.price(0, 0, 0.0, 1.0, 0.5) * (minutes - 1)
        misses, billed = sum(self._misses[low:]), sum(self._billed_seconds[low:])
        return rest + ledger.price(sum(self._asked[low:]), misses, billed, 1.0, 0.5)

    def write_cache(self, meter: CacheMeter, used_bytes: int, max_bytes: int, answer_bytes: int) -> None:
        """The cache's series, so that they meet the live ones: `used_bytes` is what is used now."""
        now_resident = self._resident[-1]
        used = [round(used_bytes + (r - now_resident) * answer_bytes) for r in self._resident[: len(self._levels)]]
        asked = zip(self._hits, self._misses, strict=True)
        columns: dict[str, Sequence[float]] = {
            catalogue.KEYSPACE_HITS.name: self._hits,
            catalogue.KEYSPACE_MISSES.name: self._misses,
            catalogue.EVICTED_KEYS.name: [0] * len(used),
            catalogue.EXPIRED_KEYS.name: self._misses,  # every answer that is written expires one day
            catalogue.CACHE_HIT_RATIO.name: [h / (h + m) if h + m else -1 for h, m in asked],
            catalogue.MEMORY_USAGE.name: used,
            catalogue.MEMORY_USAGE_RATIO.name: [u / max_bytes for u in used],
            catalogue.MAXMEMORY.name: [max_bytes] * len(used),
            catalogue.CLIENTS_CONNECTED.name: [4] * len(used),
            catalogue.AVERAGE_TTL.name: [replay.TTL_SECONDS * 500.0] * len(used),
            catalogue.KEYS.name: [round(r) for r in self._resident[: len(used)]],
        }
        for name, values in columns.items():
            meter.series[name].fill(values, sparse=name == catalogue.CACHE_HIT_RATIO.name)


class Mixture:
    """Cumulative histograms of several kinds of answers, each with its counts a minute and its bucket shares.

    Called with a time in seconds (a whole minute's end) it gives everything counted up to then. Each bucket is rounded
    down cumulatively, so windows add up whichever way they are cut.
    """

    def __init__(self, first_minute: int, kinds: Sequence[tuple[Sequence[int], Sequence[float]]]) -> None:
        self._first = first_minute
        self._kinds = [
            (list(accumulate(counts, initial=0)), [(i, s) for i, s in enumerate(shares) if s > 1e-7])
            for counts, shares in kinds
        ]

    def __call__(self, at: int) -> Histogram:
        minute = max(0, at // MINUTE - self._first)
        counts = [0] * LATENCY_BUCKETS.size
        for cumulative, shares in self._kinds:
            total = cumulative[min(minute, len(cumulative) - 1)]
            left = total
            for bucket, share in shares:
                part = int(total * share + 0.5)
                counts[bucket] += part
                left -= part
            # Rounding's remainder goes where it weighs least, the fullest bucket.
            counts[max(shares, key=lambda s: s[1])[0]] += left
        return Histogram(LATENCY_BUCKETS, tuple(counts), 0.0, 0.0)
