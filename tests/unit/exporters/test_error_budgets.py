"""Error budgets over thirty days: counted, never scaled up."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.error_budgets import LEAST_COVERAGE, error_budgets
from lumen.exporters.slo import SloTargets
from lumen.model.assessment import ErrorBudget
from lumen.model.history import Day
from lumen.model.messages import NoData
from tests.snapshots import NOW, snapshot

EVENING = datetime(2026, 11, 16, 18, 0, tzinfo=UTC)
TARGETS = SloTargets()
NAMES = ["availability", "latency_p95", "latency_p99", "error_rate", "cache_hit_rate"]


def day(ago: int, *, bad: int = 0, errors: int = 0, misses: int = 0, slow: int = 0, known: int = 288) -> Day:
    """`slow` requests of 100 a slice took between 400 and 600 ms."""
    date = (EVENING - timedelta(days=ago)).date()
    sums = Day(date, 288, known, known - bad, bad, 100 * known, errors, 0, known, 1000, misses)
    latencies = {(50.0, 100.0): 100 * known - slow, (400.0, 600.0): slow}
    return replace(sums, timed_slices=known, latencies=latencies)


def budgets(days: list[Day], now: datetime = EVENING, targets: SloTargets = TARGETS) -> dict[str, ErrorBudget]:
    return {one.name: one for one in error_budgets(sorted(days, key=lambda d: d.date), now, targets)}


def whole(first: int = 0, last: int = 29) -> list[Day]:
    """Day 0 is today, of which three quarters are over."""
    return [day(ago, known=216 if ago == 0 else 288) for ago in range(first, last + 1)]


def test_allowed_spent_left_and_burning() -> None:
    days = [*whole(2), day(1, bad=10, errors=300), day(0, bad=2, errors=30, misses=500, known=216)]
    found = budgets(days)
    slices = 29 * 288 + 216
    availability = found["availability"]
    assert (availability.valid, availability.bad) == (slices, 12)
    assert availability.allowed == pytest.approx(0.005 * slices)
    assert availability.remaining == pytest.approx(1 - 12 / (0.005 * slices))
    assert availability.burn == pytest.approx(12 / (216 + 288) / 0.005)  # since yesterday
    assert found["error_rate"].remaining == pytest.approx(1 - 330 / (0.001 * 100 * slices))
    assert found["error_rate"].burn == pytest.approx(330 / 50_400 / 0.001)
    assert found["cache_hit_rate"].remaining == pytest.approx(1 - 500 / (0.2 * 30_500))


def test_overspent_is_negative() -> None:
    found = budgets([*whole(1), day(0, bad=200, known=216)])["availability"]
    assert isinstance(found.remaining, float)
    assert found.remaining < -3
    assert found.shown.code == "budget.availability_over"
    assert found.shown.params["over"] == -found.remaining
    assert found.lasts_days is None


@pytest.mark.parametrize(("known", "is_told"), [(23, True), (22, False), (1, False), (0, False)])
def test_below_three_quarters_of_the_window_there_is_none(known: int, is_told: bool) -> None:
    every = budgets([day(ago) for ago in range(1, known + 1)])
    assert list(every) == NAMES
    for found in every.values():
        assert isinstance(found.remaining, float) is is_told
        assert found.known_days == known
        assert isinstance(found.remaining_of_known, float) is (known >= 1)
        if not is_told:
            assert found.shown.code == "budget.few_days"


def test_gaps_count_as_neither_good_nor_bad() -> None:
    full, holed = budgets(whole())["availability"], budgets([day(ago, known=220) for ago in range(30)])["availability"]
    assert full.remaining == holed.remaining == 1.0
    assert holed.valid == 30 * 220


def test_days_before_the_window_do_not_count() -> None:
    assert budgets([*whole(), day(30, bad=288)])["availability"].bad == 0


def test_slow_requests_are_counted_as_the_distribution_tells_them() -> None:
    found = budgets([day(ago, slow=1000) for ago in range(30)])
    p95, p99 = found["latency_p95"], found["latency_p99"]
    assert (p95.valid, p95.bad, p99.bad) == (30 * 28_800, 30_000, 15_000)  # half of 400-600 ms is beyond 500 ms
    assert p95.remaining == pytest.approx(1 - 1000 / (0.05 * 28_800))
    assert p99.remaining == pytest.approx(1 - 500 / (0.01 * 28_800))
    assert p99.burn == pytest.approx(500 / 28_800 / 0.01)
    assert (p95.shown.code, p95.shown.params["threshold_ms"]) == ("budget.latency_p95", 200.0)
    assert p99.shown.code == "budget.latency_p99_over"


def test_another_target_is_held_against_all_the_days() -> None:
    days = [day(ago, slow=100) for ago in range(30)]
    moved = replace(TARGETS, p95_ms=600.0, p99_ms=75.0)
    assert budgets(days, targets=moved)["latency_p95"].bad == 0
    assert budgets(days, targets=moved)["latency_p99"].bad == 30 * (100 + 28_700 / 2)


def test_what_took_longer_than_the_last_bound_is_slow_whatever_the_target() -> None:
    beyond = {(60_000.0, math.inf): 30, (0.0, 100.0): 970}
    days = [replace(day(ago), latencies=beyond) for ago in range(30)]
    assert budgets(days, targets=replace(TARGETS, p95_ms=90_000.0))["latency_p95"].bad == 900


def test_days_that_an_older_lumen_summed_have_no_latency() -> None:
    old = [replace(one, timed_slices=0, latencies={}) for one in whole(2)]
    found = budgets([*old, *whole(0, 1)])
    assert found["availability"].remaining == 1.0
    for name in ("latency_p95", "latency_p99"):
        assert found[name].shown.code == "budget.few_days"
        assert found[name].known_days == 1.75
        assert found[name].remaining_of_known == 1.0


def test_quiet_days_spend_nothing_and_say_why_there_is_no_budget() -> None:
    quiet = [
        Day((EVENING - timedelta(days=ago)).date(), 288, 288, lookup_slices=288, timed_slices=288) for ago in range(30)
    ]
    for found in budgets(quiet).values():
        assert found.shown.code == "assess.too_few_samples"
        assert isinstance(found.burn, NoData)


def test_yesterday_tells_the_pace_of_a_day_that_has_just_begun() -> None:
    now = EVENING.replace(hour=0, minute=0)
    days = [*whole(2, 30), day(1, errors=60)]
    assert budgets(days, now)["error_rate"].burn == pytest.approx(60 / 28_800 / 0.001)
    few = budgets([*whole(2, 30), day(1, known=60), day(0, known=6)], now.replace(minute=30))
    assert all(isinstance(one.burn, NoData) for one in few.values())


@pytest.mark.parametrize(
    ("bad", "lasts"),
    [
        ({}, None),
        ({0: 2, 1: 2}, 19.6),  # burns 1.4 times as fast as it lasts; nothing leaves the window for four weeks
        ({0: 1, 1: 1}, None),  # burns 0.7 times as fast
        ({0: 1, 1: 1, 5: 36}, 5.2),  # but little is left, and what is spent stays for weeks
        ({0: 1, 1: 1, 28: 36}, None),  # it leaves the window the day after tomorrow
        ({0: 1, 1: 1, 5: 60}, None),  # spent already
    ],
)
def test_when_it_ends_at_the_pace_since_yesterday(bad: dict[int, int], lasts: float | None) -> None:
    found = budgets([day(ago, bad=bad.get(ago, 0)) for ago in range(30)], EVENING.replace(hour=23, minute=55))
    assert found["availability"].lasts_days == (None if lasts is None else pytest.approx(lasts, abs=0.05))


@pytest.mark.parametrize(
    ("bad", "back"),
    [
        ({5: 60}, 24.3),  # the twenty-fifth day on which one leaves takes the incident along
        ({0: 1, 1: 1, 5: 60}, 24.7),
        ({0: 2, 1: 2, 5: 60}, None),  # by then as much is spent again
        ({0: 1, 1: 1}, None),  # not spent
    ],
)
def test_when_something_is_left_again(bad: dict[int, int], back: float | None) -> None:
    found = budgets([day(ago, bad=bad.get(ago, 0)) for ago in range(30)], EVENING.replace(hour=23, minute=55))
    assert found["availability"].back_days == (None if back is None else pytest.approx(back, abs=0.05))


#: What fails on each of thirty days.
MONTHS = st.lists(st.integers(0, 288), min_size=30, max_size=30)


def month_of(failing: list[int]) -> list[Day]:
    return [day(ago, bad=bad, errors=bad, misses=bad, slow=bad) for ago, bad in enumerate(failing)]


@settings(max_examples=40, deadline=None)
@given(MONTHS, st.sets(st.integers(0, 29), max_size=9))
def test_days_that_are_missing_leave_out_what_they_allowed_and_what_they_spent(
    failing: list[int], gone: set[int]
) -> None:
    days = month_of(failing)
    whole_month, holed = budgets(days), budgets([one for ago, one in enumerate(days) if ago not in gone])
    for name in NAMES:
        found, known = holed[name], whole_month[name]
        assert not isinstance(known.remaining, NoData)
        if isinstance(found.remaining, NoData):
            assert found.known_days < LEAST_COVERAGE * 30
            continue
        spent, allowed = known.bad - found.bad, known.allowed - found.allowed
        assert spent >= 0
        assert allowed >= 0
        left = found.remaining * found.allowed
        assert left == pytest.approx(known.remaining * known.allowed - allowed + spent, abs=1.01)


@settings(max_examples=40, deadline=None)
@given(MONTHS, st.integers(0, 29))
def test_what_fails_beside_never_leaves_more(failing: list[int], ago: int) -> None:
    days = month_of(failing)
    worse = day(ago, bad=288, errors=289, misses=289, slow=289)
    before, after = budgets(days), budgets([*days[:ago], worse, *days[ago + 1 :]])
    for name in NAMES:
        was, is_now = before[name].remaining, after[name].remaining
        assert not isinstance(was, NoData)
        assert not isinstance(is_now, NoData)
        assert math.isfinite(is_now)
        assert is_now <= was


def test_maturity_goes_by_the_days_that_are_known() -> None:
    def left(days: list[Day]) -> float | NoData:
        maturity = assess(snapshot(), AssessmentSettings(), days).maturity
        return next(part.value for part in maturity.score.parts if part.name == "availability_budget")

    assert NOW.date() == EVENING.date()
    assert left([]) == 1.0  # the last hour
    assert left([day(1, bad=1), day(2)]) == pytest.approx(1 - 1 / (0.005 * 2 * 288))
