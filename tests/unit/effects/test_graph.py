"""Edges of the feedback graph: the truth is in their intervals, and nothing is drawn without data behind it."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from bench.graph import ASKED, LEVEL, count, edge_of, refusals
from bench.graph_world import NOTHING, START, TODAY, WORLDS, lived, week
from lumen.effects.graph import Evidence, feedback, level_of, usual_changes
from lumen.model.feedback import CALLS, COST, HIT_RATE, By, Edge, Feedback, Level
from lumen.model.forecast import Forecast, Step
from lumen.model.messages import NoData
from lumen.model.proposal import Change, Knob, Origin, Proposal
from lumen.wording.catalogue import Catalogue
from tests.snapshots import snapshot

ALIKE = next(world for world in WORLDS if world.name == "five alike")
FIVE = lived(ALIKE, 0).proposals
TTL = {Knob.TTL: ASKED}
FORECAST = Forecast(300, 0.7, 1000.0, 0.01, 9, 9000, (Step(300, 0.0, 0.0), Step(420, 0.05, 0.003)))


@pytest.mark.prove
def test_in_twenty_worlds_the_intervals_hold_the_truth_and_invent_nothing() -> None:
    found = [count(world, 8, first=5000) for world in WORLDS]
    assert 0.85 <= sum(one.holds for one in found) / len(found) <= 0.95
    assert sum(one.false for one in found) / len(found) <= 0.05
    assert sum(one.next_holds for one in found) / len(found) >= 0.88


def test_below_three_changes_and_seven_days_nothing_is_drawn() -> None:
    assert refusals() == {
        **{f"{count} measured changes": count >= 3 for count in range(5)},
        "3 measured changes within 4 days": False,
        "6 whole days of lookups: calls and cost": False,
        "7 whole days of lookups: calls and cost": True,
    }


def drawn(proposals: tuple[Proposal, ...], change: Change = ASKED) -> Feedback:
    return feedback(Evidence(proposals, NOTHING, LEVEL), {change.knob: change})


def codes(found: Feedback) -> list[str]:
    return [one.code for one in found.lacking]


def test_no_data_says_what_each_knob_lacks() -> None:
    found = feedback(Evidence((), NOTHING, level_of([], TODAY, 0.01)), {})
    assert found.edges == ()
    (few,) = [one for one in found.lacking if one.code == "graph.few_changes"]
    told = Catalogue("en").plain(few)
    assert told.startswith("TTL, cache size, memory, ") and told.endswith(": 0 of 3 changes measured against a control")
    assert {"forecast.next_turn", "graph.few_days"} <= set(codes(found))
    assert usual_changes(None, ()) == {}


def test_one_knob_alone_tells_of_no_other() -> None:
    found = drawn(FIVE)
    assert {one.source for one in found.edges if one.is_of_knob} == {Knob.TTL}
    (few,) = [one for one in found.lacking if one.code == "graph.few_changes"]
    assert "TTL" not in Catalogue("en").plain(few)


def test_contradictions_are_drawn_without_an_arrowhead() -> None:
    against = tuple(turned_over(one) if nth % 2 else one for nth, one in enumerate(lived(ALIKE, 1).proposals))
    edge = edge_of(against)
    assert edge is not None and not edge.is_clear
    assert drawn(against).usual() == ()


def turned_over(one: Proposal) -> Proposal:
    """It had the opposite effect."""
    assert one.measured is not None
    (effect,) = one.measured.effects
    return with_effect(one, -effect.effect, -effect.high, -effect.low)


def with_effect(one: Proposal, effect: float, low: float, high: float) -> Proposal:
    assert one.measured is not None
    (was,) = one.measured.effects
    effects = (replace(was, effect=effect, low=low, high=high),)
    return replace(one, measured=replace(one.measured, effects=effects))


@pytest.mark.parametrize(
    "odd", [(math.nan,) * 3, (math.inf,) * 3, (0.1, 0.2, 0.3), (-2.0, -3.0, 0.0), (0.1, -math.inf, 0.2)]
)
def test_odd_figures_count_for_nothing(odd: tuple[float, float, float]) -> None:
    found = edge_of((*FIVE[:3], *(with_effect(one, *odd) for one in FIVE[3:])))
    assert found is not None and found.rests_on == 3
    assert edge_of((*FIVE[:2], *(with_effect(one, *odd) for one in FIVE[2:]))) is None


def test_what_takes_a_change_back_and_what_had_no_last_look_count_for_nothing() -> None:
    undo = [replace(one, draft=replace(one.draft, origin=Origin.UNDO)) for one in FIVE[3:]]
    open_ = [replace(one, measured=replace(one.measured, verdict=None)) for one in FIVE[3:] if one.measured]
    for others in (undo, open_):
        edge = edge_of((*FIVE[:3], *others))
        assert edge is not None and edge.rests_on == 3


def test_changes_of_different_sizes_and_directions_say_the_same() -> None:
    up, down = drawn(FIVE, Change(Knob.TTL, 300, 420, "s")), drawn(FIVE, Change(Knob.TTL, 420, 300, "s"))
    one, other = (next(edge for edge in found.edges if edge.is_of_knob) for found in (up, down))
    assert one.effect == pytest.approx(-other.effect)
    assert [one.low, one.high] == pytest.approx([-other.high, -other.low])


def test_nothing_is_said_of_a_change_far_beyond_all_that_was_measured() -> None:
    assert [one for one in drawn(FIVE, Change(Knob.TTL, 60, 3600, "s")).edges if one.is_of_knob] == []


def test_no_hit_rate_passes_all_or_nothing() -> None:
    steep = lived(replace(ALIKE, slope=2.0), 0).proposals
    edge = next(one for one in drawn(steep).edges if one.is_of_knob)
    assert isinstance(LEVEL, Level)
    assert edge.effect <= edge.high <= 1 - LEVEL.hit_rate


def test_a_thousand_verdicts_are_one_narrow_edge() -> None:
    edge = edge_of(lived(replace(ALIKE, changes=1000), 0).proposals)
    assert edge is not None and edge.rests_on == 1000
    assert edge.high - edge.low < 0.004


def test_the_chain_is_exact_arithmetic() -> None:
    level = Level(0.75, 1000.0, 7, 0.01)
    calls, cost = level.after(Edge(Knob.TTL, HIT_RATE, By.VERDICTS, 120, 0.05, 0.04, 0.06, 5, "s"))
    assert (calls.target, cost.target) == (CALLS, COST)
    assert [calls.effect, calls.low, calls.high] == pytest.approx([-0.2, -0.24, -0.16])
    assert cost.effect == pytest.approx(-0.05 * 1000 * 30 * 0.01)
    beyond = Edge(Knob.TTL, HIT_RATE, By.VERDICTS, 120, 0.5, 0.4, 0.6, 5, "s")
    assert level.after(beyond)[0].effect == -1.0, "no more calls can be saved than there are"


@pytest.mark.parametrize("price", [0.0, math.nan, -1.0, math.inf])
def test_without_a_price_no_edge_ends_at_the_cost(price: float) -> None:
    level = level_of(week(), TODAY, price)
    found = feedback(Evidence(FIVE, NOTHING, level), TTL)
    assert COST not in {one.target for one in found.edges}
    assert "graph.no_price" in codes(found)


def test_without_traffic_nothing_follows_by_arithmetic() -> None:
    level = level_of(week(lookups=0), TODAY, 0.01)
    assert isinstance(level, NoData) and level.reason.code == "graph.no_lookups"
    found = feedback(Evidence(FIVE, NOTHING, level), TTL)
    assert {one.by for one in found.edges} == {By.VERDICTS}
    assert Level(1.0, 1000.0, 7, 0.01).after(Edge("", HIT_RATE, By.IDENTITY, 0.01, 0.01, 0.01, 0.01, 7)) == ()


def test_a_day_with_holes_is_no_whole_day() -> None:
    days = week()
    assert isinstance(level_of([*days[:-1], replace(days[-1], lookup_slices=100)], TODAY, 0.01), NoData)
    known = level_of([replace(one, lookup_slices=216, hits=525, misses=225) for one in days], TODAY, 0.01)
    assert isinstance(known, Level)
    assert known.lookups_a_day == pytest.approx(1000), "at the pace of what is known"


@pytest.mark.parametrize(("days", "is_drawn"), [(6, False), (7, True)])
def test_the_replay_is_drawn_from_seven_days_on(days: int, is_drawn: bool) -> None:
    found = feedback(Evidence((), replace(FORECAST, days=days), LEVEL), TTL)
    edges = [one for one in found.edges if one.by is By.REPLAY]
    assert [(one.effect, one.rests_on) for one in edges] == ([(0.05, 7)] if is_drawn else [])
    assert ("graph.replay_short" in codes(found)) is not is_drawn


def test_a_usual_step_begins_where_the_knob_stands() -> None:
    newest = replace(FIVE[-1], finished_at=START + timedelta(days=30))
    assert usual_changes(None, (*FIVE[:2], newest))[Knob.TTL].old == newest.draft.change.new
    measured = usual_changes(snapshot(), FIVE)
    assert measured[Knob.TTL] == Change(Knob.TTL, 300, 420, "s")
    assert measured[Knob.CACHE_SIZE] == Change(Knob.CACHE_SIZE, 256, 384, "MB")


def test_what_only_coincides_with_changes_is_dashed() -> None:
    """Before and after, without keys that kept the old value: as ratios of the hit rate that was expected."""
    only = tuple(coinciding(one) for one in FIVE)
    found = drawn(only)
    edges = [one for one in found.edges if one.is_of_knob]
    assert [(one.by, one.target, one.is_dashed) for one in edges] == [(By.COINCIDES, HIT_RATE, True)]
    assert found.usual() == ()
    assert "graph.few_changes" in codes(found)
    assert edge_of((*FIVE[:2], *only[2:])) is None


def coinciding(one: Proposal) -> Proposal:
    assert one.measured is not None
    (was,) = one.measured.effects
    ratio = replace(was, metric="hit_rate", effect=was.effect / 0.7, low=was.low / 0.7, high=was.high / 0.7)
    return replace(one, measured=replace(one.measured, effects=(ratio,), controlled=False))
