"""`--apply` over a real store and a real cache: the steps of a click, and everything that holds it back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.controls import RedisControls
from lumen.model import ion_contract
from lumen.model.incident import Pause
from lumen.model.messages import NotPossible, OutcomeUnknown, message
from lumen.model.proposal import Decided, Decision, Knob, Proposal, State
from lumen.model.service import Approvers, Person, ServiceId
from lumen.policies.guard import Automation, Locks
from lumen.ports.clock import no_fault
from lumen.ports.store import Lease
from lumen.use_cases.acting import Acting
from lumen.use_cases.apply_now import Applying, Operators
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Turnable
from lumen.use_cases.restrictions import Restraints
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store

MINA = Person.operator("mina@naeda.example")
ALLOWED = Approvers(frozenset({"U1"}), frozenset(), frozenset({"mina@naeda.example"}))
QUIET = Automation()
UNLOCKED = Locks()


class House:
    """One store and one cache, whose service follows unless it is told not to."""

    def __init__(self, store: Store, cache: Redis) -> None:
        self.store = store
        self.cache = cache
        self.controls = RedisControls(store.redis, store.clock)
        self.follows = True

    def applying(
        self,
        approvers: Approvers = ALLOWED,
        automation: Automation = QUIET,
        locks: Locks = UNLOCKED,
        needed: int = 1,
        *,
        dry_run: bool = False,
    ) -> Applying:
        store = self.store
        knobs = {Knob.TTL: Turnable((RedisTtlActuator(self.cache, RedisTtl(self.cache, 300)),), "s", 60, 3600)}
        restraints = Restraints(self.controls, store.clock, replace(automation, dry_run=dry_run), Alike(locks))
        approvals = Approvals(store.proposals, Alike(knobs), restraints, needed)
        execution = Execution(store.proposals, store.claims, Alike(knobs), Acting(restraints), no_fault)
        return Applying(
            approvals,
            execution,
            store.proposals,
            restraints,
            store.audit,
            store.clock,
            Operators(approvers, store.audit),
        )

    async def apply(self, by: Applying, ttl_seconds: int = 420, person: Person = MINA) -> Proposal:
        working = asyncio.create_task(by.apply(SERVICE, Knob.TTL, ttl_seconds, person, f"cli:{ttl_seconds}"))
        while not working.done():
            if self.follows:
                await self._follow()
            await asyncio.wait({working}, timeout=0.01)
        return working.result()

    async def _follow(self) -> None:
        value, version = await self.cache.hmget(ion_contract.CONFIG_KEY, ["value", "version"])
        if value is not None and version is not None:
            await self.cache.hset(ion_contract.ACK_KEY, mapping={"value": value, "version": version})

    async def value(self) -> str | None:
        found = await self.cache.hget(ion_contract.CONFIG_KEY, "value")
        return None if found is None else str(found)


@pytest.fixture
async def house(state_url: str, cache_url: str) -> AsyncIterator[House]:
    redis, cache = open_store(state_url), open_server(cache_url)
    store = Store.over(redis)
    await store.prepare()
    yield House(store, cache)
    await redis.aclose()
    await cache.aclose()


async def test_it_goes_the_way_of_a_click(house: House) -> None:
    done = await house.apply(house.applying())
    assert (done.state, await house.value()) == (State.APPLIED, "420")
    assert done.decision is not None
    assert done.decision.person == MINA
    entries = [e for e in await house.store.audit.entries(SERVICE, 50) if e.event in ("proposed", "decided")]
    assert {entry.actor for entry in entries} == {"cli:mina@naeda.example"}
    assert [d.surface.kind for d in await house.store.outbox.dirty(SERVICE)] == ["proposal"]


@pytest.mark.parametrize("accounts", [frozenset[str](), frozenset({"lee@naeda.example"})])
async def test_nobody_without_the_right(house: House, accounts: frozenset[str]) -> None:
    with pytest.raises(NotPossible, match=r"apply\.no_right"):
        await house.apply(house.applying(Approvers(frozenset(), frozenset(), accounts)))
    assert await house.value() is None
    [entry] = await house.store.audit.entries(SERVICE, 10)
    assert (entry.event, entry.actor, entry.detail) == (
        "refused",
        "cli:mina@naeda.example",
        "apply ttl 420: apply.no_right",
    )


async def held(house: House, by: Applying, ttl_seconds: int = 420) -> str:
    """The code of what holds it back; nothing was proposed, and the refusal is on record."""
    with pytest.raises(NotPossible) as refused:
        await house.apply(by, ttl_seconds)
    assert await house.store.proposals.recent(SERVICE, 10) == []
    assert (await house.store.audit.entries(SERVICE, 1))[0].event == "refused"
    return refused.value.reason.code


async def test_what_people_have_set_holds_it_back(house: House) -> None:
    assert await held(house, house.applying(automation=Automation(disabled=True))) == "policy.held_disabled"
    assert await held(house, house.applying(locks=Locks(ttl_seconds=600))) == "restraint.pinned_by_setting"
    now = house.store.clock.now()
    await house.controls.pause(SERVICE, Pause(KIM, now, None))
    assert await held(house, house.applying()) == "policy.held_paused"
    await house.controls.pause(SERVICE, Pause(KIM, now, now + timedelta(hours=1)))
    assert await held(house, house.applying()) == "policy.held_paused_until"


async def test_what_does_not_hold_a_person_back(house: House) -> None:
    now = house.store.clock.now()
    await house.controls.pause(SERVICE, Pause(KIM, now, now - timedelta(minutes=1)))
    watching = Automation(observe_until=now + timedelta(days=7))
    assert (await house.apply(house.applying(automation=watching))).state is State.APPLIED
    pinned = house.applying(locks=Locks(ttl_seconds=600))
    assert (await house.apply(pinned, 600)).state is State.APPLIED


async def test_the_command_line_is_no_second_person(house: House) -> None:
    waiting = await house.apply(house.applying(needed=2))
    assert (waiting.state, waiting.votes, waiting.draft.approvals_needed) == (State.PENDING, (), 2)
    assert await house.value() is None


async def test_a_service_that_does_not_follow(house: House) -> None:
    house.follows = False
    done = await house.apply(house.applying())
    assert done.state is State.FAILED
    assert done.note is not None
    assert done.note.code == "execution.not_followed"


async def test_a_dry_run_changes_nothing(house: House) -> None:
    assert (await house.apply(house.applying(dry_run=True))).state is State.ABANDONED
    assert await house.value() is None


class Lossy:
    """The proposals, whose first answer to a decision gets lost after it has happened."""

    def __init__(self, store: Store) -> None:
        self._real = store.proposals
        self.lost = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    async def decide(
        self,
        service: ServiceId,
        proposal_id: str,
        decision: Decision,
        lease: Lease | None = None,
        reply_to: str = "",
    ) -> Decided:
        del reply_to
        found = await self._real.decide(service, proposal_id, decision, lease)
        if not self.lost:
            self.lost += 1
            raise OutcomeUnknown(message("state.too_late_remedy"), message("state.too_late_remedy"))
        return found


async def test_a_lost_answer_is_asked_for_again(house: House) -> None:
    lossy = Lossy(house.store)
    done = await house.apply(replace(house.applying(), proposals=lossy))  # type: ignore[arg-type]
    assert (done.state, lossy.lost) == (State.APPLIED, 1)
    decided = [e for e in await house.store.audit.entries(SERVICE, 50) if e.event == "decided"]
    assert len(decided) == 1
