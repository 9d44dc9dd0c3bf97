"""A new TTL for the keys that are cached already, over a real store and a real cache: told, resumed, never twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.keys import CacheSweeper, Pace
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.store.connection import open_store
from lumen.model import ion_contract
from lumen.model.messages import LeaseLost, Message, message
from lumen.model.proposal import Choice, Knob, Proposal, State
from lumen.model.service import Permit
from lumen.policies.guard import Automation
from lumen.ports.actuators import CacheKeys
from lumen.ports.clock import FaultPoint, no_fault
from lumen.use_cases import acting, leases
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Knobs, Turnable
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store

KEYS = 1000
FAST = Pace(batch=100, keys_per_second=0)


class Crash(BaseException):
    """Stands for kill -9."""


class House:
    """One store, and a cache with keys of the service and one of somebody else's."""

    def __init__(self, store: Store, cache: Redis) -> None:
        self.store, self.cache, self.clicks = store, cache, 0
        self.approvals = Approvals(store.proposals, Alike(self.knobs()), store.restraints)

    def knobs(self) -> Knobs:
        return {Knob.TTL: Turnable((RedisTtlActuator(self.cache, RedisTtl(self.cache, 300)),), "s", 60, 3600)}

    def replica(
        self, fault: FaultPoint = no_fault, *, keys: CacheKeys | None = None, dry_run: bool = False
    ) -> Execution:
        store = self.store
        keys = keys or CacheSweeper(self.cache, "ion:cache:", FAST)
        restraints = replace(store.restraints, automation=Automation(dry_run=dry_run))
        return Execution(store.proposals, store.claims, Alike(self.knobs()), Acting(restraints, Alike(keys)), fault)

    async def fill(self) -> None:
        pipeline = self.cache.pipeline(transaction=False)
        for number in range(KEYS):
            pipeline.set(f"ion:cache:{number}", "answer", ex=300)
        pipeline.set("session:1", "somebody", ex=1000)
        await pipeline.execute()

    async def ends(self) -> list[int]:
        pipeline = self.cache.pipeline(transaction=False)
        for number in range(KEYS):
            pipeline.ttl(f"ion:cache:{number}")
        return list(await pipeline.execute())

    async def proposed(self, wanted: int, *, existing: bool = True) -> Proposal:
        return await self.approvals.propose(SERVICE, Knob.TTL, wanted, KIM, f"to-{wanted}", existing=existing)

    async def approve(self, made: Proposal) -> Proposal:
        self.clicks += 1
        return (
            await self.approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), f"click-{self.clicks}")
        ).proposal

    async def settle(self, replica: Execution) -> None:
        working = asyncio.create_task(replica.settle(SERVICE))
        while not working.done():
            value, version = await self.cache.hmget(ion_contract.CONFIG_KEY, ["value", "version"])
            if value is not None and version is not None:
                await self.cache.hset(ion_contract.ACK_KEY, mapping={"value": value, "version": version})
            await asyncio.wait({working}, timeout=0.01)
        working.result()

    async def finished(self, made: Proposal) -> Proposal:
        for _ in range(200):
            with suppress(LeaseLost):
                await self.settle(self.replica())
            found = await self.store.proposals.get(SERVICE, made.id)
            assert found is not None
            if found.state not in (State.APPROVED, State.APPLYING):
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("never finished")


@pytest.fixture
async def house(state_url: str, cache_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=3))
    redis, cache = open_store(state_url), open_server(cache_url)
    store = Store.over(redis)
    await store.prepare()
    house = House(store, cache)
    await house.fill()
    yield house
    await redis.aclose()
    await cache.aclose()


async def test_shorter_lives_and_nothing_else_touched(house: House) -> None:
    made = await house.approve(await house.proposed(120))
    assert made.draft.reasons[-1].code == "approval.existing_too"
    done = await house.finished(made)
    assert done.state is State.APPLIED
    assert done.note is not None
    assert (done.note.code, done.note.params["seen"], done.note.params["changed"]) == ("execution.retimed", KEYS, KEYS)
    assert max(await house.ends()) <= 120
    assert await house.cache.ttl("session:1") > 900


async def test_longer_lives_and_the_way_back(house: House) -> None:
    change = await house.finished(await house.approve(await house.proposed(900)))
    assert change.state is State.APPLIED
    assert max(await house.ends()) > 310
    undo = await house.approvals.propose_undo(SERVICE, change.id, KIM, "undo-1")
    assert undo.draft.existing
    assert (await house.finished(await house.approve(undo))).state is State.APPLIED
    assert max(await house.ends()) <= 300


async def test_without_the_word_no_key_is_touched(house: House) -> None:
    done = await house.finished(await house.approve(await house.proposed(120, existing=False)))
    assert done.note is not None
    assert done.note.code == "execution.applied"
    assert min(await house.ends()) > 250


@pytest.mark.parametrize("point", ["execute.waiting", "execute.retiming", "execute.retimed", "execute.applied"])
async def test_a_crash_in_the_middle_is_resumed(house: House, point: str) -> None:
    made = await house.approve(await house.proposed(120))

    def fault(name: str) -> None:
        if name == point:
            raise Crash(name)

    with pytest.raises(Crash):
        await house.settle(house.replica(fault))
    done = await house.finished(made)
    assert done.state is State.APPLIED
    assert max(await house.ends()) <= 120
    assert (await house.cache.hgetall(ion_contract.CONFIG_KEY))["version"] == "1"


async def test_the_card_shows_how_far_it_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=15))  # nobody crashes here
    monkeypatch.setattr(acting, "TELL_EVERY_SECONDS", 0.02)
    made = await house.approve(await house.proposed(120))
    slow = CacheSweeper(house.cache, "ion:cache:", Pace(batch=100, keys_per_second=5000))
    await house.settle(house.replica(keys=slow))
    entries = await house.store.audit.entries(SERVICE, 100)
    assert len([e for e in entries if e.proposal_id == made.id and "execution.retiming" in e.data]) > 2


async def test_a_refusal_leaves_the_setting_in_force_and_says_so(house: House) -> None:
    await house.approve(await house.proposed(120))
    await house.settle(house.replica(keys=CacheSweeper(house.cache, "ion:", FAST)))
    (done, *_) = await house.store.proposals.recent(SERVICE, 1)
    assert done.state is State.APPLIED
    assert done.note is not None
    assert done.note.code == "execution.not_retimed"
    assert done.note.params["reason"] == message("actuator.prefix_too_wide", prefix="ion:")


async def test_a_dry_run_counts_and_changes_nothing(house: House) -> None:
    await house.approve(await house.proposed(120))
    await house.settle(house.replica(dry_run=True))
    (done, *_) = await house.store.proposals.recent(SERVICE, 1)
    assert done.state is State.ABANDONED
    assert done.note is not None
    would = done.note.params["would"]
    assert isinstance(would, Message)
    assert (done.note.code, would.code, would.params["seen"]) == ("execution.dry_run", "execution.would_retime", KEYS)
    assert min(await house.ends()) > 250
