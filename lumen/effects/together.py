"""Regressions of one metric on another one, hour by hour: what goes together, which is no cause (docs/methods.md).

log(target) on log(source), beside the daily and weekly curve, a line, and the requests where these move both. The
noise is that of an effect (estimate.py): AR(1) and a random walk, averaged over, so that two series which only drift
at the same time tell of nothing. Needs the extra `numerics`, and runs in the numerics worker.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from statistics import median

import numpy as np
from scipy.stats import t as student

from lumen.effects.design import HOURS_A_DAY, Floats, MetricHistory, design, logs, whitened, without_freaks
from lumen.effects.estimate import DRIFT, RHO, averaged, fitted
from lumen.effects.hours import HOUR, LEAST_SLICES, SLICES, Hour
from lumen.effects.pooled import CLEAR, SHOWN, shown
from lumen.model.feedback import (
    COST,
    HIT_RATE,
    LEAST_DAYS,
    P95,
    REQUESTS,
    STEPS,
    USUAL_STEP,
    By,
    Edge,
    Feedback,
    listed,
)
from lumen.model.forecast import DAYS_A_MONTH
from lumen.model.messages import Message, message

LEAST_HOURS = LEAST_DAYS * HOURS_A_DAY
#: A source that moves less than this (a logarithm's standard deviation beside its curves) cannot be told from noise.
LEAST_MOVING = 1e-4
#: An effect of more than this (a logarithm) was never measured.
MOST_LOGS = math.log(1e3)


def _cost_a_month(hour: Hour) -> float | None:
    known = hour.cost_slices >= LEAST_SLICES and hour.cost_usd > 0
    return hour.cost_usd / hour.cost_slices * SLICES * HOURS_A_DAY * DAYS_A_MONTH if known else None


READERS: Mapping[str, Callable[[Hour], float | None]] = {
    REQUESTS: lambda hour: hour.traffic,
    HIT_RATE: lambda hour: hour.hit_rate,
    P95: lambda hour: hour.p95_ms,
    COST: _cost_a_month,
}
#: Source, target, and what moves both.
PAIRS = ((REQUESTS, HIT_RATE, ()), (REQUESTS, P95, ()), (REQUESTS, COST, ()), (HIT_RATE, P95, (REQUESTS,)))


def together(hours: Sequence[Hour], end: datetime) -> Feedback:
    """The dashed edges of the hours before `end`, and which are lacking."""
    series = {name: [read(hour) for hour in hours] for name, read in READERS.items()}
    weekend = [(end - (len(hours) - nth) * HOUR).weekday() >= 5 for nth in range(len(hours))]
    edges, lacking = [], []
    few: dict[int, list[Message]] = {}
    for source, target, beside in PAIRS:
        found = _edge(source, target, series, [series[name] for name in beside], weekend)
        if isinstance(found, Edge):
            edges.append(found)
        elif found < LEAST_HOURS:
            few.setdefault(found // HOURS_A_DAY, []).append(message("graph.pair", metric=source, other=target))
        else:
            lacking.append(message("graph.still", metric=source, other=target))
    lacking += [message("graph.few_hours", pairs=listed(few[one]), days=one, least=LEAST_DAYS) for one in sorted(few)]
    return Feedback(tuple(edges), tuple(lacking))


Series = Sequence[float | None]


def _edge(
    source: str, target: str, series: Mapping[str, Series], beside: Sequence[Series], weekend: Sequence[bool]
) -> Edge | int:
    """The edge, or how many hours of both are known where they tell nothing."""
    x = np.column_stack([without_freaks(logs(one)) for one in (*beside, series[source])])
    values = [value if np.isfinite(row).all() else None for value, row in zip(series[target], x, strict=True)]
    seen = design(MetricHistory(values, None, weekend, max(1, len(values))))
    count = len(seen.hours)
    if count < LEAST_HOURS:
        return count
    columns = np.column_stack([seen.x, x[seen.hours]])
    if _moves(seen.x, columns[:, -1]) < LEAST_MOVING or _moves(seen.x, seen.y) < LEAST_MOVING:
        return count
    white, log_determinant = whitened(np.column_stack([seen.y, columns]), seen.hours, RHO, DRIFT)
    believed = np.concatenate([seen.believed, np.full(x.shape[1], np.inf)])
    slope, error = averaged(fitted(white, believed, log_determinant))
    freedom = count - columns.shape[1]
    half, wide = (float(student.ppf((1 + level) / 2, freedom)) * error for level in (SHOWN, CLEAR))
    levels = {name: _level(series[name], seen.hours.tolist()) for name in (source, target)}
    slopes = slope, *shown(slope, half, wide)
    return _of_slope(source, target, levels, slopes, count // HOURS_A_DAY) or count


def _of_slope(
    source: str, target: str, levels: Mapping[str, float], slopes: tuple[float, float, float], days: int
) -> Edge | None:
    """The elasticity as what a step of the source does to the target; None where that is beyond all that was seen."""
    step = STEPS.get(source, USUAL_STEP)
    turned = math.log1p(step / levels[HIT_RATE] if source == HIT_RATE else step)
    ends = [slope * turned for slope in slopes]
    if not all(math.isfinite(one) and abs(one) < MOST_LOGS for one in ends):
        return None
    unit = levels[target] if target in (HIT_RATE, COST) else 1.0
    effect, low, high = (float(unit * math.expm1(one)) for one in ends)
    return Edge(source, target, By.REGRESSION, step, effect, low, high, days)


def _level(series: Series, hours: Sequence[int]) -> float:
    return median(value for hour in hours if (value := series[hour]) is not None)


def _moves(curves: Floats, values: Floats) -> float:
    """The standard deviation that the curves do not explain."""
    rest = values - curves @ np.linalg.lstsq(curves, values, rcond=None)[0]
    return float(rest.std())
