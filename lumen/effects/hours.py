"""Hourly figures of what was measured, as the effect of a change is estimated on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lumen.model.alert import Observation

HOUR = timedelta(hours=1)
#: So much of the time before a change is compared with.
BEFORE = timedelta(days=14)
#: A figure of an hour that fewer slices know than this is unknown.
SLICES, LEAST_SLICES = 12, 9


@dataclass(slots=True)
class Hour:
    """Sums over the slices of one hour that know each figure; a figure without enough of them is None."""

    traffic_slices: int = 0
    requests: int = 0
    error_slices: int = 0
    error_requests: int = 0
    errors_5xx: int = 0
    cache_slices: int = 0
    hits: int = 0
    lookups: int = 0
    latency_slices: int = 0
    latency_requests: int = 0
    weighted_p95_ms: float = 0.0
    cost_slices: int = 0
    cost_requests: int = 0
    cost_usd: float = 0.0

    def add(self, seen: Observation) -> None:
        """Add a slice; what is unknown of it leaves only the figures that need it alone."""
        requests = seen.requests if seen.is_counted else None
        if requests is not None:
            self.traffic_slices += 1
            self.requests += requests
        if requests is not None and seen.errors_5xx is not None:
            self.error_slices += 1
            self.error_requests += requests
            self.errors_5xx += seen.errors_5xx
        if seen.hits is not None and seen.lookups is not None:
            self.cache_slices += 1
            self.hits += seen.hits
            self.lookups += seen.lookups
        if requests is not None and seen.p95_ms is not None:
            self.latency_slices += 1
            self.latency_requests += requests
            self.weighted_p95_ms += seen.p95_ms * requests
        if requests is not None and seen.cost_usd is not None:
            self.cost_slices += 1
            self.cost_requests += requests
            self.cost_usd += seen.cost_usd

    @property
    def hit_rate(self) -> float | None:
        """0-1."""
        return self.hits / self.lookups if self.cache_slices >= LEAST_SLICES and self.lookups > 0 else None

    @property
    def error_rate(self) -> float | None:
        """0-1, of 5xx."""
        known = self.error_slices >= LEAST_SLICES and self.error_requests > 0
        return self.errors_5xx / self.error_requests if known else None

    @property
    def p95_ms(self) -> float | None:
        """The mean of the slices' P95, weighted by their requests."""
        known = self.latency_slices >= LEAST_SLICES and self.latency_requests > 0
        return self.weighted_p95_ms / self.latency_requests if known else None

    @property
    def cost_per_request_usd(self) -> float | None:
        """USD, over the slices that know both; None without."""
        known = self.cost_slices >= LEAST_SLICES and self.cost_requests > 0
        return self.cost_usd / self.cost_requests if known else None

    @property
    def demand(self) -> float | None:
        """Lookups, at the pace of the known slices."""
        known = self.cache_slices >= LEAST_SLICES and self.lookups > 0
        return self.lookups * SLICES / self.cache_slices if known else None

    @property
    def traffic(self) -> float | None:
        """Requests, at the pace of the known slices."""
        known = self.traffic_slices >= LEAST_SLICES and self.requests > 0
        return self.requests * SLICES / self.traffic_slices if known else None


@dataclass(slots=True)
class Hours:
    """Hours of one service by their start."""

    by_start: dict[datetime, Hour] = field(default_factory=dict)

    def add(self, seen: Observation) -> None:
        """A slice of five minutes."""
        start = seen.start.replace(minute=0)
        hour = self.by_start.get(start)
        if hour is None:
            hour = self.by_start[start] = Hour()
        hour.add(seen)

    def between(self, start: datetime, end: datetime) -> Sequence[Hour]:
        """Every hour of [start, end); one of which nothing is known knows no figure."""
        count = round((end - start) / HOUR)
        return [self.by_start.get(start + index * HOUR) or Hour() for index in range(count)]
