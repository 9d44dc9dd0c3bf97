"""Trends of seven days of hours. `trend` needs the extra `numerics`."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median

from lumen.effects.hours import HOUR, LEAST_SLICES, Hour, Hours
from lumen.model.alert import Observation
from lumen.model.snapshot import SLICE
from lumen.model.week import MetricTrend

WEEK = timedelta(days=7)
SLICES_AN_HOUR = HOUR / SLICE


def hours_of_the_week(observations: Sequence[Observation], end: datetime) -> Sequence[Hour]:
    """Every hour of the week before `end` (aligned down to the hour): a twelfth of what would travel to the worker."""
    last = end.replace(minute=0, second=0, microsecond=0)
    hours = Hours()
    for one in observations:
        hours.add(one)
    return hours.between(last - WEEK, last)


def trends_of(week: Sequence[Hour]) -> tuple[MetricTrend, ...]:
    """The trend of every figure with at least a day of known hours. Raises ImportError without `numerics`."""
    from lumen.effects.trend import trend

    found: list[MetricTrend] = []
    for name, read in READERS.items():
        series = [read(hour) for hour in week]
        known = [value for value in series if value is not None]
        line = trend(series)
        if line is not None:
            found.append(MetricTrend(name, len(known), median(known), line.per_day, line.low, line.high))
    return tuple(found)


def _cost_a_day(hour: Hour) -> float | None:
    """USD, at the rate of the hour's known slices."""
    return hour.cost_usd / hour.cost_slices * SLICES_AN_HOUR * 24 if hour.cost_slices >= LEAST_SLICES else None


def _requests(hour: Hour) -> float | None:
    """Requests an hour, at the rate of its known slices."""
    return hour.requests / hour.traffic_slices * SLICES_AN_HOUR if hour.traffic_slices >= LEAST_SLICES else None


READERS: dict[str, Callable[[Hour], float | None]] = {
    "hit_rate": lambda hour: hour.hit_rate,
    "p95_ms": lambda hour: hour.p95_ms,
    "error_rate": lambda hour: hour.error_rate,
    "requests_per_hour": _requests,
    "cost_usd_per_day": _cost_a_day,
}
