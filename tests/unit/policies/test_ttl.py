"""The TTL policy with its reference cases."""

from datetime import UTC, date, datetime, timedelta
from math import pi, sin
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.messages import NoData
from lumen.model.proposal import number
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Recommendation
from lumen.policies.ttl import Strategy, TtlFigures, TtlLimits, advise_ttl, cost_change, notes_on_ttl, recommend_ttl
from tests.snapshots import GONE, cache, history, snapshot, ttl

LIMITS = TtlLimits()


def recommended(seen: Snapshot, limits: TtlLimits = LIMITS) -> Recommendation:
    found = recommend_ttl(seen, limits)
    assert isinstance(found, Recommendation)
    return found


def new_value(found: Recommendation, old: int) -> int:
    return number(found.change.new) if found.change else old


def rising(change: float) -> tuple[float, ...]:
    return (0.5,) * 144 + (0.5 * (1 + change),) * 24


def test_reference_example() -> None:
    found = recommended(snapshot())
    assert (new_value(found, 300), found.strategy) == (420, Strategy.MODERATE)


def test_reference_with_rising_cost() -> None:
    seen = snapshot(cache=cache(0.65, 0.75, 0), history=history(cost_usd=rising(0.035)))
    found = recommended(seen)
    assert (new_value(found, 300), found.strategy) == (420, Strategy.MODERATE)
    assert "policy.cost_rises_too" in [reason.code for reason in found.reasons]


@pytest.mark.parametrize(
    ("hit_rate", "memory", "evictions", "strategy", "new"),
    [
        (0.59, 0.70, 99, Strategy.AGGRESSIVE, 600),
        (0.59, 0.71, 99, Strategy.MODERATE, 420),
        (0.60, 0.50, 99, Strategy.MODERATE, 420),
        (0.79, 0.85, 99, Strategy.MODERATE, 420),
        (0.79, 0.86, 0, Strategy.HOLD, 300),
        (0.50, 0.50, 100, Strategy.HOLD, 300),
        (0.80, 0.86, 0, Strategy.CONSERVATIVE, 240),
        (0.95, 0.95, 500, Strategy.CONSERVATIVE, 240),
        (0.95, 0.80, 100, Strategy.CONSERVATIVE, 240),
        (0.85, 0.80, 100, Strategy.HOLD, 300),
        (0.85, 0.75, 0, Strategy.HOLD, 300),
    ],
)
def test_rules(hit_rate: float, memory: float, evictions: int, strategy: Strategy, new: int) -> None:
    found = recommended(snapshot(cache=cache(hit_rate, memory, evictions)))
    assert (found.strategy, new_value(found, 300)) == (strategy, new)


def test_many_evictions_say_size_first() -> None:
    found = recommended(snapshot(cache=cache(0.5, 0.6, 200)))
    assert found.change is None
    assert found.reasons[0].code == "policy.ttl_evictions_size_first"


@pytest.mark.parametrize(
    ("hit_rate", "memory", "evictions", "rise", "new"),
    [
        *[(0.85, 0.65, 0, 0.1, 420), (0.85, 0.85, 99, 0.035, 420), (0.90, 0.75, 0, 0.035, 420)],
        *[(0.85, 0.65, 0, 0.019, 300), (0.91, 0.65, 0, 0.1, 300), (0.85, 0.65, 100, 0.1, 300)],
        (0.85, 0.86, 0, 0.1, 240),
    ],
)
def test_rising_cost_speaks_for_a_moderate_step_where_there_is_room(
    hit_rate: float, memory: float, evictions: int, rise: float, new: int
) -> None:
    best = cache(hit_rate, memory, evictions)
    assert recommended(snapshot(cache=best)).change is None or memory > 0.85
    found = recommended(snapshot(cache=best, history=history(cost_usd=rising(rise))))
    assert new_value(found, 300) == new
    assert found.strategy is (Strategy.MODERATE if new == 420 else found.strategy)


@pytest.mark.parametrize(("strategy", "new"), [("AGGRESSIVE", 600), ("MODERATE", 420), ("CONSERVATIVE", 360)])
def test_a_set_strategy_gives_the_step(strategy: str, new: int) -> None:
    found = recommended(snapshot(), TtlLimits(strategy=Strategy(strategy)))
    assert new_value(found, 300) == new


@pytest.mark.parametrize(("current", "new"), [(3550, 3600), (3600, 3600), (60, 180)])
def test_limits(current: int, new: int) -> None:
    assert new_value(recommended(snapshot(ttl=ttl(current))), current) == new


def test_at_the_limit_it_holds_and_says_so() -> None:
    found = recommended(snapshot(ttl=ttl(3600)))
    assert found.change is None
    assert found.reasons[-1].code == "policy.ttl_at_max"


def test_a_pin_wins() -> None:
    found = recommended(snapshot(), TtlLimits(override_seconds=600))
    assert (new_value(found, 300), found.strategy) == (600, Strategy.OVERRIDE)
    assert recommended(snapshot(ttl=ttl(600)), TtlLimits(override_seconds=600)).change is None


@pytest.mark.parametrize("changes", [{"cache": GONE}, {"ttl": GONE}, {"cache": cache(lookups=10)}])
def test_missing_figures_recommend_nothing(changes: dict[str, object]) -> None:
    seen = snapshot(**changes)
    assert isinstance(recommend_ttl(seen, LIMITS), NoData)


def test_unknown_history_is_no_rising_cost() -> None:
    assert cost_change(GONE) is None
    assert cost_change(history(cost_usd=(None,) * 168)) is None
    assert cost_change(history(cost_usd=rising(0.035))) == pytest.approx(0.035)


#: Days off in Korea and the United States: single ones, and three in a row beside a weekend.
DAYS_OFF = {
    *(date(2026, 1, day) for day in (1, 19)),
    *(date(2026, 2, day) for day in (16, 17, 18)),
    *(date(2026, 3, day) for day in (2,)),
    *(date(2026, 5, day) for day in (1, 5, 25)),
    *(date(2026, 7, day) for day in (3, 17)),
    *(date(2026, 9, day) for day in (7, 24, 25)),
    *(date(2026, 10, day) for day in (5, 9)),
    *(date(2026, 11, day) for day in (26, 27)),
    *(date(2026, 12, day) for day in (24, 25)),
}
YEAR_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)


def steady_year(seed: int, quiet: float) -> list[float]:
    """Hourly cost: a rhythm of the day, weekends and days off at `quiet` of a working day, and some noise."""
    random = Random(seed)
    hours = []
    for hour in range(365 * 24):
        at = YEAR_BEGINS + timedelta(hours=hour)
        is_off = at.weekday() >= 5 or at.date() in DAYS_OFF
        usual = 0.5 * (1 + 0.6 * sin(2 * pi * (at.hour - 9) / 24)) * (quiet if is_off else 1.0)
        hours.append(usual * random.gauss(1.0, 0.02))
    return hours


@pytest.mark.parametrize(("seed", "quiet"), [(1, 0.3), (2, 0.7), (3, 1.0)])
def test_a_steady_year_with_weekends_and_holidays_shows_no_rising_cost(seed: int, quiet: float) -> None:
    year = steady_year(seed, quiet)
    for end in range(168, len(year) + 1, 7):
        seen = snapshot(
            cache=cache(hit_rate=0.85, memory_ratio=0.75), history=history(cost_usd=tuple(year[end - 168 : end]))
        )
        found = recommended(seen)
        assert found.change is None, (YEAR_BEGINS + timedelta(hours=end), cost_change(seen.history))


def test_a_rise_is_seen_in_any_week_of_that_year() -> None:
    year = steady_year(1, 0.5)
    for week in range(2, 52):
        wednesday = week * 7 * 24  # its end, since the year began on a Thursday
        day = [1.15 * usd for usd in year[wednesday - 24 : wednesday]]
        at = YEAR_BEGINS + timedelta(hours=wednesday - 24)
        change = cost_change(history(cost_usd=(*year[wednesday - 168 : wednesday - 24], *day)))
        assert change is not None
        assert change > 0.02 or at.date() in DAYS_OFF


FIGURES = st.builds(
    TtlFigures,
    st.integers(60, 3600),
    st.floats(0, 1),
    st.floats(0, 1.5),
    st.floats(0, 1000),
    st.none() | st.floats(-1, 10),
)


@given(FIGURES, st.none() | st.sampled_from([Strategy.AGGRESSIVE, Strategy.MODERATE, Strategy.CONSERVATIVE]))
def test_steps_are_bounded(figures: TtlFigures, strategy: Strategy | None) -> None:
    found = advise_ttl(figures, TtlLimits(strategy=strategy))
    assert found.reasons
    if found.change is not None:
        old, new = number(found.change.old), number(found.change.new)
        assert 60 <= new <= 3600
        assert new != old
        assert abs(new - old) <= 300
        assert old < 300 or new <= 2 * old


@pytest.mark.parametrize(
    ("wanted", "codes"),
    [
        (420, ["longer"]),
        (240, ["shorter"]),
        (700, ["longer", "more_than_doubled"]),
        (90, ["shorter", "outside_good"]),
        (2400, ["longer", "more_than_doubled", "outside_good"]),
    ],
)
def test_what_a_person_should_know_of_a_wish(wanted: int, codes: list[str]) -> None:
    assert [note.code for note in notes_on_ttl(300, wanted)] == [f"policy.ttl_note_{code}" for code in codes]


def test_a_pin_goes_before_the_rules() -> None:
    pinned = TtlLimits(override_seconds=600)
    found = advise_ttl(TtlFigures(300, 0.95, 0.2, 0, None), pinned)
    assert (found.strategy, found.change and found.change.new) == (Strategy.OVERRIDE, 600)
