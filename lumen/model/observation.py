"""One service over one slice of five minutes: what the alerts are fed. Whatever is unknown is None."""

from dataclasses import dataclass
from datetime import datetime

from lumen.model.snapshot import SLICE, LatencyDistribution


@dataclass(frozen=True, slots=True)
class Observation:
    """Half-open [start, start + 5 min). Counts are of the slice, memory and percentiles are levels.

    `latency`, of which the percentiles are read, goes into the sums of its day in the step that stores the slice; with
    the slice itself it is not kept. Percentiles alone (a history of somebody else's) do not tell it.
    """

    start: datetime
    requests: int | None = None
    errors_5xx: int | None = None
    errors_4xx: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    hits: int | None = None
    misses: int | None = None
    evictions: int | None = None
    memory_mb: float | None = None
    cost_usd: float | None = None
    revision: str | None = None
    latency: LatencyDistribution | None = None

    @property
    def end(self) -> datetime:
        return self.start + SLICE

    @property
    def lookups(self) -> int | None:
        """Hits and misses, or None unless both are known."""
        return None if self.hits is None or self.misses is None else self.hits + self.misses
