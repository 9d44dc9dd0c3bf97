"""What was measured of one service over one window. Each part is there, or says why it is not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.nodata import NoData
from lumen.model.service import ServiceId

SLICE = timedelta(minutes=5)
#: A slice is bad when more than this share of its requests fails (docs/methods.md 1).
BAD_SLICE_ERROR_RATE = 0.05


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open [start, end), both UTC and aligned to whole slices of five minutes."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    @property
    def slices(self) -> int:
        """How many five-minute slices a complete series has."""
        return round((self.end - self.start) / SLICE)


@dataclass(frozen=True, slots=True)
class RequestSlice:
    """Requests answered in the five minutes from `start`, by response class."""

    start: datetime
    good: int
    errors_4xx: int
    errors_5xx: int

    @property
    def total(self) -> int:
        return self.good + self.errors_4xx + self.errors_5xx


@dataclass(frozen=True, slots=True)
class LatencyDistribution:
    """A histogram in milliseconds: `bounds_ms` ascending (n), `counts` per bucket (n + 1), as Monitoring gives it.

    Percentiles are only as fine as the buckets; within a bucket values are taken as evenly spread.
    """

    bounds_ms: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    def _edges_ms(self, bucket: int) -> tuple[float, float]:
        lower = self.bounds_ms[bucket - 1] if bucket > 0 else 0.0
        # The overflow bucket has no upper edge: its lower bound is all that is known.
        upper = self.bounds_ms[bucket] if bucket < len(self.bounds_ms) else lower
        return lower, upper

    def percentile_ms(self, share: float) -> float:
        """The latency that `share` (0-1) of the requests do not exceed. Raises ValueError when empty."""
        if self.total == 0:
            raise ValueError("an empty distribution has no percentiles")
        wanted = share * self.total
        below = 0
        for bucket, count in enumerate(self.counts):
            if count and below + count >= wanted:
                lower, upper = self._edges_ms(bucket)
                return lower + (upper - lower) * max(0.0, wanted - below) / count
            below += count
        return self.bounds_ms[-1]

    def share_below(self, threshold_ms: float) -> float:
        """The share (0-1) of requests faster than `threshold_ms`. Raises ValueError when empty."""
        if self.total == 0:
            raise ValueError("an empty distribution has no shares")
        faster = 0.0
        for bucket, count in enumerate(self.counts):
            lower, upper = self._edges_ms(bucket)
            if upper <= threshold_ms and bucket < len(self.bounds_ms):
                faster += count
            elif lower < threshold_ms < upper:
                faster += count * (threshold_ms - lower) / (upper - lower)
        return faster / self.total


@dataclass(frozen=True, slots=True)
class Traffic:
    """Cloud Run's own figures. `slices` holds the slices that have data, ascending; absent ones are unknown."""

    slices: tuple[RequestSlice, ...]
    latency: LatencyDistribution | NoData
    cold_starts: int | NoData
    billable_instance_seconds: float | NoData

    @property
    def requests(self) -> int:
        return sum(s.total for s in self.slices)

    @property
    def errors_5xx(self) -> int:
        return sum(s.errors_5xx for s in self.slices)

    @property
    def errors_4xx(self) -> int:
        return sum(s.errors_4xx for s in self.slices)


@dataclass(frozen=True, slots=True)
class CacheStats:
    """The cache over `seconds` (may be shorter than the window on a fresh installation; then it says so)."""

    seconds: float
    hits: int
    misses: int
    evictions: int
    used_mb: float
    max_mb: float | NoData
    p95_ms: float | NoData
    p95_source: str

    @property
    def hit_rate(self) -> float | None:
        """0-1, or None when nobody asked the cache for anything."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None

    @property
    def memory_ratio(self) -> float | None:
        """Used share of `maxmemory`, or None when no limit is set or known."""
        return None if isinstance(self.max_mb, NoData) or self.max_mb <= 0 else self.used_mb / self.max_mb

    @property
    def evictions_per_hour(self) -> float:
        return self.evictions * 3600 / self.seconds


@dataclass(frozen=True, slots=True)
class TtlSetting:
    """The TTL that the service is told to use and what it acknowledged (docs/ion-contract.md)."""

    value_seconds: int
    version: int
    acknowledged_seconds: int | None
    acknowledged_version: int | None

    @property
    def is_default(self) -> bool:
        """Whether nobody has ever set it: the service's own environment is in force."""
        return self.version == 0

    @property
    def followed(self) -> bool:
        """Whether the service said that it uses just this value."""
        return (self.acknowledged_seconds, self.acknowledged_version) == (self.value_seconds, self.version)


@dataclass(frozen=True, slots=True)
class Revision:
    """A Cloud Run revision, newest first in lists. `image` carries the digest: a new digest is a deployment."""

    name: str
    created_at: datetime
    image: str
    traffic_percent: int
    #: DEFAULT_TTL_SECONDS of its environment; None where it is not set in plain sight.
    env_ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the service is configured and which revisions serve it."""

    etag: str
    env_ttl_seconds: int | None
    memory_mb: float
    min_instances: int
    pinned_revision: str | None
    revisions: tuple[Revision, ...]
    rollback_allowed: bool


@dataclass(frozen=True, slots=True)
class Spend:
    """Money of the current month. `budget_usd` is what the Budgets API says, or the setting where it cannot."""

    month_to_date_usd: float | NoData
    is_estimate: bool
    budget_usd: float
    as_of: datetime


@dataclass(frozen=True, slots=True)
class HourlyHistory:
    """Aligned hourly series, oldest first; None where an hour has no data.

    Used for the cost rhythm and for the operational parts of maturity. `errors_5xx` is empty where nobody read it.
    """

    start: datetime
    requests: tuple[int | None, ...]
    cost_usd: tuple[float | None, ...]
    errors_5xx: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a turn knows of one service."""

    service: ServiceId
    window: Window
    taken_at: datetime
    traffic: Traffic | NoData
    cache: CacheStats | NoData
    ttl: TtlSetting | NoData
    deployment: Deployment | NoData
    spend: Spend | NoData
    history: HourlyHistory | NoData
