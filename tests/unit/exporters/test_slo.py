"""SLOs: objectives, alerts, scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.exporters.slo import PRESETS, SloTargets, assess_slo, objective_score
from lumen.model.assessment import GateVerdict, Objective
from lumen.model.messages import NoData
from lumen.model.snapshot import RequestSlice, Traffic
from tests.snapshots import GONE, cache, latency, snapshot, traffic

GOOD_CACHE = cache(hit_rate=0.9)


def objective(name: str, **changes: object) -> Objective:
    found = assess_slo(snapshot(**changes), SloTargets())
    return next(o for o in found.objectives if o.name == name)


def with_latency(distribution: object) -> Traffic:
    base = traffic()
    return Traffic(base.slices, distribution, 0, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rate", "met", "alert"),
    [(0.85, True, False), (0.80, False, False), (0.75, False, False), (0.70, False, False), (0.69, False, True)],
)
def test_hit_rate_is_met_above_80_and_alerts_below_70(rate: float, met: bool, alert: bool) -> None:
    found = objective("cache_hit_rate", cache=cache(hit_rate=rate))
    assert (found.met, found.alert) == (met, alert)


@pytest.mark.parametrize(
    ("errors_in_10000", "met", "alert"), [(0, True, False), (9, True, False), (10, False, False), (101, False, True)]
)
def test_error_rate_counts_requests(errors_in_10000: int, met: bool, alert: bool) -> None:
    found = objective("error_rate", traffic=traffic(good=10_000 - errors_in_10000, errors_5xx=errors_in_10000))
    assert (found.met, found.alert) == (met, alert)


def test_three_of_ten_failed_requests_are_no_verdict_and_no_alert() -> None:
    base = traffic().slices[0]
    few = Traffic((RequestSlice(base.start, 7, 0, 3),), latency(10), 0, 1.0)
    for name in ("availability", "error_rate"):
        found = objective(name, traffic=few)
        assert (found.met, found.alert) == (None, False)


def test_4xx_are_no_errors_of_the_service() -> None:
    assert objective("error_rate", traffic=traffic(good=500, errors_4xx=500)).met is True


@pytest.mark.parametrize(("bad_slices", "met", "alert", "ratio"), [(0, True, False, 1.0), (1, False, True, 11 / 12)])
def test_availability_counts_slices(bad_slices: int, met: bool, alert: bool, ratio: float) -> None:
    found = objective("availability", traffic=traffic(bad_slices=bad_slices))
    assert (found.met, found.alert, found.good_ratio) == (met, alert, ratio)


@pytest.mark.parametrize(("errors", "good"), [(50, True), (51, False)])
def test_a_slice_is_bad_above_five_per_cent(errors: int, good: bool) -> None:
    found = objective("availability", traffic=traffic(good=1000 - errors, errors_5xx=errors))
    assert found.good_ratio == (1.0 if good else 0.0)


def test_latency_wants_its_share_below_the_threshold() -> None:
    slow = with_latency(latency(100.0, slow=40, count=960))
    p95, p99 = objective("latency_p95", traffic=slow), objective("latency_p99", traffic=slow)
    assert (p95.met, p95.alert) == (True, False)
    assert (p99.met, p99.alert) == (False, True)


def test_below_twenty_samples_there_is_no_verdict() -> None:
    few = with_latency(latency(count=19))
    assert objective("latency_p95", traffic=few).met is None
    assert objective("error_rate", traffic=traffic(good=1)).met is None
    assert objective("cache_hit_rate", cache=cache(lookups=19)).met is None


def test_what_is_missing_is_left_out_and_never_a_pass() -> None:
    found = assess_slo(snapshot(cache=GONE))
    assert found.verdict is GateVerdict.NO_DATA
    assert found.compliance.coverage == pytest.approx(0.8)
    nothing = assess_slo(snapshot(cache=GONE, traffic=GONE))
    assert isinstance(nothing.compliance.value, NoData)
    assert nothing.verdict is GateVerdict.NO_DATA


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"cache": GOOD_CACHE}, GateVerdict.PASS),
        ({"cache": cache(hit_rate=0.75)}, GateVerdict.WARN),
        ({"cache": cache(hit_rate=0.65)}, GateVerdict.FAIL),
        ({"cache": GOOD_CACHE, "traffic": traffic(bad_slices=1)}, GateVerdict.FAIL),
        ({"cache": GONE, "traffic": traffic(bad_slices=1)}, GateVerdict.FAIL),
    ],
)
def test_gate(changes: dict[str, object], verdict: GateVerdict) -> None:
    assert assess_slo(snapshot(**changes)).verdict is verdict


def test_the_guides_preset_is_looser() -> None:
    seen = snapshot(cache=cache(hit_rate=0.72), traffic=traffic(good=9920, errors_5xx=80))
    assert assess_slo(seen, PRESETS["guide"]).verdict is GateVerdict.PASS
    assert assess_slo(seen).verdict is not GateVerdict.PASS


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 0.9999))
def test_the_score_is_bounded_and_rises_with_the_good_share(a: float, b: float, target: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= objective_score(low, target) <= objective_score(high, target) <= 100
