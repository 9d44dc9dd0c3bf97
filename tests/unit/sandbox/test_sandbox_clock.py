"""The sandbox's clock: one formula, whatever the pace, and time never jumps."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox.clock import Clock


@given(some.lists(some.floats(1.5, 1000), min_size=1, max_size=5))
def test_another_pace_goes_on_from_the_same_instant(paces: list[float]) -> None:
    clock = Clock(60, datetime.now(UTC) - timedelta(hours=2))
    for pace in paces:
        wall, before = time.time(), clock.seconds()
        clock.run_at(pace)
        after = clock.seconds()
        # The two numbers are the whole clock: another process that is given them shows the same time.
        elsewhere = Clock(clock.scale, clock.origin).seconds()
        most = (time.time() - wall) * 1000  # no pace here is faster
        assert before - 1e-3 <= after <= before + most + 1e-3
        assert after - 0.01 <= elsewhere <= after + most + 0.01


def test_at_the_walls_own_pace_it_must_show_the_walls_time() -> None:
    clock = Clock(60, datetime.now(UTC) - timedelta(hours=2))
    with pytest.raises(ValueError, match=r"s ahead of the wall's.*choose another scale"):
        clock.run_at(1)
    fresh = Clock()
    fresh.run_at(1)
    assert abs(fresh.seconds() - time.time()) < 0.01


@pytest.mark.parametrize("scale", [0, -1, float("inf"), float("nan")])
def test_a_clock_that_stands_or_runs_back_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Clock().run_at(scale)


def test_an_origin_that_no_calendar_has_is_refused() -> None:
    clock = Clock(60, datetime.now(UTC) - timedelta(days=30))
    with pytest.raises(ValueError, match="1970 to 9999"):
        clock.run_at(1.0001)
