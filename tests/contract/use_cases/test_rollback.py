"""Rollback over a real store: when a countdown begins, and everything that it may come to."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lumen.model.alert import AlertKind
from lumen.model.incident import Pause
from lumen.model.messages import message
from lumen.model.proposal import LATEST, Choice, Proposal, State
from lumen.model.snapshot import Window
from lumen.policies.guard import Automation, Locks
from lumen.ports.clock import no_fault
from lumen.use_cases import leases
from lumen.use_cases import watch as room
from lumen.use_cases.acting import Acting
from lumen.use_cases.execution import Execution
from lumen.use_cases.restrictions import Restraints
from tests.alike import Alike
from tests.contract.store.builders import KIM, OTHER, SERVICE
from tests.contract.use_cases.conftest import SLOT, Replica, Tower

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Crash(BaseException):
    """Stands for kill -9."""


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REPLAY", timedelta(days=3))


async def paged(tower: Tower, replica: Replica) -> None:
    """A release that fails a tenth of its requests, until its page."""
    await tower.look(replica)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.1)
    await tower.look(replica, 4)
    assert len(await tower.alerts.open(SERVICE)) == 1


async def a_countdown(tower: Tower, replica: Replica) -> Proposal:
    await paged(tower, replica)
    (made,) = await tower.traffic_proposals()
    assert made.state is State.PENDING
    assert made.acts_at is not None
    return made


async def notes(tower: Tower) -> list[str]:
    return [note.code for note in (await tower.incident()).notes]


async def ended(tower: Tower, replica: Replica) -> Proposal:
    """The newest proposal once the countdown's time is up and has been settled."""
    await tower.countdown_over()
    await replica.rollback.settle(SERVICE)
    return (await tower.traffic_proposals())[0]


async def test_a_page_begins_a_countdown_that_ends_in_a_rollback(tower: Tower) -> None:
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    assert (made.draft.change.old, made.draft.change.new, made.draft.premise_version) == (LATEST, "r2", "r3")
    assert [r.code for r in made.draft.reasons] == ["alert.burn", "rollback.reason_worse", "rollback.reason_target"]
    assert await notes(tower) == ["rollback.note_countdown"]
    over = await ended(tower, replica)
    assert (over.id, over.state) == (made.id, State.APPROVED_BY_TIMER)
    assert await notes(tower) == ["rollback.note_acted"]
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned == "r2"
    assert (await tower.traffic_proposals())[0].state is State.APPLIED
    # What was left is no target any more, and what is pinned is said.
    await tower.look(replica)
    controls = await tower.controls.read(SERVICE)
    assert controls.pinned is not None
    assert (controls.pinned.revision, controls.pinned.since) == ("r2", (await tower.traffic_proposals())[0].finished_at)
    assert controls.revisions is not None
    assert controls.revisions["r3"].left_at is not None
    left = next(one for one in controls.served if one.revision == "r3")
    assert left.until == (await tower.traffic_proposals())[0].finished_at
    assert left.why == message("history.left_by_proposal", proposal_id=made.id, target="r2")
    assert 0.05 < left.errors_5xx / left.requests < 0.15
    await tower.look(replica, 3)
    assert len(await tower.traffic_proposals()) == 1  # once for an incident


async def test_nothing_happens_before_its_time(tower: Tower) -> None:
    tower.countdown = HOUR
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    assert not await replica.rollback.settle(SERVICE)
    assert [p.state for p in await tower.traffic_proposals()] == [made.state]


async def test_a_person_who_approves_is_quicker_than_the_timer(tower: Tower) -> None:
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    await tower.decide(made, Choice.APPROVE)
    assert (await ended(tower, replica)).state is State.APPROVED
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned == "r2"


async def test_rejected_means_not_for_this_incident(tower: Tower) -> None:
    replica = tower.replica()
    await tower.decide(await a_countdown(tower, replica), Choice.REJECT)
    await tower.look(replica, 6)
    assert [p.state for p in await tower.traffic_proposals()] == [State.REJECTED]
    assert (await ended(tower, replica)).state is State.REJECTED
    assert tower.cloud.pinned is None


async def test_snoozed_it_waits_longer(tower: Tower) -> None:
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    await tower.store.proposals.snooze(SERVICE, made.id, KIM, "snooze", timedelta(minutes=15))
    assert (await ended(tower, replica)).state is State.PENDING


async def test_recovered_is_withdrawn_and_begins_anew_when_it_fails_again(tower: Tower) -> None:
    replica = tower.replica()
    await a_countdown(tower, replica)
    tower.cloud.fails(tower.store.clock.time - SLOT, 0.0)
    over = await ended(tower, replica)
    assert over.state is State.WITHDRAWN
    assert over.decision is not None
    assert over.decision.note == message("rollback.recovered")
    assert await notes(tower) == ["rollback.note_withdrawn", "rollback.recovered"]
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 3)
    newest, _ = await tower.traffic_proposals()
    assert newest.state is State.PENDING
    assert (await ended(tower, replica)).state is State.APPROVED_BY_TIMER


@pytest.mark.parametrize("by_hand", ["r2", "r1"])
async def test_a_rollback_by_hand_is_respected(tower: Tower, by_hand: str) -> None:
    replica = tower.replica()
    await a_countdown(tower, replica)
    tower.cloud.move(tower.store.clock.time, by_hand, 0.1)
    over = await ended(tower, replica)
    assert over.state is State.WITHDRAWN
    assert over.decision is not None
    assert over.decision.note == message("rollback.moved")
    await tower.look(replica, 4)  # still failing: somebody has it in their hands
    assert len(await tower.traffic_proposals()) == 1
    assert tower.cloud.pinned == by_hand
    assert "policy.rollback_pinned" in await notes(tower)


async def test_a_deploy_meanwhile_is_respected(tower: Tower) -> None:
    replica = tower.replica()
    await a_countdown(tower, replica)
    tower.cloud.deploy(tower.store.clock.time, "r4", 0.0)
    assert (await ended(tower, replica)).state is State.WITHDRAWN
    assert tower.cloud.pinned is None


async def test_without_data_a_person_is_asked_and_nothing_happens(tower: Tower) -> None:
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    tower.cloud.is_silent = True
    asked = await ended(tower, replica)
    assert (asked.state, asked.acts_at, asked.draft.change.new) == (State.PENDING, None, "r2")
    assert [r.code for r in asked.draft.reasons][-2:] == ["rollback.asked_because", "rollback.no_data"]
    before = await tower.store.proposals.get(SERVICE, made.id)
    assert before is not None
    assert before.state is State.SUPERSEDED
    assert await notes(tower) == ["rollback.note_ask", "rollback.no_data"]
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned is None
    await tower.decide(asked, Choice.APPROVE)
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned == "r2"


async def test_what_waits_for_a_person_is_withdrawn_when_the_incident_closes(tower: Tower) -> None:
    replica = tower.replica()
    await a_countdown(tower, replica)
    tower.cloud.is_silent = True
    asked = await ended(tower, replica)
    tower.cloud.is_silent = False
    tower.cloud.fails(tower.store.clock.time, 0.0)
    await tower.look(replica, 12)
    assert await tower.alerts.open(SERVICE) == []
    (newest, _) = await tower.traffic_proposals()
    assert (newest.id, newest.state) == (asked.id, State.WITHDRAWN)


async def test_nothing_to_go_back_to_is_said(tower: Tower) -> None:
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    await tower.controls.revisions(SERVICE, {})
    over = await ended(tower, replica)
    assert (over.id, over.state) == (made.id, State.WITHDRAWN)
    assert await notes(tower) == ["rollback.note_withdrawn", "rollback.nothing_good"]


async def test_paused_meanwhile_a_person_is_asked(tower: Tower) -> None:
    replica = tower.replica()
    await a_countdown(tower, replica)
    await tower.controls.pause(SERVICE, Pause(KIM, tower.store.clock.time, None))
    asked = await ended(tower, replica)
    assert (asked.state, asked.acts_at) == (State.PENDING, None)
    assert asked.draft.reasons[-1] == message("rollback.paused", who_mention=KIM.user_id)


async def test_a_pause_stops_what_the_timer_has_decided(tower: Tower) -> None:
    replica, store = tower.replica(), tower.store
    await a_countdown(tower, replica)
    assert (await ended(tower, replica)).state is State.APPROVED_BY_TIMER
    await tower.controls.pause(SERVICE, Pause(KIM, store.clock.time, None))
    restraints = Restraints(tower.controls, store.clock, tower.automation, Alike(Locks()))
    execution = Execution(store.proposals, store.claims, Alike(tower.knobs), Acting(restraints), no_fault)
    await execution.settle(SERVICE)
    [over] = await tower.traffic_proposals()
    assert (over.state, over.note, tower.cloud.pinned) == (State.ABANDONED, message("policy.held_paused"), None)


async def test_two_hasten_it_and_one_stops_it_and_its_own_time_needs_nobody(tower: Tower) -> None:
    tower.needed = 2
    replica = tower.replica()
    begun = await a_countdown(tower, replica)
    assert (begun.draft.approvals_needed, begun.draft.emergency) == (2, True)
    await tower.decide(begun, Choice.APPROVE)
    [waiting] = await tower.traffic_proposals()
    assert (waiting.state, waiting.votes) == (State.PENDING, (KIM,))
    over = await ended(tower, replica)
    assert over.state is State.APPROVED_BY_TIMER


async def test_one_rejects_where_two_must_approve(tower: Tower) -> None:
    tower.needed = 2
    begun = await a_countdown(tower, tower.replica())
    await tower.decide(begun, Choice.REJECT)
    [rejected] = await tower.traffic_proposals()
    assert rejected.state is State.REJECTED


FAR = datetime(2030, 1, 1, tzinfo=UTC)


async def test_automation_that_is_held_back_begins_nothing_but_says_it(tower: Tower) -> None:
    tower.automation = Automation(disabled=True, observe_until=FAR)
    await paged(tower, tower.replica())
    assert await tower.traffic_proposals() == []
    assert await notes(tower) == ["rollback.note_held", "policy.held_disabled", "policy.held_observing"]


@pytest.mark.parametrize(
    ("automation", "code"),
    [
        (Automation(observe_until=FAR), "policy.held_observing"),
        (Automation(freezes=(Window(FAR - 2000 * DAY, FAR),)), "policy.held_frozen"),
    ],
)
async def test_in_a_freeze_and_while_observing_people_are_asked(
    tower: Tower, automation: Automation, code: str
) -> None:
    tower.automation = automation
    replica = tower.replica()
    await paged(tower, replica)
    (asked,) = await tower.traffic_proposals()
    assert (asked.state, asked.acts_at, asked.draft.change.new) == (State.PENDING, None, "r2")
    assert [r.code for r in asked.draft.reasons[-3:]] == ["rollback.asked_because", code, "rollback.asked_held"]
    assert await notes(tower) == ["rollback.note_ask", code]
    await tower.look(replica)
    assert [one.id for one in await tower.traffic_proposals()] == [asked.id]
    assert await notes(tower) == ["rollback.note_ask", code]
    await ended(tower, replica)
    assert tower.cloud.pinned is None  # silence does nothing
    await tower.decide(asked, Choice.APPROVE)
    restraints = Restraints(tower.controls, tower.store.clock, automation, Alike(Locks()))
    execution = Execution(tower.store.proposals, tower.store.claims, Alike(tower.knobs), Acting(restraints), no_fault)
    await execution.settle(SERVICE)
    assert tower.cloud.pinned == "r2"


async def test_a_question_of_a_freeze_becomes_the_countdown_after_it(tower: Tower) -> None:
    tower.automation = Automation(freezes=(Window(FAR - 2000 * DAY, FAR),))
    await paged(tower, tower.replica())
    (asked,) = await tower.traffic_proposals()
    tower.automation = Automation()
    await tower.look(tower.replica())
    (armed,) = await tower.traffic_proposals()
    assert (armed.id, armed.acts_at is not None) == (asked.id, True)
    assert "rollback.asked_because" not in [r.code for r in armed.draft.reasons]


async def test_a_pause_that_has_run_out_holds_nothing_back(tower: Tower) -> None:
    now = tower.store.clock.time
    await tower.controls.pause(SERVICE, Pause(KIM, now, now + timedelta(minutes=1)))
    await a_countdown(tower, tower.replica())


async def test_the_label_never_is_respected(tower: Tower) -> None:
    tower.cloud.allowed = False
    await paged(tower, tower.replica())
    assert await tower.traffic_proposals() == []
    assert await notes(tower) == ["rollback.note_none", "policy.rollback_never"]


async def test_a_service_that_was_breaching_before_is_not_rolled_back(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time - HOUR, 0.1)
    await tower.look(replica, 4)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.1)
    await tower.look(replica, 4)
    assert await tower.traffic_proposals() == []
    assert "policy.rollback_was_breaching" in await notes(tower)


async def test_a_revision_that_serves_for_days_is_not_to_blame(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    assert await tower.traffic_proposals() == []
    assert "policy.rollback_too_old" in await notes(tower)


async def test_a_release_that_fails_late_is_gone_back_from_when_a_person_says_so(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.0)
    await tower.look(replica, 14)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    (asked,) = await tower.traffic_proposals()
    assert (asked.state, asked.acts_at, asked.draft.change.new) == (State.PENDING, None, "r2")
    assert [r.code for r in asked.draft.reasons][-2:] == ["rollback.asked_because", "policy.rollback_late"]
    assert await notes(tower) == ["rollback.note_ask", "policy.rollback_late"]
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned is None
    await tower.decide(asked, Choice.APPROVE)
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned == "r2"


async def test_two_services_that_fail_together_are_not_put_down_to_one_release(tower: Tower) -> None:
    tower.services = (SERVICE, OTHER)
    replica = tower.replica()
    await tower.look(replica, services=tower.services)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.1)
    await tower.look(replica, 4, services=tower.services)
    (asked,) = await tower.traffic_proposals()
    assert (asked.state, asked.acts_at) == (State.PENDING, None)
    assert asked.draft.reasons[-1] == message("policy.rollback_elsewhere", other=OTHER.name)


async def slow(tower: Tower, replica: Replica, after: timedelta = timedelta()) -> None:
    """A release that takes three times as long, `after` a time, until its alert."""
    await tower.look(replica)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.0)
    await tower.look(replica, round(after / SLOT))
    tower.cloud.slow_from = tower.store.clock.time
    await tower.look(replica, 5)
    assert [stored.alert.kind for stored in await tower.alerts.open(SERVICE)] == [AlertKind.LATENCY]


async def test_a_release_that_makes_the_service_slow_is_gone_back_from_when_a_person_says_so(tower: Tower) -> None:
    replica = tower.replica()
    await slow(tower, replica)
    (asked,) = await tower.traffic_proposals()
    assert (asked.state, asked.acts_at, asked.draft.change.new) == (State.PENDING, None, "r2")
    assert [r.code for r in asked.draft.reasons] == [
        "alert.latency_high", "rollback.reason_target", "rollback.asked_because", "policy.rollback_slow"
    ]  # fmt: skip
    assert await notes(tower) == ["rollback.note_ask"]
    await tower.decide(asked, Choice.APPROVE)
    await replica.execution.settle(SERVICE)
    assert tower.cloud.pinned == "r2"


async def test_slowness_long_after_a_release_is_not_its(tower: Tower) -> None:
    await slow(tower, tower.replica(), 2 * HOUR)
    assert (await tower.traffic_proposals(), await notes(tower)) == ([], [])


async def test_who_says_no_is_not_asked_again(tower: Tower) -> None:
    replica = tower.replica()
    await slow(tower, replica)
    await tower.decide((await tower.traffic_proposals())[0], Choice.REJECT)
    await tower.look(replica, 3)
    assert [p.state for p in await tower.traffic_proposals()] == [State.REJECTED]


async def test_a_question_about_slowness_gives_way_to_a_countdown(tower: Tower) -> None:
    replica = tower.replica()
    await slow(tower, replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    countdown, asked = await tower.traffic_proposals()
    assert (asked.state, countdown.state, countdown.acts_at is not None) == (State.SUPERSEDED, State.PENDING, True)


async def test_replicas_end_it_once(tower: Tower) -> None:
    replicas = [tower.replica() for _ in range(6)]
    await a_countdown(tower, replicas[0])
    await tower.countdown_over()
    await asyncio.gather(*(one.rollback.settle(SERVICE) for one in replicas))
    await asyncio.gather(*(one.execution.settle(SERVICE) for one in replicas))
    (only,) = await tower.traffic_proposals()
    assert only.state in (State.APPLIED, State.APPROVED_BY_TIMER, State.APPLYING)
    decided = [e for e in await tower.store.audit.entries(SERVICE, 200) if e.detail == "APPROVED_BY_TIMER"]
    assert len(decided) == 1


@pytest.mark.parametrize("point", ["rollback.judged", "rollback.ended"])
async def test_a_crash_at_its_end_is_resumed(tower: Tower, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(name: str) -> None:
        if name == point:
            raise Crash

    doomed = tower.replica(fault)
    await a_countdown(tower, doomed)
    await tower.countdown_over()
    # A crashed holder's lease must run out before another may go on; the test does not wait 15 s for that.
    with monkeypatch.context() as briefly, pytest.raises(Crash):
        briefly.setattr(leases, "LEASE", timedelta(seconds=1))
        await doomed.rollback.settle(SERVICE)
    heir = tower.replica()
    for _ in range(100):
        await heir.rollback.settle(SERVICE)
        await heir.execution.settle(SERVICE)
        if (await tower.traffic_proposals())[0].state is State.APPLIED:
            break
        await asyncio.sleep(0.01)
    assert tower.cloud.pinned == "r2"
    await tower.look(heir)
    assert await notes(tower) == ["rollback.note_done"]


async def test_a_late_restart_checks_first(tower: Tower) -> None:
    made = await a_countdown(tower, tower.replica())
    tower.store.clock.time += HOUR  # away for an hour; somebody has mended it meanwhile
    tower.cloud.fails(tower.store.clock.time - HOUR / 2, 0.0)
    over = await ended(tower, tower.replica())
    assert (over.id, over.state) == (made.id, State.WITHDRAWN)
    assert tower.cloud.pinned is None


async def test_what_a_person_left_is_never_gone_back_to(tower: Tower) -> None:
    """r3 served well, yet somebody took it back by hand; when r4 fails, the target is r2."""
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.0)
    await tower.look(replica, 6)
    tower.cloud.move(tower.store.clock.time, "r2")
    await tower.look(replica, 2)
    tower.cloud.deploy(tower.store.clock.time, "r4", 0.0)
    tower.cloud.move(tower.store.clock.time, None, 0.1)
    await tower.look(replica, 4)
    (made,) = await tower.traffic_proposals()
    assert made.draft.change.new == "r2"
