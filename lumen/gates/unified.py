"""The one gate score, v1.7 (mission 3.6)."""

from lumen.gates.health import system_health
from lumen.model.assessment import (
    CacheAssessment,
    HealthLevel,
    MaturityAssessment,
    Part,
    RhythmAssessment,
    RoiAssessment,
    Score,
    SloAssessment,
    UnifiedGate,
    Verdict,
)
from lumen.model.message import message
from lumen.model.nodata import NoData

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


def _verdict(health: HealthLevel) -> Verdict:
    """The health in the words of a gate; it goes by the points that are certain, so a PASS is certain too."""
    if health is HealthLevel.NO_DATA:
        return Verdict.NO_DATA
    if health is HealthLevel.CRITICAL:
        return Verdict.FAIL
    return Verdict.WARN if health is HealthLevel.WARNING else Verdict.PASS
