"""What several changes did, together: an interval is finite or there is none, and wide where little is known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.effects.pooled import CLEAR, SHOWN, Slope, pooled, student

FINITE = st.floats(-1e6, 1e6)
ERRORS = st.floats(1e-6, 1e6)


@pytest.mark.parametrize("freedom", [1.0, 1.4, 2.0, 2.7, 5.0, 29.0, 299.0])
@pytest.mark.parametrize("level", [SHOWN, CLEAR])
def test_student_as_the_library_has_it(level: float, freedom: float) -> None:
    scipy = pytest.importorskip("scipy.stats", reason="needs the extra numerics")
    assert student(level, freedom) == pytest.approx(scipy.t.ppf((1 + level) / 2, freedom), rel=2e-4)


@given(st.lists(st.builds(Slope, FINITE, ERRORS), min_size=2, max_size=12))
def test_any_slopes_give_a_finite_interval_around_their_mean(slopes: list[Slope]) -> None:
    found = pooled(slopes)
    if found is not None:
        assert all(map(math.isfinite, (found.value, found.low, found.high, found.next_half)))
        assert found.low <= found.value <= found.high
        assert found.low < found.high, "no figure is exact"


@pytest.mark.parametrize(
    "slopes",
    [
        [],
        [Slope(1.0, 0.1)],
        [Slope(1.0, 0.1), Slope(math.nan, 0.1), Slope(1.0, 0.1)],
        [Slope(1.0, 0.1), Slope(1.0, 0.0), Slope(1.0, 0.1)],
        [Slope(1.0, math.inf), Slope(1.0, 0.1), Slope(1.0, 0.1)],
    ],
)
def test_what_cannot_be_combined_is_none(slopes: list[Slope]) -> None:
    assert pooled(slopes) is None


def test_contradictions_widen_the_interval_and_reach_to_nothing() -> None:
    found = pooled([Slope(0.2, 0.01), Slope(-0.2, 0.01), Slope(0.21, 0.01), Slope(-0.19, 0.01)])
    assert found is not None
    assert found.low < -0.1 and found.high > 0.1


def test_what_is_clear_at_nine_in_ten_alone_reaches_to_nothing() -> None:
    found = pooled([Slope(0.5, 0.3), Slope(1.5, 0.3), Slope(1.3, 0.3), Slope(0.2, 0.3)])
    assert found is not None
    assert found.low == 0.0 < found.value


def test_a_change_that_outweighs_the_others_counts_as_few() -> None:
    one = pooled([Slope(1.0, 0.001), Slope(1.1, 1.0), Slope(0.9, 1.0), Slope(1.2, 1.0)])
    even = pooled([Slope(1.0, 0.1), Slope(1.1, 0.1), Slope(0.9, 0.1), Slope(1.2, 0.1)])
    assert one is not None and even is not None
    assert one.high - one.value > even.high - even.value
