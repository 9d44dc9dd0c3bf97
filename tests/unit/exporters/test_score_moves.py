"""What moved a score since the turn before adds up to how far it moved."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.score_moves import moves
from lumen.model.assessment import ScoreMove
from tests.snapshots import GONE, NOW, cache, history, snapshot, traffic

SINCE = NOW - timedelta(hours=1)


def between(before: dict[str, object], now: dict[str, object]) -> dict[str, ScoreMove]:
    was, is_now = (assess(snapshot(**changes), AssessmentSettings()) for changes in (before, now))
    return {move.score: move for move in moves(was, SINCE, is_now)}


def test_the_part_that_did_it_is_named() -> None:
    move = between({}, {"cache": cache(hit_rate=0.5)})["gate"]
    assert {part.name for part in move.parts if abs(part.points) > 1} == {"hit_rate", "slo_compliance"}
    lost = next(part for part in move.parts if part.name == "hit_rate")
    assert lost.points == pytest.approx(0.20 * (50 - 72.5))


def test_a_part_that_goes_missing_takes_its_points_with_it() -> None:
    move = between({}, {"history": GONE})["gate"]
    assert move.now is not None
    assert move.before is not None
    assert move.now < move.before
    maturity = next(part for part in move.parts if part.name == "maturity")
    assert maturity.now is None
    assert maturity.points == pytest.approx(move.now - move.before)


def test_nothing_is_compared_with_a_score_that_was_not_there() -> None:
    move = between({"cache": GONE}, {})["gate"]
    assert move.before is None
    assert move.now is not None


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "cache": st.builds(cache, st.floats(0.01, 1), st.floats(0.01, 1)),
        "traffic": st.builds(traffic, st.integers(1, 1000), st.integers(0, 100)),
        "history": st.sampled_from([GONE, history(errors_5xx=(100,) * 168)]),
        "deployment": st.just(GONE),
    },
)


@settings(deadline=None)
@given(CHANGES, CHANGES)
def test_moves_add_up(before: dict[str, object], now: dict[str, object]) -> None:
    for move in between(before, now).values():
        if move.before is not None and move.now is not None:
            assert sum(part.points for part in move.parts) == pytest.approx(move.now - move.before, abs=1e-6)
