"""Trends of seven days of hours. `trend` needs the extra `numerics`."""

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from lumen.effects.hours import HOUR, LEAST_SLICES, Hour, Hours
from lumen.model.alert import Observation
from lumen.model.snapshot import SLICE
from lumen.model.week import MetricTrend

WEEK = timedelta(days=7)
#: Late points correct a day of slices, and some.
CORRECTED = timedelta(days=2)
SLICES_AN_HOUR = HOUR / SLICE


#: Of one hour what each of READERS reads, in their order.
Readings = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class KeptHours:
    """Whole hours from `start` on, in a few kilobytes: a fleet has many of them.

    `values`: the readings of each, one hour after the other; NaN where there is none.
    """

    start: datetime
    values: "array[float]"

    @property
    def end(self) -> datetime:
        """The first hour that is not kept."""
        return self.start + len(self.values) // len(READERS) * HOUR

    def before(self, end: datetime) -> "KeptHours":
        """The whole hours of them that end by then."""
        count = max(0, int((end - self.start) / HOUR))
        return KeptHours(self.start, self.values[: count * len(READERS)])

    def of(self, hour: datetime) -> Readings:
        """Those of one of them."""
        at = round((hour - self.start) / HOUR) * len(READERS)
        return [None if math.isnan(value) else value for value in self.values[at : at + len(READERS)]]


def week_before(end: datetime) -> datetime:
    """When the week of whole hours before `end` begins."""
    return end.replace(minute=0, second=0, microsecond=0) - WEEK


def hours_of_the_week(
    observations: Sequence[Observation], end: datetime, kept: KeptHours | None = None
) -> Sequence[Readings]:
    """Every hour of the week before `end` (aligned down to the hour): a small part of what would travel to the worker.

    `kept`: hours that come before the observations.
    """
    start, hours = week_before(end), Hours()
    for one in observations:
        hours.add(one)
    known = [] if kept is None else [kept.of(start + nth * HOUR) for nth in range(round((kept.end - start) / HOUR))]
    rest = hours.between(start + len(known) * HOUR, start + WEEK)
    return [*known, *([read(hour) for read in READERS.values()] for hour in rest)]


def kept_of(week: Sequence[Readings], start: datetime, until: datetime) -> KeptHours:
    """Of a week that begins at `start`, the whole hours before `until`."""
    count = max(0, int((until - start) / HOUR))
    values = (math.nan if value is None else value for hour in week[:count] for value in hour)
    return KeptHours(start, array("d", values))


def trends_of(week: Sequence[Readings]) -> tuple[MetricTrend, ...]:
    """The trend of every figure with at least a day of known hours. Raises ImportError without `numerics`."""
    from lumen.effects.trend import trend

    found: list[MetricTrend] = []
    for name, series in zip(READERS, zip(*week, strict=True), strict=True):
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
