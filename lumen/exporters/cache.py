"""The health of the cache and the action that follows from it (docs/scores.md, Cache)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lumen.exporters.slo import LEAST_SAMPLES, too_few
from lumen.model.assessment import CacheAction, CacheAssessment, CacheFinding, CacheHealth, Grade
from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import CacheStats, Snapshot, TtlSetting

#: Evictions that show the memory to bind: from 100/h a longer TTL cannot help, above 150/h more memory is due.
MANY_EVICTIONS_PER_HOUR = 100
TOO_MANY_EVICTIONS_PER_HOUR = 150
POOR_HIT_RATE = 0.40


@dataclass(frozen=True, slots=True)
class CacheRange:
    """How far the action may go: the TTL in seconds, the size in MB."""

    min_ttl_seconds: int = 60
    max_ttl_seconds: int = 3600
    min_mb: int = 10
    max_mb: int = 1024


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """The five rows of the table, each measured or known to be missing."""

    hit_rate: float | NoData
    memory_ratio: float | NoData
    p95_ms: float | NoData
    evictions_per_hour: float | NoData
    ttl_seconds: float | NoData


def assess_cache(snapshot: Snapshot, may: CacheRange = CacheRange()) -> CacheAssessment:
    """Grades, health and action. Without a hit rate no health is good; without hit rate and memory no action."""
    figures = cache_figures(snapshot.cache, snapshot.ttl)
    grades = grades_of(figures)
    values = {
        "hit_rate": figures.hit_rate,
        "memory_ratio": figures.memory_ratio,
        "p95_ms": figures.p95_ms,
        "evictions_per_hour": figures.evictions_per_hour,
        "ttl_seconds": figures.ttl_seconds,
    }
    findings = tuple(CacheFinding(name, value, grades[name]) for name, value in values.items())
    health, health_reason = _health(snapshot.cache, figures, grades)
    size_mb = snapshot.cache if isinstance(snapshot.cache, NoData) else snapshot.cache.max_mb
    action, action_reason = _action(figures, size_mb, may)
    return CacheAssessment(health, action, findings, health_reason, action_reason)


def cache_figures(cache: CacheStats | NoData, ttl: TtlSetting | NoData) -> CacheFigures:
    """The figures of the cache table, from what was measured."""
    ttl_seconds = ttl if isinstance(ttl, NoData) else float(ttl.value_seconds)
    if isinstance(cache, NoData):
        return CacheFigures(cache, cache, cache, cache, ttl_seconds)
    return CacheFigures(
        hit_rate=_hit_rate(cache),
        memory_ratio=cache.memory_ratio,
        p95_ms=cache.p95_ms,
        evictions_per_hour=cache.evictions_per_hour,
        ttl_seconds=ttl_seconds,
    )


def grades_of(figures: CacheFigures) -> Mapping[str, Grade | None]:
    """The column of each row, in the order of the table; None without data."""
    return {
        "hit_rate": _graded(figures.hit_rate, grade_hit_rate),
        "memory_ratio": _graded(figures.memory_ratio, lambda ratio: grade_memory_beside(ratio, figures.hit_rate)),
        "p95_ms": _graded(figures.p95_ms, grade_p95),
        "evictions_per_hour": _graded(figures.evictions_per_hour, grade_evictions),
        "ttl_seconds": _graded(figures.ttl_seconds, grade_ttl),
    }


def grade_hit_rate(ratio: float) -> Grade:
    if ratio > 0.80:
        return Grade.GOOD
    return Grade.WATCH if ratio >= 0.60 else Grade.BAD


def grade_memory(ratio: float) -> Grade:
    if 0.70 <= ratio <= 0.85:
        return Grade.GOOD
    return Grade.WATCH if 0.50 <= ratio < 0.90 else Grade.BAD


def grade_p95(value_ms: float) -> Grade:
    if value_ms < 100:
        return Grade.GOOD
    return Grade.WATCH if value_ms <= 200 else Grade.BAD


def grade_evictions(per_hour: float) -> Grade:
    if per_hour < 50:
        return Grade.GOOD
    return Grade.WATCH if per_hour <= TOO_MANY_EVICTIONS_PER_HOUR else Grade.BAD


def grade_ttl(seconds: float) -> Grade:
    if 300 <= seconds <= 600:
        return Grade.GOOD
    return Grade.WATCH if 120 <= seconds <= 1800 else Grade.BAD


def _graded(value: float | NoData, grade: Callable[[float], Grade]) -> Grade | None:
    return None if isinstance(value, NoData) else grade(value)


def grade_memory_beside(memory_ratio: float, hit_rate: float | NoData) -> Grade:
    """Of memory, where little of it used beside a good hit rate is money to save, not a fault."""
    grade = grade_memory(memory_ratio)
    is_saving = memory_ratio < 0.50 and _graded(hit_rate, grade_hit_rate) is Grade.GOOD
    return Grade.WATCH if grade is Grade.BAD and is_saving else grade


def _health(
    cache: CacheStats | NoData, figures: CacheFigures, grades: Mapping[str, Grade | None]
) -> tuple[CacheHealth, Message]:
    if isinstance(cache, NoData):
        return (CacheHealth.FAILED if cache.unreachable else CacheHealth.NO_DATA), cache.reason
    if isinstance(figures.hit_rate, NoData):
        return _without_hit_rate(figures.hit_rate, figures, grades)
    if figures.hit_rate == 0 and not isinstance(cache.misses, NoData):
        return CacheHealth.FAILED, message("assess.cache_no_hits", lookups=cache.misses)
    if figures.hit_rate < POOR_HIT_RATE:
        return CacheHealth.POOR, message("assess.cache_hit_rate_poor", hit_rate=figures.hit_rate)
    return _health_of(grades)


def _without_hit_rate(
    why: NoData, figures: CacheFigures, grades: Mapping[str, Grade | None]
) -> tuple[CacheHealth, Message]:
    """What is bad whatever the hit rate is; little memory used may be a saving beside a good one."""
    memory = figures.memory_ratio
    if not isinstance(memory, NoData) and memory < 0.50:
        grades = {**grades, "memory_ratio": None}
    found = _health_of(grades)
    return found if found[0] in (CacheHealth.DEGRADED, CacheHealth.POOR) else (CacheHealth.NO_DATA, why.reason)


def _health_of(grades: Mapping[str, Grade | None]) -> tuple[CacheHealth, Message]:
    bad = sum(grade is Grade.BAD for grade in grades.values())
    if bad:
        health = CacheHealth.DEGRADED if bad == 1 else CacheHealth.POOR
        return health, message("assess.cache_bad", bad=bad)
    if all(grade is Grade.GOOD for grade in grades.values()):
        return CacheHealth.OPTIMAL, message("assess.cache_optimal")
    # A row without data is not a good row: it keeps the health from OPTIMAL.
    return CacheHealth.GOOD, message("assess.cache_good")


def _action(figures: CacheFigures, size_mb: float | NoData, may: CacheRange) -> tuple[CacheAction, Message]:
    hit_rate, memory, evictions = figures.hit_rate, figures.memory_ratio, figures.evictions_per_hour
    if isinstance(hit_rate, NoData):
        return CacheAction.MAINTAIN, hit_rate.reason
    if isinstance(memory, NoData):
        return CacheAction.MAINTAIN, memory.reason
    if isinstance(evictions, NoData):
        return CacheAction.MAINTAIN, evictions.reason
    may_fall, may_rise = _room(figures.ttl_seconds, may)
    action = _direction(hit_rate, memory, evictions, (may_fall, may_rise))
    figures_shown = {"hit_rate": hit_rate, "memory_ratio": memory, "evictions_per_hour": evictions}
    if action is CacheAction.SCALE_UP and not isinstance(size_mb, NoData) and size_mb >= may.max_mb:
        instead = CacheAction.DECREASE_TTL if may_fall else CacheAction.MAINTAIN
        return instead, Message("assess.action_at_largest", {**figures_shown, "most_mb": may.max_mb})
    if action is CacheAction.SCALE_DOWN and not isinstance(size_mb, NoData) and size_mb <= may.min_mb:
        return CacheAction.MAINTAIN, Message("assess.action_at_smallest", {**figures_shown, "least_mb": may.min_mb})
    return action, Message(f"assess.action_{action.lower()}", figures_shown)


def _room(ttl_seconds: float | NoData, may: CacheRange) -> tuple[bool, bool]:
    """Whether the TTL may fall, and rise; one that is not known may not rise."""
    if isinstance(ttl_seconds, NoData):
        return True, False
    return ttl_seconds > may.min_ttl_seconds, ttl_seconds < may.max_ttl_seconds


def _direction(hit_rate: float, memory: float, evictions: float, room: tuple[bool, bool]) -> CacheAction:
    may_fall, may_rise = room
    if memory >= 0.90 or evictions > TOO_MANY_EVICTIONS_PER_HOUR:
        return CacheAction.SCALE_UP
    if hit_rate < 0.80:
        has_room = memory <= 0.85 and evictions < MANY_EVICTIONS_PER_HOUR
        return CacheAction.INCREASE_TTL if has_room and may_rise else CacheAction.MAINTAIN
    if memory > 0.85:
        return CacheAction.DECREASE_TTL if may_fall else CacheAction.MAINTAIN
    return CacheAction.SCALE_DOWN if memory < 0.50 else CacheAction.MAINTAIN


def _hit_rate(cache: CacheStats) -> float | NoData:
    if isinstance(cache.lookups, NoData):
        return cache.lookups
    hits, asked = cache.lookups
    return too_few(asked) if asked < LEAST_SAMPLES else hits / asked
