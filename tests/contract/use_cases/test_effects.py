"""Verdicts on applied changes over a real store: four days with a clock of the test's own, and all that may happen."""

import asyncio
from datetime import timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.proposal import card
from lumen.effects.track_record import record_of, spoken_against
from lumen.model.incident import Pause
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Choice, Knob, Origin, Priority, Proposal, State, Verdict, direction
from lumen.model.service import Permit
from lumen.model.turn import Recommendation
from lumen.policies.guard import Automation
from lumen.use_cases.effects import Effects
from lumen.use_cases.evaluate import Stored, situation_of
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import KIM, OTHER, SERVICE, Store
from tests.contract.use_cases.crashes import Crash, crash_at
from tests.contract.use_cases.measured_world import HOUR, START, House, hold_backs_ended, settled

LACKING = NoData(message("effect.no_numerics"), message("effect.no_numerics_remedy"))


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


async def test_four_days_of_a_change_that_helps(house: House) -> None:
    """After six hours there is no harm, after a day it is kept, with its effect and interval on the card; all keys get
    the new TTL then, and the next such proposal tells it."""
    house.gain = 0.12
    made = await house.applied()
    effects = house.effects()
    await house.live(24, effects)
    assert await house.looks(made) == ["APPLIED"]
    assert house.places[Knob.TTL].held == made.id
    await house.live(25, effects)
    assert house.places[Knob.TTL].held == ""
    await house.live(96, effects)
    kept = await house.found(made)
    assert (kept.state, await house.looks(made)) == (State.KEPT, ["APPLIED", "KEPT"])
    assert hold_backs_ended(await house.store.events(made.id)) == 1
    measured = kept.measured
    assert measured is not None
    assert (measured.look_hours, measured.verdict) == (24, Verdict.KEPT)
    assert (measured.undo, measured.controlled) == (False, True)
    assert measured.at == START.replace(minute=0) + 25 * HOUR
    first = measured.effects[0]
    assert first.metric == "hit_rate_points"
    assert first.low < first.effect < first.high < first.low + 0.01
    assert first.effect == pytest.approx(0.12, abs=0.005)
    assert await house.undos(made) == []
    for locale, words in (("en", "hit rate +1"), ("ko", "적중률 +1")):
        assert words in card(Catalogue(locale), kept).text
    wanted = Recommendation(Change(Knob.TTL, 420, 540, "s"), "MODERATE", (), Priority.MEDIUM)
    following = await house.approvals.propose_recommended(SERVICE, wanted, "again")
    assert following is not None
    (told,) = following.draft.reasons
    assert (told.code, told.params["helped"], told.params["trials"]) == ("effect.record", 1, 1)
    assert "1 of 1 such changes helped" in card(Catalogue("en"), following).text
    down = await house.approvals.propose(SERVICE, Knob.TTL, 300, KIM, "down")
    assert [r.code for r in down.draft.reasons] == ["approval.asked_by_person", "policy.ttl_note_shorter"]


async def test_no_effect_is_looked_at_four_times_and_stays(house: House) -> None:
    made = await house.applied()
    await house.live(96, house.effects(by_itself=True))
    assert await house.looks(made) == ["APPLIED", "APPLIED", "APPLIED", "INCONCLUSIVE"]
    measured = (await house.found(made)).measured
    assert measured is not None
    assert (measured.look_hours, measured.undo, measured.controlled) == (72, False, True)
    assert measured.reason.code == "effect.points_unclear"
    assert await house.undos(made) == []


@pytest.mark.parametrize("knob", [Knob.TTL, Knob.CACHE_SIZE, Knob.MIN_INSTANCES])
@pytest.mark.parametrize("gain", [0.15, pytest.param(-0.3, marks=pytest.mark.prove)])
async def test_without_a_control_there_is_no_verdict(house: House, knob: Knob, gain: float) -> None:
    """However large it is, it only coincides: nothing is learnt or undone, or kept from being tried again."""
    house.gain, house.dearer = gain, -gain
    made = await house.applied(1 if knob is Knob.MIN_INSTANCES else 420, knob=knob, held=False)
    await house.live(96, house.effects(by_itself=True))
    found = await house.found(made)
    assert (found.state, await house.looks(made)) == (State.INCONCLUSIVE, ["INCONCLUSIVE"])
    measured = found.measured
    assert measured is not None
    assert (measured.reason.code, measured.look_hours) == ("effect.coincides", 24)
    assert (measured.controlled, measured.undo) == (False, False)
    assert measured.effects
    recent = await house.store.proposals.recent(SERVICE, 50)
    up = direction(made.draft.change)
    assert (record_of(recent, up).trials, spoken_against(recent, up), await house.undos(made)) == (0, "", [])
    unknown = NoData(message("rollback.moved"), message("rollback.moved"))
    after = situation_of(made.draft.change, Stored(recent, (), (), None), unknown, house.now)
    assert (after.no_effect_at, after.harmed_at, after.measuring) == (None, None, False)
    for locale, words in (("en", "No verdict, for"), ("ko", "판정 없음")):
        assert words in card(Catalogue(locale), found).text


async def test_harm_is_asked_back_within_the_hour_and_undone_on_approval(house: House) -> None:
    house.gain = -0.15
    made = await house.applied()
    effects = house.effects()
    await house.live(26, effects)
    harmful = await house.found(made)
    assert (harmful.state, await house.looks(made)) == (State.HARMFUL, ["APPLIED", "HARMFUL"])
    (undo,) = await house.undos(made)
    assert (undo.state, undo.draft.origin, undo.draft.priority) == (State.PENDING, Origin.UNDO, Priority.HIGH)
    assert (undo.draft.change.old, undo.draft.change.new, undo.draft.asked_by) == (420, 300, None)
    assert [r.code for r in undo.draft.reasons] == ["effect.back_harmful", "effect.points_harmful"]
    await house.approvals.decide(SERVICE, undo.id, Choice.APPROVE, Permit(KIM), "back")
    await house.carry_out()
    undone = await house.found(made)
    assert (undone.state, undone.measured) == (State.UNDONE, harmful.measured)
    assert house.places[Knob.TTL].value == 300
    # Taking back is no experiment of its own, and the verdict still counts.
    await house.live(100, effects)
    assert await house.looks(undo) == []
    again = await house.approvals.propose(SERVICE, Knob.TTL, 420, KIM, "again")
    assert [r.params["helped"] for r in again.draft.reasons if r.code == "effect.record"] == [0]


async def paged(house: House, effects: Effects, origin: Origin = Origin.POLICY) -> Proposal:
    """A change that a page followed, with nothing else to blame."""
    made = await house.applied(origin=origin)
    house.store.clock.time += HOUR
    await house.page(START + HOUR / 2)
    await effects.guard(SERVICE)
    found = await house.found(made)
    assert found.state is State.APPLIED
    assert found.measured is not None
    assert found.measured.is_precaution
    return found


async def test_rejected_means_that_it_stays(house: House) -> None:
    effects = house.effects()
    made = await paged(house, effects)
    (undo,) = await house.undos(made)
    await house.approvals.decide(SERVICE, undo.id, Choice.REJECT, Permit(KIM), "no")
    await house.live(30, effects, every=30)
    assert len(await house.undos(made)) == 1
    assert (await house.found(made)).state is State.APPLIED


@pytest.mark.parametrize(("origin", "by_itself"), [(Origin.POLICY, True), (Origin.PERSON, False)])
async def test_by_itself_only_where_it_is_set_and_for_its_own(house: House, origin: Origin, by_itself: bool) -> None:
    made = await paged(house, house.effects(by_itself=True), origin)
    await settled(house, house.undo_harmful(by_itself=True))
    (undo,) = await house.undos(made)
    assert (undo.state is State.APPLIED) == by_itself
    assert (undo.decision is not None and undo.decision.choice is Choice.TIMER) == by_itself
    assert (house.places[Knob.TTL].value == 300) == by_itself


async def test_paused_meanwhile_a_person_is_asked_instead(house: House) -> None:
    made = await paged(house, house.effects(by_itself=True))
    await house.controls.pause(SERVICE, Pause(KIM, house.now, None))
    await settled(house, house.undo_harmful(by_itself=True))
    asked, at_once = await house.undos(made)
    assert (at_once.state, asked.state, asked.acts_at) == (State.SUPERSEDED, State.PENDING, None)
    assert house.places[Knob.TTL].value == 420


async def test_what_people_set_against_automation_holds_the_proposal_back(house: House) -> None:
    await house.controls.pause(SERVICE, Pause(KIM, house.now, None))
    made = await paged(house, house.effects())
    assert await house.undos(made) == []
    await house.undo_harmful(automation=Automation(disabled=True)).propose(SERVICE)
    assert await house.undos(made) == []
    await house.controls.resume(SERVICE, KIM)
    await house.undo_harmful(automation=Automation(observe_until=house.now + HOUR)).propose(SERVICE)
    assert len(await house.undos(made)) == 1


async def test_what_somebody_set_or_asks_for_since_is_not_pushed_aside(house: House) -> None:
    made = await house.applied()
    asked = await house.approvals.propose(SERVICE, Knob.TTL, 600, KIM, "mine")
    house.store.clock.time += HOUR
    await house.page(START + HOUR / 2)
    effects = house.effects()
    await effects.guard(SERVICE)
    assert await house.looks(made) == ["APPLIED"]
    assert await house.undos(made) == []
    await house.approvals.decide(SERVICE, asked.id, Choice.REJECT, Permit(KIM), "no")
    house.places[Knob.TTL].value = 500
    await effects.guard(SERVICE)
    assert await house.undos(made) == []


PAGES = [
    # minutes after the change, deployed so many minutes after it, whether the change is blamed
    (30, None, True),
    (119, None, True),
    (121, None, False),
    (-5, None, False),
    (30, 10, False),
    (30, 40, True),
]


@pytest.mark.parametrize(("page", "deployed", "blamed"), PAGES)
async def test_a_page_right_after_it_is_a_precaution(
    house: House, page: int, deployed: int | None, blamed: bool
) -> None:
    made = await house.applied()
    if deployed is not None:
        house.deployed.append(START + timedelta(minutes=deployed))
    house.store.clock.time += timedelta(minutes=150)
    await house.page(START + timedelta(minutes=page))
    effects = house.effects()
    for _ in range(2):
        await effects.guard(SERVICE)
    found = await house.found(made)
    assert found.state is State.APPLIED
    undos = await house.undos(made)
    assert len(undos) == blamed
    if blamed:
        assert found.measured is not None
        assert (found.measured.verdict, found.measured.reason.code) == (None, "effect.page_after")
        assert (undos[0].draft.priority, undos[0].draft.reasons[0].code) == (Priority.HIGH, "effect.back_precaution")
        assert await house.looks(made) == ["APPLIED"]


async def test_a_page_is_blamed_on_the_change_that_is_nearer(house: House) -> None:
    first = await house.applied()
    house.store.clock.time += timedelta(minutes=20)
    second = await house.applied(384, knob=Knob.CACHE_SIZE)
    await house.page(START + timedelta(minutes=40))
    await house.effects().guard(SERVICE)
    assert (await house.told(first), await house.told(second)) == ("effect.spared_change", "effect.page_after")
    assert [len(await house.undos(p)) for p in (first, second)] == [0, 1]


async def test_without_knowing_of_deployments_nobody_is_blamed(house: House) -> None:
    made = await house.applied()
    house.is_silent = True
    await house.page(START + timedelta(minutes=30))
    await house.effects().guard(SERVICE)
    assert (await house.found(made)).measured is None
    house.is_silent = False
    await house.effects().guard(SERVICE)
    assert await house.told(made) == "effect.page_after"


@pytest.mark.parametrize("by_itself", [False, True])
async def test_with_a_culprit_the_change_stays_and_its_verdict_waits(house: House, by_itself: bool) -> None:
    """The release that is blamed began to serve before the change."""
    effects = house.effects(by_itself=by_itself)
    made = await house.applied()
    house.store.clock.time += HOUR
    await house.page(START + HOUR / 2)
    await house.alerts.note(SERVICE, "p1", (message("rollback.note_held", target="r2"),))
    await effects.guard(SERVICE)
    await settled(house, house.undo_harmful(by_itself=by_itself))
    assert (await house.told(made), await house.undos(made)) == ("effect.spared_release", [])
    assert house.places[Knob.TTL].value == 420
    house.gain = 0.12
    await house.page(START + HOUR / 2, over=True)
    await house.live(26, effects)
    assert (await house.found(made)).state is State.KEPT


async def test_while_nobody_can_tell_of_the_release_nothing_is_taken_back(house: House) -> None:
    """It served before the change, and has too few requests to judge it by yet."""
    house.deployed.append(START - HOUR / 2)
    effects = house.effects(by_itself=True)
    made = await house.applied()
    house.store.clock.time += HOUR / 2
    await house.page(START + HOUR / 4)
    unsure = (message("rollback.note_none"), message("policy.rollback_few_requests", least=100))
    await house.alerts.note(SERVICE, "p1", unsure)
    await effects.guard(SERVICE)
    assert ((await house.found(made)).measured, await house.undos(made)) == (None, [])
    cleared = (message("rollback.note_none"), message("policy.rollback_not_worse", newest="r1", previous="r0"))
    await house.alerts.note(SERVICE, "p1", cleared)
    await effects.guard(SERVICE)
    assert await house.told(made) == "effect.page_after"


async def test_an_incident_of_another_service_is_a_culprit(house: House) -> None:
    made = await house.applied()
    house.store.clock.time += HOUR
    await house.page(START + HOUR / 2)
    await house.page(START + HOUR / 2, service=OTHER)
    await house.effects().guard(SERVICE, (SERVICE, OTHER))
    assert (await house.told(made), await house.undos(made)) == ("effect.spared_elsewhere", [])


async def test_a_culprit_that_is_found_later_withdraws_the_precaution(house: House) -> None:
    effects = house.effects()
    made = await paged(house, effects)
    house.deployed.append(START + HOUR / 4)
    await effects.guard(SERVICE)
    [undo] = await house.undos(made)
    assert (undo.state, await house.told(made)) == (State.WITHDRAWN, "effect.spared_deployed")


async def test_nothing_is_learnt_from_a_precaution(house: House) -> None:
    """No verdict, no record, no ban; what is measured later is asked about all the same."""
    effects = house.effects()
    made = await paged(house, effects)
    [undo] = await house.undos(made)
    await house.approve(undo)
    undone = await house.found(made)
    assert undone.state is State.UNDONE
    recent = await house.store.proposals.recent(SERVICE, 50)
    up = direction(made.draft.change)
    assert (record_of(recent, up).trials, spoken_against(recent, up)) == (0, "")
    stored = Stored(recent, (), (), None)
    found = situation_of(
        made.draft.change, stored, NoData(message("rollback.moved"), message("rollback.moved")), house.now
    )
    assert (found.taken_back_at, found.harmed_at) == (None, None)


async def test_harm_that_is_measured_after_a_refused_precaution_is_asked_about(house: House) -> None:
    house.gain = -0.15
    effects = house.effects()
    made = await paged(house, effects)
    [undo] = await house.undos(made)
    await house.approvals.decide(SERVICE, undo.id, Choice.REJECT, Permit(KIM), "no")
    await house.page(START + HOUR / 2, over=True)
    await house.live(26, effects)
    assert (await house.found(made)).state is State.HARMFUL
    assert len(await house.undos(made)) == 2


@pytest.mark.parametrize("hours", [-23, 5])
async def test_a_deployment_within_the_time_is_said_instead_of_a_verdict(house: House, hours: int) -> None:
    """Without a control."""
    house.gain = 0.2
    house.deployed.append(START + hours * HOUR)
    made = await house.applied(held=False)
    await house.live(26, house.effects())
    found = await house.found(made)
    assert found.measured is not None
    assert (found.state, found.measured.reason.code) == (State.INCONCLUSIVE, "effect.deployed")
    assert (found.measured.effects, found.measured.undo) == ((), False)


async def test_another_change_within_the_time_is_said_too(house: House) -> None:
    """Without a control."""
    made = await house.applied(held=False)
    house.store.clock.time += 3 * HOUR
    other = await house.applied(384, knob=Knob.CACHE_SIZE)
    await house.live(30, house.effects())
    for one, by in ((made, other), (other, made)):
        found = await house.found(one)
        assert found.measured is not None
        reason = found.measured.reason
        assert (reason.code, reason.params["proposal_id"]) == ("effect.other_change", by.id)


async def test_late_slices_are_waited_for_and_lost_ones_are_said(house: House) -> None:
    made = await house.applied()
    effects = house.effects()
    house.store.clock.time = START + 26 * HOUR
    await effects.due((SERVICE,))  # nothing was stored since the change
    assert await house.looks(made) == []
    house.lost = lambda at: at > START
    await house.live(96, effects)
    assert (await house.looks(made))[-1] == "INCONCLUSIVE"
    found = await house.found(made)
    assert found.note is not None
    assert found.note.code == "hold_back.evictions_unknown"
    assert await house.undos(made) == []


async def test_when_nothing_comes_any_more_it_ends_all_the_same(house: House) -> None:
    """No later proposal waits for ever."""
    made = await house.applied()
    house.store.clock.time = START + 97 * HOUR
    house.is_silent = True
    await house.effects().due((SERVICE,))
    assert (await house.found(made)).state is State.INCONCLUSIVE


async def test_a_long_absence_makes_one_look(house: House) -> None:
    house.gain = 0.12
    made = await house.applied()
    await house.live(50)
    await house.effects().due((SERVICE,))
    found = await house.found(made)
    assert found.measured is not None
    assert (found.measured.look_hours, found.state) == (48, State.KEPT)


async def test_without_the_packages_it_says_so(house: House) -> None:
    made = await house.applied()
    await house.live(96, house.effects(lacking=LACKING))
    assert await house.looks(made) == ["APPLIED", "APPLIED", "APPLIED", "INCONCLUSIVE"]
    found = await house.found(made)
    assert found.note == LACKING.reason


async def test_replicas_look_once(house: House) -> None:
    house.gain = -0.15
    made = await house.applied()
    await house.live(25)
    await asyncio.gather(*(house.effects().due((SERVICE,)) for _ in range(6)))
    assert await house.looks(made) == ["HARMFUL"]
    assert len(await house.undos(made)) == 1


@pytest.mark.parametrize(
    "point",
    [
        "effect.stored",
        pytest.param("effect.judged", marks=pytest.mark.prove),
        pytest.param("effect.proposed_back", marks=pytest.mark.prove),
    ],
)
async def test_a_crash_anywhere_is_taken_up(house: House, point: str) -> None:
    house.gain = -0.15
    made = await house.applied()
    await house.live(25)
    with pytest.raises(Crash):
        await house.effects(crash_at(point)).due((SERVICE,))
    await house.leases_run_out()
    await house.effects().due((SERVICE,))
    assert await house.looks(made) == ["HARMFUL"]
    assert len(await house.undos(made)) == 1


async def test_what_a_person_took_back_in_the_meantime_gets_no_verdict(house: House) -> None:
    house.gain = 0.12
    made = await house.applied()
    undo = await house.approvals.propose_undo(SERVICE, made.id, KIM, "undo")
    await house.approvals.decide(SERVICE, undo.id, Choice.APPROVE, Permit(KIM), "yes")
    await house.carry_out()
    await house.live(26, house.effects())
    assert (await house.found(made)).measured is None
    assert (await house.found(made)).state is State.UNDONE
