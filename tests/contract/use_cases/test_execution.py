"""Carrying out, over a real store and a real cache: effectively once, resumed after a crash at every named point."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis as SyncRedis

from lumen.adapters.cache.client import open_cache
from lumen.adapters.cache.servers import CacheClient
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.checks import would
from lumen.adapters.store.connection import open_store
from lumen.model import ion_contract
from lumen.model.messages import ActuatorFailed, LeaseLost, Message, message
from lumen.model.proposal import Change, Choice, Knob, Origin, Proposal, State, number
from lumen.model.service import Permit, ServiceId
from lumen.policies.guard import Automation
from lumen.ports.actuators import Reading
from lumen.ports.clock import FaultPoint, no_fault
from lumen.use_cases import leases
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import HOLDS_FOR, Execution
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.restrictions import Restraints
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.crashes import Crash, crash_at

POINTS = [
    "execute.claimed",
    "execute.applying",
    "execute.set.redis",
    "execute.set.second",
    "execute.waiting",
    "execute.undone",
    "execute.applied",
]


class Second:
    """Another place that holds the TTL; counts what is really changed, and refuses when told to."""

    name = "second"

    def __init__(self) -> None:
        self.value = 300
        self.changes = 0
        self.refuses = False
        self.cannot = False
        self.full = message("actuator.below_used", wanted_mb=10, used_mb=20.0)
        self.follows = True

    def refusal(self) -> ActuatorFailed:
        return ActuatorFailed(self.full, self.full)

    async def read(self, service: ServiceId) -> Reading:
        del service
        return Reading(self.value, "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        del service, expected, proposal_id
        if self.cannot or (self.refuses and self.value != change.new):
            raise self.refusal()
        if self.value != change.new:
            self.value, self.changes = number(change.new), self.changes + 1
        return Reading(self.value, "")

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        del service
        if self.cannot:
            raise self.refusal()
        return would(self.name, change, anything=expected.value != change.new)

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        del service, wanted
        return self.follows


class House:
    """One store, one cache, a service that follows (or not), and as many replicas as a test wants."""

    def __init__(self, store: Store, cache: CacheClient) -> None:
        self.store = store
        self.cache = cache
        self.second = Second()
        self.redis_actuator = RedisTtlActuator(cache, RedisTtl(cache, 300))
        self.approvals = Approvals(store.proposals, Alike(self.knobs()), store.restraints)
        self.clicks = 0

    def knobs(self) -> Knobs:
        return {Knob.TTL: Turnable((self.redis_actuator, self.second), "s", 60, 3600)}

    def restraints(self, *, dry_run: bool = False) -> Restraints:
        return replace(self.store.restraints, automation=Automation(dry_run=dry_run))

    def replica(self, fault: FaultPoint = no_fault, *, dry_run: bool = False) -> Execution:
        store = self.store
        acting = Acting(self.restraints(dry_run=dry_run))
        return Execution(store.proposals, store.claims, Alike(self.knobs()), acting, fault)

    async def approved(self, ttl_seconds: int = 420) -> Proposal:
        made = await self.approvals.propose(SERVICE, Knob.TTL, ttl_seconds, KIM, f"request-{ttl_seconds}")
        return await self.approve(made)

    async def approve(self, made: Proposal) -> Proposal:
        self.clicks += 1
        decided = await self.approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), f"click-{self.clicks}")
        return decided.proposal

    async def now(self, proposal: Proposal) -> Proposal:
        found = await self.store.proposals.get(SERVICE, proposal.id)
        assert found is not None
        return found

    async def follow(self) -> None:
        """What the service does at its next look."""
        value, version = await self.cache.hmget(ion_contract.CONFIG_KEY, ["value", "version"])
        if value is not None and version is not None:
            await self.cache.hset(ion_contract.ACK_KEY, mapping={"value": value, "version": version})

    async def settle(self, replica: Execution) -> None:
        """Carry out while the service goes on looking."""
        working = asyncio.create_task(replica.settle(SERVICE))
        while not working.done():
            await self.follow()
            await asyncio.wait({working}, timeout=0.01)
        working.result()


@pytest.fixture(params=["one cache", pytest.param("a cluster", marks=pytest.mark.prove)])
async def house(
    state_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    # A crashed holder's lease must run out before another may go on; the tests do not wait 15 s for that.
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=3))
    cache_url = request.getfixturevalue("cache_url" if request.param == "one cache" else "cache_cluster_url")
    redis, cache = open_store(state_url), open_cache(cache_url)
    store = Store.over(redis)
    await store.prepare()
    yield House(store, cache)
    await redis.aclose()
    await cache.aclose()


async def resumed(house: House, proposal: Proposal) -> Proposal:
    """Other replicas look again and again, as the worker does, until nothing is left to do."""
    for _ in range(200):
        with suppress(LeaseLost):  # a machine too busy to renew in time: the next round goes on
            await house.settle(house.replica())
        found = await house.now(proposal)
        if found.state not in (State.APPROVED, State.APPLYING):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"never finished: {found}")


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_anywhere_is_resumed_once(house: House, point: str) -> None:
    proposal = await house.approved()
    crashed = False
    try:
        await house.settle(house.replica(crash_at(point)))
    except Crash:
        crashed = True
    assert crashed == (point != "execute.undone")  # that point is for undoing alone
    found = await resumed(house, proposal)
    assert found.state is State.APPLIED
    assert await house.cache.hgetall(ion_contract.CONFIG_KEY) == {
        "value": "420",
        "version": "1",
        "old": "300",
        "proposal": proposal.id,
    }
    assert house.second.changes == 1
    applied = [e for e in await house.store.audit.entries(SERVICE, 100) if e.detail == "APPLIED"]
    assert len(applied) == 1


@pytest.mark.parametrize("point", POINTS)
async def test_undoing_is_resumed_too_and_marks_what_it_took_back(house: House, point: str) -> None:
    change = await house.approved()
    await house.settle(house.replica())
    undo = await house.approve(await house.approvals.propose_undo(SERVICE, change.id, KIM, "undo-1"))
    try:
        await house.settle(house.replica(crash_at(point)))
    except Crash:
        pass
    else:
        raise AssertionError("every point is passed by an undo")
    assert (await resumed(house, undo)).state is State.APPLIED
    assert (await house.now(change)).state is State.UNDONE
    assert (await house.redis_actuator.read(SERVICE)).value == 300


@pytest.mark.parametrize(("point", "set_before"), [("execute.applying", False), ("execute.set.redis", True)])
async def test_a_worker_that_lost_its_lease_sets_nothing_more(
    house: House, state_url: str, point: str, *, set_before: bool
) -> None:
    """It slept, or was cut off: it finds out before it sets, not after."""
    proposal = await house.approved()

    def taken_away(name: str) -> None:
        if name == point:
            with SyncRedis.from_url(state_url) as store:
                for key in store.scan_iter("*lease-until"):
                    store.delete(key)

    with pytest.raises(LeaseLost):
        await house.settle(house.replica(taken_away))
    assert bool(await house.cache.hgetall(ion_contract.CONFIG_KEY)) == set_before
    assert house.second.changes == 0
    assert (await resumed(house, proposal)).state is State.APPLIED
    assert house.second.changes == 1


async def test_moved_premises_change_nothing_and_are_proposed_afresh(house: House) -> None:
    proposal = await house.approved()
    await house.cache.hset(ion_contract.CONFIG_KEY, mapping={"value": "360", "version": "7"})
    await house.settle(house.replica())
    assert (await house.now(proposal)).state is State.ABANDONED
    assert (await house.redis_actuator.read(SERVICE)).value == 360
    fresh = await house.store.proposals.unfinished(SERVICE)
    assert [(p.state, p.draft.change.old, p.draft.change.new) for p in fresh] == [(State.PENDING, 360, 420)]


async def test_a_value_that_came_true_by_itself_is_not_proposed_again(house: House) -> None:
    proposal = await house.approved()
    await house.cache.hset(ion_contract.CONFIG_KEY, mapping={"value": "420", "version": "7"})
    await house.settle(house.replica())
    assert (await house.now(proposal)).state is State.ABANDONED
    assert await house.store.proposals.unfinished(SERVICE) == []


async def test_what_was_moved_while_a_crashed_replica_was_away_is_not_overwritten(house: House) -> None:
    proposal = await house.approved()
    with pytest.raises(Crash):
        await house.settle(house.replica(crash_at("execute.applying")))
    await house.cache.hset(ion_contract.CONFIG_KEY, mapping={"value": "900", "version": "5"})
    assert (await resumed(house, proposal)).state is State.ABANDONED
    assert (await house.redis_actuator.read(SERVICE)).value == 900


async def test_not_applied_unless_every_place_follows(house: House) -> None:
    house.second.follows = False
    proposal = await house.approved()
    await house.settle(house.replica())
    found = await house.now(proposal)
    assert found.state is State.FAILED
    assert found.note is not None
    assert found.note.code == "execution.not_followed"


async def test_a_dry_run_does_nothing(house: House) -> None:
    proposal = await house.approved()
    await house.settle(house.replica(dry_run=True))
    found = await house.now(proposal)
    assert found.state is State.ABANDONED
    assert found.note is not None
    assert found.note.code == "execution.dry_run"
    assert await house.cache.hgetall(ion_contract.CONFIG_KEY) == {}


async def test_ten_replicas_apply_once(house: House) -> None:
    proposal = await house.approved()
    await asyncio.gather(*(house.settle(house.replica()) for _ in range(10)))
    assert (await resumed(house, proposal)).state is State.APPLIED
    assert house.second.changes == 1
    assert (await house.redis_actuator.read(SERVICE)).version == "1"


@pytest.mark.parametrize("point", ["", "execute.claimed"])
async def test_an_approval_that_was_not_begun_ages_out_and_is_asked_again(house: House, point: str) -> None:
    """Nobody was there to carry it out for half an hour."""
    proposal = await house.approved()
    if point:
        with pytest.raises(Crash):
            await house.settle(house.replica(crash_at(point)))
    house.store.clock.time += HOLDS_FOR + timedelta(seconds=1)
    await house.settle(house.replica())
    found = await house.now(proposal)
    assert (found.state, found.note and found.note.code) == (State.ABANDONED, "execution.judged_long_ago")
    assert await house.cache.hgetall(ion_contract.CONFIG_KEY) == {}
    (again,) = await house.store.proposals.unfinished(SERVICE)
    assert (again.state, again.draft.change) == (State.PENDING, proposal.draft.change)
    await house.approve(again)
    assert (await resumed(house, again)).state is State.APPLIED


async def test_a_hastened_countdown_ages_out_too(house: House) -> None:
    draft = (await house.approvals.propose(SERVICE, Knob.TTL, 420, KIM, "r")).draft
    draft = replace(draft, origin=Origin.POLICY, asked_by=None, request_id="countdown")
    made = await house.store.proposals.propose(draft, timedelta(hours=1), timedelta(minutes=5))
    await house.approve(made)
    house.store.clock.time += HOLDS_FOR + timedelta(seconds=1)
    await house.settle(house.replica())
    assert (await house.now(made)).state is State.ABANDONED
    assert await house.cache.hgetall(ion_contract.CONFIG_KEY) == {}


async def test_what_was_begun_does_not_age_out(house: House) -> None:
    proposal = await house.approved()
    with pytest.raises(Crash):
        await house.settle(house.replica(crash_at("execute.applying")))
    house.store.clock.time += 2 * HOLDS_FOR
    assert (await resumed(house, proposal)).state is State.APPLIED


async def test_a_dry_run_finishes_nothing_that_was_begun(house: House) -> None:
    proposal = await house.approved()
    with pytest.raises(Crash):
        await house.settle(house.replica(crash_at("execute.set.redis")))
    await asyncio.sleep(1.1)  # the lease of the one that crashed
    await house.settle(house.replica(dry_run=True))
    found = await house.now(proposal)
    assert (found.state, house.second.value) == (State.FAILED, 300)
    assert found.note is not None
    assert (found.note.code, found.note.params["places"]) == ("execution.partly_applied", "redis")
