"""The cache's semantics as a few lines of dict, and the profile that the fourteen days of history are made with.

Cache-aside: a TTL is set at the write after a miss and not refreshed by reads; an access at age ≥ TTL is a miss.
`python -m sandbox.ion.replay` prints `PROFILE` anew; a test derives it again and compares.
"""

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from sandbox.ion.population import Population


@dataclass(frozen=True, slots=True)
class Steady:
    """What the cache settles to at a level of demand."""

    level: float
    hit_rate: float
    resident: float  # keys alive on average


TTL_SECONDS = 300
CACHED_PER_SECOND = 5.28  # at level 1: 6 requests a second, 88 % of which ask the cache
_LEVELS = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.4, 1.8)

# Derived by `derive(seed=1)`; see tests/unit/sandbox/test_ion_profile.py.
PROFILE: tuple[Steady, ...] = (
    Steady(0.4, 0.7095, 184.0),
    Steady(0.55, 0.7139, 249.3),
    Steady(0.7, 0.7175, 313.3),
    Steady(0.85, 0.7211, 375.6),
    Steady(1.0, 0.7240, 437.2),
    Steady(1.2, 0.7260, 520.8),
    Steady(1.4, 0.7278, 603.6),
    Steady(1.8, 0.7319, 764.4),
)


def replay(level: float, ttl_seconds: float, seconds: float, seed: int) -> Steady:
    """Simulate `seconds` of requests after warming up for twice the TTL (at least an hour)."""
    random = Random(seed)  # noqa: S311 - a simulation must be repeatable
    population = Population(random)
    rate = CACHED_PER_SECOND * level
    warm = max(3600.0, 2 * ttl_seconds)
    count = round(rate * (warm + seconds))
    expires: dict[int, float] = {}
    hits = asked = 0
    at = 0.0
    for rank in population.ranks(count, level):
        at += random.expovariate(rate)
        if expires.get(rank, 0.0) > at:
            hit = 1
        else:
            hit = 0
            expires[rank] = at + ttl_seconds
        if at > warm:
            asked += 1
            hits += hit
    rate_of_misses = rate * (1 - hits / asked)
    return Steady(level, hits / asked, rate_of_misses * ttl_seconds)  # Little's law: each miss lives for one TTL


def derive(seed: int, seconds: float = 6 * 3600.0) -> tuple[Steady, ...]:
    """The profile at the usual TTL."""
    return tuple(replay(level, TTL_SECONDS, seconds, seed) for level in _LEVELS)


def steady(level: float) -> Steady:
    """The profile at any level, straight between the derived ones."""
    profile = PROFILE
    if level <= profile[0].level:
        return profile[0]
    for low, high in pairwise(profile):
        if level <= high.level:
            part = (level - low.level) / (high.level - low.level)
            return Steady(
                level,
                low.hit_rate + (high.hit_rate - low.hit_rate) * part,
                low.resident + (high.resident - low.resident) * part,
            )
    return profile[-1]


if __name__ == "__main__":
    for one in derive(seed=1):
        print(f"    Steady({one.level}, {one.hit_rate:.4f}, {one.resident:.1f}),")  # noqa: T201 - its purpose
