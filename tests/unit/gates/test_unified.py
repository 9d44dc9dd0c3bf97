"""Mission 3.6: the formula, partial scores, levels and caps."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.gates.health import level_of, system_health
from lumen.gates.unified import unified_score
from lumen.gates.verdicts import score_verdict
from lumen.model.assessment import (
    Assessment,
    CacheFinding,
    CacheHealth,
    HealthLevel,
    Part,
    RhythmState,
    Score,
    Verdict,
)
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.snapshot import Snapshot
from tests.snapshots import GONE, cache, history, snapshot, traffic

SETTINGS = AssessmentSettings()


def judged(**changes: object) -> Assessment:
    return assess(snapshot(**changes), SETTINGS)


def complete(value: float) -> Score:
    return Score(value, (Part("all", value, value, 1.0),), 1.0)


def test_the_formula() -> None:
    found = judged()
    roi, slo, maturity = found.roi.score, found.slo.compliance.value, found.maturity.score.value
    assert isinstance(roi, float)
    assert isinstance(slo, float)
    assert isinstance(maturity, float)
    assert found.gate.score.value == pytest.approx(0.30 * roi + 0.25 * slo + 0.25 * maturity + 0.20 * 72.5)


def test_contributions_add_up() -> None:
    for seen in (judged(), judged(history=GONE)):
        score = seen.gate.score
        points = [score.contribution(part) for part in score.parts]
        assert sum(p for p in points if p is not None) == pytest.approx(score.value)


def test_without_maturity_it_is_partial_and_said_so() -> None:
    gate = judged(history=GONE).gate
    assert gate.partial
    assert isinstance(gate.score.value, float)
    assert gate.score.coverage == pytest.approx(0.75)


def test_below_three_quarters_there_is_no_score() -> None:
    gate = judged(cache=GONE).gate
    assert isinstance(gate.score.value, NoData)
    assert (gate.health, gate.verdict) == (HealthLevel.NO_DATA, Verdict.NO_DATA)


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (100, HealthLevel.EXCELLENT),
        (85, HealthLevel.EXCELLENT),
        (84.9, HealthLevel.GOOD),
        (60, HealthLevel.GOOD),
        (59.9, HealthLevel.WARNING),
        (40, HealthLevel.WARNING),
        (39.9, HealthLevel.CRITICAL),
        (0, HealthLevel.CRITICAL),
    ],
)
def test_levels(score: float, level: HealthLevel) -> None:
    assert level_of(score) is level


@pytest.mark.parametrize(
    ("rhythm", "cache_health", "hit_rate", "memory", "partial", "level", "reason"),
    [
        (RhythmState.RESONANT, CacheHealth.OPTIMAL, 0.9, 0.8, False, HealthLevel.EXCELLENT, "health_excellent"),
        (RhythmState.RESONANT, CacheHealth.GOOD, 0.9, 0.8, False, HealthLevel.GOOD, "cap_cache_not_optimal"),
        (RhythmState.UNKNOWN, CacheHealth.OPTIMAL, 0.9, 0.8, False, HealthLevel.GOOD, "cap_rhythm_unknown"),
        (RhythmState.RESONANT, CacheHealth.OPTIMAL, 0.9, 0.8, True, HealthLevel.GOOD, "cap_partial"),
        (RhythmState.DISSONANT, CacheHealth.OPTIMAL, 0.9, 0.8, False, HealthLevel.WARNING, "cap_dissonant"),
        (RhythmState.CHAOTIC, CacheHealth.OPTIMAL, 0.9, 0.8, False, HealthLevel.CRITICAL, "cap_chaotic"),
        (RhythmState.RESONANT, CacheHealth.DEGRADED, 0.9, 0.8, False, HealthLevel.WARNING, "cap_cache_degraded"),
        (RhythmState.RESONANT, CacheHealth.POOR, 0.9, 0.8, False, HealthLevel.WARNING, "cap_cache_poor"),
        (RhythmState.RESONANT, CacheHealth.FAILED, 0.9, 0.8, False, HealthLevel.CRITICAL, "cap_cache_failed"),
        (RhythmState.RESONANT, CacheHealth.OPTIMAL, 0.59, 0.8, False, HealthLevel.WARNING, "cap_hit_rate"),
        (RhythmState.RESONANT, CacheHealth.OPTIMAL, 0.29, 0.8, False, HealthLevel.CRITICAL, "cap_hit_rate"),
        (RhythmState.RESONANT, CacheHealth.OPTIMAL, 0.9, 0.86, False, HealthLevel.WARNING, "cap_memory"),
    ],
)
def test_the_lowest_cap_holds_and_says_why(
    rhythm: RhythmState,
    cache_health: CacheHealth,
    hit_rate: float,
    memory: float,
    partial: bool,
    level: HealthLevel,
    reason: str,
) -> None:
    seen = judged()
    findings = (CacheFinding("hit_rate", hit_rate, None), CacheFinding("memory_ratio", memory, None))
    held, why = system_health(
        complete(95),
        seen.slo,
        replace(seen.rhythm, state=rhythm),
        replace(seen.cache, health=cache_health, findings=findings),
        partial=partial,
    )
    assert (held, why.code) == (level, f"assess.{reason}")


def test_a_failing_service_is_never_good() -> None:
    gate = judged(cache=cache(0.95, 0.75, 0), traffic=traffic(bad_slices=2)).gate
    assert (gate.health, gate.health_reason.code) == (HealthLevel.WARNING, "assess.cap_availability")


def test_a_partial_score_passes_only_on_what_is_certain() -> None:
    gone = NoData(message("a.b"), message("a.c"))
    high = Score.of((Part("a", 1, 100.0, 0.8), Part("b", gone, gone, 0.2)), least_coverage=0.75, too_little=gone)
    low = Score.of((Part("a", 1, 70.0, 0.8), Part("b", gone, gone, 0.2)), least_coverage=0.75, too_little=gone)
    assert score_verdict(high) is Verdict.PASS
    assert score_verdict(low) is Verdict.WARN


PARTS = ("traffic", "cache", "ttl", "deployment", "spend", "history")
SEEN = st.builds(
    lambda hit, memory, evictions, errors, bad: snapshot(
        cache=cache(hit, memory, evictions),
        traffic=traffic(1000 - errors, errors, bad_slices=bad),
        history=history(),
    ),
    st.floats(0, 1),
    st.floats(0, 1.2),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.integers(0, 12),
)


@given(SEEN, st.sets(st.sampled_from(PARTS)))
def test_scores_stay_within_bounds_and_missing_data_never_makes_a_pass(seen: Snapshot, gone: set[str]) -> None:
    whole = assess(seen, SETTINGS)
    holed = assess(replace(seen, **dict.fromkeys(gone, GONE)), SETTINGS)  # type: ignore[arg-type]
    for found in (whole, holed):
        for score in (found.slo.compliance, found.maturity.score, found.gate.score):
            assert isinstance(score.value, NoData) or 0 <= score.value <= 100
            assert 0 <= score.coverage <= 1
    for before, after in (
        (whole.slo.compliance, holed.slo.compliance),
        (whole.maturity.score, holed.maturity.score),
        (whole.gate.score, holed.gate.score),
    ):
        if not isinstance(before.value, NoData):
            assert after.floor <= before.floor + 1e-9
    for was, now in (
        (whole.slo.verdict, holed.slo.verdict),
        (whole.roi.verdict, holed.roi.verdict),
    ):
        assert now is not Verdict.PASS or was is Verdict.PASS


def test_unified_score_names_its_parts() -> None:
    seen = judged()
    score = unified_score(seen.roi, seen.slo, seen.maturity, seen.cache)
    assert [part.name for part in score.parts] == ["roi", "slo_compliance", "maturity", "hit_rate"]
