"""The cost rhythm: whether spending follows demand over a week of hours. In the standard library alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from operator import add, mul, sub
from statistics import fmean, median

from lumen.model.assessment import RhythmAssessment, RhythmState
from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import HourlyHistory, Snapshot, Spend

HOURS = 168
LEAST_HOURS_SHARE = 0.80
LONGEST_LAG_HOURS = 12
#: Two pairs are always on a line.
LEAST_PAIRS = 2
#: Of a sum of squares: less is what a constant leaves.
ROUNDING = 1e-12
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
    cost_std, demand_std = _deviation(_known(log_cost)), _deviation(_known(log_demand))
    if demand_std < FLAT_DEMAND_STD:
        return RhythmAssessment(RhythmState.UNKNOWN, message("assess.rhythm_flat_demand"))
    coherence = coherence_of(log_cost, log_demand)
    phase = phase_of(log_cost, log_demand)
    entropy = entropy_of(log_cost)
    state, reason = _judge(cost_std, demand_std, coherence, phase, entropy)
    return RhythmAssessment(state, reason, coherence, phase, entropy)


def coherence_of(cost: Series, demand: Series) -> float:
    """max(0, the best Pearson r of cost moved by up to 12 hours against demand), over the hours that both know."""
    ys, ds = _Masked.of(cost), _Masked.of(demand)
    lags = range(-LONGEST_LAG_HOURS, LONGEST_LAG_HOURS + 1)
    best = max(ys.after(max(0, lag)).correlation(ds.after(max(0, -lag))) for lag in lags)
    return min(1.0, max(0.0, best))


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
    # Cosines are the same from both ends, and sines opposite: half of the products do.
    first, last = centred[1 : (count + 1) // 2], centred[: count // 2 : -1]
    evens = [centred[0], *map(add, first, last), *centred[count // 2 : count // 2 + 1 - count % 2]]
    odds = [0.0, *map(sub, first, last)]
    powers = [_power(evens, odds, count, k) for k in range(1, count // 2 + 1)]
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
    """Share of the budget used, and the spend at the month's end: by its usual days, else if it goes on as it did."""
    if isinstance(spend, NoData) or isinstance(spend.month_to_date_usd, NoData):
        return None, None
    share = spend.month_to_date_usd / spend.budget_usd if spend.budget_usd > 0 else None
    if spend.forecast_usd is not None:
        return share, spend.forecast_usd
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


def _deviation(values: Sequence[float]) -> float:
    middle = fmean(values)
    return math.sqrt(fmean([(value - middle) ** 2 for value in values]))


def _logs(series: Series) -> list[float | None]:
    positive = [value for value in _known(series) if value > 0]
    floor = FLOOR_SHARE * median(positive) if positive else 1.0
    return [None if value is None else math.log(max(value, floor)) for value in series]


def _daily_angle(series: Series) -> float:
    """Angle of the daily wave A cos(wt + angle), fitted by least squares beside a level and a slope."""
    hours = tuple(t for t, value in enumerate(series) if value is not None)
    columns, normal = _wave_of_day(len(series), hours)
    values = _known(series)
    _, _, cosine, sine = _solve(normal, [_dot(one, values) for one in columns])
    return math.atan2(-sine, cosine)


@lru_cache(maxsize=8)
def _wave_of_day(count: int, hours: tuple[int, ...]) -> tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]:
    """Level, slope, cosine and sine at these of `count` hours, and the matrix of their normal equations."""
    omega = 2 * math.pi / 24
    columns = (
        [1.0] * len(hours),
        [(t - count / 2) / count for t in hours],
        [math.cos(omega * t) for t in hours],
        [math.sin(omega * t) for t in hours],
    )
    return columns, [[_dot(one, other) for other in columns] for one in columns]


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
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


def _power(evens: Sequence[float], odds: Sequence[float], count: int, k: int) -> float:
    cosines, sines = _wave(count, k)
    real, imaginary = _dot(evens, cosines), _dot(odds, sines)
    return real * real + imaginary * imaginary


@lru_cache(maxsize=2 * HOURS)
def _wave(count: int, k: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Cosines and sines of `k` turns in the first half of `count` steps: a series of a week always needs the same."""
    angles = [2 * math.pi / count * (k * t % count) for t in range(count // 2 + 1)]
    return tuple(map(math.cos, angles)), tuple(map(math.sin, angles))


@dataclass(frozen=True, slots=True)
class _Masked:
    """A series less its mean, 0 where it is not known, with its squares and where it is known (1 or 0)."""

    values: Sequence[float]
    squares: Sequence[float]
    known: Sequence[float]

    @classmethod
    def of(cls, series: Series) -> "_Masked":
        middle = fmean(_known(series))
        values = [0.0 if value is None else value - middle for value in series]
        return cls(values, [value * value for value in values], [float(value is not None) for value in series])

    def after(self, hours: int) -> "_Masked":
        """Without its first hours."""
        return _Masked(self.values[hours:], self.squares[hours:], self.known[hours:]) if hours else self

    def correlation(self, other: "_Masked") -> float:
        """Pearson's r over the hours that both know; 0 where there are too few or one does not vary."""
        count = _dot(self.known, other.known)
        if count <= LEAST_PAIRS:
            return 0.0
        own, others = _dot(self.values, other.known), _dot(self.known, other.values)
        spread = _dot(self.squares, other.known) - own * own / count
        others_spread = _dot(self.known, other.squares) - others * others / count
        if spread <= ROUNDING * sum(self.squares) or others_spread <= ROUNDING * sum(other.squares):
            return 0.0
        return (_dot(self.values, other.values) - own * others / count) / math.sqrt(spread * others_spread)


def _dot(these: Sequence[float], those: Sequence[float]) -> float:
    """Plain sums: rounding in the fifteenth digit moves no judgement, and a back-test makes one every hour."""
    total: float = sum(map(mul, these, those))
    return total
