"""Trends of seven days of hours, and the week as it is drawn. `trend` needs the extra `numerics`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

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
    """The gate score by the hour that was measured; of several turns in it the newest one counts."""
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
