"""How sure a count makes us: tails of the Poisson distribution, in the standard library alone."""

import math


def at_least(count: int, mean: float) -> float:
    """P(X >= count) for X ~ Poisson(mean). Exact enough far into the tail, where it is asked."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count <= mean:
        return 1.0 - _summed_down(count - 1, mean)
    term = math.exp(_log_term(count, mean))
    total, index = term, count
    while term > total * 1e-12:
        index += 1
        term *= mean / index
        total += term
    return min(1.0, total)


def at_most(count: int, mean: float) -> float:
    """P(X <= count) for X ~ Poisson(mean)."""
    if count < 0:
        return 0.0
    if count < mean:
        return _summed_down(count, mean)
    return 1.0 - at_least(count + 1, mean)


def _summed_down(count: int, mean: float) -> float:
    """P(X <= count) for count below the mean: terms shrink downwards, so the sum is short."""
    if count < 0:
        return 0.0
    term = math.exp(_log_term(count, mean))
    total, index = term, count
    while index > 0 and term > total * 1e-12:
        term *= index / mean
        total += term
        index -= 1
    return min(1.0, total)


def _log_term(count: int, mean: float) -> float:
    return count * math.log(mean) - mean - math.lgamma(count + 1)
