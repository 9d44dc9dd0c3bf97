"""The unified gate: the formula, partial scores, levels and caps."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.gates.unified import level_of, score_verdict, system_health, unified_score
from lumen.model.assessment import (
    Assessment,
    CacheFinding,
    CacheHealth,
    GateVerdict,
    HealthLevel,
    Part,
    RhythmState,
    Score,
)
from lumen.model.history import Day
from lumen.model.messages import NoData
from lumen.model.snapshot import Snapshot
from tests.snapshots import GONE, NOW, cache, history, snapshot, traffic

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
    assert (gate.health, gate.verdict) == (HealthLevel.NO_DATA, GateVerdict.NO_DATA)


def test_a_cache_that_does_not_answer_is_critical_though_it_leaves_no_score() -> None:
    gate = judged(cache=replace(GONE, unreachable=True)).gate
    assert isinstance(gate.score.value, NoData)
    assert (gate.health, gate.verdict) == (HealthLevel.CRITICAL, GateVerdict.FAIL)
    assert gate.health_reason.code == "assess.cap_cache_failed"


FIRM: dict[str, dict[str, object]] = {
    "error_rate": {"traffic": traffic(errors_5xx=50)},
    "hit_rate": {"cache": cache(0.5)},
    "hit_rate critical": {"cache": cache(0.2)},
    "memory_ratio": {"cache": cache(0.95, 0.95)},
    "evictions": {"cache": replace(cache(0.95, 0.75, 900), hits=GONE)},
}


@pytest.mark.parametrize("firm", FIRM)
@pytest.mark.parametrize("gone", [(), ("history", "spend"), ("deployment",), ("cache",), ("traffic", "history")])
def test_missing_data_hides_no_firm_bad_news(firm: str, gone: tuple[str, ...]) -> None:
    told = FIRM[firm]
    if set(told) & set(gone):
        return  # it is the news itself that is missing
    gate = judged(**dict.fromkeys(gone, GONE), **told).gate
    worst = HealthLevel.CRITICAL if firm == "hit_rate critical" else HealthLevel.WARNING
    assert gate.health in {worst, HealthLevel.CRITICAL}
    assert gate.verdict in {GateVerdict.WARN, GateVerdict.FAIL}


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


def partial(known: float) -> Score:
    """Four fifths known at `known`, one fifth missing."""
    parts = (Part("a", 1, known, 0.8), Part("b", GONE, GONE, 0.2))
    return Score.of(parts, least_coverage=0.75, too_little=GONE)


@pytest.mark.parametrize(
    ("known", "value", "most", "verdict"),
    [
        (100.0, 80.0, 100.0, GateVerdict.PASS),
        (70.0, 56.0, 76.0, GateVerdict.WARN),
        (40.0, 32.0, 52.0, GateVerdict.NO_DATA),  # what is missing decides whether it fails
        (20.0, 16.0, 36.0, GateVerdict.FAIL),
    ],
)
def test_a_verdict_on_a_partial_score_is_certain(known: float, value: float, most: float, verdict: GateVerdict) -> None:
    score = partial(known)
    assert (score.value, score.most, score.of_known) == pytest.approx((value, most, known))
    assert not score.is_whole
    assert score_verdict(score) is verdict


def test_a_part_that_does_not_apply_is_not_missing() -> None:
    absent = replace(GONE, known_absent=True)
    score = Score.of((Part("a", 1, 70.0, 0.6), Part("b", absent, absent, 0.0)), least_coverage=0.75, too_little=GONE)
    assert (score.value, score.coverage, score.is_whole) == (70.0, 1.0, True)


def test_missing_data_makes_no_health_critical() -> None:
    seen = judged()
    calm = replace(seen.rhythm, state=RhythmState.RESONANT), replace(seen.cache, health=CacheHealth.OPTIMAL)
    found, why = system_health(partial(45), seen.slo, *calm, partial=True)
    assert (found, why.code) == (HealthLevel.NO_DATA, "assess.health_unknown")
    found, _ = system_health(partial(20), seen.slo, *calm, partial=True)
    assert found is HealthLevel.CRITICAL
    chaotic = replace(seen.rhythm, state=RhythmState.CHAOTIC)
    found, why = system_health(partial(45), seen.slo, chaotic, calm[1], partial=True)
    assert (found, why.code) == (HealthLevel.CRITICAL, "assess.cap_chaotic")


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
DAYS = st.lists(
    st.builds(
        lambda ago, bad, errors: Day(
            (NOW - timedelta(days=ago)).date(), 288, 288, 288 - bad, bad, 288_000, errors, 0, 288, 80_000, 20_000
        ),
        st.integers(0, 40),
        st.integers(0, 288),
        st.integers(0, 5000),
    ),
    max_size=40,
    unique_by=lambda day: day.date,
)


def without(seen: Snapshot, gone: set[str]) -> Snapshot:
    """`seen` without whole measurements, or without a part of one."""
    parts = {name: GONE for name in gone if "." not in name}
    traffic, stats = seen.traffic, seen.cache
    if not isinstance(traffic, NoData) and not isinstance(stats, NoData):
        if "traffic.latency" in gone:
            seen = replace(seen, traffic=replace(traffic, latency=GONE))
        if "cache.max_mb" in gone:
            stats = replace(stats, max_mb=GONE)
        if "cache.p95_ms" in gone:
            stats = replace(stats, p95_ms=GONE)
        seen = replace(seen, cache=stats)
    return replace(seen, **parts)  # type: ignore[arg-type]


def points(value: float | NoData) -> float:
    """No score is below every score."""
    return -1.0 if isinstance(value, NoData) else value


@settings(deadline=None)
@given(SEEN, DAYS, st.sets(st.sampled_from((*PARTS, "traffic.latency", "cache.max_mb", "cache.p95_ms"))))
def test_scores_stay_within_bounds_and_missing_data_never_raises_one(
    seen: Snapshot, days: list[Day], gone: set[str]
) -> None:
    days.sort(key=lambda day: day.date)
    whole, holed = assess(seen, SETTINGS, days), assess(without(seen, gone), SETTINGS, days)
    for found in (whole, holed):
        for score in (found.slo.compliance, found.maturity.score, found.gate.score):
            assert isinstance(score.value, NoData) or 0 <= score.value <= score.most + 1e-9 <= 100 + 2e-9
            assert 0 <= score.coverage <= 1
            contributions = [score.contribution(part) or 0.0 for part in score.parts]
            assert isinstance(score.value, NoData) or sum(contributions) == pytest.approx(score.value)
    for before, after in (
        (whole.slo.compliance.value, holed.slo.compliance.value),
        (whole.maturity.score.value, holed.maturity.score.value),
        (whole.gate.score.value, holed.gate.score.value),
        (whole.roi.score, holed.roi.score),
        (float(whole.maturity.level or 0), float(holed.maturity.level or 0)),
    ):
        assert points(after) <= points(before) + 1e-9
    for was, now in (
        (whole.slo.verdict, holed.slo.verdict),
        (whole.roi.verdict, holed.roi.verdict),
        (whole.maturity.verdict, holed.maturity.verdict),
    ):
        assert now is not GateVerdict.PASS or was is GateVerdict.PASS
        assert now is not GateVerdict.FAIL or was is GateVerdict.FAIL


def test_unified_score_names_its_parts() -> None:
    seen = judged()
    score = unified_score(seen.roi, seen.slo, seen.maturity, seen.cache)
    assert [part.name for part in score.parts] == ["roi", "slo_compliance", "maturity", "hit_rate"]
