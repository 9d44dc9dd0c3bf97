"""Forecasts where memory binds, and of other sizes: by the replay in the cache's own memory, or why there are none."""

from math import ceil, floor, hypot

from lumen.model.forecast import NO_SIZES, Bounded, Gain, Outcome, SizeStep, Step
from lumen.model.messages import NoData, with_remedy
from lumen.model.snapshot import CacheStats
from lumen.policies.size import DOWN_FACTOR, UP_FACTOR, SizeLimits, added_cost_usd
from lumen.prediction.answers import OF_SAMPLING
from lumen.prediction.honesty import NO_NUMBER
from lumen.prediction.memory import LEAST_ENTRIES
from lumen.prediction.tomorrow import half_of

#: From this share of the memory in use on, what was reported is all that is in it.
MOST_EXPLAINED = 0.9
#: Of servers that evict what was used least recently, by a few keys that they look at.
LEAST_RECENTLY_USED = ("allkeys-lru", "volatile-lru")


def sizes_for(size_mb: int, limits: SizeLimits) -> tuple[int, ...]:
    """The steps of the size policy, and twice as far."""
    steps = (floor(size_mb * UP_FACTOR), ceil(size_mb * DOWN_FACTOR), 2 * size_mb, ceil(size_mb / 2))
    return tuple(sorted({one for one in steps if limits.min_mb <= one <= limits.max_mb} - {size_mb}))


def trusted(cache: CacheStats | NoData, limits: SizeLimits | None, found: Bounded | None) -> Bounded | NoData:
    """The replay in memory, where it is the cache's own. `limits` None: others share the cache."""
    if limits is None:
        return NoData(*with_remedy("forecast.shared"))
    if isinstance(cache, NoData):
        return cache
    if found is None:
        return cache.max_mb if isinstance(cache.max_mb, NoData) else NO_SIZES
    if cache.eviction_policy not in LEAST_RECENTLY_USED:
        return NoData(*with_remedy("forecast.not_lru", eviction_policy=cache.eviction_policy or "?"))
    return _right(found)


def _right(found: Bounded) -> Bounded | NoData:
    """Where it explains what the server uses, holds enough entries to be a server's, and tells what was seen."""
    if found.explained < MOST_EXPLAINED:
        return NoData(*with_remedy("forecast.unexplained", explained=found.explained))
    if not found.is_told:
        return NoData(*with_remedy("forecast.few_entries", entries=found.entries, least=LEAST_ENTRIES))
    if abs(found.residual) > NO_NUMBER:
        return NoData(*with_remedy("forecast.memory_disagrees", points=100 * found.residual))
    return found


def step_of(found: Bounded, ttl: int, outcome: Outcome, lookups: float) -> Step:
    """A TTL where memory binds. How old answers are then, a replay of the TTL alone tells but roughly."""
    gain, aged = found.at[ttl], abs(outcome.staleness)
    return Step(ttl, gain.uplift, _half(found, gain, lookups), outcome.staleness, aged, outcome.cached)


def size_steps(found: Bounded, size_mb: int, limits: SizeLimits, lookups: float) -> tuple[SizeStep, ...]:
    """All sizes that were replayed, the one in force among them."""
    others = [
        SizeStep(one, gain.uplift, _half(found, gain, lookups), added_cost_usd(size_mb, one, limits))
        for one, gain in found.sizes.items()
    ]
    return tuple(sorted([*others, SizeStep(size_mb, 0.0, 0.0, 0.0)], key=lambda step: step.size_mb))


def _half(found: Bounded, gain: Gain, lookups: float) -> float:
    """Of the day to come, of the keys, of the server's own sampling, and of what the replay does not tell right."""
    return hypot(half_of([], gain.uplift, lookups), gain.half, OF_SAMPLING, found.residual)
