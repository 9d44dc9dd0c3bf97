"""Each knob is carried out by itself: nothing slow holds up another approval, and a stop waits for what it cancels."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.workers import ExecutionPool
from lumen.model.messages import Message, SourceUnavailable, message
from lumen.model.proposal import Change, Choice, Knob, Proposal, State, Value
from lumen.model.service import Permit, ServiceId
from lumen.ports.actuators import Reading
from lumen.ports.clock import no_fault
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Knobs, Turnable
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store

#: Generous: machines are slow and busy.
SOON_SECONDS = 60.0


@dataclass
class Place:
    """A knob in memory whose `set` waits for `open`, and may fail."""

    value: Value = 300
    open: asyncio.Event = field(default_factory=asyncio.Event)
    sets: int = 0
    cancelled: int = 0
    fails: bool = False
    name: str = "memory"

    async def read(self, service: ServiceId) -> Reading:
        return Reading(self.value, "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        if self.fails:
            raise SourceUnavailable(message("state.too_late_remedy"), message("state.too_late_remedy"))
        self.sets += 1
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.value = change.new
        return Reading(self.value, "")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return True

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        raise AssertionError("nothing is rehearsed here")


class House:
    """A slow knob and a quick one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.slow, self.quick = Place(), Place()
        self.quick.open.set()
        self.knobs: Knobs = {
            Knob.TTL: Turnable((self.slow,), "s", 60, 3600),
            Knob.CACHE_SIZE: Turnable((self.quick,), "MB", 10, 1024),
        }
        self.ended = 0
        self.again = asyncio.Event()

    def pool(self) -> ExecutionPool:
        store = self.store
        execution = Execution(store.proposals, store.claims, Alike(self.knobs), Acting(store.restraints), no_fault)
        return ExecutionPool(execution, self._end, self.again.set)

    def _end(self) -> None:
        self.ended += 1

    async def approved(self, knob: Knob, wanted: int) -> Proposal:
        approvals = Approvals(self.store.proposals, Alike(self.knobs), self.store.restraints)
        made = await approvals.propose(SERVICE, knob, wanted, KIM, f"r{knob}{wanted}")
        return (await approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), f"c{knob}{wanted}")).proposal

    async def state(self, proposal: Proposal) -> State:
        found = await self.store.proposals.get(SERVICE, proposal.id)
        assert found is not None
        return found.state


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_SECONDS):
        while not true():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


async def test_a_slow_change_holds_up_no_other_approval(house: House) -> None:
    pool = house.pool()
    slow = await house.approved(Knob.TTL, 420)
    await pool.begin(SERVICE)
    await until(lambda: house.slow.sets == 1)
    quick = await house.approved(Knob.CACHE_SIZE, 384)
    for _ in range(3):
        await pool.begin(SERVICE)
    await until(lambda: house.ended == 1)
    assert (await house.state(quick), await house.state(slow)) == (State.APPLIED, State.APPLYING)
    assert pool.under_way == ((SERVICE, Knob.TTL),)
    house.slow.open.set()
    await until(lambda: house.ended == 2)
    assert await house.state(slow) is State.APPLIED
    assert (house.slow.sets, house.quick.sets, len(pool.under_way)) == (1, 1, 0)


async def test_a_stop_cancels_and_waits_and_the_next_process_goes_on(house: House) -> None:
    pool = house.pool()
    slow = await house.approved(Knob.TTL, 420)
    await pool.begin(SERVICE)
    await until(lambda: house.slow.sets == 1)
    await pool.stop()
    assert (house.slow.cancelled, len(pool.under_way)) == (1, 0)
    assert await house.state(slow) is State.APPLYING
    house.slow.open.set()
    other = house.pool()
    await other.begin(SERVICE)  # the lease was given back
    await until(lambda: house.ended == 2)
    assert await house.state(slow) is State.APPLIED


async def test_what_fails_waits_for_the_next_round(house: House) -> None:
    pool = house.pool()
    house.slow.fails = True
    slow = await house.approved(Knob.TTL, 420)
    for rounds in (1, 2):
        await pool.begin(SERVICE)
        await until(lambda rounds=rounds: house.ended == rounds)  # type: ignore[misc]
    assert await house.state(slow) is State.APPLYING
    assert not house.again.is_set()
    house.slow.fails = False
    house.slow.open.set()
    await pool.begin(SERVICE)
    await until(lambda: house.ended == 3)
    assert await house.state(slow) is State.APPLIED


async def test_what_is_approved_in_the_last_moments_is_looked_for_again(house: House) -> None:
    pool = house.pool()
    first = await house.approved(Knob.TTL, 420)
    await pool.begin(SERVICE)
    await until(lambda: house.slow.sets == 1)
    # Another replica finishes it while ours still holds on to its task.
    lease = await house.store.leases.acquire(SERVICE, "another", timedelta(seconds=30))
    assert lease is not None
    await house.store.proposals.advance(SERVICE, first.id, lease, State.APPLIED, None)
    house.slow.value = 420
    await house.approved(Knob.TTL, 480)
    await pool.begin(SERVICE)
    assert not house.again.is_set()
    house.slow.open.set()
    await asyncio.wait_for(house.again.wait(), SOON_SECONDS)
