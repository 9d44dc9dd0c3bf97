"""Cache size with its reference case, minimum instances, L1 entries."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.messages import NoData
from lumen.model.proposal import number
from lumen.model.snapshot import CacheDay, Spend
from lumen.policies.instances import (
    InstanceFigures,
    advise_l1,
    advise_min_instances,
    recommend_min_instances,
)
from lumen.policies.size import SizeFigures, SizeLimits, advise_size, recommend_size, roi_of
from tests.snapshots import GONE, NOW, cache, snapshot

LIMITS = SizeLimits()


def test_the_reference_case() -> None:
    advice = advise_size(SizeFigures(256, 240, 0.70, 150), LIMITS)
    change = advice.recommendation.change
    assert change is not None
    assert (change.old, change.new, advice.recommendation.strategy) == (256, 384, "SCALE_UP")
    assert advice.added_cost_usd == pytest.approx(4.68)
    assert 0 <= advice.roi <= 10


@pytest.mark.parametrize(
    ("used", "evictions", "strategy", "new"),
    [
        (230.4, 0, "SCALE_UP", 384),
        (229, 0, "MAINTAIN", 256),
        (200, 151, "SCALE_UP", 384),
        (200, 150, "MAINTAIN", 256),
        (128, 0, "MAINTAIN", 256),
        (127, 0, "SCALE_DOWN", 192),
        (10, 0, "SCALE_DOWN", 192),
    ],
)
def test_rules(used: float, evictions: int, strategy: str, new: int) -> None:
    recommendation = advise_size(SizeFigures(256, used, 0.8, evictions), LIMITS).recommendation
    assert recommendation.strategy == strategy
    assert (recommendation.change.new if recommendation.change else 256) == new


def day(
    evictions_per_hour: float = 150, share: float = 0.5, highest_mb: float = 250, hit_rate: float = 0.7
) -> CacheDay:
    """A whole day that is known, of which `share` of what is written is evicted."""
    evictions = round(24 * evictions_per_hour)
    misses = round(evictions / share) if evictions else 1000
    return CacheDay(86_400, round(misses * 7 / 3), misses, evictions, highest_mb)


def test_the_reference_case_with_a_day_of_evictions() -> None:
    advice = advise_size(SizeFigures(256, 240, 0.70, 150), LIMITS, day())
    change = advice.recommendation.change
    assert change is not None
    assert (change.old, change.new, advice.recommendation.strategy, advice.by_day) == (256, 384, "SCALE_UP", True)
    # 150 an hour, 720 hours, $0.01 each: 0.12 of the 7/3 hits of others, times the root of a half, spared by each.
    assert (advice.savings_usd, advice.added_cost_usd) == pytest.approx((213.8, 4.68), abs=0.05)
    assert [reason.code for reason in advice.recommendation.reasons][-1] == "policy.size_day"


@pytest.mark.parametrize(
    ("hour", "of_day", "price", "roi"),
    [
        (600, day(600, 0.9), 0.0001, 7.1),
        (600, day(25, 0.02), 0.0001, 0.2),  # an hour at its peak: the rest of the day evicts nothing
        (600, day(100, 0.1), 0.01, 9.3),
        (600, day(0), 0.01, 0.0),
        (0, day(0), 0.01, 0.0),  # full, but nothing is evicted
    ],
)
def test_a_step_is_worth_what_the_day_says(hour: float, of_day: CacheDay, price: float, roi: float) -> None:
    advice = advise_size(SizeFigures(256, 240, 0.7, hour), SizeLimits(api_cost_per_call_usd=price), of_day)
    assert advice.recommendation.strategy == "SCALE_UP"
    assert advice.roi == roi


@pytest.mark.parametrize(
    ("highest_mb", "new"),
    [(100, 192), (153.6, 192), (170, 213), (204.8, None), (250, None)],
)
def test_what_fits_at_night_must_fit_at_noon(highest_mb: float, new: int | None) -> None:
    change = advise_size(SizeFigures(256, 100, 0.8, 0), LIMITS, day(0, highest_mb=highest_mb)).recommendation.change
    assert (change.new if change else None) == new


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 2000), st.floats(1, 86_400))
def test_a_day_never_promises_more_than_its_evictions(
    hits: int, misses: int, evictions: int, highest: float, seconds: float
) -> None:
    of_day = CacheDay(seconds, hits, misses, evictions, highest)
    advice = advise_size(SizeFigures(256, 240, 0.7, 200), LIMITS, of_day)
    assert 0 <= advice.savings_usd <= of_day.evictions_per_hour * 720 * LIMITS.api_cost_per_call_usd
    assert 0 <= advice.roi <= 10


def test_locks_and_limits_hold() -> None:
    full = SizeFigures(1024, 1000, 0.5, 500)
    assert advise_size(full, LIMITS).recommendation.change is None
    assert advise_size(SizeFigures(256, 250, 0.5, 500), SizeLimits(locked=True)).recommendation.change is None
    assert advise_size(SizeFigures(10, 2, 0.9, 0), LIMITS).recommendation.change is None


@pytest.mark.parametrize(
    ("size", "used", "day_of", "code"),
    [
        (10, 2, None, "size_at_floor"),  # not for want of headroom
        (10, 4.9, None, "size_at_floor"),
        (256, 100, day(0, highest_mb=250), "size_at_min"),
        (256, 225, None, "size_consider_if_rising"),
        (256, 225, day(0), "size_consider_if_rising"),
        (256, 225, replace(day(0), grown_mb=0.0), "size_fits"),
        (256, 225, replace(day(0), grown_mb=-30.0), "size_fits"),
        (256, 225, replace(day(0), grown_mb=20.0), "size_consider_up"),
        (256, 150, replace(day(0), grown_mb=20.0), "size_fits"),
    ],
)
def test_a_size_that_is_held_says_why(size: int, used: float, day_of: CacheDay | None, code: str) -> None:
    held = advise_size(SizeFigures(size, used, 0.9, 0), LIMITS, day_of).recommendation
    assert held.change is None
    assert [reason.code for reason in held.reasons] == [f"policy.{code}"]


def test_whole_gigabytes_change_no_bill_and_say_so() -> None:
    advice = advise_size(SizeFigures(256, 240, 0.7, 150), SizeLimits(whole_gb=True))
    assert advice.added_cost_usd == 0
    assert "policy.size_whole_gb" in [reason.code for reason in advice.recommendation.reasons]


@given(st.integers(10, 1024), st.floats(0, 1100), st.floats(0, 1), st.floats(0, 10_000))
def test_sizes_stay_within_limits_and_above_what_is_used(size: int, used: float, hits: float, evictions: float) -> None:
    advice = advise_size(SizeFigures(size, used, hits, evictions), LIMITS)
    assert 0 <= advice.roi <= 10
    change = advice.recommendation.change
    if change is not None:
        new = number(change.new)
        assert 10 <= new <= 1024
        if new < size:
            assert new >= 1.25 * used
            assert new >= 0.75 * size


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_roi_is_never_above_ten(savings: float, added: float) -> None:
    assert 0 <= roi_of(savings, added) <= 10


def test_missing_figures_recommend_nothing() -> None:
    assert isinstance(recommend_size(snapshot(cache=GONE), LIMITS), NoData)
    assert isinstance(recommend_size(snapshot(cache=cache(lookups=0)), LIMITS), NoData)
    seen = snapshot(spend=GONE)
    assert isinstance(recommend_min_instances(seen, assess(seen, AssessmentSettings())), NoData)


@pytest.mark.parametrize(
    ("now", "cold", "budget", "new"),
    [
        (0, 0.11, 0.79, 1),
        (0, 0.10, 0.79, 0),
        (0, 0.50, 0.80, 0),
        (1, 0.50, 0.50, 1),
        (1, 0.00, 0.91, 0),
        (3, 0.50, 0.91, 2),
        (0, 0.50, 0.95, 0),
        (1, 0.00, 0.90, 1),
    ],
)
def test_min_instances(now: int, cold: float, budget: float, new: int) -> None:
    recommendation = advise_min_instances(InstanceFigures(now, cold, budget))
    assert (recommendation.change.new if recommendation.change else now) == new


def test_min_instances_read_the_forecast() -> None:
    seen = snapshot(spend=Spend(110.0, False, 200.0, NOW))
    found = recommend_min_instances(seen, assess(seen, AssessmentSettings()))
    assert not isinstance(found, NoData)
    assert found.reasons[0].params["budget_share"] == pytest.approx(110 * 30 / 15.5 / 200, rel=0.01)


@pytest.mark.parametrize(
    ("p95", "entries", "new"), [(150, 1000, 2000), (150, 10_000, 10_000), (5, 1000, 1000), (5, 3000, 2000)]
)
def test_l1_steps(p95: float, entries: int, new: int) -> None:
    recommendation = advise_l1(entries, p95, 0.8)
    assert (recommendation.change.new if recommendation.change else entries) == new
