"""ROI: what the cache earns."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.thresholds import Thresholds, assessment_settings, size_limits
from lumen.exporters.roi import MONTH_SECONDS, ROI_ANCHORS, CachePrices, assess_roi
from lumen.exporters.score_moves import between
from lumen.model.assessment import GateVerdict
from lumen.model.history import Day
from lumen.model.messages import NoData, message
from lumen.model.snapshot import CacheDay, CacheStats
from lumen.policies.size import SizeFigures, advise_size
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import GONE, NOW, cache, snapshot


def measured(hits: int, seconds: float = MONTH_SECONDS) -> CacheStats:
    return CacheStats(seconds, hits, 0, 0, 100.0, 256.0, 10.0, "probe")


def test_a_known_example() -> None:
    found = assess_roi(snapshot(cache=measured(20_000)))
    assert found.savings_usd == pytest.approx(200)
    assert found.cost_usd == pytest.approx(9.36)
    assert isinstance(found.roi, float)
    assert round(found.roi * 100, 2) == 2036.75
    assert (found.score, found.verdict) == (100, GateVerdict.PASS)


def test_hits_are_scaled_from_the_measured_seconds_only() -> None:
    whole = assess_roi(snapshot(cache=measured(20_000)))
    part = assess_roi(snapshot(cache=measured(20_000 // 720, MONTH_SECONDS / 720)))
    assert isinstance(whole.roi, float)
    assert part.roi == pytest.approx(whole.roi, rel=0.05)


@pytest.mark.parametrize(
    ("roi", "score"), [(-1.0, 0), (0, 0), (1.5, 25), (3, 50), (4, 65), (5, 80), (7.5, 90), (10, 100), (50, 100)]
)
def test_score_is_piecewise_linear(roi: float, score: float) -> None:
    assert between(ROI_ANCHORS, roi) == pytest.approx(score)


@pytest.mark.parametrize(
    ("hits", "verdict"),
    [(5617, GateVerdict.PASS), (5615, GateVerdict.WARN), (3745, GateVerdict.WARN), (3743, GateVerdict.FAIL)],
)
def test_gate(hits: int, verdict: GateVerdict) -> None:
    assert assess_roi(snapshot(cache=measured(hits))).verdict is verdict


def test_without_a_cache_or_a_price_there_is_no_figure() -> None:
    assert assess_roi(snapshot(cache=GONE)).verdict is GateVerdict.NO_DATA
    free = assess_roi(snapshot(), CachePrices(cache_cost_per_mb_month_usd=0.0))
    assert isinstance(free.roi, NoData)
    assert isinstance(assess_roi(snapshot(cache=measured(1, seconds=0))).score, NoData)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_hits_never_score_less(a: int, b: int) -> None:
    low, high = sorted((a, b))
    first, second = (assess_roi(snapshot(cache=measured(h))).score for h in (low, high))
    assert isinstance(first, float)
    assert isinstance(second, float)
    assert 0 <= first <= second <= 100


def test_a_day_goes_before_an_hour_at_noon_or_at_night() -> None:
    day = CacheDay(72_000, 500_000, 100_000, 0, 200.0)
    for hour in (measured(10, 3600), measured(200_000, 3600)):
        found = assess_roi(snapshot(cache=hour, cache_day=day))
        assert found.savings_usd == pytest.approx(500_000 * 36 * 0.01)
        assert (found.shown.params["hours"], found.shown.params["hits"]) == (20, 500_000)
        for locale in LOCALES:
            assert "500,000" in Catalogue(locale).plain(found.shown)
    assert assess_roi(snapshot(cache=GONE, cache_day=day)).verdict is GateVerdict.NO_DATA
    known = [Day((NOW - timedelta(days=ago)).date(), lookup_slices=288, hits=1000) for ago in (1, 2)]
    yesterday = assess_roi(snapshot(cache=measured(10, 3600)), days=known)
    assert yesterday.savings_usd == pytest.approx(300)
    few = replace(known[0], lookup_slices=200)
    assert assess_roi(snapshot(cache=measured(10, 3600)), days=[few, known[1]]).shown.params["hits"] == 10
    assert assess_roi(snapshot(cache=cache(max_mb=384.0), cache_day=day)).cost_usd == pytest.approx(14.04)


def test_the_example_hour_explains_itself() -> None:
    shown = assess_roi(snapshot(cache=cache())).shown
    assert shown.params["hits"] == 72_500


def test_defaults_that_the_return_rests_on_are_named_beside_it() -> None:
    nobody, somebody = Thresholds(), Thresholds(api_cost_per_call=0.01, cache_cost_per_mb=0.0365625)
    for settings, names in ((nobody, "API_COST_PER_CALL, CACHE_COST_PER_MB"), (somebody, None)):
        assumed = assess_roi(snapshot(), assessment_settings(settings).prices).assumed
        assert (assumed.params["settings"] if assumed else None) == names
        advice = advise_size(SizeFigures(256, 240, 0.7, 150), size_limits(settings))
        told = [
            reason.params["settings"] for reason in advice.recommendation.reasons if reason.code == "assess.assumed"
        ]
        assert told == ([names] if names else [])
    one = Thresholds(api_cost_per_call=0.02)
    found = assess_roi(snapshot(), assessment_settings(one).prices)
    assert found.assumed == message("assess.assumed", settings="CACHE_COST_PER_MB")
    assert assess_roi(snapshot(cache=GONE), assessment_settings(nobody).prices).assumed is None
