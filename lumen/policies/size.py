"""The cache size policy: more memory where it binds, less where it lies idle (docs/methods.md, Cache size)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lumen.model.forecast import Bounded
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, Priority, number
from lumen.model.snapshot import CacheDay, CacheStats, Snapshot
from lumen.model.turn import Recommendation

UP_FROM_MEMORY = 0.90
UP_FROM_EVICTIONS_PER_HOUR = 150
CONSIDER_FROM_MEMORY = 0.85
#: More than so much of its highest use more than at the same time yesterday.
RISING = 0.02
DOWN_BELOW_MEMORY = 0.50
UP_FACTOR = 1.5
DOWN_FACTOR = 0.75
HEADROOM = 1.25
HOURS_A_MONTH = 720
#: How much less often an evicted entry is asked for than others (docs/methods.md, Cache size).
ASKED_FOR_LESS = 0.12
MB_A_GB = 1024


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """Sizes in MB, prices in USD. `whole_gb`: sold in whole GB (Memorystore), so a smaller step saves nothing."""

    min_mb: int = 10
    max_mb: int = 1024
    cost_per_mb_month_usd: float = 0.0365625
    api_cost_per_call_usd: float = 0.01
    whole_gb: bool = False
    locked: bool = False
    #: Names of the settings among the prices that nobody has set.
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """The last 24 hours replayed in the cache's own memory; None where that could not be done. `limits` of its size;
    None where others share the cache."""

    replayed: Bounded | None = None
    limits: SizeLimits | None = None


UNKNOWN_MEMORY = Memory()


@dataclass(frozen=True, slots=True)
class SizeFigures:
    """Inputs of the rules."""

    size_mb: int
    used_mb: float
    hit_rate: float
    evictions_per_hour: float

    @property
    def memory_ratio(self) -> float:
        return self.used_mb / self.size_mb


@dataclass(frozen=True, slots=True)
class SizeAdvice:
    """`roi` is 0-10: 10 savings / (savings + added cost); of a size that is held it says nothing. Money a month;
    `added_cost_usd` is negative on the way down.

    `by_day`: judged on the evictions of a whole day. Otherwise savings are an upper estimate: as if every hour were
    like the one that was looked at, and every evicted entry asked for again at the present hit rate.
    """

    recommendation: Recommendation
    savings_usd: float
    added_cost_usd: float
    roi: float
    by_day: bool = False


def recommend_size(snapshot: Snapshot, limits: SizeLimits) -> SizeAdvice | NoData:
    """A step up or down, or hold with the reason; NoData when a figure is missing."""
    figures = size_figures(snapshot.cache)
    return figures if isinstance(figures, NoData) else advise_size(figures, limits, snapshot.cache_day)


def size_figures(cache: CacheStats | NoData) -> SizeFigures | NoData:
    """The figures of the rules, or what is missing."""
    if isinstance(cache, NoData):
        return cache
    memory = _memory_of(cache)
    if isinstance(memory, NoData):
        return memory
    hit_rate, evictions_per_hour = hit_rate_of(cache, 1), cache.evictions_per_hour
    if isinstance(hit_rate, NoData):
        return hit_rate
    if isinstance(evictions_per_hour, NoData):
        return evictions_per_hour
    size_mb, used_mb = memory
    return SizeFigures(round(size_mb), used_mb, hit_rate, evictions_per_hour)


def _memory_of(cache: CacheStats) -> tuple[float, float] | NoData:
    """Allowed and used."""
    if isinstance(cache.max_mb, NoData):
        return cache.max_mb
    if cache.max_mb < 1:
        return NoData(message("assess.cache_no_limit"), message("assess.cache_no_limit_remedy"))
    return cache.used_mb if isinstance(cache.used_mb, NoData) else (cache.max_mb, cache.used_mb)


def hit_rate_of(cache: CacheStats, least: int) -> float | NoData:
    """0-1, of at least so many lookups."""
    if isinstance(cache.lookups, NoData):
        return cache.lookups
    _, asked = cache.lookups
    if cache.hit_rate is None or asked < least or cache.seconds <= 0:
        return NoData(
            message("policy.too_few_lookups", lookups=asked, least=least), message("policy.too_few_lookups_remedy")
        )
    return cache.hit_rate


def advise_size(figures: SizeFigures, limits: SizeLimits, day: CacheDay | None = None) -> SizeAdvice:
    """The advice on plain figures, as `lumen size --current-size --usage --hit-rate --evictions` asks it.

    The hour says whether to look at the size at all; what a step is worth, and what must fit, says the day.
    """
    if limits.locked:
        return _hold(figures, "size_locked", Priority.LOW)
    if figures.memory_ratio >= UP_FROM_MEMORY or figures.evictions_per_hour > UP_FROM_EVICTIONS_PER_HOUR:
        return _up(figures, limits, day)
    if figures.memory_ratio < DOWN_BELOW_MEMORY:
        return _down(figures, limits, day)
    code = _considered(day) if figures.memory_ratio > CONSIDER_FROM_MEMORY else "size_fits"
    return _hold(figures, code, Priority.LOW)


def _considered(day: CacheDay | None) -> str:
    """A full cache may need more only where it grows; where nobody knows, that is what it depends on."""
    if day is None or day.grown_mb is None:
        return "size_consider_if_rising"
    return "size_consider_up" if day.grown_mb > RISING * day.highest_mb else "size_fits"


def roi_of(savings_usd: float, added_cost_usd: float) -> float:
    """0-10, one decimal; never above 10. What costs nothing more and saves something is a 10."""
    added = max(0.0, added_cost_usd)
    if savings_usd <= 0:
        return 0.0
    return min(10.0, round(10 * savings_usd / (savings_usd + added), 1))


def added_cost_usd(old_mb: int, new_mb: int, limits: SizeLimits) -> float:
    """A month's price of the new size above the old one's."""
    if limits.whole_gb:
        gigabytes = math.ceil(new_mb / MB_A_GB) - math.ceil(old_mb / MB_A_GB)
        return gigabytes * MB_A_GB * limits.cost_per_mb_month_usd
    return (new_mb - old_mb) * limits.cost_per_mb_month_usd


def assumed_prices(names: Sequence[str]) -> Message | None:
    """The sentence beside a figure that rests on defaults; None where it rests on none."""
    return message("assess.assumed", settings=", ".join(names)) if names else None


def cost_reasons(change: Change, limits: SizeLimits) -> Sequence[Message]:
    """For whoever decides about a size, whoever wants it: what it costs, and where the bill does not follow."""
    added = added_cost_usd(number(change.old), number(change.new), limits)
    told = message("policy.size_cost", added_usd=added)
    return (told, message("policy.size_whole_gb")) if limits.whole_gb and added == 0 else (told,)


def _up(figures: SizeFigures, limits: SizeLimits, day: CacheDay | None) -> SizeAdvice:
    new = min(limits.max_mb, math.floor(figures.size_mb * UP_FACTOR))
    if new <= figures.size_mb:
        return _hold(figures, "size_at_max", Priority.MEDIUM)
    savings = _calls_spared(figures, day) * limits.api_cost_per_call_usd
    priority = Priority.HIGH if figures.evictions_per_hour > UP_FROM_EVICTIONS_PER_HOUR else Priority.MEDIUM
    return _advice(figures, new, limits, savings, "SCALE_UP", priority, day)


def _calls_spared(figures: SizeFigures, day: CacheDay | None) -> float:
    """In a month. What is evicted is what was asked for least, and where few are evicted they had little time left."""
    if day is None:
        return figures.evictions_per_hour * HOURS_A_MONTH * figures.hit_rate
    asked_for = ASKED_FOR_LESS * day.hits_per_entry * math.sqrt(day.evicted_share)
    return day.evictions_per_hour * HOURS_A_MONTH * min(1.0, asked_for)


def _down(figures: SizeFigures, limits: SizeLimits, day: CacheDay | None) -> SizeAdvice:
    """A smaller size, which must still hold the fullest hour of the day."""
    if day is not None:
        figures = replace(figures, used_mb=max(figures.used_mb, day.highest_mb))
    least = max(limits.min_mb, math.ceil(HEADROOM * figures.used_mb))
    new = max(least, math.ceil(figures.size_mb * DOWN_FACTOR))
    if new >= figures.size_mb:
        is_least = math.ceil(HEADROOM * figures.used_mb) < figures.size_mb
        return _hold(figures, "size_at_floor" if is_least else "size_at_min", Priority.LOW)
    saved = -added_cost_usd(figures.size_mb, new, limits)
    return _advice(figures, new, limits, saved, "SCALE_DOWN", Priority.LOW, day)


def _advice(
    figures: SizeFigures,
    new_mb: int,
    limits: SizeLimits,
    savings: float,
    strategy: str,
    priority: Priority,
    day: CacheDay | None,
) -> SizeAdvice:
    added = added_cost_usd(figures.size_mb, new_mb, limits)
    change = Change(Knob.CACHE_SIZE, figures.size_mb, new_mb, "MB")
    cost, *whole_gb = cost_reasons(change, limits)
    reasons = [_reason(f"size_{strategy.lower()}", figures), cost]
    if day is not None and new_mb > figures.size_mb:
        reasons.append(_day_reason(day, savings))
    reasons += whole_gb
    assumed = assumed_prices(limits.assumed)
    if assumed is not None:
        reasons.append(assumed)
    recommendation = Recommendation(change, strategy, tuple(reasons), priority)
    return SizeAdvice(recommendation, savings, added, roi_of(savings, added), by_day=day is not None)


def _day_reason(day: CacheDay, savings_usd: float) -> Message:
    return message(
        "policy.size_day",
        evictions_per_hour=day.evictions_per_hour,
        evicted_share=day.evicted_share,
        savings_usd=savings_usd,
    )


def _hold(figures: SizeFigures, code: str, priority: Priority) -> SizeAdvice:
    return SizeAdvice(Recommendation(None, "MAINTAIN", (_reason(code, figures),), priority), 0.0, 0.0, 0.0)


def _reason(code: str, figures: SizeFigures) -> Message:
    return message(
        f"policy.{code}",
        size_mb=figures.size_mb,
        used_mb=figures.used_mb,
        memory_ratio=figures.memory_ratio,
        hit_rate=figures.hit_rate,
        evictions_per_hour=figures.evictions_per_hour,
    )
