"""Hourly figures of what was measured, as the effect of a change is estimated on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lumen.model.observation import Observation

HOUR = timedelta(hours=1)
#: An hour with fewer known slices than this is unknown.
LEAST_SLICES = 9


@dataclass(slots=True)
class Hour:
    """Sums over the known slices of one hour."""

    slices: int = 0
    requests: int = 0
    errors_5xx: int = 0
    hits: int = 0
    lookups: int = 0
    cost_usd: float = 0.0
    weighted_p95_ms: float = 0.0

    def add(self, seen: Observation) -> None:
        if seen.requests is None or seen.hits is None or seen.lookups is None or seen.cost_usd is None:
            return
        self.slices += 1
        self.requests += seen.requests
        self.errors_5xx += seen.errors_5xx or 0
        self.hits += seen.hits
        self.lookups += seen.lookups
        self.cost_usd += seen.cost_usd
        self.weighted_p95_ms += (seen.p95_ms or 0.0) * seen.requests

    @property
    def known(self) -> bool:
        return self.slices >= LEAST_SLICES and self.requests > 0 and self.lookups > 0


@dataclass(slots=True)
class Hours:
    """By the start of each hour."""

    by_start: dict[datetime, Hour] = field(default_factory=dict)

    def add(self, seen: Observation) -> None:
        self.by_start.setdefault(seen.start.replace(minute=0), Hour()).add(seen)

    def between(self, start: datetime, end: datetime) -> Sequence[Hour | None]:
        """Every hour of [start, end); None where too little is known."""
        count = round((end - start) / HOUR)
        found = (self.by_start.get(start + index * HOUR) for index in range(count))
        return [hour if hour is not None and hour.known else None for hour in found]
