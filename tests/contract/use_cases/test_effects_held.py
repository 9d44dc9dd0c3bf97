"""Verdicts where a tenth of the keys kept the old TTL: what suspends them, and what comes a week later."""

from dataclasses import replace
from datetime import timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.proposal import card
from lumen.effects.track_record import record_of
from lumen.model.proposal import Knob, State, direction
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import SERVICE, Store
from tests.contract.use_cases.measured_world import HOUR, START, House


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


async def test_harm_is_told_after_six_hours_where_there_is_traffic_enough(house: House) -> None:
    house.gain, house.reported.cycle = -0.15, timedelta(hours=1)
    made = await house.applied()
    await house.live(7, house.effects())
    found = await house.found(made)
    assert (found.state, await house.looks(made)) == (State.HARMFUL, ["HARMFUL"])
    assert len(await house.undos(made)) == 1
    assert house.places[Knob.TTL].held == ""


@pytest.mark.parametrize(("hours", "state"), [(-3, State.KEPT), (2, State.KEPT), (20, State.APPLIED)])
async def test_with_a_control_it_is_compared_anew_after_a_deployment(house: House, hours: int, state: State) -> None:
    house.gain = 0.12
    house.deployed.append(START + hours * HOUR)
    made = await house.applied()
    await house.live(25, house.effects())
    found = await house.found(made)
    assert found.measured is not None
    is_told = state is State.KEPT
    assert (found.state, found.measured.reason.code == "effect.points_kept") == (state, is_told)
    await house.live(49, house.effects())
    assert (await house.found(made)).state is State.KEPT


async def test_an_open_page_suspends_the_verdict_until_it_is_over(house: House) -> None:
    house.gain = 0.12
    made = await house.applied()
    await house.live(20)
    await house.page(START + 15 * HOUR)
    await house.live(25, house.effects())
    assert (await house.found(made)).state is State.APPLIED
    assert await house.told(made) == "effect.waits_page"
    await house.page(START + 15 * HOUR, over=True)
    await house.live(49, house.effects())
    assert (await house.found(made)).state is State.KEPT


async def test_another_ttl_meanwhile_leaves_nothing_to_compare(house: House) -> None:
    made = await house.applied()
    house.store.clock.time += 3 * HOUR
    other = await house.applied(600)
    await house.live(26, house.effects())
    assert (await house.found(made)).state is State.INCONCLUSIVE
    assert await house.told(made) == "effect.other_change"
    assert house.places[Knob.TTL].held == other.id  # whose own hold-back goes on


async def test_late_accesses_are_waited_for(house: House) -> None:
    """The slices show lookups of which nobody has read anything yet."""
    house.gain = 0.12
    made = await house.applied()
    await house.live(10)
    house.reports = False
    effects = house.effects()
    await house.live(25, effects)
    assert await house.looks(made) == ["APPLIED"]
    house.reports = True
    await house.live(26, effects)
    assert (await house.found(made)).state is State.KEPT


async def test_a_week_later_a_replay_says_whether_it_lasts_and_nothing_is_learnt(house: House) -> None:
    house.gain = 0.12
    made = await house.applied()
    effects = house.effects()
    await house.live(25, effects)
    kept = await house.found(made)
    house.gain = 0.02
    await house.live(170, effects)
    told = await house.found(made)
    assert (told.state, told.note and told.note.code) == (State.KEPT, "effect.lasting_less")
    assert kept.measured is not None
    assert told.measured == replace(kept.measured, lasting=told.note)
    for locale, words in (("en", "by replay, without a control"), ("ko", "대조군 없이 재생으로 계산")):
        shown = card(Catalogue(locale), told).text
        assert words in shown
        assert "+12" in shown
    recent = await house.store.proposals.recent(SERVICE, 50)
    assert record_of(recent, direction(made.draft.change)).helped == 1
