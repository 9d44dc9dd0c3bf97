"""The sums of a day: only what is known, and how much of it is."""

from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.model.day import SLICES_A_DAY, Day, day_of, folded
from lumen.model.observation import Observation
from lumen.model.snapshot import SLICE

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
COUNTS = st.none() | st.integers(0, 1000)
SLICES = st.lists(
    st.builds(
        lambda requests, errors, hits, misses, cost: Observation(
            NOON, requests, errors, 0, hits=hits, misses=misses, cost_usd=cost
        ),
        COUNTS, COUNTS, COUNTS, COUNTS, st.none() | st.floats(0, 10),
    ),
    max_size=20,
)  # fmt: skip


def test_a_slice_is_good_bad_quiet_or_unknown() -> None:
    found = folded(
        [
            Observation(NOON, 100, 5),
            Observation(NOON + SLICE, 100, 6),
            Observation(NOON + 2 * SLICE, 0, 0),
            Observation(NOON + 3 * SLICE),
        ]
    )
    assert found == (Day(date(2026, 3, 1), 4, 3, 1, 1, 200, 11, timed_slices=1),)


def test_a_day_costs_something_only_as_a_whole() -> None:
    midnight = NOON.replace(hour=0)
    whole = [Observation(midnight + n * SLICE, cost_usd=0.25) for n in range(SLICES_A_DAY)]
    assert folded(whole)[0].complete_cost_usd == 72.0
    assert folded(whole[:-1])[0].complete_cost_usd is None
    assert [day.date.day for day in folded([*whole, Observation(midnight + SLICES_A_DAY * SLICE)])] == [1, 2]


@settings(deadline=None)
@given(SLICES, st.integers(0, 20))
def test_sums_of_pieces_add_up_to_the_sum_of_all(given_slices: list[Observation], cut: int) -> None:
    day = Day(day_of(NOON))
    for piece in (given_slices[:cut], given_slices[cut:]):
        for one in folded(piece):
            day = day.plus(one)
    whole = folded(given_slices)
    assert day.slices == len(given_slices)
    if whole:
        assert (day.requests, day.good_slices, day.bad_slices) == (
            whole[0].requests,
            whole[0].good_slices,
            whole[0].bad_slices,
        )
    assert 0 <= day.good_slices + day.bad_slices <= day.known_slices <= day.slices
