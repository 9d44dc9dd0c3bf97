"""Trends of the last seven days."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricTrend:
    """Change a day of `name`, in its own unit, with a 95 % interval, over `hours` known hours of seven days.

    Names and units: hit_rate and error_rate (ratios), p95_ms, requests_per_hour, cost_usd_per_day.
    """

    name: str
    hours: int
    #: The middle of the known hours: what the slope is to be compared with.
    level: float
    per_day: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes no change."""
        return self.low > 0 or self.high < 0
