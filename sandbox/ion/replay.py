"""The caches' semantics as a few lines of dict, and the profile that the history is made with.

Cache-aside: a TTL is set at the write after a miss and not refreshed by reads; an access at age ≥ TTL is a miss.
`python -m sandbox.ion.replay` prints `PROFILE` anew; a test derives it again and compares.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from random import Random

from sandbox.ion.instances import PER_SECOND
from sandbox.ion.population import Population
from sandbox.ion.processcache import ProcessCaches


@dataclass(frozen=True, slots=True)
class Steady:
    """The state that the caches settle to at a level of demand."""

    level: float
    hit_rate: float  # of what Redis is asked
    resident: float  # keys alive in Redis on average
    in_process: float  # share of the requests for answers that are answered without asking Redis


TTL_SECONDS = 300
REQUESTS_PER_SECOND = 6.0  # at level 1
CACHED_SHARE = 0.97  # of them ask for an answer
ENTRIES = 2000  # of each instance's L1
SPARE_INSTANCES = 1.1  # those that linger without work
_LEVELS = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.4, 1.8)

# Derived by `derive(seed=1)`; see tests/unit/sandbox/test_ion_profile.py.
PROFILE: tuple[Steady, ...] = (
    Steady(0.4, 0.6920, 185.3, 0.1387),
    Steady(0.55, 0.7035, 250.8, 0.1191),
    Steady(0.7, 0.7130, 313.2, 0.1071),
    Steady(0.85, 0.7189, 376.9, 0.0966),
    Steady(1.0, 0.7230, 439.6, 0.0911),
    Steady(1.2, 0.7271, 524.5, 0.0826),
    Steady(1.4, 0.7305, 607.4, 0.0780),
    Steady(1.8, 0.7368, 770.2, 0.0690),
)


def replay(level: float, ttl_seconds: float, seconds: float, seed: int, entries: int = ENTRIES) -> Steady:
    """Simulate `seconds` of requests after warming up for twice the TTL (at least an hour)."""
    random = Random(seed)  # noqa: S311 - a simulation must be repeatable
    population = Population(random)
    in_processes = ProcessCaches(random, entries)
    in_processes.run(ceil(REQUESTS_PER_SECOND * level * SPARE_INSTANCES / PER_SECOND))
    rate = REQUESTS_PER_SECOND * CACHED_SHARE * level
    warm = max(3600.0, 2 * ttl_seconds)
    count = round(rate * (warm + seconds))
    expires: dict[int, float] = {}
    near = hits = asked = 0
    at = 0.0
    for rank in population.ranks(count, level):
        at += random.expovariate(rate)
        if in_processes.asked(str(rank), at):
            near += at > warm
            continue
        hit = expires.get(rank, 0.0) > at
        if not hit:
            expires[rank] = at + ttl_seconds
        if at > warm:
            asked += 1
            hits += hit
    misses_per_second = rate * (asked - hits) / (near + asked)
    # Little's law: each miss lives for one TTL.
    return Steady(level, hits / asked, misses_per_second * ttl_seconds, near / (near + asked))


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
                low.in_process + (high.in_process - low.in_process) * part,
            )
    return profile[-1]


if __name__ == "__main__":
    for one in derive(seed=1):
        print(f"    Steady({one.level}, {one.hit_rate:.4f}, {one.resident:.1f}, {one.in_process:.4f}),")  # noqa: T201 - its purpose
