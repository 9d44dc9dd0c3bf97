"""The world's costs and its latest minutes, for the state of the control API and for budgets."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

# Cloud Run, us-central1, request-based billing.
VCPU_SECOND_USD = 0.000024
GIB_SECOND_USD = 0.0000025
MILLION_REQUESTS_USD = 0.40
MONTH_SECONDS = 30 * 86400


@dataclass(frozen=True, slots=True)
class MinuteSummary:
    """One closed minute of the world."""

    minute: int
    requests: int
    errors: int
    hits: int
    misses: int
    cost_usd: float
    in_process: int = 0  # answered by the instances' own caches


class Ledger:
    """The last day's minutes, and the month's spend (calendar month, UTC)."""

    def __init__(self, cache_mb: int, cache_mb_usd: float, vertex_usd: float) -> None:
        self.minutes: deque[MinuteSummary] = deque(maxlen=1440)
        self.month = ""
        self.month_usd = 0.0
        self._redis_usd_minute = cache_mb * cache_mb_usd / (MONTH_SECONDS / 60)
        self._vertex_usd = vertex_usd

    def begin(self, month: str, spent_usd: float) -> None:
        """The cost of the month (YYYY-MM) before the first minute."""
        self.month, self.month_usd = month, spent_usd

    def price(self, requests: int, misses: int, billable_seconds: float, vcpu: float, gib: float) -> float:
        """USD of one minute."""
        return (
            misses * self._vertex_usd
            + billable_seconds * (vcpu * VCPU_SECOND_USD + gib * GIB_SECOND_USD)
            + requests / 1e6 * MILLION_REQUESTS_USD
            + self._redis_usd_minute
        )

    def add(self, summary: MinuteSummary) -> None:
        """Close a minute. A new month begins at 0."""
        month = datetime.fromtimestamp(summary.minute * 60, UTC).strftime("%Y-%m")
        if month != self.month:
            self.month, self.month_usd = month, 0.0
        self.month_usd += summary.cost_usd
        self.minutes.append(summary)

    def _last(self, minutes: int) -> list[MinuteSummary]:
        return [m for m in self.minutes if m.minute > self.minutes[-1].minute - minutes] if self.minutes else []

    def in_process_rate(self, minutes: int) -> float | None:
        """The share of the askings for an answer that Redis did not hear of; None when nobody asked."""
        last = self._last(minutes)
        near = sum(m.in_process for m in last)
        asked = near + sum(m.hits + m.misses for m in last)
        return near / asked if asked else None

    def hit_rate(self, minutes: int) -> float | None:
        """Redis's, of the last closed minutes; None when it was not asked."""
        last = self._last(minutes)
        hits, misses = sum(m.hits for m in last), sum(m.misses for m in last)
        return hits / (hits + misses) if hits + misses else None
