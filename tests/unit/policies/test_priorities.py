"""What is worth doing: the most urgent first, each with what was measured; nothing that is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.messages import Message, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import Spend
from lumen.model.turn import Occasion, Recommendation, Turn
from lumen.policies.priorities import priorities
from lumen.policies.size import SizeAdvice
from tests.snapshots import GONE, NOW, cache, deployment, snapshot, traffic

HOLD = Recommendation(None, "HOLD", (), Priority.LOW)
UP = Recommendation(Change(Knob.TTL, 300, 420, "s"), "MODERATE", (), Priority.MEDIUM)
LARGER = Recommendation(Change(Knob.CACHE_SIZE, 256, 384, "MB"), "SCALE_UP", (), Priority.HIGH)
SIZE = SizeAdvice(LARGER, 12.0, 4.68, 7.2)


def turn(changes: dict[str, object], ttl: Recommendation = HOLD, wanted: Recommendation | None = None) -> Turn:
    seen = snapshot(**changes)
    judged = assess(seen, AssessmentSettings())
    return Turn("t", Occasion.SLOT, NOW, NOW, seen, judged, ttl, (), (), (), wanted=wanted)


def of(made: Turn, size: SizeAdvice | None = None) -> Message:
    """The impact of the first change."""
    return next(one.impact for one in priorities(made, size) if one.what.code == "priority.change")


def found(made: Turn, size: SizeAdvice | None = None) -> list[tuple[str, str]]:
    return [(one.priority.value, one.what.code.partition(".")[2]) for one in priorities(made, size)]


BEST: dict[str, object] = {"cache": cache(0.97), "deployment": deployment(*range(1, 29))}


@pytest.mark.parametrize(
    ("made", "first"),
    [
        (turn(BEST), []),
        (turn(BEST, UP), [("MEDIUM", "change")]),
        (turn({"cache": cache(0.75)}), [("MEDIUM", "objective")]),
        (turn({"cache": cache(0.65)}), [("HIGH", "objective")]),
        (turn({"traffic": traffic(errors_5xx=100)}), [("HIGH", "objective")]),
        (turn({**BEST, "history": GONE}), [("MEDIUM", "missing")]),
        (turn({"cache": GONE}), [("HIGH", "missing")]),
        (turn({"spend": Spend(150.0, False, 200.0, NOW)}), [("HIGH", "budget")]),
    ],
)
def test_what_comes_first(made: Turn, first: list[tuple[str, str]]) -> None:
    assert found(made)[: len(first) or 1] == first


def test_each_knob_stands_once_with_what_it_costs() -> None:
    made = turn(BEST, UP, LARGER)
    told = priorities(made, SIZE)
    assert [one.what.params["knob"] for one in told if one.what.code == "priority.change"] == ["cache_size", "ttl"]
    assert told[0].impact == message("priority.of_size", added_cost_usd=4.68, savings_usd=12.0)
    assert told[1].impact.code == "priority.of_ttl"


def test_a_point_of_hit_rate_is_worth_what_it_saved() -> None:
    """One lookup in a hundred that becomes a hit saves one call in a hundred lookups."""
    impact = of(turn({"cache": cache(0.5, lookups=1000)}, UP))
    assert impact.params["point_usd"] == pytest.approx(10 * 720 * 0.01)
    assert of(turn({"cache": GONE}, UP)) == message("priority.of_unknown")


@given(
    hit_rate=st.floats(0, 1),
    errors=st.integers(0, 500),
    missing=st.sets(st.sampled_from(["traffic", "cache", "ttl", "deployment", "spend", "history"])),
)
def test_the_most_urgent_is_first_and_no_impact_is_more_than_the_gate(
    hit_rate: float, errors: int, missing: set[str]
) -> None:
    changes: dict[str, object] = {"cache": cache(hit_rate), "traffic": traffic(errors_5xx=errors)}
    told = priorities(turn({**changes, **dict.fromkeys(missing, GONE)}, UP))
    order = [list(Priority).index(one.priority) for one in told]
    assert order == sorted(order, key=lambda n: ["HIGH", "MEDIUM", "LOW"].index(list(Priority)[n].value))
    for one in told:
        if one.impact.code == "priority.points":
            assert 0 < float(str(one.impact.params["points"])) <= 100
