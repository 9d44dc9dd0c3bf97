"""Error budgets over thirty days: counted, never scaled up."""

from datetime import UTC, datetime, timedelta

import pytest

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.budgets import error_budgets
from lumen.exporters.slo import SloTargets
from lumen.model.assessment import ErrorBudget
from lumen.model.day import Day
from lumen.model.nodata import NoData
from tests.snapshots import NOW, snapshot

EVENING = datetime(2026, 11, 16, 18, 0, tzinfo=UTC)
TARGETS = SloTargets()


def day(ago: int, *, bad: int = 0, errors: int = 0, misses: int = 0, known: int = 288) -> Day:
    date = (EVENING - timedelta(days=ago)).date()
    return Day(date, 288, known, known - bad, bad, 100 * known, errors, 0, known, 1000, misses)


def budgets(days: list[Day], now: datetime = EVENING) -> dict[str, ErrorBudget]:
    return {one.name: one for one in error_budgets(sorted(days, key=lambda d: d.date), now, TARGETS)}


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
    assert availability.burn_today == pytest.approx(2 / 216 / 0.005)
    assert found["error_rate"].remaining == pytest.approx(1 - 330 / (0.001 * 100 * slices))
    assert found["error_rate"].burn_today == pytest.approx(30 / 21_600 / 0.001)
    assert found["cache_hit_rate"].remaining == pytest.approx(1 - 500 / (0.2 * 30_500))


def test_overspent_is_negative() -> None:
    found = budgets([*whole(1), day(0, bad=200, known=216)])["availability"].remaining
    assert isinstance(found, float)
    assert found < -3


@pytest.mark.parametrize(("known", "is_told"), [(23, True), (22, False), (1, False), (0, False)])
def test_below_three_quarters_of_the_window_there_is_none(known: int, is_told: bool) -> None:
    found = budgets([day(ago) for ago in range(1, known + 1)])["availability"]
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


def test_little_is_said_of_a_day_that_has_just_begun() -> None:
    now = EVENING.replace(hour=0, minute=30)
    found = budgets([*whole(1), day(0, known=6)], now)
    assert isinstance(found["availability"].burn_today, NoData)
    assert isinstance(found["error_rate"].burn_today, float)


def test_maturity_goes_by_the_days_that_are_known() -> None:
    def left(days: list[Day]) -> float | NoData:
        maturity = assess(snapshot(), AssessmentSettings(), days).maturity
        return next(part.value for part in maturity.score.parts if part.name == "availability_budget")

    assert NOW.date() == EVENING.date()
    assert left([]) == 1.0  # the last hour
    assert left([day(1, bad=1), day(2)]) == pytest.approx(1 - 1 / (0.005 * 2 * 288))
