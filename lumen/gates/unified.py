"""The unified gate: one score of ROI, SLOs, maturity and hit rate, system health, and verdicts (docs/scores.md).

System health is the level of the score, held down by caps; the lowest holds, and says why. One cap is Lumen's own: a
service whose requests fail is never GOOD, however well its cache pays. Missing data never makes a PASS.
"""

from collections.abc import Iterable, Iterator

from lumen.model.assessment import (
    MATURITY_PASS,
    MATURITY_WARN,
    ROI_PASS,
    ROI_WARN,
    ROUNDING,
    Assessment,
    CacheAssessment,
    CacheHealth,
    GateVerdict,
    HealthLevel,
    MaturityAssessment,
    Objective,
    Part,
    RhythmAssessment,
    RhythmState,
    RoiAssessment,
    Score,
    SloAssessment,
    UnifiedGate,
)
from lumen.model.messages import Message, NoData, message

Held = tuple[HealthLevel, Message]
_RANK = {HealthLevel.CRITICAL: 0, HealthLevel.WARNING: 1, HealthLevel.GOOD: 2, HealthLevel.EXCELLENT: 3}


def system_health(
    score: Score, slo: SloAssessment, rhythm: RhythmAssessment, cache: CacheAssessment, *, partial: bool
) -> Held:
    """The lowest of the score's level and all caps; among equals the first, so the score speaks before a cap.

    The level is that of the points that are certain. CRITICAL must be certain too: where there is no score, or what
    is missing could lift it above, the level is not known. Bad news that is certain holds whatever is missing: then
    the health is the worst cap below GOOD.
    """
    caps = [*firm_caps(slo, rhythm, cache), *_doubts(rhythm, cache, partial=partial)]
    firm = min(firm_caps(slo, rhythm, cache), key=_rank, default=None)
    if isinstance(score.value, NoData):
        return firm or (HealthLevel.NO_DATA, score.value.reason)
    level = level_of(score.value + ROUNDING)
    if level is HealthLevel.CRITICAL and level_of(score.most + ROUNDING) is not HealthLevel.CRITICAL:
        unknown = message("assess.health_unknown", score=score.value, most=score.most)
        return firm or (HealthLevel.NO_DATA, unknown)
    code = f"assess.health_{level.lower()}" if score.is_whole else f"assess.health_at_least_{level.lower()}"
    held = [(level, message(code, score=score.value, most=score.most)), *caps]
    return min(held, key=_rank)


def is_certain(found: Assessment) -> bool:
    """Whether no more data could lift the health."""
    gate = found.gate
    if gate.score.is_whole or gate.health is level_of(gate.score.most + ROUNDING):
        return True
    return any(level is gate.health for level, _ in firm_caps(found.slo, found.rhythm, found.cache))


def level_of(score: float) -> HealthLevel:
    """[85, 100] EXCELLENT, [60, 85) GOOD, [40, 60) WARNING, [0, 40) CRITICAL."""
    if score >= 85:
        return HealthLevel.EXCELLENT
    if score >= 60:
        return HealthLevel.GOOD
    return HealthLevel.WARNING if score >= 40 else HealthLevel.CRITICAL


def firm_caps(slo: SloAssessment, rhythm: RhythmAssessment, cache: CacheAssessment) -> Iterator[Held]:
    """What holds the health at WARNING or CRITICAL, each from figures that are known."""
    for objective in slo.objectives:
        if objective.alert and objective.name in {"availability", "error_rate"}:
            yield HealthLevel.WARNING, message(f"assess.cap_{objective.name}")
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


def _doubts(rhythm: RhythmAssessment, cache: CacheAssessment, *, partial: bool) -> Iterator[Held]:
    """What holds it at GOOD, for not everything is known or at its best."""
    if partial:
        yield HealthLevel.GOOD, message("assess.cap_partial")
    if rhythm.state is RhythmState.UNKNOWN:
        yield HealthLevel.GOOD, message("assess.cap_rhythm_unknown")
    if cache.health is not CacheHealth.OPTIMAL:
        yield HealthLevel.GOOD, message("assess.cap_cache_not_optimal")


def _rank(held: Held) -> int:
    return _RANK[held[0]]


ROI_WEIGHT = 0.30
SLO_WEIGHT = 0.25
MATURITY_WEIGHT = 0.25
HIT_RATE_WEIGHT = 0.20
#: Below this share of the weight there is no score.
LEAST_COVERAGE = 0.75


def unified_gate(
    roi: RoiAssessment,
    slo: SloAssessment,
    maturity: MaturityAssessment,
    rhythm: RhythmAssessment,
    cache: CacheAssessment,
) -> UnifiedGate:
    """score = 0.30 ROI + 0.25 SLO compliance + 0.25 maturity + 0.20 hit rate in per cent; then health and verdict."""
    score = unified_score(roi, slo, maturity, cache)
    partial = score.coverage < 1 - 1e-9
    health, reason = system_health(score, slo, rhythm, cache, partial=partial)
    return UnifiedGate(score, partial, health, reason, _verdict(health))


def unified_score(
    roi: RoiAssessment, slo: SloAssessment, maturity: MaturityAssessment, cache: CacheAssessment
) -> Score:
    """The four components, each 0-100."""
    hit_rate = next(finding.value for finding in cache.findings if finding.name == "hit_rate")
    hit_score = hit_rate if isinstance(hit_rate, NoData) else 100 * hit_rate
    parts = (
        Part("roi", roi.roi, roi.score, ROI_WEIGHT),
        Part("slo_compliance", slo.compliance.value, slo.compliance.value, SLO_WEIGHT, slo.compliance.most),
        Part("maturity", maturity.score.value, maturity.score.value, MATURITY_WEIGHT, maturity.score.most),
        Part("hit_rate", hit_rate, hit_score, HIT_RATE_WEIGHT),
    )
    too_little = NoData(message("assess.gate_no_data"), message("assess.gate_no_data_remedy"))
    return Score.of(parts, least_coverage=LEAST_COVERAGE, too_little=too_little)


def _verdict(health: HealthLevel) -> GateVerdict:
    """The health in the words of a gate; it goes by the points that are certain, so a PASS is certain too."""
    if health is HealthLevel.NO_DATA:
        return GateVerdict.NO_DATA
    if health is HealthLevel.CRITICAL:
        return GateVerdict.FAIL
    return GateVerdict.WARN if health is HealthLevel.WARNING else GateVerdict.PASS


def slo_verdict(objectives: Iterable[Objective]) -> GateVerdict:
    """FAIL on an alert condition, WARN on a missed objective; PASS only when every objective is known and met."""
    known = list(objectives)
    if any(objective.alert for objective in known):
        return GateVerdict.FAIL
    if any(objective.met is False for objective in known):
        return GateVerdict.WARN
    if not known or any(objective.met is None for objective in known):
        return GateVerdict.NO_DATA
    return GateVerdict.PASS


def roi_verdict(roi: float | NoData) -> GateVerdict:
    """`roi` is a ratio: above 500 % PASS, above 300 % WARN, else FAIL."""
    if isinstance(roi, NoData):
        return GateVerdict.NO_DATA
    if roi > ROI_PASS:
        return GateVerdict.PASS
    return GateVerdict.WARN if roi > ROI_WARN else GateVerdict.FAIL


def score_verdict(score: Score, pass_from: float = MATURITY_PASS, warn_from: float = MATURITY_WARN) -> GateVerdict:
    """The verdict on the certain points. A FAIL must be certain too: where more data could lift it, NO_DATA."""
    if isinstance(score.value, NoData):
        return GateVerdict.NO_DATA
    if score.value < warn_from - ROUNDING:
        return GateVerdict.FAIL if score.most < warn_from else GateVerdict.NO_DATA
    return GateVerdict.PASS if score.value >= pass_from - ROUNDING else GateVerdict.WARN
