"""System health: the level of the score, held down by caps. The lowest holds, and says why (mission 3.6).

One cap is Lumen's own: a service whose requests fail is never GOOD, however well its cache pays (docs/scores.md).
"""

from collections.abc import Iterator

from lumen.model.assessment import (
    ROUNDING,
    CacheAssessment,
    CacheHealth,
    HealthLevel,
    RhythmAssessment,
    RhythmState,
    Score,
    SloAssessment,
)
from lumen.model.message import Message, message
from lumen.model.nodata import NoData

Held = tuple[HealthLevel, Message]

_RANK = {HealthLevel.CRITICAL: 0, HealthLevel.WARNING: 1, HealthLevel.GOOD: 2, HealthLevel.EXCELLENT: 3}


def system_health(
    score: Score, slo: SloAssessment, rhythm: RhythmAssessment, cache: CacheAssessment, *, partial: bool
) -> Held:
    """The lowest of the score's level and all caps; among equals the first, so the score speaks before a cap.

    The level is that of the points that are certain. CRITICAL must be certain too: where there is no score, or what
    is missing could lift it above, the level is not known, unless a cap says CRITICAL: a dead cache is no unknown one.
    """
    caps = [*_failing(slo), *_caps(rhythm, cache, partial=partial)]
    critical = next((cap for cap in caps if cap[0] is HealthLevel.CRITICAL), None)
    if isinstance(score.value, NoData):
        return critical or (HealthLevel.NO_DATA, score.value.reason)
    level = level_of(score.value + ROUNDING)
    if level is HealthLevel.CRITICAL and level_of(score.most + ROUNDING) is not HealthLevel.CRITICAL:
        unknown = message("assess.health_unknown", score=score.value, most=score.most)
        return critical or (HealthLevel.NO_DATA, unknown)
    code = f"assess.health_{level.lower()}" if score.is_whole else f"assess.health_at_least_{level.lower()}"
    held = [(level, message(code, score=score.value, most=score.most)), *caps]
    return min(held, key=lambda one: _RANK[one[0]])


def level_of(score: float) -> HealthLevel:
    """[85, 100] EXCELLENT, [60, 85) GOOD, [40, 60) WARNING, [0, 40) CRITICAL."""
    if score >= 85:
        return HealthLevel.EXCELLENT
    if score >= 60:
        return HealthLevel.GOOD
    return HealthLevel.WARNING if score >= 40 else HealthLevel.CRITICAL


def _failing(slo: SloAssessment) -> Iterator[Held]:
    for objective in slo.objectives:
        if objective.alert and objective.name in {"availability", "error_rate"}:
            yield HealthLevel.WARNING, message(f"assess.cap_{objective.name}")


def _caps(rhythm: RhythmAssessment, cache: CacheAssessment, *, partial: bool) -> Iterator[Held]:
    findings = {finding.name: finding.value for finding in cache.findings}
    hit_rate, memory = findings["hit_rate"], findings["memory_ratio"]
    if rhythm.state is RhythmState.CHAOTIC:
        yield HealthLevel.CRITICAL, message("assess.cap_chaotic")
    if cache.health is CacheHealth.FAILED:
        yield HealthLevel.CRITICAL, message("assess.cap_cache_failed")
    if not isinstance(hit_rate, NoData) and hit_rate < 0.30:
        yield HealthLevel.CRITICAL, message("assess.cap_hit_rate", hit_rate=hit_rate, limit=0.30)
    if cache.health in {CacheHealth.DEGRADED, CacheHealth.POOR}:
        yield HealthLevel.WARNING, message(f"assess.cap_cache_{cache.health.lower()}")
    if rhythm.state is RhythmState.DISSONANT:
        yield HealthLevel.WARNING, message("assess.cap_dissonant")
    if not isinstance(hit_rate, NoData) and hit_rate < 0.60:
        yield HealthLevel.WARNING, message("assess.cap_hit_rate", hit_rate=hit_rate, limit=0.60)
    if not isinstance(memory, NoData) and memory > 0.85:
        yield HealthLevel.WARNING, message("assess.cap_memory", memory_ratio=memory)
    if partial:
        yield HealthLevel.GOOD, message("assess.cap_partial")
    if rhythm.state is RhythmState.UNKNOWN:
        yield HealthLevel.GOOD, message("assess.cap_rhythm_unknown")
    if cache.health is not CacheHealth.OPTIMAL:
        yield HealthLevel.GOOD, message("assess.cap_cache_not_optimal")
