"""Nobody disarms the automatic rollback by accident, and its page follows what people do: over a real store."""

from datetime import timedelta

import pytest

from handlers.blocks.dialogs import approve_dialog
from handlers.blocks.proposal import undo_button
from lumen.model.incident import RevisionRecord
from lumen.model.messages import NotPossible, message
from lumen.model.proposal import LATEST, Choice, Knob, Proposal, State
from lumen.use_cases import watch
from lumen.use_cases.releases import GoingBack, RememberedDeployments
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import KIM, LEE, SERVICE
from tests.contract.use_cases.conftest import Replica, Tower
from tests.contract.use_cases.test_rollback import a_countdown, ended, notes


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "REPLAY", timedelta(days=3))


async def wished(tower: Tower, wanted: str, request_id: str = "wish") -> Proposal:
    return await tower.approvals.propose(SERVICE, Knob.TRAFFIC, wanted, KIM, request_id, emergency=True)


async def bad_release(tower: Tower, replica: Replica) -> None:
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.1)
    await tower.look(replica, 4)


async def test_a_wish_for_the_good_revision_becomes_the_countdown(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    wish = await wished(tower, "r2")
    await bad_release(tower, replica)
    [countdown] = await tower.traffic_proposals()
    assert (countdown.id, countdown.state, countdown.draft.asked_by) == (wish.id, State.PENDING, KIM)
    assert countdown.acts_at is not None
    assert (countdown.draft.premise_version, countdown.draft.change.new) == ("r3", "r2")
    assert await notes(tower) == ["rollback.note_countdown"]
    assert (await ended(tower, replica)).state is State.APPROVED_BY_TIMER
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned == "r2"


async def test_any_other_wish_gives_way_to_the_countdown(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    wish = await wished(tower, "r1")
    await bad_release(tower, replica)
    countdown, before = await tower.traffic_proposals()
    assert (before.id, before.state) == (wish.id, State.SUPERSEDED)
    assert (countdown.state, countdown.draft.change.new) == (State.PENDING, "r2")
    assert countdown.acts_at is not None


@pytest.mark.parametrize("wanted", ["r1", "r3"])
async def test_no_wish_pushes_a_countdown_aside(tower: Tower, wanted: str) -> None:
    replica = tower.replica()
    countdown = await a_countdown(tower, replica)
    with pytest.raises(NotPossible) as refused:
        await wished(tower, wanted)
    assert refused.value.reason.code == "state.countdown_runs"
    assert [p.id for p in await tower.traffic_proposals()] == [countdown.id]
    assert (await ended(tower, replica)).state is State.APPROVED_BY_TIMER


@pytest.mark.prove
async def test_what_a_person_wished_and_rejected_is_no_rejection_of_the_rollback(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    await tower.decide(await wished(tower, "r1"), Choice.REJECT)
    await bad_release(tower, replica)
    assert (await tower.traffic_proposals())[0].acts_at is not None


async def test_a_question_becomes_a_countdown_when_its_reason_is_gone(tower: Tower) -> None:
    replica = tower.replica()
    await a_countdown(tower, replica)
    tower.cloud.is_silent = True
    asked = await ended(tower, replica)
    assert asked.acts_at is None
    tower.cloud.is_silent = False
    await tower.look(replica)
    again = (await tower.traffic_proposals())[0]
    assert (again.id, again.state, again.acts_at is not None) == (asked.id, State.PENDING, True)
    assert await notes(tower) == ["rollback.note_countdown"]


async def test_the_page_follows_a_snooze_and_a_rejection_at_once(tower: Tower) -> None:
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    put_off = await tower.approvals.snooze(SERVICE, made.id, tower.permit(LEE), "snooze")
    await replica.rollback.settle(SERVICE)
    [note] = (await tower.incident()).notes
    assert put_off.proposal.acts_at is not None
    assert note.params["acts_at"] == put_off.proposal.acts_at.isoformat()
    await tower.decide(made, Choice.REJECT)
    await replica.rollback.settle(SERVICE)
    [note] = (await tower.incident()).notes
    assert (note.code, note.params["who_mention"]) == ("rollback.note_rejected", KIM.user_id)


@pytest.mark.prove
async def test_a_dry_run_begins_no_countdown_and_says_it(tower: Tower) -> None:
    tower.dry_run = True
    replica = tower.replica()
    await tower.look(replica)
    await bad_release(tower, replica)
    assert await tower.traffic_proposals() == []
    assert await notes(tower) == ["rollback.note_held", "rollback.dry_run"]


@pytest.mark.prove
async def test_what_has_recovered_says_so_while_its_page_is_open(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    await bad_release(tower, replica)
    tower.cloud.fails(tower.store.clock.time - tower.slot, 0.0)
    await ended(tower, replica)
    await tower.look(replica)
    assert await notes(tower) == [
        "rollback.note_withdrawn", "rollback.recovered", "rollback.note_none", "rollback.note_well"
    ]  # fmt: skip


@pytest.mark.prove
async def test_an_unpin_in_its_way_gives_way(tower: Tower) -> None:
    """Traffic pinned by hand to what then fails: somebody has it in their hands, and the page says so."""
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.move(tower.store.clock.time, "r2", 0.1)
    await tower.look(replica, 4)
    wish = await wished(tower, LATEST)
    await tower.look(replica)
    assert [p.id for p in await tower.traffic_proposals()] == [wish.id]
    assert "policy.rollback_pinned" in await notes(tower)
    assert (await tower.incident()).notes[-1] == message("rollback.note_ask", proposal_id=wish.id, target=LATEST)


async def test_undo_and_unpin_name_the_revision_and_its_record(tower: Tower) -> None:
    replica = tower.replica()
    await a_countdown(tower, replica)
    await ended(tower, replica)
    await replica.execution.settle(SERVICE)
    await tower.look(replica)
    pinned = (await tower.controls.read(SERVICE)).pinned
    assert pinned is not None
    assert pinned.taken_out == "r3"
    [rollback] = await tower.traffic_proposals()
    assert undo_button(rollback, pinned) is None
    for wish in (await wished(tower, LATEST), await tower.approvals.propose_undo(SERVICE, rollback.id, KIM, "undo")):
        back = wish.draft.brings_back
        assert back is not None
        assert (back.params["revision"], round(float(str(back.params["share"])), 1)) == ("r3", 0.1)
        for locale in ("en", "ko"):
            assert "r3" in Catalogue(locale).plain(approve_dialog(wish.draft).text)
    # A newer one: where LATEST points is named, and there is nothing to warn of.
    tower.cloud.deploy(tower.store.clock.time, "r4", 0.0)
    await tower.look(replica)
    pinned = (await tower.controls.read(SERVICE)).pinned
    assert pinned is not None
    assert (pinned.taken_out, [one.code for one in pinned.latest]) == ("", ["rollback.latest_untried"])
    assert undo_button(rollback, pinned) is not None
    assert (await wished(tower, LATEST, "again")).draft.brings_back is None


@pytest.mark.prove
async def test_unpin_is_offered_once_a_newer_revision_has_served_well(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.move(tower.store.clock.time, "r2")
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.0)
    await tower.look(replica)
    assert await tower.traffic_proposals() == []
    records = (await tower.controls.read(SERVICE)).revisions
    assert records is not None
    await tower.controls.revisions(SERVICE, {**records, "r3": RevisionRecord(tower.store.clock.time)})
    for _ in range(2):
        await replica.rollback.consider(SERVICE)
    [offer] = await tower.traffic_proposals()
    assert (offer.draft.change.new, offer.acts_at, offer.draft.reasons[0].code) == (LATEST, None, "rollback.offer")
    # Somebody lifts the pin elsewhere: there is nothing to offer any more.
    tower.cloud.move(tower.store.clock.time, None)
    await tower.look(replica)
    [over] = await tower.traffic_proposals()
    assert (over.id, over.state) == (offer.id, State.WITHDRAWN)


async def test_a_rollback_while_rolled_back_says_so(tower: Tower) -> None:
    tower.cloud.move(tower.store.clock.time, "r1")
    going_back = GoingBack(RememberedDeployments(tower.cloud, tower.controls), tower.controls)
    with pytest.raises(NotPossible) as refused:
        await going_back.target(SERVICE, "")
    assert refused.value.reason == message("rollback.already", service=SERVICE.name, revision="r1")


async def test_the_same_wish_is_the_same_proposal(tower: Tower) -> None:
    first = await wished(tower, "r1", "one")
    assert (await wished(tower, "r1", "two")).id == first.id
    assert (await wished(tower, "r2", "three")).id != first.id
