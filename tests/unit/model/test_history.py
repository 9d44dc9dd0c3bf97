"""The sums of a day: only what is known, and how much of it is."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import zip_longest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.model.alert import Observation
from lumen.model.history import SLICES_A_DAY, Day, folded, together
from lumen.model.snapshot import SLICE, LatencyDistribution

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


def test_slices_count_towards_their_utc_day() -> None:
    midnight = NOON.replace(hour=0)
    slices = [Observation(midnight + n * SLICE, cost_usd=0.25) for n in range(SLICES_A_DAY + 1)]
    assert [(day.date.day, day.cost_slices, day.cost_usd) for day in folded(slices)] == [(1, 288, 72.0), (2, 1, 0.25)]


COUNTED = st.lists(st.integers(0, 9), min_size=1, max_size=5)
LATENCIES = st.lists(
    COUNTED.map(lambda counts: LatencyDistribution((50.0, 100.0, 250.0, 1000.0), tuple(counts))), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=50)
@given(LATENCIES, st.floats(0, 2000), st.floats(0, 2000))
def test_a_day_knows_how_many_were_slow_as_the_distribution_of_all_its_slices_does(
    given_latencies: list[LatencyDistribution], one_ms: float, other_ms: float
) -> None:
    (day,) = folded([Observation(NOON + n * SLICE, latency=each) for n, each in enumerate(given_latencies)])
    counts = [sum(column) for column in zip_longest(*(each.counts for each in given_latencies), fillvalue=0)]
    whole = LatencyDistribution(given_latencies[0].bounds_ms, tuple(counts))
    assert (day.timed_slices, day.timed) == (len(given_latencies), whole.total)
    low, high = sorted((one_ms, other_ms))
    assert 0 <= day.slower(high) <= day.slower(low) <= day.timed
    if whole.total:
        assert day.slower(low) == pytest.approx((1 - whole.share_below(low)) * whole.total, abs=1e-9)


def test_percentiles_alone_do_not_tell_how_many_were_slow() -> None:
    (day,) = folded([Observation(NOON, 100, 0, p50_ms=40.0, p95_ms=160.0, p99_ms=320.0)])
    assert (day.known_slices, day.timed_slices, day.timed) == (1, 0, 0)


@settings(deadline=None)
@given(SLICES, st.integers(0, 20))
def test_sums_of_pieces_add_up_to_the_sum_of_all(given_slices: list[Observation], cut: int) -> None:
    whole = folded(given_slices)
    pieces = together(folded(given_slices[:cut]), folded(given_slices[cut:]))
    assert [_without_cost(day) for day in pieces] == [_without_cost(day) for day in whole]
    for piece, day in zip(pieces, whole, strict=True):
        assert piece.cost_parts.keys() == day.cost_parts.keys()
        for part, sums in day.cost_parts.items():
            assert piece.cost_parts[part] == pytest.approx(sums)
    for day in whole:
        assert day.slices == len(given_slices)
        assert 0 <= day.good_slices + day.bad_slices <= day.known_slices <= day.slices


def _without_cost(day: Day) -> Day:
    return replace(day, cost_usd=0.0, cost_parts={})
