"""The transitions of a proposal: every state with every choice and every step, and what makes them settle once."""

import asyncio
from datetime import timedelta

import pytest

from lumen.adapters.store import epoch
from lumen.model.messages import LeaseLost, NotPossible, message
from lumen.model.proposal import OPEN, Choice, Knob, Measured, MeasuredEffect, State, Verdict
from lumen.model.service import Person
from lumen.ports.store import Lease
from tests.contract.store.builders import DAY, KIM, LEE, LONG, OTHER, SERVICE, SOON, Store, click, draft

A_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("choice", Choice)
@pytest.mark.parametrize("state", State)
async def test_every_state_with_every_choice(store: Store, state: State, choice: Choice) -> None:
    """Only PENDING can be decided, and not by a timer or an expiry whose time has not come."""
    before = await store.in_state(state)
    if state is State.PENDING and choice in (Choice.TIMER, Choice.EXPIRE):
        with pytest.raises(NotPossible):
            await store.proposals.decide(SERVICE, before.id, click(choice, "c"))
        assert await store.proposals.get(SERVICE, before.id) == before
        return
    answer = await store.proposals.decide(SERVICE, before.id, click(choice, "c"))
    if state is State.PENDING:
        assert answer.won
        assert answer.proposal.state.value == choice.value
        assert answer.proposal.decision == click(choice, "c")
    else:
        assert not answer.won
        assert answer.proposal == before
    assert [event for event, _ in await store.events(before.id)].count("decided") == 1


#: For each state the states that execution and verdicts may move it to; itself where a note may be renewed.
STEPS = {
    State.APPROVED: "APPROVED APPLYING FAILED ABANDONED",
    State.APPROVED_BY_TIMER: "APPROVED_BY_TIMER APPLYING FAILED ABANDONED",
    State.APPLYING: "APPLYING APPLIED FAILED ABANDONED",
    State.APPLIED: "APPLIED KEPT INCONCLUSIVE HARMFUL UNDONE",
    State.FAILED: "FAILED UNDONE",
    State.ABANDONED: "ABANDONED",
    State.KEPT: "KEPT UNDONE",
    State.INCONCLUSIVE: "INCONCLUSIVE UNDONE",
    State.HARMFUL: "HARMFUL UNDONE",
    State.UNDONE: "UNDONE APPLIED KEPT INCONCLUSIVE HARMFUL",
}


@pytest.mark.parametrize("state", State)
async def test_every_state_with_every_step(store: Store, state: State) -> None:
    allowed = {State(name) for name in STEPS.get(state, "").split()}
    note = message("execution.note", tries=1)
    before = await store.in_state(state)
    lease = await store.lease()
    for wanted in set(State) - allowed:
        with pytest.raises(NotPossible):
            await store.proposals.advance(SERVICE, before.id, lease, wanted, note)
    assert await store.proposals.get(SERVICE, before.id) == before
    for wanted in allowed:
        await store.prepare()
        before = await store.in_state(state)
        lease = await store.lease()
        after = await store.proposals.advance(SERVICE, before.id, lease, wanted, note)
        assert (after.state, after.note, after.version) == (wanted, note, before.version + 1)
        assert (after.finished_at is not None) == (wanted not in OPEN)
        assert after.decision == before.decision
        # The same step again, its answer lost, changes nothing more.
        assert await store.proposals.advance(SERVICE, before.id, lease, wanted, note) == after
        assert len(await store.events(before.id)) == before.version + 1


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_verdict_is_one_step_with_what_was_measured(store: Store, verdict: Verdict) -> None:
    """Looks only renew the note; the verdict moves the state once, is audited and shown, and stays when undone."""
    applied = await store.in_state(State.APPLIED)
    lease = await store.lease("slot/effects")
    effects = (MeasuredEffect("hit_rate", 0.1, 0.05, 0.15),)
    first = Measured(24, store.clock.now(), None, message("effect.too_little", hours=24))
    looked = await store.proposals.advance(SERVICE, applied.id, lease, State.APPLIED, first.reason, first)
    assert (looked.state, looked.note, looked.measured) == (State.APPLIED, first.reason, first)
    assert looked.finished_at == applied.finished_at
    last = Measured(48, store.clock.now(), verdict, message("effect.too_little", hours=48), effects, undo=True)
    judged = await store.proposals.advance(SERVICE, applied.id, lease, State(verdict), last.reason, last)
    assert (judged.state, judged.measured, judged.version) == (State(verdict), last, looked.version + 1)
    assert (await store.events(applied.id))[-2:] == [("noted", "APPLIED"), ("advanced", verdict.value)]
    for other in set(Verdict) - {verdict}:
        with pytest.raises(NotPossible):
            await store.proposals.advance(SERVICE, applied.id, lease, State(other), first.reason, first)
    assert await store.proposals.get(SERVICE, applied.id) == judged
    undone = await store.proposals.advance(SERVICE, applied.id, lease, State.UNDONE, message("execution.undone_by"))
    assert (undone.state, undone.measured) == (State.UNDONE, last)
    assert any(d.surface.key == applied.id for d in await store.outbox.dirty(SERVICE))


async def test_what_was_proposed_is_read_back_exactly(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY)
    assert made.id == "P1"
    assert made.draft == draft()
    assert (made.created_at, made.expires_at) == (store.clock.now(), store.clock.now() + DAY)
    assert await store.proposals.get(SERVICE, "P1") == made
    assert await store.proposals.get(SERVICE, "P2") is None
    assert await store.proposals.get(OTHER, "P1") is None


async def test_the_same_request_makes_one_proposal(store: Store) -> None:
    made = await store.proposals.propose(draft("same"), DAY)
    assert await store.proposals.propose(draft("same"), DAY) == made
    assert (await store.proposals.propose(draft("another"), DAY)).id == "P2"
    # Also when it is no longer the newest, and closed.
    assert (await store.proposals.propose(draft("same"), DAY)).state is State.SUPERSEDED


async def test_a_newer_proposal_supersedes_a_pending_one(store: Store) -> None:
    old = await store.proposals.propose(draft("r1"), DAY)
    new = await store.proposals.propose(draft("r2", new=360), DAY)
    superseded = await store.proposals.get(SERVICE, old.id)
    assert superseded is not None
    assert superseded.state is State.SUPERSEDED
    assert superseded.decision == click(Choice.SUPERSEDE, "request:r2", None)
    assert await store.proposals.unfinished(SERVICE) == [new]
    assert await store.proposals.recent(SERVICE, 10) == [new, superseded]
    assert await store.proposals.recent(SERVICE, 1) == [new]


async def test_an_overdue_proposal_is_expired_and_not_superseded(store: Store) -> None:
    old = await store.proposals.propose(draft("r1"), SOON)
    await store.pass_time(SOON)
    await store.proposals.propose(draft("r2"), DAY)
    expired = await store.proposals.get(SERVICE, old.id)
    assert expired is not None
    assert expired.state is State.EXPIRED


@pytest.mark.parametrize("state", [State.APPROVED, State.APPROVED_BY_TIMER, State.APPLYING])
async def test_no_second_proposal_while_one_is_carried_out(store: Store, state: State) -> None:
    locked = await store.in_state(state)
    with pytest.raises(NotPossible) as raised:
        await store.proposals.propose(draft("r2"), DAY)
    assert raised.value.reason.params == {"knob": "ttl", "proposal_id": locked.id, "state": state.value}
    assert (await store.proposals.propose(draft("r2", service=OTHER), DAY)).id == "P1"


async def test_200_at_once_have_one_winner_and_all_hear_the_same(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY)
    choices = [Choice.APPROVE, Choice.REJECT, Choice.WITHDRAW]
    people = [Person(f"U{n}", f"person {n}", "T1") for n in range(200)]
    answers = await asyncio.gather(
        *(
            store.proposals.decide(SERVICE, made.id, click(choices[n % 3], f"c{n}", person))
            for n, person in enumerate(people)
        )
    )
    winners = [answer for answer in answers if answer.won]
    assert len(winners) == 1
    assert {answer.proposal.decision for answer in answers} == {winners[0].proposal.decision}
    assert [event for event, _ in await store.events(made.id)] == ["proposed", "decided"]


async def test_the_same_click_gets_the_same_answer(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY)
    first = await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c1"))
    second = await store.proposals.decide(SERVICE, made.id, click(Choice.REJECT, "c2", LEE))
    assert (first.won, second.won) == (True, False)
    assert await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c1")) == first
    assert await store.proposals.decide(SERVICE, made.id, click(Choice.REJECT, "c2", LEE)) == second
    assert await store.proposals.settle(SERVICE, "c1") == first
    assert await store.proposals.settle(SERVICE, "c2") == second


async def test_a_click_that_was_settled_as_never_arrived_never_counts(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY)
    assert await store.proposals.settle(SERVICE, "late") is None
    with pytest.raises(NotPossible) as raised:
        await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "late"))
    assert raised.value.reason.code == "state.click_withdrawn"
    assert await store.proposals.get(SERVICE, made.id) == made
    assert await store.proposals.settle(SERVICE, "late") is None
    assert (await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "again"))).won


async def test_an_unknown_id_is_not_possible(store: Store) -> None:
    lease = await store.lease()
    for attempt in (
        store.proposals.decide(SERVICE, "P9", click(Choice.APPROVE, "c")),
        store.proposals.advance(SERVICE, "P9", lease, State.APPLYING, None),
        store.proposals.snooze(SERVICE, "P9", KIM, "c", A_MINUTE),
    ):
        with pytest.raises(NotPossible):
            await attempt


@pytest.mark.parametrize("choice", [Choice.APPROVE, Choice.REJECT, Choice.TIMER, Choice.WITHDRAW, Choice.SUPERSEDE])
async def test_past_its_deadline_it_can_only_expire(store: Store, choice: Choice) -> None:
    """Also when no sweep has run yet: the person who clicks is told that it has expired."""
    made = await store.proposals.propose(draft(), SOON, SOON)
    await store.pass_time(SOON)
    answer = await store.proposals.decide(SERVICE, made.id, click(choice, "late"))
    assert (answer.won, answer.proposal.state) == (False, State.EXPIRED)
    assert await store.proposals.expire_due(SERVICE) == []
    assert await store.events(made.id) == [("proposed", "PENDING"), ("decided", "EXPIRED")]


async def test_expire_due_takes_those_whose_time_is_over(store: Store) -> None:
    overdue = await store.proposals.propose(draft(), SOON)
    assert (await store.proposals.propose(draft("r", service=OTHER), DAY)).state is State.PENDING
    await store.pass_time(SOON)
    expired = await store.proposals.expire_due(SERVICE)
    assert [(p.id, p.state) for p in expired] == [(overdue.id, State.EXPIRED)]
    assert await store.proposals.expire_due(OTHER) == []
    assert await store.proposals.unfinished(SERVICE) == []


async def test_deadlines_are_of_service_time(store: Store) -> None:
    """At scale 3600 an hour of service time is a second by the store's clock; 3.6 s of it are one millisecond."""
    store.clock.scale = 3600.0
    overdue = await store.proposals.propose(draft(), timedelta(seconds=3.6))
    await store.pass_time(SOON)
    assert [p.id for p in await store.proposals.expire_due(SERVICE)] == [overdue.id]


async def test_a_jump_of_our_own_clock_moves_no_deadline(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY)
    store.clock.time += timedelta(days=400)
    assert await store.proposals.expire_due(SERVICE) == []
    assert (await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))).won


async def test_a_lost_lease_moves_nothing(store: Store) -> None:
    """A worker that paused beyond its lease wakes up after another has gone on."""
    approved = await store.in_state(State.APPROVED)
    paused = await store.lease(duration=SOON)
    await store.pass_time(SOON)
    with pytest.raises(LeaseLost):
        await store.proposals.advance(SERVICE, approved.id, paused, State.APPLYING, None)
    newer = await store.lease()
    applying = await store.proposals.advance(SERVICE, approved.id, newer, State.APPLYING, None)
    for wrong in (paused, Lease(newer.name, newer.token + 1), Lease("another", newer.token)):
        with pytest.raises(LeaseLost):
            await store.proposals.advance(SERVICE, approved.id, wrong, State.APPLIED, None)
    assert await store.proposals.get(SERVICE, approved.id) == applying


async def test_a_fresh_proposal_takes_the_place_of_one_whose_premises_moved(store: Store) -> None:
    approved = await store.in_state(State.APPROVED)
    lease = await store.lease()
    note = message("execution.premises_moved", old=300)
    fresh = await store.proposals.replace(approved.id, lease, note, draft("afresh", new=360), DAY)
    assert (fresh.state, fresh.draft) == (State.PENDING, draft("afresh", new=360))
    abandoned = await store.proposals.get(SERVICE, approved.id)
    assert abandoned is not None
    assert (abandoned.state, abandoned.note) == (State.ABANDONED, note)
    assert await store.proposals.unfinished(SERVICE) == [fresh]
    assert await store.events(approved.id) == [
        ("proposed", "PENDING"),
        ("decided", "APPROVED"),
        ("advanced", "ABANDONED"),
    ]
    # Again, its answer lost.
    assert await store.proposals.replace(approved.id, lease, note, draft("afresh", new=360), DAY) == fresh
    for wrong in (fresh.id, approved.id):  # one that is pending, one that has had its fresh one
        with pytest.raises(NotPossible):
            await store.proposals.replace(wrong, lease, note, draft("another"), DAY)
    await store.proposals.decide(SERVICE, fresh.id, click(Choice.REJECT, "c"))
    with pytest.raises(NotPossible):
        await store.proposals.replace(approved.id, lease, note, draft("another"), DAY)
    with pytest.raises(LeaseLost):
        await store.proposals.replace(fresh.id, Lease(lease.name, lease.token - 1), note, draft("another"), DAY)


async def test_each_knob_has_one_open_proposal_of_its_own(store: Store) -> None:
    made = [await store.proposals.propose(draft(f"for {knob}", knob=knob), DAY) for knob in Knob]
    assert await store.proposals.unfinished(SERVICE) == made
    lease = await store.lease()
    for first in made:
        await store.proposals.decide(SERVICE, first.id, click(Choice.APPROVE, f"c {first.id}"))
        for other in set(Knob) - {first.draft.change.knob}:
            with pytest.raises(NotPossible):
                note, fresh = message("execution.premises_moved"), draft(f"for {first.id} {other}", knob=other)
                await store.proposals.replace(first.id, lease, note, fresh, DAY)


async def test_a_timer_is_fenced(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY, SOON)
    paused = await store.lease("timer", SOON)
    await store.pass_time(SOON)
    with pytest.raises(LeaseLost):
        await store.proposals.decide(SERVICE, made.id, click(Choice.TIMER, "t1", None), paused)
    newer = await store.lease("timer")
    assert (await store.proposals.decide(SERVICE, made.id, click(Choice.TIMER, "t2", None), newer)).won


async def test_a_countdown_acts_when_its_time_has_come(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY, A_MINUTE)
    assert made.acts_at == store.clock.now() + A_MINUTE
    assert await store.proposals.countdowns_due(SERVICE) == []
    with pytest.raises(NotPossible):
        await store.proposals.decide(SERVICE, made.id, click(Choice.TIMER, "t", None))
    quick = await store.proposals.propose(draft("quick"), DAY, SOON)
    await store.pass_time(SOON)
    assert await store.proposals.countdowns_due(SERVICE) == [quick]
    # A person who is quicker than the timer decides.
    assert (await store.proposals.decide(SERVICE, quick.id, click(Choice.REJECT, "c"))).won
    assert await store.proposals.countdowns_due(SERVICE) == []


async def test_snooze_is_no_decision_and_counts_once(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY, SOON)
    await store.pass_time(SOON)
    first = await store.proposals.snooze(SERVICE, made.id, KIM, "s1", A_MINUTE)
    assert (first.snoozed, first.won, first.proposal.state) == (True, False, State.PENDING)
    assert first.proposal.acts_at is not None
    assert first.proposal.acts_at >= store.clock.now() + A_MINUTE
    assert await store.proposals.countdowns_due(SERVICE) == []
    assert await store.proposals.snooze(SERVICE, made.id, KIM, "s1", A_MINUTE) == first
    assert await store.proposals.settle(SERVICE, "s1") == first
    both = await asyncio.gather(
        *(store.proposals.snooze(SERVICE, made.id, KIM, f"at-once-{n}", A_MINUTE) for n in range(5))
    )
    assert sum(each.snoozed for each in both) >= 1
    assert (await store.proposals.decide(SERVICE, made.id, click(Choice.REJECT, "c"))).won
    after = await store.proposals.snooze(SERVICE, made.id, KIM, "s3", A_MINUTE)
    assert (after.snoozed, after.proposal.state) == (False, State.REJECTED)


async def test_a_double_tap_on_snooze_counts_once(store: Store) -> None:
    """Two clicks on one card are two clicks for Slack; both want the moment put off that the card showed."""
    made = await store.proposals.propose(draft(), DAY, A_MINUTE)
    assert made.acts_at is not None
    shown = made.acts_at.isoformat()
    first = await store.proposals.snooze(SERVICE, made.id, KIM, "tap-1", A_MINUTE, seen=shown)
    second = await store.proposals.snooze(SERVICE, made.id, KIM, "tap-2", A_MINUTE, seen=shown)
    assert (first.snoozed, second.snoozed) == (True, False)
    assert second.proposal.acts_at == first.proposal.acts_at == made.acts_at + A_MINUTE
    assert second.proposal.snoozes == (KIM,)
    # Whoever wants more clicks on the card as it is now.
    later = (made.acts_at + A_MINUTE).isoformat()
    again = await store.proposals.snooze(SERVICE, made.id, LEE, "tap-3", A_MINUTE, seen=later)
    assert (again.snoozed, again.proposal.snoozes) == (True, (KIM, LEE))


async def test_only_a_countdown_can_be_snoozed(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY)
    with pytest.raises(NotPossible):
        await store.proposals.snooze(SERVICE, made.id, KIM, "s", A_MINUTE)


async def test_two_people_must_approve(store: Store) -> None:
    made = await store.proposals.propose(draft(approvals_needed=2), DAY)
    first = await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c1", KIM))
    assert (first.won, first.voted, first.proposal.state) == (False, True, State.PENDING)
    assert first.proposal.votes == (KIM,)
    # The same person does not count twice, under whatever name.
    again = await store.proposals.decide(
        SERVICE, made.id, click(Choice.APPROVE, "c2", Person(KIM.user_id, "Kim, renamed", "T1"))
    )
    assert (again.won, again.voted, again.proposal.votes) == (False, True, (KIM,))
    second = await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c3", LEE))
    assert (second.won, second.proposal.state, second.proposal.votes) == (True, State.APPROVED, (KIM, LEE))
    assert [event for event, _ in await store.events(made.id)] == ["proposed", "voted", "decided"]
    assert await store.proposals.settle(SERVICE, "c1") == type(first)(False, second.proposal, voted=True)


async def test_one_rejection_decides_also_where_two_must_approve(store: Store) -> None:
    made = await store.proposals.propose(draft(approvals_needed=2), DAY)
    await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c1", KIM))
    rejected = await store.proposals.decide(SERVICE, made.id, click(Choice.REJECT, "c2", LEE))
    assert (rejected.won, rejected.proposal.state) == (True, State.REJECTED)


async def test_old_closed_proposals_give_way_and_open_ones_stay(store: Store) -> None:
    keeping_three = type(store.proposals)(store.redis, store.clock, keep=3)
    for n in range(10):
        await keeping_three.propose(draft(f"r{n}"), DAY)
    assert [p.id for p in await store.proposals.recent(SERVICE, 100)] == ["P10", "P9", "P8"]
    assert await store.proposals.get(SERVICE, "P1") is None
    fields = await store.redis.hlen(f"lumen:{{{SERVICE.key}}}:proposals")
    assert fields <= 3 * 13
    assert await store.events("P1") == [("proposed", "PENDING"), ("decided", "SUPERSEDED")]


async def test_a_click_is_forgotten_after_a_while(store: Store) -> None:
    """Memory stays bounded: what remembers a click or a request has a lifetime."""
    made = await store.proposals.propose(draft(), DAY)
    await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))
    await store.proposals.settle(SERVICE, "never")
    memories = [key async for key in store.redis.scan_iter(match="lumen:*:click:*")]
    memories += [key async for key in store.redis.scan_iter(match="lumen:*:request:*")]
    assert len(memories) == 3
    for key in memories:
        assert 0 < await store.redis.pttl(key) <= timedelta(days=7) / timedelta(milliseconds=1)


async def test_every_transition_marks_the_message(store: Store) -> None:
    made = await store.proposals.propose(draft(), DAY)
    (posted,) = await store.outbox.dirty(SERVICE)
    assert (posted.surface.kind, posted.surface.key) == ("proposal", made.id)
    for act in (
        lambda: store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c")),
        lambda: _advance(store, made.id, State.APPLYING),
        lambda: _advance(store, made.id, State.APPLIED),
    ):
        (posted,) = await store.outbox.dirty(SERVICE)
        await store.outbox.shown(posted, "C1", "1.0")
        assert await store.outbox.dirty(SERVICE) == []
        await act()
        assert len(await store.outbox.dirty(SERVICE)) == 1


async def _advance(store: Store, proposal_id: str, state: State) -> None:
    lease = await store.lease(f"work-{state}", LONG)
    await store.proposals.advance(SERVICE, proposal_id, lease, state, None)


async def test_a_verdict_that_comes_too_late_brings_nothing_back(store: Store) -> None:
    undone = await store.in_state(State.UNDONE)
    late = Measured(24, store.clock.now(), Verdict.KEPT, message("effect.helped"))
    with pytest.raises(NotPossible):
        await store.proposals.advance(SERVICE, undone.id, await store.lease(), State.KEPT, late.reason, late)


@pytest.mark.parametrize("state", [*sorted(OPEN)])
async def test_nothing_open_goes_on_after_a_restoration(store: Store, state: State) -> None:
    """Nobody knows what became of it since the copy; its knob is free, its countdown and its leases are gone."""
    before = await store.in_state(state)
    held = await store.lease("execute:ttl")
    told = await epoch.restored(store.redis, SERVICE, store.clock, epoch.Known(7, KIM, ()))
    assert (told.closed, told.number, told.id != told.former) == (1, 7, True)
    after = await store.proposals.get(SERVICE, before.id)
    assert after is not None
    ends = {State.PENDING: State.WITHDRAWN, State.APPLYING: State.FAILED}
    assert (after.state, after.mark) == (ends.get(state, State.ABANDONED), before.mark)
    assert await store.proposals.countdowns_due(SERVICE) == await store.proposals.unfinished(SERVICE) == []
    with pytest.raises(LeaseLost):
        await store.leases.renew(SERVICE, held, LONG)
    assert (await store.lease("execute:ttl")).token > held.token
    fresh = await store.proposals.propose(draft("after"), DAY)
    assert (fresh.id, fresh.mark.partition(".")[0]) == ("P8", told.id)
    assert (await store.audit.entries(SERVICE, 9))[1].event == "restored"
