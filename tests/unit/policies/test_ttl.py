"""The TTL policy with its reference cases."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.messages import NoData
from lumen.model.proposal import number
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Recommendation
from lumen.policies.ttl import Strategy, TtlFigures, TtlLimits, advise_ttl, cost_change, notes_on_ttl, recommend_ttl
from tests.snapshots import GONE, cache, snapshot, ttl

LIMITS = TtlLimits()


def recommended(seen: Snapshot, limits: TtlLimits = LIMITS) -> Recommendation:
    found = recommend_ttl(seen, limits)
    assert isinstance(found, Recommendation)
    return found


def new_value(found: Recommendation, old: int) -> int:
    return number(found.change.new) if found.change else old


def test_reference_example() -> None:
    found = recommended(snapshot())
    assert (new_value(found, 300), found.strategy) == (420, Strategy.MODERATE)


def test_reference_with_rising_cost() -> None:
    seen = snapshot(cache=cache(0.65, 0.75, 0), cost_change=0.035)
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
    found = recommended(snapshot(cache=best, cost_change=rise))
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


TODAY = date(2026, 11, 16)


def weeks(*usd: float | None) -> list[tuple[date, float]]:
    """These days up to yesterday; of a day None nothing is known."""
    days = [(TODAY - timedelta(days=len(usd) - index), one) for index, one in enumerate(usd)]
    return [(day, one) for day, one in days if one is not None]


WEEK = [10.0, 10.0, 10.0, 10.0, 10.0, 4.0, 4.0]
DEARER = [11.0, 11.0, 11.0, 11.0, 11.0, 4.4, 4.4]


@pytest.mark.parametrize(
    ("days", "change"),
    [
        ([], None),
        (weeks(*WEEK, *WEEK), None),  # two weeks
        (weeks(*WEEK[1:], *WEEK, *DEARER), None),  # a day short of three weeks
        (weeks(*WEEK, *WEEK, *WEEK), 0.0),
        (weeks(*WEEK, *WEEK, *DEARER), 0.1),
        (weeks(*DEARER, *WEEK, *DEARER), 0.0),  # no dearer than two weeks ago
        (weeks(*WEEK, *WEEK, *DEARER[:6], 3.9), 0.1),  # one day of seven may be cheaper
        (weeks(*WEEK, *WEEK, *DEARER[:5], 3.9, 3.9), 0.0),
        (weeks(*WEEK, *WEEK, *[1.04 * usd for usd in WEEK]), 0.0),  # 5 % is none
        (weeks(*WEEK, *WEEK, None, *DEARER[1:]), 0.1),
        (weeks(*WEEK, *WEEK, None, None, *DEARER[2:]), None),
        (weeks(4.0, None, *WEEK[1:], *WEEK, *DEARER), 0.1),
        (weeks(*WEEK, None, None, *WEEK[2:], *DEARER), None),
        (weeks(*[0.0] * 21), None),
    ],
)
def test_cost_rises_when_a_week_is_above_its_weekdays(days: list[tuple[date, float]], change: float | None) -> None:
    assert cost_change(days, TODAY) == (change if not change else pytest.approx(change))


def test_what_is_not_known_of_cost_is_no_rise() -> None:
    assert recommended(snapshot(cache=cache(0.85, 0.65, 0), cost_change=None)).change is None


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
YEAR_BEGINS = date(2026, 1, 1)


def steady_year(seed: int, quiet: float, noise: float) -> list[tuple[date, float]]:
    """Daily cost: weekends and days off at `quiet` of a working day, and some noise."""
    random = Random(seed)
    days = [YEAR_BEGINS + timedelta(days=index) for index in range(365)]
    return [
        (day, 100 * (quiet if day.weekday() >= 5 or day in DAYS_OFF else 1.0) * random.gauss(1.0, noise))
        for day in days
    ]


def rising_on(days: list[tuple[date, float]]) -> list[date]:
    ends = range(21, len(days))
    return [days[end][0] for end in ends if cost_change(days[max(0, end - 30) : end], days[end][0])]


@pytest.mark.parametrize("quiet", [0.3, 0.7, 1.0])
@pytest.mark.parametrize(("noise", "most"), [(0.0, 0), (0.03, 0), (0.08, 2)])
def test_a_steady_year_with_weekends_and_holidays_shows_no_rising_cost(quiet: float, noise: float, most: int) -> None:
    found = [len(rising_on(steady_year(seed, quiet, noise))) for seed in (1, 2, 3)]
    assert sum(found) <= most * len(found)


def test_a_rise_of_15_percent_is_told_within_a_week_at_any_time_of_that_year() -> None:
    year = steady_year(1, 0.5, 0.02)
    for at in range(30, 350, 5):
        risen = [(day, usd * (1.15 if index >= at else 1.0)) for index, (day, usd) in enumerate(year)]
        week = {year[end][0] for end in range(at + 1, at + 8)}
        is_ordinary = not DAYS_OFF & {day for day, _ in year[at - 14 : at + 8]}
        assert week & set(rising_on(risen[at - 30 : at + 9])) or not is_ordinary


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
