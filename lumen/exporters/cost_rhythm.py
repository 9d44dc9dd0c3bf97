"""The cost rhythm: whether spending follows demand over a week of hours. In the standard library alone."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from operator import mul
from statistics import fmean, median, pstdev

from lumen.model.assessment import RhythmAssessment, RhythmState
from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import HourlyHistory, Snapshot, Spend

HOURS = 168
LEAST_HOURS_SHARE = 0.80
LONGEST_LAG_HOURS = 12
#: Log demand that moves less than this (about 10 %) has no pulse that spending could follow.
FLAT_DEMAND_STD = 0.10
FLAT_COST_SHARE = 0.3
RESONANT_COHERENCE = 0.8
RESONANT_PHASE = 0.16
CHAOTIC_COHERENCE = 0.6
CHAOTIC_ENTROPY = 0.75
#: Logarithms need a floor: hours at zero count as this share of the median hour.
FLOOR_SHARE = 0.01

Series = Sequence[float | None]


def assess_rhythm(snapshot: Snapshot) -> RhythmAssessment:
    """RESONANT, DISSONANT, CHAOTIC, or UNKNOWN with the reason; budget share and forecast where spend is known."""
    share, forecast = _budget(snapshot.spend, snapshot.taken_at)
    return replace(rhythm_of(snapshot.history), budget_share=share, forecast_usd=forecast)


def rhythm_of(history: HourlyHistory | NoData) -> RhythmAssessment:
    """The judgement on the last week of hours, in the order of docs/scores.md."""
    if isinstance(history, NoData):
        return RhythmAssessment(RhythmState.UNKNOWN, history.reason)
    cost, demand = _aligned(history)
    present = min(len(_known(cost)), len(_known(demand)))
    if present < LEAST_HOURS_SHARE * HOURS:
        return RhythmAssessment(RhythmState.UNKNOWN, message("assess.rhythm_few_hours", hours=present, wanted=HOURS))
    log_cost, log_demand = _logs(cost), _logs(demand)
    cost_std, demand_std = pstdev(_known(log_cost)), pstdev(_known(log_demand))
    if demand_std < FLAT_DEMAND_STD:
        return RhythmAssessment(RhythmState.UNKNOWN, message("assess.rhythm_flat_demand"))
    coherence = coherence_of(log_cost, log_demand)
    phase = phase_of(log_cost, log_demand)
    entropy = entropy_of(log_cost)
    state, reason = _judge(cost_std, demand_std, coherence, phase, entropy)
    return RhythmAssessment(state, reason, coherence, phase, entropy)


def coherence_of(cost: Series, demand: Series) -> float:
    """max(0, the best Pearson r of cost moved by up to 12 hours against demand), over the hours that both know."""
    best = 0.0
    for lag in range(-LONGEST_LAG_HOURS, LONGEST_LAG_HOURS + 1):
        pairs = zip(cost[max(0, lag) :], demand[max(0, -lag) :], strict=False)
        known = [(c, d) for c, d in pairs if c is not None and d is not None]
        ys, ds = [c for c, _ in known], [d for _, d in known]
        if len(known) > 2 and max(ys) > min(ys) and max(ds) > min(ds):
            best = max(best, _correlation(ys, ds))
    return min(1.0, best)


def phase_of(cost: Series, demand: Series) -> float:
    """Angle of the 24-hour harmonic of cost over demand, divided by pi: -1 to 1, negative when cost lags."""
    angle = _daily_angle(cost) - _daily_angle(demand)
    return math.remainder(angle, 2 * math.pi) / math.pi


def entropy_of(series: Series) -> float:
    """Normalised spectral entropy, 0 (one pure wave) to 1 (white). Missing hours are interpolated."""
    values = _interpolated(series)
    middle = fmean(values)
    count = len(values)
    centred = [value - middle for value in values]
    powers = [_power(centred, k) for k in range(1, count // 2 + 1)]
    total = math.fsum(powers)
    if total <= 0:
        return 0.0
    shares = [power / total for power in powers if power > 0]
    return min(1.0, max(0.0, -math.fsum(p * math.log(p) for p in shares) / math.log(len(powers))))


def _judge(
    cost_std: float, demand_std: float, coherence: float, phase: float, entropy: float
) -> tuple[RhythmState, Message]:
    if cost_std < FLAT_COST_SHARE * demand_std:
        return RhythmState.DISSONANT, message("assess.rhythm_flat_cost", share=cost_std / demand_std)
    if coherence >= RESONANT_COHERENCE and abs(phase) <= RESONANT_PHASE:
        return RhythmState.RESONANT, message("assess.rhythm_resonant", coherence=coherence, phase=phase)
    if coherence < CHAOTIC_COHERENCE and entropy >= CHAOTIC_ENTROPY:
        return RhythmState.CHAOTIC, message("assess.rhythm_chaotic", coherence=coherence, entropy=entropy)
    if coherence >= CHAOTIC_COHERENCE and abs(phase) > RESONANT_PHASE:
        code = "assess.rhythm_lags" if phase < 0 else "assess.rhythm_leads"
        return RhythmState.DISSONANT, message(code, hours=abs(phase) * 12)
    return RhythmState.DISSONANT, message("assess.rhythm_dissonant", coherence=coherence)


def _budget(spend: Spend | NoData, now: datetime) -> tuple[float | None, float | None]:
    """Share of the budget used, and the spend at the month's end if it goes on as it did."""
    if isinstance(spend, NoData) or isinstance(spend.month_to_date_usd, NoData):
        return None, None
    share = spend.month_to_date_usd / spend.budget_usd if spend.budget_usd > 0 else None
    as_of = min(spend.as_of, now)
    begin = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (begin + timedelta(days=32)).replace(day=1)
    # In the first day of a month one morning would be taken for thirty.
    if as_of - begin < timedelta(days=1):
        return share, None
    return share, spend.month_to_date_usd * ((end - begin) / (as_of - begin))


def _aligned(history: HourlyHistory) -> tuple[list[float | None], list[float | None]]:
    """The last week, as long as the longer of the two series."""
    cost: list[float | None] = list(history.cost_usd[-HOURS:])
    demand: list[float | None] = list(history.requests[-HOURS:])
    length = min(len(cost), len(demand))
    return cost[len(cost) - length :], demand[len(demand) - length :]


def _known(series: Series) -> list[float]:
    return [value for value in series if value is not None]


def _logs(series: Series) -> list[float | None]:
    positive = [value for value in _known(series) if value > 0]
    floor = FLOOR_SHARE * median(positive) if positive else 1.0
    return [None if value is None else math.log(max(value, floor)) for value in series]


def _daily_angle(series: Series) -> float:
    """Angle of the daily wave A cos(wt + angle), fitted by least squares beside a level and a slope."""
    omega = 2 * math.pi / 24
    middle = len(series) / 2
    hours = [(t, value) for t, value in enumerate(series) if value is not None]
    values = [value for _, value in hours]
    columns = (
        [1.0] * len(hours),
        [(t - middle) / len(series) for t, _ in hours],
        [math.cos(omega * t) for t, _ in hours],
        [math.sin(omega * t) for t, _ in hours],
    )
    normal = [[_dot(one, other) for other in columns] for one in columns]
    right = [_dot(one, values) for one in columns]
    _, _, cosine, sine = _solve(normal, right)
    return math.atan2(-sine, cosine)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivots; the normal equations of a wave over 80 % of a week are well conditioned."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda r: abs(rows[r][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for other in range(size):
            if other != column:
                factor = rows[other][column] / rows[column][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[column], strict=True)]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def _interpolated(series: Series) -> list[float]:
    known = [(index, value) for index, value in enumerate(series) if value is not None]
    values: list[float] = []
    after = 0
    for index in range(len(series)):
        while after < len(known) and known[after][0] < index:
            after += 1
        if after == 0:
            values.append(known[0][1])
        elif after == len(known):
            values.append(known[-1][1])
        else:
            (left, low), (right, high) = known[after - 1], known[after]
            values.append(low + (high - low) * (index - left) / (right - left))
    return values


def _power(values: Sequence[float], k: int) -> float:
    cosines, sines = _wave(len(values), k)
    real, imaginary = _dot(values, cosines), _dot(values, sines)
    return real * real + imaginary * imaginary


@lru_cache(maxsize=2 * HOURS)
def _wave(count: int, k: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Cosines and sines of `k` turns in `count` steps: a series of a week always needs the same ones."""
    angles = [2 * math.pi / count * (k * t % count) for t in range(count)]
    return tuple(map(math.cos, angles)), tuple(map(math.sin, angles))


def _correlation(ys: Sequence[float], ds: Sequence[float]) -> float:
    """Pearson's r of two series that both vary."""
    y_middle, d_middle = sum(ys) / len(ys), sum(ds) / len(ds)
    centred_y, centred_d = [y - y_middle for y in ys], [d - d_middle for d in ds]
    scale = math.sqrt(_dot(centred_y, centred_y) * _dot(centred_d, centred_d))
    return _dot(centred_y, centred_d) / scale if scale > 0 else 0.0


def _dot(these: Sequence[float], those: Sequence[float]) -> float:
    """Plain sums: rounding in the fifteenth digit moves no judgement, and a back-test makes one every hour."""
    total: float = sum(map(mul, these, those))
    return total
