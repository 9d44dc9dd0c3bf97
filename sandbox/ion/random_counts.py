"""Random counts that the standard library lacks."""

from math import exp, sqrt
from random import Random

_GAUSSIAN_FROM = 40.0  # above this mean the normal approximation is good to well under a per cent


def poisson(random: Random, mean: float) -> int:
    """A Poisson-distributed count."""
    if mean <= 0:
        return 0
    if mean >= _GAUSSIAN_FROM:
        return max(0, round(random.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count
