"""Measurements of one service over one window. Each part is there, or NoData says why it is not."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lumen.model.day_cost import Amount
from lumen.model.messages import Message, NoData, message
from lumen.model.service import ServiceId
from lumen.model.witnesses import Bounds, bounds_of, exactly

SLICE = timedelta(minutes=5)
SLICE_SECONDS = round(SLICE.total_seconds())
#: A slice is bad when more than this share of its requests fails (docs/scores.md, SLO).
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
        """Number of five-minute slices of a complete series."""
        return round((self.end - self.start) / SLICE)


@dataclass(frozen=True, slots=True)
class RequestSlice:
    """Requests answered in the five minutes from `start`, by response class."""

    start: datetime
    good: int
    errors_4xx: int
    errors_5xx: int
    #: Where the witnesses do not agree; exact where the uptime check decides.
    doubt: Bounds | None = None

    @property
    def bounds(self) -> Bounds:
        """Requests and failures, at least and at most."""
        return self.doubt or exactly(self.total, self.errors_5xx)

    @property
    def is_unreachable(self) -> bool:
        """Whether the uptime check says that nobody got through, whatever was counted."""
        return self.doubt is not None and self.doubt.is_exact and self.doubt.is_lost

    @property
    def total(self) -> int:
        return self.good + self.errors_4xx + self.errors_5xx


#: From and to, in milliseconds.
Bucket = tuple[float, float]


def bucket_below(bucket: Bucket, threshold_ms: float) -> float:
    """The share (0-1) of a bucket's requests that were faster; of those beyond the last bound none is known to be."""
    low, high = bucket
    return 1.0 if high <= threshold_ms else max(0.0, (threshold_ms - low) / (high - low))


@dataclass(frozen=True, slots=True)
class LatencyDistribution:
    """A histogram in milliseconds: `bounds_ms` ascending (n), `counts` per bucket (n + 1), as Monitoring gives it:
    empty buckets at its end may be left out.

    Percentiles are only as fine as the buckets; within a bucket values are taken as evenly spread.
    """

    bounds_ms: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    def buckets(self) -> Iterator[tuple[Bucket, int]]:
        """Those that hold any request, with how many. Nobody knows where the last one ends: at infinity."""
        last = len(self.bounds_ms)
        for nth, count in enumerate(self.counts):
            if count:
                yield (self.bounds_ms[nth - 1] if nth else 0.0, self.bounds_ms[nth] if nth < last else math.inf), count

    def trimmed(self) -> "LatencyDistribution":
        """The same without the bounds that no request was near."""
        held = [nth for nth, count in enumerate(self.counts) if count]
        if not held:
            return self
        first, last = max(0, held[0] - 1), held[-1]
        return LatencyDistribution(self.bounds_ms[first : last + 1], self.counts[first : last + 1])

    def percentile_ms(self, share: float) -> float:
        """The latency that `share` (0-1) of the requests do not exceed. Raises ValueError when empty."""
        return self.percentiles_ms((share,))[0]

    def percentiles_ms(self, shares: Sequence[float]) -> Sequence[float]:
        """The same of several shares, ascending."""
        total, below, found = self.total, 0, list[float]()
        if total == 0:
            raise ValueError("an empty distribution has no percentiles")
        for (low, high), count in self.buckets():
            while len(found) < len(shares) and below + count >= (wanted := shares[len(found)] * total):
                # Of the last bucket its lower bound is all that is known.
                found.append(low if high == math.inf else low + (high - low) * max(0.0, wanted - below) / count)
            if len(found) == len(shares):
                break
            below += count
        return [*found, *[self.bounds_ms[-1]] * (len(shares) - len(found))]

    def share_below(self, threshold_ms: float) -> float:
        """The share (0-1) of requests faster than `threshold_ms`. Raises ValueError when empty."""
        if self.total == 0:
            raise ValueError("an empty distribution has no shares")
        return sum(count * bucket_below(bucket, threshold_ms) for bucket, count in self.buckets()) / self.total


def together(several: Sequence[LatencyDistribution]) -> LatencyDistribution:
    """Their sum, without the empty buckets at its end: with the bounds of all, but none beyond the last one of any.

    A bucket that others cut is taken as evenly spread. Of what lay beyond the last bound of one layout nobody knows
    how far.
    """
    if len(several) == 1:
        return _without_empty_end(several[0].bounds_ms, list(several[0].counts))
    last = min(one.bounds_ms[-1] for one in several)
    bounds = tuple(sorted({bound for one in several for bound in one.bounds_ms if bound <= last}))
    counts = [0] * (len(bounds) + 1)
    for one in several:
        below = [0, *(round(_below(one, bound)) for bound in bounds), one.total]
        for bucket, (until, before) in enumerate(zip(below[1:], below, strict=False)):
            counts[bucket] += until - before
    return _without_empty_end(bounds, counts)


def _without_empty_end(bounds_ms: tuple[float, ...], counts: list[int]) -> LatencyDistribution:
    while len(counts) > 1 and not counts[-1]:
        counts.pop()  # a slow tail that nobody was in: most of a fortnight of slices
    return LatencyDistribution(bounds_ms, tuple(counts))


def _below(one: LatencyDistribution, bound_ms: float) -> float:
    return sum(count * bucket_below(bucket, bound_ms) for bucket, count in one.buckets())


@dataclass(frozen=True, slots=True)
class Traffic:
    """Cloud Run's own figures. `slices` holds the slices that have data, ascending; absent ones are unknown."""

    slices: tuple[RequestSlice, ...]
    latency: LatencyDistribution | NoData
    cold_starts: int | NoData
    billable_instance_seconds: float | NoData

    @property
    def bounds(self) -> Bounds:
        """Requests and failures of all slices, at least and at most."""
        return bounds_of(one.bounds for one in self.slices)

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
    """The cache over `seconds` (may be shorter than the window on a fresh installation; then it says so).

    Each figure stands alone: one that is missing costs no other. Hits and misses are known together.
    """

    seconds: float
    hits: int | NoData
    misses: int | NoData
    evictions: int | NoData
    used_mb: float | NoData
    max_mb: float | NoData
    p95_ms: float | NoData
    p95_source: str
    #: `maxmemory-policy`; "" where it is not known.
    eviction_policy: str = ""

    @property
    def lookups(self) -> tuple[int, int] | NoData:
        """Hits, and all that was asked for."""
        if isinstance(self.hits, NoData):
            return self.hits
        return self.misses if isinstance(self.misses, NoData) else (self.hits, self.hits + self.misses)

    @property
    def hit_rate(self) -> float | None:
        """0-1; None without lookups."""
        if isinstance(self.lookups, NoData):
            return None
        hits, asked = self.lookups
        return hits / asked if asked else None

    @property
    def memory_ratio(self) -> float | NoData:
        """Used share of `maxmemory`."""
        if isinstance(self.max_mb, NoData):
            return self.max_mb
        if self.max_mb <= 0:
            return NoData(message("assess.cache_no_limit"), message("assess.cache_no_limit_remedy"))
        return self.used_mb if isinstance(self.used_mb, NoData) else self.used_mb / self.max_mb

    @property
    def evictions_per_hour(self) -> float | NoData:
        if isinstance(self.evictions, NoData):
            return self.evictions
        if self.seconds <= 0:
            return NoData(message("assess.roi_no_time"), message("assess.roi_no_time_remedy"))
        return self.evictions * 3600 / self.seconds


@dataclass(frozen=True, slots=True)
class CacheDay:
    """The cache over the 24 hours before a turn, of which `seconds` are known: an hour at its peak, or at night, says
    little about a month. `highest_mb`: the most memory that was in use; `grown_mb`: how much more it is in the last
    hour than a day before, in the first one (None where one of them is not known).
    """

    seconds: float
    hits: int
    misses: int
    evictions: int
    highest_mb: float
    grown_mb: float | None = field(default=None, compare=False)

    @property
    def hit_rate(self) -> float:
        """0-1; 0 without lookups."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0

    @property
    def hits_per_entry(self) -> float:
        """Hits per entry over its life: each miss writes one entry. 0 where none was written."""
        return self.hits / self.misses if self.misses else 0.0

    @property
    def evictions_per_hour(self) -> float:
        return self.evictions * 3600 / self.seconds

    @property
    def evicted_share(self) -> float:
        """Share (0-1) of the written entries that were evicted before they expired."""
        return min(1.0, self.evictions / self.misses) if self.misses else 0.0


@dataclass(frozen=True, slots=True)
class TtlSetting:
    """The TTL that the service is told to use and what it acknowledged (docs/ion-contract.md)."""

    value_seconds: int
    version: int
    acknowledged_seconds: int | None
    acknowledged_version: int | None
    #: Why what stands for the acknowledgement cannot be read; it is then none.
    unread: NoData | None = None
    #: The version of the contract that the service speaks, by its acknowledgement; None: not known yet.
    contract: int | None = None

    @property
    def is_default(self) -> bool:
        """Whether it was never set: the service's own environment is in force."""
        return self.version == 0

    @property
    def followed(self) -> bool:
        """Whether the service acknowledged just this value."""
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
    #: Since when somebody has taken the traffic away from it, back to an older one, as Lumen remembers it.
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """A stretch of time in which a revision got traffic, as Lumen saw it. `until` None: it still does.

    `why` it was left, and of its last hour how many requests it answered and how many of them failed (5xx).
    """

    revision: str
    image: str
    since: datetime
    until: datetime | None = None
    why: Message | None = None
    requests: int = 0
    errors_5xx: int = 0


@dataclass(frozen=True, slots=True)
class Deployment:
    """Configuration of a service and the revisions that serve it."""

    etag: str
    env_ttl_seconds: int | None
    memory_mb: float
    min_instances: int
    pinned_revision: str | None
    revisions: tuple[Revision, ...]
    rollback_allowed: bool
    #: Where LATEST points: the newest revision that got ready; "" where that is not known.
    latest_ready: str = ""
    #: What has served, as Lumen remembers it; the oldest first.
    served: tuple[Served, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceSpend:
    """One service's own part of the month, always an estimate; so many hours of it are filled with what is usual.

    `service`: its name among those of its project (`names_of`).
    """

    service: str
    month_to_date_usd: float | NoData
    filled_hours: int = 0


@dataclass(frozen=True, slots=True)
class Spend:
    """Money of the project's current month, for the budget is the project's: of all services that are watched.

    `month_to_date_usd` is NoData where the cost of one of them is unknown: what the others cost is no sum, but at
    least so much (`known_usd`). `budget_usd` is what the Budgets API says, or the setting where it cannot.
    """

    month_to_date_usd: float | NoData
    is_estimate: bool
    budget_usd: float
    as_of: datetime
    #: Empty in what a Lumen stored that compared each service alone.
    parts: tuple[ServiceSpend, ...] = ()
    #: Lumen's own estimate, beside what Google bills; None where that is the month.
    estimate_usd: float | NoData | None = None
    #: Why the month is an estimate though notifications of the budget are read; None where they are not.
    not_billed: NoData | None = None
    #: What the month will come to by its usual days, where these are known.
    forecast_usd: float | None = None
    #: The estimate with its interval, where hours of it are filled in.
    filled: Amount | None = None

    @property
    def filled_hours(self) -> int:
        """Hours of services whose cost is not known, but taken to be what is usual."""
        return sum(part.filled_hours for part in self.parts)

    @property
    def known_usd(self) -> float:
        """The least that is known to be spent."""
        if not isinstance(self.month_to_date_usd, NoData):
            return self.month_to_date_usd
        return sum(usd for part in self.parts if not isinstance(usd := part.month_to_date_usd, NoData))


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
    """All measurements of one service in one turn."""

    service: ServiceId
    window: Window
    taken_at: datetime
    traffic: Traffic | NoData
    cache: CacheStats | NoData
    ttl: TtlSetting | NoData
    deployment: Deployment | NoData
    spend: Spend | NoData
    history: HourlyHistory | NoData
    #: None where too little of the day is known.
    cache_day: CacheDay | None = None
    #: How far the cost of days has risen (a ratio, 0 where no rise is clear); None where it is not known.
    cost_change: float | None = None
