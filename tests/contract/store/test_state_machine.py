"""The promises of docs/guarantees.md under whatever happens: people, timers, replicas, duplicates, lost answers,
late requests, leases that run out, clocks that jump, servers that are killed.

The machine does not predict what wins a race; it remembers every answer and compares it with everything it reads.
What Hypothesis draws must not depend on how a race ended, so rules draw numbers and `pick` makes something of them.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from demo.valkey import EmbeddedValkey
from lumen.model.messages import LeaseLost, LumenError, NotPossible, OutcomeUnknown, StoreUnavailable, message
from lumen.model.proposal import OPEN, Choice, Decided, Decision, Measured, Proposal, State, Verdict
from lumen.model.service import Person
from lumen.ports.store import Lease
from tests.contract.store.builders import DAY, LONG, SERVICE, Store, TestClock, click, draft, patient
from tests.contract.store.machines import played
from tests.contract.store.proxy import Fault, Proxy

T = TypeVar("T")

BRIEF = timedelta(milliseconds=4)
#: Which of what there is; the newest is picked most.
PICK = st.integers(0, 7)
PEOPLE = [Person(f"U{n}", f"person {n}", "T1") for n in range(4)]
BY_HAND = [Choice.APPROVE, Choice.REJECT]
BY_LUMEN = [Choice.TIMER, Choice.WITHDRAW, Choice.EXPIRE]
STEPS = [State.APPLYING, State.APPLIED, State.FAILED, State.ABANDONED, State.UNDONE]
SENT_AND_SILENT = [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.KEEP_REQUEST]
FOLLOWS = {
    State.APPROVED: {State.APPLYING, State.ABANDONED, State.FAILED},
    State.APPROVED_BY_TIMER: {State.APPLYING, State.ABANDONED, State.FAILED},
    State.APPLYING: {State.APPLIED, State.ABANDONED, State.FAILED},
    State.APPLIED: {State.KEPT, State.INCONCLUSIVE, State.HARMFUL, State.UNDONE},
    State.KEPT: {State.UNDONE},
    State.INCONCLUSIVE: {State.UNDONE},
    State.HARMFUL: {State.UNDONE},
    State.FAILED: {State.UNDONE},
}


class Machine(RuleBasedStateMachine):
    """One service, two clients (one through a bad network), any number of people and workers."""

    server: EmbeddedValkey
    kills_left = 0

    def __init__(self) -> None:
        super().__init__()
        # A factory of its own, so that closing it leaves other tests the loop that is current.
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.proxy = Proxy(Path(self.server.socket_url.removeprefix("unix://").removesuffix("?db=0")))
        self.clock = TestClock()
        self.clicks: dict[str, tuple[str, Decision]] = {}
        self.answers: dict[str, tuple[bool, bool]] = {}
        self.unknown: set[str] = set()
        self.buried: set[str] = set()
        self.ids: list[str] = []
        self.seen: dict[str, Proposal] = {}
        self.held: list[Lease] = []
        self.dead_tokens: set[int] = set()
        self.shown: dict[str, int] = {}
        self.brief: set[str] = set()
        self.overdue: set[str] = set()
        self.made = 0
        self.run(self._open())

    async def _open(self) -> None:
        self.store = Store.over(patient(self.server.url), self.clock)
        self.far = Store.over(patient(await self.proxy.start()), self.clock)
        await self.store.prepare()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        async def close() -> None:
            await self.far.redis.aclose()
            await self.store.redis.aclose()
            await self.proxy.stop()

        self.run(close())
        self.runner.close()

    # What happens

    @rule(brief=st.booleans(), countdown=st.sampled_from([None, BRIEF / 2, DAY]), needed=st.sampled_from([1, 1, 2]))
    def propose(self, brief: bool, countdown: timedelta | None, needed: int) -> None:
        self.made += 1
        wanted = draft(f"r{self.made}", approvals_needed=needed)
        try:
            made = self.run(self.store.proposals.propose(wanted, BRIEF if brief else DAY, countdown))
        except NotPossible:
            assert any(p.state in OPEN and p.state is not State.PENDING for p in self.everything())
            return
        assert made.id == f"P{len(self.ids) + 1}"
        self.ids.append(made.id)
        if brief:
            self.brief.add(made.id)

    @rule(pick=PICK)
    def propose_again(self, pick: int) -> None:
        if not self.ids:
            return
        proposal = self.seen[one_of(self.ids, pick)]
        assert self.run(self.store.proposals.propose(proposal.draft, DAY)).id == proposal.id

    @rule(pick=PICK, person=st.sampled_from(PEOPLE), choice=st.sampled_from(BY_HAND), far=st.booleans())
    def a_person_clicks(self, pick: int, person: Person, choice: Choice, far: bool) -> None:
        self.decide(pick, choice, person, Fault.NONE, far=far)

    @rule(pick=PICK, choice=st.sampled_from(BY_HAND), fault=st.sampled_from(SENT_AND_SILENT))
    def a_click_gets_no_answer(self, pick: int, choice: Choice, fault: Fault) -> None:
        self.decide(pick, choice, PEOPLE[0], fault, far=True)

    @rule(pick=PICK, choice=st.sampled_from(BY_LUMEN))
    def lumen_decides(self, pick: int, choice: Choice) -> None:
        self.decide(pick, choice, None, Fault.NONE, far=False)

    @rule(pick=PICK, far=st.booleans())
    def an_envelope_comes_twice(self, pick: int, far: bool) -> None:
        if self.clicks:
            self.send(one_of(list(self.clicks), pick), self.far if far else self.store)

    @rule(pick=PICK, choices=st.lists(st.sampled_from(BY_HAND + BY_LUMEN), min_size=2, max_size=8))
    def many_at_once(self, pick: int, choices: list[Choice]) -> None:
        if not self.ids:
            return
        proposal_id = one_of(self.ids, pick)
        ids = [
            self.new_click(proposal_id, choice, PEOPLE[n % 4] if choice in BY_HAND else None)
            for n, choice in enumerate(choices)
        ]

        async def race() -> list[Decided | BaseException]:
            both = [self.store, self.far]
            return await asyncio.gather(
                *(both[n % 2].proposals.decide(SERVICE, *self.clicks[one]) for n, one in enumerate(ids)),
                return_exceptions=True,
            )

        for click_id, end in zip(ids, self.run(race()), strict=True):
            self.budget_state(click_id, end)

    @rule(pick=PICK)
    def settle(self, pick: int) -> None:
        if not self.clicks:
            return
        click_id = one_of(sorted(self.unknown) or list(self.clicks), pick)
        told = self.run(self.store.proposals.settle(SERVICE, click_id))
        self.unknown.discard(click_id)
        if told is None:
            assert click_id not in self.answers
            self.buried.add(click_id)
        else:
            assert click_id not in self.buried
            self.answered(click_id, told)

    @rule()
    def a_late_request_arrives(self) -> None:
        self.run(self.proxy.deliver())

    @rule(pick=PICK, person=st.sampled_from(PEOPLE))
    def snooze(self, pick: int, person: Person) -> None:
        if not self.ids:
            return
        self.made += 1
        before = self.seen[proposal_id := one_of(self.ids, pick)]
        try:
            told = self.run(self.store.proposals.snooze(SERVICE, proposal_id, person, f"s{self.made}", DAY))
        except NotPossible:
            assert before.acts_at is None
            return
        self.brief -= {proposal_id} if told.snoozed else set()
        assert not told.won
        assert told.snoozed <= (told.proposal.state is State.PENDING)

    @rule()
    def sweep(self) -> None:
        for expired in self.run(self.store.proposals.expire_due(SERVICE)):
            assert expired.state is State.EXPIRED

    @rule(hours=st.integers(-30, 30))
    def our_clock_jumps(self, hours: int) -> None:
        self.clock.time += timedelta(hours=hours)

    @rule()
    def time_passes(self) -> None:
        self.run(self.store.pass_time(BRIEF))
        self.overdue |= {i for i in self.brief if self.seen[i].state is State.PENDING}

    @rule(duration=st.sampled_from([BRIEF, LONG]))
    def a_worker_takes_the_lease(self, duration: timedelta) -> None:
        lease = self.run(self.store.leases.acquire(SERVICE, "execute:ttl", duration))
        if lease is not None:
            assert all(lease.token > older.token for older in self.held)
            # Whoever held it before has lost it for good.
            self.dead_tokens |= {older.token for older in self.held}
            self.held.append(lease)

    @rule(pick=PICK)
    def a_worker_gives_it_back(self, pick: int) -> None:
        if not self.held:
            return
        lease = one_of(self.held, pick)
        self.run(self.store.leases.release(SERVICE, lease))
        self.dead_tokens.add(lease.token)

    @rule(pick=PICK, wanted=st.sampled_from(STEPS))
    def a_worker_goes_on(self, pick: int, wanted: State) -> None:
        if not self.held or not self.ids:
            return
        lease, proposal_id = one_of(self.held, pick // 2), one_of(self.ids, pick)
        try:
            moved = self.run(self.store.proposals.advance(SERVICE, proposal_id, lease, wanted, message("execution.x")))
        except (LeaseLost, NotPossible):
            return
        assert lease.token not in self.dead_tokens
        assert moved.state is wanted

    @rule(pick=PICK, verdict=st.sampled_from([None, *Verdict]))
    def an_effect_is_measured(self, pick: int, verdict: Verdict | None) -> None:
        if not self.held or not self.ids:
            return
        lease, proposal_id = one_of(self.held, pick // 2), one_of(self.ids, pick)
        self.made += 1
        found = Measured(24, self.clock.now(), verdict, message("effect.too_little", hours=self.made))
        wanted = State(verdict) if verdict else State.APPLIED
        try:
            moved = self.run(self.store.proposals.advance(SERVICE, proposal_id, lease, wanted, found.reason, found))
        except (LeaseLost, NotPossible):
            return
        assert lease.token not in self.dead_tokens
        assert (moved.state, moved.measured) == (wanted, found)

    @rule(pick=PICK)
    def premises_have_moved(self, pick: int) -> None:
        if not self.held or not self.ids:
            return
        self.made += 1
        lease, proposal_id = one_of(self.held, pick // 2), one_of(self.ids, pick)
        note, fresh = message("execution.premises_moved"), draft(f"r{self.made}")
        try:
            made = self.run(self.store.proposals.replace(proposal_id, lease, note, fresh, DAY))
        except (LeaseLost, NotPossible):
            return
        assert lease.token not in self.dead_tokens
        self.ids.append(made.id)

    @rule()
    def the_outbox_is_worked_off(self) -> None:
        async def work() -> None:
            for behind in await self.store.outbox.dirty(SERVICE):
                current = await self.store.proposals.get(SERVICE, behind.surface.key)
                assert current is not None
                self.shown[current.id] = current.version
                await self.store.outbox.shown(behind, "C1", f"1.{current.id}")

        self.run(work())

    @precondition(lambda self: self.kills_left > 0)
    @rule()
    def the_server_is_killed(self) -> None:
        self.kills_left -= 1
        self.server.kill()
        self.server.start()
        # Let the loop notice the closed sockets; in a running bot it turns all the time.
        self.run(asyncio.sleep(0.01))

    # What must always hold

    @invariant()
    def every_promise_holds(self) -> None:
        now = self.everything()
        decided = self.run(self._decided_entries())
        behind = {dirty.surface.key for dirty in self.run(self.store.outbox.dirty(SERVICE))}
        for proposal in now:
            self.one_decision(proposal, decided.get(proposal.id, []))
            self.only_allowed_moves(proposal)
            assert proposal.id in behind or self.shown.get(proposal.id) == proposal.version
        assert sum(p.state in OPEN for p in now) <= 1
        self.seen = {proposal.id: proposal for proposal in now}
        for click_id in self.buried:
            assert all(p.decision is None or p.decision.click_id != click_id for p in now)

    def one_decision(self, proposal: Proposal, entries: list[str]) -> None:
        before = self.seen.get(proposal.id)
        if before and before.decision:
            assert (proposal.decision, proposal.decided_at) == (before.decision, before.decided_at)
        assert (proposal.state is State.PENDING) == (proposal.decision is None)
        assert entries == ([proposal.decision.choice.value] if proposal.decision else [])
        winners = {c for c, (won, _) in self.answers.items() if won and self.clicks[c][0] == proposal.id}
        assert len(winners) <= 1
        for winner in winners:
            assert proposal.decision is not None
            # Whoever noticed that it had expired hears "won", although time decided it.
            assert proposal.decision.click_id in (winner, "expiry")

    def only_allowed_moves(self, proposal: Proposal) -> None:
        before = self.seen.get(proposal.id)
        if before is None:
            return
        assert before.measured is None or proposal.measured is not None
        if before.state is proposal.state:
            return
        assert before.version < proposal.version
        if before.id in self.overdue:
            assert proposal.state is State.EXPIRED
        if before.state is not State.PENDING:
            assert proposal.state in FOLLOWS[before.state], (before.state, proposal.state)

    # Helpers

    async def _decided_entries(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for entry in await self.store.audit.entries(SERVICE, 10_000):
            if entry.event == "decided":
                found.setdefault(entry.proposal_id, []).append(entry.detail)
        return found

    def everything(self) -> list[Proposal]:
        found = self.run(self.store.proposals.recent(SERVICE, 1000))
        assert [p.id for p in reversed(found)] == self.ids or len(found) == len(self.ids) + 1
        unfinished = self.run(self.store.proposals.unfinished(SERVICE))
        assert unfinished == [p for p in reversed(found) if p.state in OPEN]
        return found

    def new_click(self, proposal_id: str, choice: Choice, person: Person | None) -> str:
        click_id = f"c{len(self.clicks)}"
        self.clicks[click_id] = (proposal_id, click(choice, click_id, person))
        return click_id

    def decide(self, pick: int, choice: Choice, person: Person | None, fault: Fault, *, far: bool) -> None:
        if not self.ids:
            return
        click_id = self.new_click(one_of(self.ids, pick), choice, person)
        self.proxy.fault = fault
        self.send(click_id, self.far if far else self.store)
        self.proxy.fault = Fault.NONE

    def send(self, click_id: str, way: Store) -> None:
        try:
            self.budget_state(click_id, self.run(way.proposals.decide(SERVICE, *self.clicks[click_id])))
        except LumenError as error:
            self.budget_state(click_id, error)

    def budget_state(self, click_id: str, end: Decided | BaseException) -> None:
        """What a click came to."""
        if isinstance(end, OutcomeUnknown):
            self.unknown.add(click_id)
        elif isinstance(end, NotPossible):
            too_early = self.clicks[click_id][1].choice in (Choice.TIMER, Choice.EXPIRE)
            assert click_id in self.buried or too_early, end
        elif isinstance(end, StoreUnavailable):
            # The old connection of a killed server: nothing was sent.
            assert self.kills_left < type(self).kills_left
        else:
            assert isinstance(end, Decided), end
            assert click_id not in self.buried
            self.answered(click_id, end)

    def answered(self, click_id: str, told: Decided) -> None:
        heard = (told.won, told.voted)
        assert self.answers.setdefault(click_id, heard) == heard
        assert told.proposal.id == self.clicks[click_id][0]


def one_of(things: Sequence[T], pick: int) -> T:
    """Half of the picks are the newest; the others go back from there."""
    return things[-1 - max(0, pick - 4) % len(things)]


def prove(server: EmbeddedValkey, examples: int, steps: int, kills: int) -> None:
    machine = type("MachineHere", (Machine,), {"server": server, "kills_left": kills})
    run_state_machine_as_test(
        machine,
        settings=played(examples, steps),
    )


@pytest.mark.parametrize("server", ["valkey", pytest.param("redis", marks=pytest.mark.prove)], indirect=True)
def test_the_promises_hold(server: EmbeddedValkey) -> None:
    prove(server, examples=20, steps=30, kills=0)


def test_the_promises_hold_over_kills_of_the_server(own_directory: Path) -> None:
    with EmbeddedValkey(own_directory) as server:
        prove(server, examples=5, steps=30, kills=2)


@pytest.mark.prove
@pytest.mark.parametrize("server", ["valkey", "redis"], indirect=True)
def test_the_promises_hold_for_long(server: EmbeddedValkey) -> None:
    prove(server, examples=300, steps=50, kills=0)


@pytest.mark.prove
def test_the_promises_hold_over_many_kills(own_directory: Path) -> None:
    with EmbeddedValkey(own_directory) as server:
        prove(server, examples=100, steps=50, kills=3)
