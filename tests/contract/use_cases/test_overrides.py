"""Pins, locks and freezes over a real store: everything that proposes or carries out obeys them, and says so."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from lumen.adapters.store.controls import RedisControls
from lumen.model.messages import Message, NotPossible, message
from lumen.model.override import Terms
from lumen.model.proposal import Change, Choice, Decision, Knob, Priority, Proposal, State, Value
from lumen.model.service import Permit, ServiceId
from lumen.model.snapshot import Window
from lumen.model.turn import Recommendation
from lumen.policies.guard import Automation, Locks
from lumen.ports.actuators import Reading
from lumen.ports.clock import no_fault
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.restrictions import ReportMarker, Restraints
from tests.alike import Alike
from tests.contract.store.builders import KIM, LEE, SERVICE, Store, draft

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class InMemory:
    """A value that is followed at once."""

    value: Value
    name: str = "memory"

    async def read(self, service: ServiceId) -> Reading:
        return Reading(self.value, "3")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        self.value = change.new
        return Reading(self.value, "3")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return True

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        return message("execution.applying")


class House:
    """`automation` and `locks` are the settings; what is stored is in the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.controls = RedisControls(store.redis, store.clock)
        self.automation, self.locks = Automation(), Locks()
        self.ttl, self.size = InMemory(300), InMemory(256)
        self.knobs: Knobs = {
            Knob.TTL: Turnable((self.ttl,), "s", 60, 3600),
            Knob.CACHE_SIZE: Turnable((self.size,), "MB", 10, 1024),
        }
        self.ids = 0

    @property
    def restraints(self) -> Restraints:
        return Restraints(self.controls, self.store.clock, self.automation, Alike(self.locks))

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.store.proposals, Alike(self.knobs), self.restraints)

    @property
    def overrides(self) -> Overrides:
        store, report = self.store, ReportMarker(self.store.turns, self.store.outbox)
        return Overrides(
            self.controls, self.restraints, self.approvals, store.proposals, Alike(self.knobs), report, store.clock
        )

    async def execute(self) -> None:
        store = self.store
        await Execution(
            store.proposals,
            store.claims,
            Alike(self.knobs),
            Acting(self.restraints),
            no_fault,
        ).settle(SERVICE)

    def id(self) -> str:
        self.ids += 1
        return f"id-{self.ids}"

    async def propose(self, knob: Knob, wanted: Value, *, emergency: bool = False) -> Proposal:
        return await self.approvals.propose(SERVICE, knob, wanted, KIM, self.id(), emergency=emergency)

    async def click(self, proposal: Proposal, choice: Choice = Choice.APPROVE) -> State:
        return (await self.approvals.decide(SERVICE, proposal.id, choice, Permit(KIM), self.id())).proposal.state

    async def now(self, proposal: Proposal) -> Proposal:
        found = await self.store.proposals.get(SERVICE, proposal.id)
        assert found is not None
        return found

    def freeze(self, lasts: timedelta = HOUR) -> None:
        now = self.store.clock.time
        self.automation = Automation(freezes=(Window(now, now + lasts),))


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


async def refused(work: Callable[[], object]) -> str:
    with pytest.raises(NotPossible) as error:
        await work()  # type: ignore[misc]
    return error.value.reason.code


async def test_a_lifted_pin_withdraws_the_card_that_it_made(house: House) -> None:
    pinned = await house.overrides.pin_ttl(SERVICE, Permit(LEE), 600, Terms(), house.id())
    assert pinned.proposed is not None
    assert await house.overrides.lift_ttl(SERVICE, Permit(KIM)) is None
    found = await house.now(pinned.proposed)
    assert found.decision is not None
    assert (found.state, found.decision.person, found.decision.note) == (
        State.WITHDRAWN, KIM, message("override.lifted")
    )  # fmt: skip
    # Somebody's own card for that very value stays, whoever pinned it too.
    own = await house.propose(Knob.TTL, 600)
    again = await house.overrides.pin_ttl(SERVICE, Permit(LEE), 600, Terms(), house.id())
    assert again.proposed is not None
    assert again.proposed.id == own.id
    await house.overrides.lift_ttl(SERVICE, Permit(KIM))
    assert (await house.now(own)).state is State.PENDING


async def test_a_pin_that_has_ended_withdraws_the_card_that_it_made(house: House) -> None:
    pinned = await house.overrides.pin_ttl(SERVICE, Permit(LEE), 600, Terms(HOUR), house.id())
    assert pinned.proposed is not None
    assert not await house.overrides.settle(SERVICE)
    # As long as any pin asks for that value it stays: a new one, or the setting.
    await house.overrides.only_pin_ttl(SERVICE, Permit(LEE), 600, Terms(2 * HOUR), house.id())
    house.store.clock.time += HOUR
    assert not await house.overrides.settle(SERVICE)
    house.locks = Locks(ttl_seconds=600)
    house.store.clock.time += HOUR
    assert not await house.overrides.settle(SERVICE)
    house.locks = Locks()
    assert await house.overrides.settle(SERVICE)
    found = await house.now(pinned.proposed)
    assert found.decision is not None
    assert (found.state, found.decision.person, found.decision.note) == (
        State.WITHDRAWN, None, message("override.ran_out")
    )  # fmt: skip
    # So does what a turn has proposed for it; somebody's own card stays.
    change = Change(Knob.TTL, 300, 600, "s")
    wanted = Recommendation(change, "HOLD", (message("policy.ttl_pinned", ttl_seconds=600),), Priority.LOW)
    of_turn = await house.approvals.propose_recommended(SERVICE, wanted, house.id())
    assert of_turn is not None
    assert await house.overrides.settle(SERVICE)
    assert (await house.now(of_turn)).state is State.WITHDRAWN
    own = await house.propose(Knob.TTL, 600)
    assert not await house.overrides.settle(SERVICE)
    assert (await house.now(own)).state is State.PENDING


async def test_a_wish_that_is_open_already_is_that_proposal(house: House) -> None:
    first = await house.propose(Knob.TTL, 420)
    assert (await house.propose(Knob.TTL, 420)).id == first.id
    house.ttl.value = 360  # its premise has moved, so it would come to nothing
    again = await house.propose(Knob.TTL, 420)
    assert again.id != first.id
    assert "approval.same_open" not in [one.code for one in again.draft.reasons]


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("emergency", [False, True])
@pytest.mark.parametrize("is_moved", [False, True])
async def test_a_wish_names_the_open_proposal_that_answers_it_and_no_other(
    house: House, existing: bool, emergency: bool, is_moved: bool
) -> None:
    first = await house.propose(Knob.TTL, 420)
    house.ttl.value = 360 if is_moved else 300
    wish = await house.approvals.judge_wish(SERVICE, Knob.TTL, 420, existing=existing, emergency=emergency)
    named = [one.params["proposal_id"] for one in wish.notes if one.code == "approval.same_open"]
    made = await house.approvals.propose(
        SERVICE, Knob.TTL, 420, KIM, house.id(), existing=existing, emergency=emergency
    )
    assert (made.id == first.id) == (not (existing or emergency or is_moved))
    assert named == ([first.id] if made.id == first.id else [])
    assert "approval.same_open" not in [one.code for one in made.draft.reasons]


async def test_a_pin_is_proposed_and_refuses_every_other_value(house: House) -> None:
    waiting = await house.propose(Knob.TTL, 420)
    pinned = await house.overrides.pin_ttl(SERVICE, Permit(LEE), 600, Terms(HOUR, "load test"), house.id())
    assert pinned.proposed is not None
    assert (pinned.proposed.draft.change.new, pinned.not_proposed) == (600, None)
    assert (pinned.override.by, pinned.override.why) == (LEE, "load test")
    found = await house.now(waiting)
    assert found.decision is not None
    assert (found.state, found.decision.note and found.decision.note.code) == (
        State.WITHDRAWN,
        "restraint.pinned_until",
    )
    assert await refused(lambda: house.propose(Knob.TTL, 420)) == "restraint.pinned_until"
    assert await refused(lambda: house.propose(Knob.TTL, 420, emergency=True)) == "restraint.pinned_until"
    await house.click(pinned.proposed)
    await house.execute()
    assert house.ttl.value == 600
    undo = house.approvals.propose_undo
    assert await refused(lambda: undo(SERVICE, pinned.proposed.id, KIM, house.id())) == "restraint.pinned_until"  # type: ignore[union-attr]
    house.store.clock.time += HOUR  # it has run out
    assert (await house.restraints.now(SERVICE)).override is None
    assert (await house.propose(Knob.TTL, 420)).state is State.PENDING


async def test_a_pin_to_what_stands_proposes_nothing(house: House) -> None:
    pinned = await house.overrides.pin_ttl(SERVICE, Permit(KIM), 300, Terms(), house.id())
    assert pinned.not_proposed is not None
    assert (pinned.proposed, pinned.not_proposed.code) == (None, "approval.already")
    assert await refused(lambda: house.overrides.pin_ttl(SERVICE, Permit(KIM), 5, Terms(), house.id())) == (
        "approval.out_of_range"
    )
    assert (await house.restraints.now(SERVICE)).override == pinned.override


async def test_lifting_says_what_still_holds(house: House) -> None:
    assert await refused(lambda: house.overrides.lift_ttl(SERVICE, Permit(KIM))) == "override.none"
    house.locks = Locks(300, size=True)
    assert await refused(lambda: house.overrides.lift_ttl(SERVICE, Permit(KIM))) == "override.only_setting"
    assert await refused(lambda: house.overrides.unlock_size(SERVICE, Permit(KIM))) == "override.only_lock_setting"
    await house.overrides.only_pin_ttl(SERVICE, Permit(KIM), 600, Terms(), house.id())
    await house.overrides.lock_size(SERVICE, Permit(KIM), Terms(), house.id())
    still = await house.overrides.lift_ttl(SERVICE, Permit(LEE))
    locked = await house.overrides.unlock_size(SERVICE, Permit(LEE))
    assert still is not None
    assert locked is not None
    assert (still.ttl_seconds, still.by, locked.by) == (300, None, None)
    house.locks = Locks()
    assert await refused(lambda: house.overrides.unlock_size(SERVICE, Permit(KIM))) == "override.no_lock"


async def test_a_lock_withdraws_what_waits_and_abandons_what_was_approved(house: House) -> None:
    waiting = await house.propose(Knob.CACHE_SIZE, 384)
    ttl = await house.propose(Knob.TTL, 420)
    await house.overrides.lock_size(SERVICE, Permit(KIM), Terms(), house.id())
    assert ((await house.now(waiting)).state, (await house.now(ttl)).state) == (State.WITHDRAWN, State.PENDING)
    await house.overrides.unlock_size(SERVICE, Permit(KIM))
    approved = await house.propose(Knob.CACHE_SIZE, 384)
    await house.click(approved)
    await house.overrides.lock_size(SERVICE, Permit(KIM), Terms(None, "migration"), house.id())
    await house.execute()
    found = await house.now(approved)
    assert found.note is not None
    assert (found.state, found.note.code, house.size.value) == (State.ABANDONED, "restraint.locked_until", 256)


async def test_a_freeze_is_answered_at_the_click_and_nothing_is_decided(house: House) -> None:
    waiting, other = await house.propose(Knob.TTL, 420), await house.propose(Knob.CACHE_SIZE, 384)
    house.freeze()
    assert await refused(lambda: house.click(waiting)) == "policy.held_frozen"
    assert await refused(lambda: house.propose(Knob.TTL, 480)) == "policy.held_frozen"
    assert (await house.now(waiting)).state is State.PENDING
    assert await house.click(other, Choice.REJECT) is State.REJECTED
    # Of what is decided already, people hear who was first.
    assert await house.click(other) is State.REJECTED
    house.store.clock.time += HOUR
    assert await house.click(waiting) is State.APPROVED
    await house.execute()
    assert house.ttl.value == 420


async def test_what_was_approved_before_a_freeze_is_not_carried_out_in_it(house: House) -> None:
    approved = await house.propose(Knob.TTL, 420)
    await house.click(approved)
    house.freeze()
    await house.execute()
    found = await house.now(approved)
    assert found.note is not None
    assert (found.state, found.note.code, house.ttl.value) == (State.ABANDONED, "policy.held_frozen", 300)


async def test_what_has_begun_is_finished_in_a_freeze(house: House) -> None:
    begun = await house.propose(Knob.TTL, 420)
    await house.click(begun)
    lease = await house.store.lease("execute:ttl")
    await house.store.proposals.advance(SERVICE, begun.id, lease, State.APPLYING, None)
    await house.store.leases.release(SERVICE, lease)
    house.freeze()
    await house.execute()
    assert ((await house.now(begun)).state, house.ttl.value) == (State.APPLIED, 420)


async def test_in_a_freeze_people_may_take_an_emergency_step_and_a_timer_may_not(house: House) -> None:
    house.freeze()
    safe = await house.propose(Knob.TTL, 360, emergency=True)
    assert await house.click(safe) is State.APPROVED
    await house.execute()
    assert house.ttl.value == 360
    timed = replace(
        draft("timed", knob=Knob.CACHE_SIZE, new=384), emergency=True, change=Change(Knob.CACHE_SIZE, 256, 384, "MB")
    )
    made = await house.store.proposals.propose(timed, DAY, timedelta(milliseconds=2))
    await house.store.pass_time(timedelta(milliseconds=2))
    decided = await house.store.proposals.decide(SERVICE, made.id, Decision(Choice.TIMER, None, "timer"))
    assert decided.proposal.state is State.APPROVED_BY_TIMER
    await house.execute()
    assert ((await house.now(made)).state, house.size.value) == (State.ABANDONED, 256)
