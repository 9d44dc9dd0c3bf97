"""Latencies of answers in milliseconds: from the cache, from Vertex, and without either."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import erf, log, sqrt
from random import Random

from sandbox.google.monitoring.metric import Buckets


@dataclass(frozen=True, slots=True)
class Latency:
    """`floor_ms` plus a log-normal time with the given median and shape."""

    floor_ms: float
    median_ms: float
    sigma: float

    def sampler(self, random: Random) -> Callable[[], float]:
        """A fast way to draw one."""
        draw, mu, floor, sigma = random.lognormvariate, log(self.median_ms), self.floor_ms, self.sigma
        return lambda: floor + draw(mu, sigma)

    def below(self, value_ms: float) -> float:
        """The share (0-1) of answers that are faster."""
        if value_ms <= self.floor_ms:
            return 0.0
        return 0.5 * (1 + erf((log(value_ms - self.floor_ms) - log(self.median_ms)) / (self.sigma * sqrt(2))))

    def shares(self, buckets: Buckets) -> tuple[float, ...]:
        """The share of answers in each bucket."""
        below = [0.0, *(self.below(bound) for bound in buckets.bounds), 1.0]
        return tuple(b - a for a, b in pairwise(below))


HIT = Latency(floor_ms=8.0, median_ms=30.0, sigma=0.35)  # median 38 ms
MISS = Latency(floor_ms=110.0, median_ms=50.0, sigma=0.8)  # a Vertex call: median 160 ms, 1 % above 430 ms
IN_PROCESS = Latency(floor_ms=6.0, median_ms=24.0, sigma=0.35)  # without asking Redis: median 30 ms
UNCACHED = Latency(floor_ms=10.0, median_ms=45.0, sigma=0.4)  # requests that the cache has no part in
COLD_START = Latency(floor_ms=900.0, median_ms=1300.0, sigma=0.4)
