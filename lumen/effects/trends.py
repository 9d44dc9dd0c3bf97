"""The trends of a week, from the slices that the watch has stored.

Needs no numerics itself: `trends_of` brings them in where it runs, which is the numerics worker.

Where a figure is going: the slope of a week with its interval, deaf to outliers. Needs the extra `numerics`.

The week that is drawn: the hours of the stored slices, the gate of the turns, the changes that were applied.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, theilslopes
from scipy.stats import t as student

from lumen.effects.hours import HOUR, LEAST_SLICES, Hour, Hours
from lumen.model.alert import Observation
from lumen.model.messages import NoData
from lumen.model.proposal import WAS_IN_FORCE, Proposal
from lumen.model.snapshot import SLICE
from lumen.model.turn import Turn
from lumen.model.week import HOURS_A_WEEK, Curve, Mark, MetricTrend, Week

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
    """Of every figure with at least a day of known hours."""

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
    """An hour, at the rate of its known slices."""
    return hour.requests / hour.traffic_slices * SLICES_AN_HOUR if hour.traffic_slices >= LEAST_SLICES else None


READERS: dict[str, Callable[[Hour], float | None]] = {
    "hit_rate": lambda hour: hour.hit_rate,
    "p95_ms": lambda hour: hour.p95_ms,
    "error_rate": lambda hour: hour.error_rate,
    "requests_per_hour": _requests,
    "cost_usd_per_day": _cost_a_day,
}

Floats = NDArray[np.float64]
LEAST_POINTS = 24
HOURS_A_DAY = 24
#: Hours are never more alike than this, and the interval never goes by fewer degrees of freedom.
MOST_ALIKE = 0.98
LEAST_FREEDOM = 1.5
#: What is larger was not measured; its slopes would be infinite.
LARGEST = 1e100
#: Freak hours count for no more than this many (robust) spreads when it is asked how alike hours are.
FREAK_SPREADS = 3.0
#: Days with this many known hours, of which at least four tell how days differ.
LEAST_HOURS, LEAST_DAYS = 12, 4


@dataclass(frozen=True, slots=True)
class Trend:
    """Change per day, in the units of the series, with a 95 % interval; `is_clear` when that excludes no change."""

    per_day: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        return self.low > 0 or self.high < 0


def trend(hourly: Sequence[float | None]) -> Trend | None:
    """Theil-Sen over the known hours, each taken against its hour of the day; None with fewer than a day of them.

    The interval counts hours as what they are, neighbours that resemble each other: it is widened for their
    autocorrelation, for what the daily curve took away, and by Student's t on as many hours as are independent; or for
    the differences of whole days (a weekend), where these are more than such hours explain.
    """
    values = np.array([np.nan if value is None else value for value in hourly], dtype=np.float64)
    values[np.abs(values) > LARGEST] = np.nan
    hours = np.arange(len(values))
    known = np.isfinite(values)
    if known.sum() < LEAST_POINTS:
        return None
    flat = _without_daily_curve(values, hours, known)
    slope, _, low, high = theilslopes(flat[known], hours[known] / HOURS_A_DAY)
    wider = _widening(flat[known] - slope * hours[known] / HOURS_A_DAY, hours[known])
    return Trend(float(slope), float(slope - (slope - low) * wider), float(slope + (high - slope) * wider))


def _without_daily_curve(values: Floats, hours: NDArray[np.int64], known: NDArray[np.bool_]) -> Floats:
    """Less the usual difference of each hour of the day from its day, where there are days enough to know it."""
    if known.sum() < 3 * HOURS_A_DAY:
        return values
    days = hours // HOURS_A_DAY
    level = {day: np.nanmedian(values[days == day]) for day in np.unique(days[known])}
    above = values - np.array([level.get(day, np.nan) for day in days])
    curve = np.zeros(HOURS_A_DAY)
    for hour in range(HOURS_A_DAY):
        at_hour = above[(hours % HOURS_A_DAY == hour) & known]
        curve[hour] = np.median(at_hour) if at_hour.size else 0.0
    return np.asarray(values - curve[hours % HOURS_A_DAY], dtype=np.float64)


def _widening(rest: Floats, hours: NDArray[np.int64]) -> float:
    """How much wider the interval is than that of independent hours, from what the line leaves over."""
    rest = _without_freaks(rest)
    likeness = _likeness(rest, hours)
    independent = len(rest) * (1 - likeness) / (1 + likeness)
    few = float(student.ppf(0.975, max(LEAST_FREEDOM, independent - 2)) / norm.ppf(0.975))
    days = len(np.unique(hours // HOURS_A_DAY))
    curve = np.sqrt(days / (days - 1)) if days > 1 else 1.0
    return max(float(np.sqrt((1 + likeness) / (1 - likeness)) * curve * few), _widening_of_days(rest, hours))


def _widening_of_days(rest: Floats, hours: NDArray[np.int64]) -> float:
    """The same by how much the means of days scatter round their line, against those of independent hours."""
    days, counts = np.unique(hours // HOURS_A_DAY, return_counts=True)
    days = days[counts >= LEAST_HOURS]
    scatter = float(rest.var())
    if len(days) < LEAST_DAYS or scatter <= 0:
        return 1.0
    means = np.array([rest[hours // HOURS_A_DAY == day].mean() for day in days])
    line = np.column_stack([np.ones(len(days)), days])
    beside = means - line @ np.linalg.lstsq(line, means, rcond=None)[0]
    freedom = len(days) - 2
    alike = float(beside @ beside) / freedom / (scatter / HOURS_A_DAY)
    return float(np.sqrt(alike) * student.ppf(0.975, freedom) / norm.ppf(0.975))


def _without_freaks(rest: Floats) -> Floats:
    """With what is far out drawn in: a freak hour is like none, and would hide how alike the others are."""
    middle = np.median(rest)
    reach = FREAK_SPREADS * 1.4826 * np.median(np.abs(rest - middle))
    return np.asarray(np.clip(rest, middle - reach, middle + reach) if reach > 0 else rest, dtype=np.float64)


def _likeness(rest: Floats, hours: NDArray[np.int64]) -> float:
    """The lag-1 correlation of neighbouring hours, corrected for what was taken out of them.

    Kendall's (2 + 4r)/n is for a line; beside a daily curve twice as much is missing (bench/trends.py).
    """
    centred = rest - rest.mean()
    neighbours = np.flatnonzero(np.diff(hours) == 1)
    total = float(centred @ centred)
    if total <= 0 or not len(neighbours):
        return 0.0
    count = len(rest)
    found = float(centred[neighbours + 1] @ centred[neighbours]) / len(neighbours) / (total / count)
    return min(MOST_ALIKE, max(0.0, found + (3 + 8 * found) / count))


#: Of the slices; the gate comes first.
MEASURES = ("hit_rate", "p95_ms", "cost_usd_per_day")


def week_before(
    end: datetime, zone: ZoneInfo, hours: Hours, turns: Sequence[Turn], proposals: Sequence[Proposal]
) -> Week:
    """The seven days before `end`, aligned down to the hour; `hours` of the slices, `turns` newest first."""
    last = end.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = last - WEEK
    curves = [_gate(start, turns)]
    curves += [Curve(name, tuple(READERS[name](hour) for hour in hours.between(start, last))) for name in MEASURES]
    changes = [
        Mark(one.finished_at, one.draft.change, one.state)
        for one in proposals
        if one.state in WAS_IN_FORCE and one.finished_at is not None and start <= one.finished_at < last
    ]
    return Week(start.astimezone(zone), tuple(curves), tuple(sorted(changes, key=lambda mark: mark.at)))


def _gate(start: datetime, turns: Sequence[Turn]) -> Curve:
    """By the hour that was measured; of several turns in it the newest one holds."""
    values: list[float | None] = [None] * HOURS_A_WEEK
    most: dict[int, float] = {}
    for turn in reversed(turns):
        hour = (turn.snapshot.window.end - timedelta(microseconds=1) - start) // HOUR
        score = turn.assessment.gate.score
        if not 0 <= hour < HOURS_A_WEEK or isinstance(score.value, NoData):
            continue
        values[hour] = score.value
        most.pop(hour, None)
        if not score.is_whole:
            most[hour] = score.most
    return Curve("gate", tuple(values), tuple(sorted(most.items())))
