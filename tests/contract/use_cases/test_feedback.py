"""The feedback graph over a real store: as new as the last verdict, on the next card, and empty with its reasons."""

from collections.abc import Sequence
from datetime import timedelta
from math import log

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.graph import graph_card
from handlers.blocks.proposal import card
from lumen.adapters.store.alerts import RedisDays
from lumen.effects.verdict import HIT_RATE_POINTS
from lumen.model.feedback import HIT_RATE, By, Edge
from lumen.model.messages import message
from lumen.model.proposal import Change, Knob, Measured, MeasuredEffect, Priority, Proposal, State, Verdict
from lumen.model.turn import Recommendation
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.feedback import FeedbackGraphs
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.measured_world import House, Inline
from tests.contract.use_cases.test_turn_history import Here

#: Each change moves the hit rate by so much for a unit of log(TTL), nearly.
SLOPES = (0.148, 0.152, 0.15, 0.149)
TTLS = (300, 420, 600, 480, 720)
WAIT = timedelta(days=4)


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


def graphs(house: House, numerics: Inline | Here | None = None) -> FeedbackGraphs:
    store = house.store
    kept = store.proposals, store.turns, RedisDays(store.redis), house.alerts
    return FeedbackGraphs(*kept, numerics or Inline(), store.clock, Alike(0.01))


async def measured(house: House, old: int, new: int, slope: float) -> Proposal:
    """A change that was applied, and what keys that kept the old value told of it three days later."""
    made = await house.applied(new)
    house.store.clock.time += WAIT
    effect = slope * log(new / old)
    told, lease = message("effect.too_little", hours=72), await house.store.lease("effects")
    effects = (MeasuredEffect(HIT_RATE_POINTS, effect, effect - 0.002, effect + 0.002),)
    found = Measured(72, house.now, Verdict.KEPT, told, effects, controlled=True)
    await house.store.proposals.advance(SERVICE, made.id, lease, State.KEPT, told, found)
    await house.store.leases.release(SERVICE, lease)
    return await house.found(made)


async def after(house: House, count: int) -> Sequence[Edge]:
    """The solid edges once so many changes were measured."""
    for old, new, slope in list(zip(TTLS, TTLS[1:], SLOPES, strict=False))[:count]:
        await measured(house, old, new, slope)
    found = await graphs(house).of(SERVICE)
    return [one for one in found.edges if one.by is By.VERDICTS]


async def test_an_empty_store_draws_nothing_and_says_what_it_lacks(house: House) -> None:
    found = await graphs(house).of(SERVICE)
    assert found.edges == ()
    lacking = {one.code for one in found.lacking}
    assert lacking == {"graph.few_changes", "turn.none_yet", "graph.few_days", "graph.few_hours"}
    assert await graphs(house).follows(SERVICE, Change(Knob.TTL, 300, 420, "s")) == ()
    for locale in LOCALES:
        assert graph_card(Catalogue(locale), SERVICE.name, found).text


async def test_the_third_verdict_draws_the_edge_and_the_next_card_tells_it(house: House) -> None:
    assert await after(house, 2) == []
    await measured(house, TTLS[2], TTLS[3], SLOPES[2])
    await house.live(24 * 13)
    found = await graphs(house).of(SERVICE)
    (edge,) = [one for one in found.edges if one.by is By.VERDICTS]
    assert (edge.source, edge.target, edge.rests_on) == (Knob.TTL, HIT_RATE, 3)
    units = log((TTLS[3] + 120) / TTLS[3])
    assert edge.low <= 0.15 * units <= edge.high
    assert {one.by for one in found.edges} >= {By.IDENTITY, By.REGRESSION}

    store = house.store
    approvals = Approvals(store.proposals, Alike(house.knobs), store.restraints, graphs=graphs(house))
    wanted = Recommendation(Change(Knob.TTL, TTLS[3], 600, "s"), "MODERATE", (), Priority.MEDIUM)
    proposed = await approvals.propose_recommended(SERVICE, wanted, "next")
    assert proposed is not None
    told = card(Catalogue("en"), await house.found(proposed)).text
    assert "Usually follows: TTL +120 s → hit rate +3.3 points (±" in told
    assert "→ calls −" in told and "a month (3 changes)" in told
    by_person = await approvals.propose(SERVICE, Knob.TTL, 420, KIM, "down")
    assert "보통 뒤따르는 변화: TTL −60초" in card(Catalogue("ko"), by_person).text


async def test_without_the_numerics_what_goes_together_is_left_out(house: House) -> None:
    found = await graphs(house, Here(without=True)).of(SERVICE)
    assert found.edges == ()
    assert "trend.no_numerics" in {one.code for one in found.lacking}
