"""The two-person rule: different people, counted once each, over the real store; the card tells how far it is."""

from datetime import timedelta

import pytest

from handlers.blocks.proposal import card
from lumen.model.messages import Message, message
from lumen.model.proposal import Change, Choice, Knob, Priority, State
from lumen.model.service import Permit, Person, ServiceId
from lumen.model.turn import Recommendation
from lumen.ports.actuators import Reading
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.knobs import Turnable
from lumen.wording.catalogue import Catalogue
from tests.alike import Alike
from tests.contract.store.builders import KIM, LEE, SERVICE, Store


class Fixed:
    """A TTL of 300 s that nobody sets here."""

    name = "redis"

    async def read(self, service: ServiceId) -> Reading:
        return Reading(300, "1")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        raise AssertionError("only decided here")

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        raise AssertionError("only decided here")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        raise AssertionError("only decided here")


def approvals(store: Store, needed: int = 1, in_emergency: int = 1) -> Approvals:
    return Approvals(
        store.proposals, Alike({Knob.TTL: Turnable((Fixed(),), "s", 60, 3600)}), store.restraints, needed, in_emergency
    )


async def test_two_different_people(store: Store) -> None:
    two, en = approvals(store, 2), Catalogue("en")
    made = await two.propose(SERVICE, Knob.TTL, 420, KIM, "r1")
    assert "approvals by 2 different people; none so far" in card(en, made).text
    dialog = str(card(en, made).blocks)
    assert "2 different people must approve" in dialog

    first = await two.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "c1")
    assert (first.won, first.voted, first.proposal.state) == (False, True, State.PENDING)
    again = await two.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "c2")
    assert (again.voted, again.proposal.state, again.proposal.votes) == (True, State.PENDING, (KIM,))
    assert "Approved so far by <@U1>: 1 of 2." in card(en, again.proposal).text
    assert "2명 중 1명" in card(Catalogue("ko"), again.proposal).text

    second = await two.decide(SERVICE, made.id, Choice.APPROVE, Permit(LEE), "c3")
    assert (second.won, second.proposal.state) == (True, State.APPROVED)
    assert [e for e, _ in await store.events(made.id)] == ["proposed", "voted", "decided"]


async def test_one_rejection_decides(store: Store) -> None:
    two = approvals(store, 2)
    made = await two.propose(SERVICE, Knob.TTL, 420, KIM, "r1")
    await two.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "c1")
    assert (await two.decide(SERVICE, made.id, Choice.REJECT, Permit(LEE), "c2")).proposal.state is State.REJECTED


@pytest.mark.parametrize(("usual", "in_emergency", "needed"), [(1, 1, (1, 1)), (1, 2, (1, 2)), (3, 2, (3, 3))])
async def test_how_many_are_needed(store: Store, usual: int, in_emergency: int, needed: tuple[int, int]) -> None:
    of = approvals(store, usual, in_emergency)
    plain = await of.propose(SERVICE, Knob.TTL, 420, KIM, "r1")
    urgent = await of.propose(SERVICE, Knob.TTL, 360, KIM, "r2", emergency=True)
    assert (plain.draft.approvals_needed, urgent.draft.approvals_needed) == needed


async def test_what_lumen_wants_needs_two_as_well(store: Store) -> None:
    wanted = Recommendation(
        Change(Knob.TTL, 300, 420, "s"), "MODERATE", (message("policy.ttl_best_state"),), Priority.LOW
    )
    made = await approvals(store, 2).propose_recommended(SERVICE, wanted, "r1")
    assert made is not None
    assert made.draft.approvals_needed == 2
    assert made.expires_at - made.created_at == timedelta(hours=24)


async def test_an_operator_is_shown_by_the_account(store: Store) -> None:
    of = approvals(store)
    operator = Person.operator("mina@naeda.example")
    made = await of.propose(SERVICE, Knob.TTL, 420, operator, "r1")
    decided = await of.decide(SERVICE, made.id, Choice.APPROVE, Permit(operator), "c1")
    shown = card(Catalogue("en"), decided.proposal).text
    assert "Approved by `mina@naeda.example`" in shown
    assert "<@cli" not in shown
    [entry] = [e for e in await store.audit.entries(SERVICE, 10) if e.event == "decided"]
    assert entry.actor == "cli:mina@naeda.example"
