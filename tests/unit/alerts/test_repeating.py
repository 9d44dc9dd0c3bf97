"""What repeats is no news: shapes of `bench/repeating.py`, a few here and all of them in `make prove`."""

from datetime import timedelta

import pytest

from bench.repeating import BEGINNING, FIGURES, SHAPES, WEEKS, forever, openings

LAST_WEEK = timedelta(weeks=WEEKS - 1)
FEW = ("office hours x3.0", "hourly, 20 min x2", "nightly, up to 15 min late")


@pytest.mark.parametrize(("name", "figure"), zip(FEW, FIGURES, strict=True))
def test_a_shape_that_repeats_is_not_told_in_its_third_week(name: str, figure: str) -> None:
    assert [at for at in openings(SHAPES[name], figure, weeks=3) if at >= timedelta(weeks=2)] == []


@pytest.mark.prove
@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("name", SHAPES)
def test_no_shape_is_told_in_its_last_week(name: str, figure: str) -> None:
    assert [at for at in openings(SHAPES[name], figure) if at >= LAST_WEEK] == []


@pytest.mark.prove
@pytest.mark.parametrize("name", BEGINNING)
def test_a_new_repeat_is_told_four_times_at_most(name: str) -> None:
    assert 1 <= len(openings(BEGINNING[name])) <= 4


@pytest.mark.prove
def test_a_level_that_stays_is_told_once() -> None:
    assert len(openings(forever)) == 1
