"""Only real values are published: what is not known has no point."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.metrics import ACTIONS_OF, MOST_PROPOSALS, OUTCOMES, Known, published
from lumen.model.alert import Observation
from lumen.model.history import Day
from lumen.model.metrics import ACTIONS, HEARTBEAT, LABELS, UNITS
from lumen.model.proposal import OPEN, Change, Knob, Priority, Proposal, State
from lumen.model.snapshot import SLICE, Snapshot
from lumen.model.turn import Occasion, Recommendation, Turn
from tests.proposals import applied
from tests.snapshots import GONE, NOW, SERVICE, cache, history, snapshot, traffic, ttl

UP = Recommendation(Change(Knob.TTL, 300, 420, "s"), "MODERATE", (), Priority.MEDIUM)
#: Demand with a daily wave that cost follows, and thirty days of which everything is known.
DEMAND = tuple(round(1000 + 600 * math.sin(math.pi * hour / 12)) for hour in range(168))
PULSE = history(DEMAND, tuple(count / 2000 for count in DEMAND))
MONTH = [
    Day(date, 288, 288, 287, 1, 100_000, 50, 0, 288, 900, 100, 288, 5.0, 288, {(50, 100): 9})
    for date in ((NOW - timedelta(days=ago)).date() for ago in range(30))
]
RHYTHM = {"cost_rhythm", "cost_coherence", "cost_phase", "cost_entropy"}
OF_CACHE = {"cache_hit_rate", "cache_memory_ratio", "cache_ttl_seconds"}
OF_TURNS = set(UNITS) - {HEARTBEAT, ACTIONS, "slo_availability", "cost_per_request", *OF_CACHE}
SCORES = {"maturity_score", "slo_compliance", "unified_gate_score"}
RAISED = Change(Knob.TTL, 300, 420, "s")
HOLD = Recommendation(None, "HOLD", (), Priority.LOW)


def turn(days: Sequence[Day] = MONTH, **changes: object) -> Turn:
    return turn_of(snapshot(**{"history": PULSE, **changes}), days)


def without(seen: Snapshot, name: str) -> Snapshot:
    return replace(seen, **{name: GONE})  # type: ignore[arg-type]


def turn_of(taken: Snapshot, days: Sequence[Day] = MONTH) -> Turn:
    return Turn("t", Occasion.SLOT, NOW, NOW, taken, assess(taken, AssessmentSettings(), days), UP, (), (), ())


def slices(bad: int = 0, cost_usd: float | None = 0.02) -> list[Observation]:
    return [Observation(NOW - (12 - nth) * SLICE, 100, 50 if nth < bad else 0, cost_usd=cost_usd) for nth in range(12)]


def known(**changes: object) -> Known:
    base = Known(SERVICE, NOW, slices(), cache(0.72, 0.75), ttl(360), turn(), (applied("P1", RAISED),))
    return replace(base, **changes)  # type: ignore[arg-type]


def values(of: Known) -> dict[str, float]:
    found = published(of)
    assert {one.service for one in found} == {SERVICE}
    assert len({one.name for one in found}) == len(found)
    return {one.name: one.value for one in found}


def test_every_published_metric_has_its_unit() -> None:
    found = values(known(slices=slices(bad=3)))
    assert set(found) == set(UNITS)
    assert found[HEARTBEAT] == 1.0
    assert found["slo_availability"] == 75.0
    assert found["cache_hit_rate"] == pytest.approx(72.0)
    assert found["cache_memory_ratio"] == pytest.approx(0.75)
    assert found["cost_per_request"] == pytest.approx(0.0002)
    assert (found["cache_ttl_seconds"], found["cache_ttl_recommended_seconds"]) == (360.0, 420.0)
    assert found["roi_percentage"] > 500
    assert (found["system_health"], found["cache_health"], found["cost_rhythm"]) == (2, 3, 2)
    assert found["cost_coherence"] > 0.8
    assert 0 < found["slo_compliance"] < 100
    assert found["error_budget_availability"] < 100


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"slices": []}, {"slo_availability", "cost_per_request"}),
        ({"slices": slices(cost_usd=None)}, {"cost_per_request"}),
        ({"cache": GONE}, {"cache_hit_rate", "cache_memory_ratio"}),
        ({"cache": cache(lookups=10)}, {"cache_hit_rate"}),
        ({"cache": replace(cache(), max_mb=GONE)}, {"cache_memory_ratio"}),
        ({"ttl": GONE}, {"cache_ttl_seconds"}),
        ({"turn": None}, OF_TURNS),
        ({"at": NOW + timedelta(hours=3)}, OF_TURNS),
        ({"turn": replace(turn(), ttl=GONE)}, {"cache_ttl_recommended_seconds"}),
        (
            {"turn": turn(cache=GONE)},
            {*SCORES, "roi_percentage", "system_health", "cache_health"},
        ),
        ({"turn": turn(history=GONE)}, {"maturity_score", "unified_gate_score", "system_health", *RHYTHM}),
        ({"turn": turn(ttl=GONE)}, {"cache_health"}),
        ({"turn": turn(days=())}, {name for name in UNITS if name.startswith("error_budget_")}),
    ],
)
def test_what_is_not_known_has_no_point(changes: dict[str, object], absent: set[str]) -> None:
    assert set(UNITS) - set(values(known(**changes))) == absent


def actions(*proposals: Proposal) -> dict[tuple[str, str], float]:
    found = [one for one in published(known(proposals=proposals)) if one.name == ACTIONS]
    assert all(set(one.labels) == set(LABELS[ACTIONS]) for one in found)
    return {(one.labels["knob"], one.labels["outcome"]): one.value for one in found}


def test_every_state_that_is_not_open_has_one_outcome() -> None:
    assert set(OUTCOMES) == set(State) - OPEN
    for state, outcome in OUTCOMES.items():
        assert actions(applied("P1", RAISED, state=state)) == {("ttl", outcome): 1.0}
    assert actions(*(applied("P1", RAISED, state=state) for state in OPEN)) == {}


def test_actions_are_those_of_seven_days_and_older_ones_are_a_zero() -> None:
    long_ago = NOW - ACTIONS_OF - timedelta(minutes=1)
    size, undone = Change(Knob.CACHE_SIZE, 256, 384, "MB"), State.UNDONE
    found = actions(
        applied("P4", RAISED),
        applied("P3", RAISED),
        applied("P2", size, state=undone),
        applied("P1", size, at=long_ago),
    )
    assert found == {("ttl", "applied"): 2.0, ("cache_size", "undone"): 1.0, ("cache_size", "applied"): 0.0}


def test_more_proposals_than_were_read_are_no_figure() -> None:
    many = [applied(f"P{number}", RAISED) for number in range(MOST_PROPOSALS)]
    assert actions(*many) == {}
    assert actions(*many[1:]) == {("ttl", "applied"): MOST_PROPOSALS - 1.0}
    assert actions(*many[1:], applied("P0", RAISED, at=NOW - 2 * ACTIONS_OF)) != {}


@pytest.mark.parametrize("gone", ["history", "deployment", "cache", "traffic"])
@pytest.mark.parametrize("seen", [snapshot(), snapshot(cache=cache(0.5)), snapshot(traffic=traffic(bad_slices=2))])
def test_a_partial_score_is_not_published_as_a_drop(seen: Snapshot, gone: str) -> None:
    of = replace(seen, history=PULSE)
    before, after = (values(known(turn=turn_of(one))) for one in (of, without(of, gone)))
    states = {"system_health", "cache_health"}
    lower = {name for name in SCORES | states if name in after and after[name] < before.get(name, -1)}
    assert lower == set()


def test_what_is_certain_is_published_however_much_is_missing() -> None:
    found = values(known(turn=turn(history=GONE, spend=GONE, cache=cache(0.2))))
    assert (found["system_health"], "unified_gate_score" in found) == (0, False)


def test_to_hold_is_to_recommend_what_is_set() -> None:
    assert values(known(turn=replace(turn(), ttl=HOLD)))["cache_ttl_recommended_seconds"] == 300.0
