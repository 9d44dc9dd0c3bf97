"""The effect of several changes together: the mean for a unit of change, with an interval that holds however much
the effects of the changes differ among themselves.

Few changes, of very different precision: weights are of the random-effects model (the variance between changes by
Paule and Mandel, 1982), the error is of the changes' own scatter, and its degrees of freedom are Satterthwaite's, so
that one change which outweighs the others counts as few (Tipton, 2015). Plain Python: a card waits for it on the loop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist

#: Of an interval that is shown, and of one that must leave out nothing before an effect counts as clear.
SHOWN, CLEAR = 0.90, 0.95
#: Scatter that is less than this share of what the measurements' own errors explain is luck.
LEAST_SCATTER = 0.05
#: Changes differ at least by this share of a usual measurement's variance: less is never seen, and without it one that
#: was measured far better than the others would stand for all.
LEAST_BETWEEN = 0.25
_HALVINGS, _POINTS = 60, 2_000


@dataclass(frozen=True, slots=True)
class Slope:
    """The effect of one change for a unit of change, and its error (a standard deviation)."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Pooled:
    """The mean effect for a unit of change with its 90 % interval, and half of that of the next change's effect.

    The interval reaches to 0 unless wider ones (95 %, by the scatter and by the measurements' own errors) leave 0 out
    as well: of things that do nothing, fewer than one in twenty seem to do something.
    """

    value: float
    low: float
    high: float
    next_half: float


def pooled(slopes: Sequence[Slope]) -> Pooled | None:
    """Combine them; None for fewer than two, or where a figure is not finite."""
    usable = [one for one in slopes if math.isfinite(one.value) and math.isfinite(one.error) and one.error > 0]
    if len(usable) < max(2, len(slopes)):
        return None
    usual = sorted(one.error for one in usable)[len(usable) // 2]
    between = max(_between(usable), LEAST_BETWEEN * usual**2)
    plain = [1 / (one.error**2 + between) for one in usable]
    total = math.fsum(plain)
    weights = [one / total for one in plain]
    mean = math.fsum(weight * one.value for weight, one in zip(weights, usable, strict=True))
    lever = [weight**2 / (1 - weight) if weight < 1 else math.inf for weight in weights]
    scatter = math.fsum(of * (one.value - mean) ** 2 for of, one in zip(lever, usable, strict=True))
    variance = max(scatter, LEAST_SCATTER / total)
    freedom = _freedom(weights, lever)
    if not math.isfinite(variance) or freedom is None:
        return None
    half, wide = (student(level, freedom) * math.sqrt(variance) for level in (SHOWN, CLEAR))
    # A few changes may agree by luck, where hot keys carry the errors; then their own errors tell.
    wide = max(wide, NormalDist().inv_cdf((1 + CLEAR) / 2) / math.sqrt(total))
    return Pooled(mean, *shown(mean, half, wide), student(SHOWN, freedom) * math.sqrt(variance + between))


def shown(middle: float, half: float, wide: float) -> tuple[float, float]:
    """The interval of `half` on each side, which reaches to 0 where one of `wide` does."""
    low, high = middle - half, middle + half
    return (low, high) if abs(middle) > wide else (min(low, 0.0), max(high, 0.0))


def _between(slopes: Sequence[Slope]) -> float:
    """The variance between changes at which they scatter as much as they should; 0 where they scatter less."""

    def excess(between: float) -> float:
        weights = [1 / (one.error**2 + between) for one in slopes]
        mean = sum(weight * one.value for weight, one in zip(weights, slopes, strict=True)) / sum(weights)
        squares = (weight * (one.value - mean) ** 2 for weight, one in zip(weights, slopes, strict=True))
        return sum(squares) - (len(slopes) - 1)

    values = [one.value for one in slopes]
    low, high = 0.0, (max(values) - min(values)) ** 2 * len(slopes)
    if excess(0.0) <= 0:
        return 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def _freedom(weights: Sequence[float], lever: Sequence[float]) -> float | None:
    """Satterthwaite's degrees of freedom of the scatter, where the weights are right."""
    across = math.fsum(lever) ** 2 - math.fsum(one**2 for one in lever)
    found = math.fsum(weight**2 for weight in weights) + across
    return max(1.0, 1 / found) if found > 0 and math.isfinite(found) else None


@lru_cache(maxsize=256)
def student(level: float, freedom: float) -> float:
    """The quantile that |t| of Student stays below with probability `level`, for any `freedom` from 1 on.

    t = √freedom · tan θ has a density that goes with cos(θ)^(freedom − 1): its sum is taken, up to `level` of it.
    """
    step = math.pi / 2 / _POINTS
    densities = [math.cos((nth + 0.5) * step) ** (freedom - 1) for nth in range(_POINTS)]
    sums = list(accumulate(densities))
    wanted = level * sums[-1]
    nth = next(at for at, so_far in enumerate(sums) if so_far >= wanted)
    theta = (nth + 1 - (sums[nth] - wanted) / densities[nth]) * step
    return math.sqrt(freedom) * math.tan(theta)
