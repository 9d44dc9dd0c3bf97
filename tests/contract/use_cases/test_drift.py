"""What others flushed, restarted or failed over, over a real store and a real cache: set again once, and said."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.memory import MB, RedisMemoryActuator
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.controls import RedisControls
from lumen.model import ion_contract
from lumen.model.incident import Pause
from lumen.model.messages import Message, SourceUnavailable, message
from lumen.model.proposal import Change, Choice, Knob, Proposal, State
from lumen.model.service import Permit, ServiceId
from lumen.model.snapshot import Window
from lumen.policies.guard import Automation, Locks
from lumen.ports.actuators import Actuator, Reading
from lumen.ports.clock import FaultPoint, no_fault
from lumen.use_cases import drift as room
from lumen.use_cases import leases
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.drift import Drift
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.restrictions import Restraints
from lumen.wording.catalogue import Catalogue
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.crashes import Crash, crash_at

QUIET, UNLOCKED = Automation(), Locks()


class House:
    """One store, one cache, a service that follows, and changes that were applied."""

    def __init__(self, store: Store, cache: Redis) -> None:
        self.store, self.cache = store, cache
        self.controls = RedisControls(store.redis, store.clock)
        self.requests = 0

    def knobs(self) -> Knobs:
        ttl = RedisTtlActuator(self.cache, RedisTtl(self.cache, 300))
        memory = RedisMemoryActuator(self.cache)
        return {
            Knob.TTL: Turnable((ttl,), "s", 60, 3600, forgets=ttl),
            Knob.CACHE_SIZE: Turnable((memory,), "MB", 10, 1024, forgets=memory),
        }

    def drift(
        self,
        fault: FaultPoint = no_fault,
        *,
        automation: Automation = QUIET,
        locks: Locks = UNLOCKED,
        dry_run: bool = False,
    ) -> Drift:
        store = self.store
        return Drift(
            store.proposals,
            store.claims,
            Acting(Restraints(self.controls, store.clock, replace(automation, dry_run=dry_run), Alike(locks))),
            store.turns,
            store.audit,
            Alike(self.knobs()),
            fault,
        )

    async def approved(self, knob: Knob, wanted: int) -> Proposal:
        self.requests += 1
        approvals = Approvals(self.store.proposals, Alike(self.knobs()), self.store.restraints)
        made = await approvals.propose(SERVICE, knob, wanted, KIM, f"request-{self.requests}")
        return (
            await approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), f"click-{self.requests}")
        ).proposal

    async def applied(self, knob: Knob = Knob.TTL, wanted: int = 420) -> Proposal:
        made = await self.approved(knob, wanted)
        store = self.store
        execution = Execution(store.proposals, store.claims, Alike(self.knobs()), Acting(store.restraints), no_fault)
        working = asyncio.create_task(execution.settle(SERVICE))
        while not working.done():
            value, version = await self.cache.hmget(ion_contract.CONFIG_KEY, ["value", "version"])
            if value is not None and version is not None:
                await self.cache.hset(ion_contract.ACK_KEY, mapping={"value": value, "version": version})
            await asyncio.wait({working}, timeout=0.01)
        working.result()
        found = await store.proposals.get(SERVICE, made.id)
        assert found is not None
        assert found.state is State.APPLIED
        store.clock.time += timedelta(hours=1)
        return found

    async def ttl(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in (await self.cache.hgetall(ion_contract.CONFIG_KEY)).items()}

    async def drift_audit(self) -> list[str]:
        """Codes, oldest first."""
        entries = [e for e in await self.store.audit.entries(SERVICE, 100) if e.event == "drift"]
        return [json.loads(e.data)["code"] for e in reversed(entries)]


class Shaky:
    """A place that sets the value and then loses its answer, so many times."""

    def __init__(self, real: Actuator, fails: int) -> None:
        self._real, self._fails = real, fails
        self.name = real.name

    async def read(self, service: ServiceId) -> Reading:
        return await self._real.read(service)

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        done = await self._real.set(service, change, expected, proposal_id)
        if self._fails:
            self._fails -= 1
            raise SourceUnavailable(message("state.too_late_remedy"), message("state.too_late_remedy"))
        return done

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return await self._real.followed(service, wanted)

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        return await self._real.rehearse(service, change, expected)


@pytest.fixture
async def house(state_url: str, cache_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(room, "LEASE", timedelta(seconds=3))
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=3))
    redis, cache = open_store(state_url), open_server(cache_url)
    store = Store.over(redis)
    await store.prepare()
    yield House(store, cache)
    await redis.aclose()
    await cache.aclose()


async def codes(drift: Drift) -> list[str]:
    return [said.code for said in await drift.look(SERVICE)]


async def test_what_stands_as_it_was_applied_is_not_mentioned(house: House) -> None:
    assert await codes(house.drift()) == []
    await house.applied()
    assert await codes(house.drift()) == []
    assert await house.drift_audit() == []


async def test_a_flush_is_set_right_once_and_then_only_said(house: House) -> None:
    applied = await house.applied()
    await house.cache.flushall()
    (said,) = await house.drift().look(SERVICE)
    assert (said.code, said.params["present"], said.params["approved"]) == ("drift.set_again", 300, 420)
    assert await house.ttl() == {"value": "420", "version": "1", "old": "300", "proposal": applied.id}
    assert await codes(house.drift()) == []
    assert await house.drift_audit() == ["drift.setting_again", "drift.set_again"]
    await house.cache.flushall()
    for _ in range(2):
        assert await codes(house.drift()) == ["drift.lost_again"]
    assert await house.ttl() == {}


async def test_what_is_approved_after_that_is_set_again_once_too(house: House) -> None:
    for wanted in (420, 480):
        await house.applied(wanted=wanted)
        await house.cache.flushall()
        assert await codes(house.drift()) == ["drift.set_again"]


async def test_a_failover_to_an_older_state_is_no_persons_doing(house: House) -> None:
    first = await house.applied(wanted=420)
    await house.applied(wanted=480)
    await house.cache.hset(
        ion_contract.CONFIG_KEY, mapping={"value": "420", "version": "1", "old": "300", "proposal": first.id}
    )
    assert await codes(house.drift()) == ["drift.set_again"]
    assert (await house.ttl())["value"] == "480"


@pytest.mark.parametrize("mark", ["kept", "removed"])
async def test_what_somebody_set_is_respected(house: House, mark: str) -> None:
    await house.applied()
    if mark == "removed":
        await house.cache.delete(ion_contract.CONFIG_KEY)
    await house.cache.hset(ion_contract.CONFIG_KEY, mapping={"value": "300", "version": "7"})
    assert await codes(house.drift()) == ["drift.set_by_others"]
    assert (await house.ttl())["value"] == "300"


async def test_a_restart_gives_the_limit_back_and_it_is_set_again(
    state_url: str, memory_directory: Path, house: House
) -> None:
    del state_url
    server = EmbeddedValkey(memory_directory / "drifting", Kind.CACHE, maxmemory_mb=256)
    with server:
        house.cache = open_server(server.url)
        await house.applied(Knob.CACHE_SIZE, 320)
        await house.applied(Knob.CACHE_SIZE, 384)
        await house.cache.aclose()
    with server:
        house.cache = open_server(server.url)
        # 256 is what stood before the first of the two.
        (said,) = await house.drift().look(SERVICE)
        assert (said.code, said.params["present"]) == ("drift.set_again", 256)
        assert (await house.cache.config_get("maxmemory"))["maxmemory"] == str(384 * MB)
        await house.cache.config_set("maxmemory", 300 * MB)
        assert await codes(house.drift()) == ["drift.set_by_others"]
        await house.cache.aclose()


async def test_a_limit_that_somebody_set_back_on_a_running_server_is_respected(house: House) -> None:
    await house.cache.config_set("maxmemory", 256 * MB)
    await house.applied(Knob.CACHE_SIZE, 384)
    house.store.clock.time -= timedelta(hours=1)  # the server has been up for longer than the change
    await house.cache.config_set("maxmemory", 256 * MB)
    assert await codes(house.drift()) == ["drift.set_by_others"]


async def test_what_people_set_against_automation_holds_it_back(house: House) -> None:
    await house.applied()
    await house.cache.flushall()
    now = house.store.clock.time
    frozen = Automation(freezes=(Window(now - timedelta(hours=1), now + timedelta(hours=1)),))
    held = {
        "policy.held_disabled": house.drift(automation=Automation(disabled=True)),
        "policy.held_frozen": house.drift(automation=frozen),
        "restraint.pinned_by_setting": house.drift(locks=Locks(ttl_seconds=300)),
    }
    for reason, drift in held.items():
        assert await codes(drift) == ["drift.lost_held", reason]
    assert await codes(house.drift(dry_run=True)) == ["drift.lost_dry_run"]
    await house.controls.pause(SERVICE, Pause(KIM, now, None))
    assert await codes(house.drift()) == ["drift.lost_held", "policy.held_paused"]
    assert await house.ttl() == {}
    await house.controls.resume(SERVICE, KIM)
    # A new installation only watches, yet keeps what a person approved.
    observing = Automation(observe_until=now + timedelta(days=7))
    assert await codes(house.drift(automation=observing)) == ["drift.set_again"]


async def test_what_is_under_way_is_left_to_the_execution(house: House) -> None:
    await house.applied(wanted=420)
    await house.approved(Knob.TTL, 480)
    await house.cache.flushall()
    assert await codes(house.drift()) == []
    assert await house.ttl() == {}


async def test_without_data_nothing_is_judged(house: House) -> None:
    await house.applied()
    await house.cache.aclose()
    house.cache = open_server("redis://127.0.0.1:1")
    assert await codes(house.drift()) == []
    assert await house.drift_audit() == []


async def test_replicas_set_it_once(house: House) -> None:
    applied = await house.applied()
    await house.cache.flushall()
    said = await asyncio.gather(*(codes(house.drift()) for _ in range(8)))
    assert [one for one in said if one] == [["drift.set_again"]]
    assert await house.ttl() == {"value": "420", "version": "1", "old": "300", "proposal": applied.id}


@pytest.mark.parametrize(
    ("point", "then", "again"),
    [
        ("drift.claimed", "drift.set_again", "drift.lost_again"),
        # Its one time is used up, whether it was set or not: never twice, and people hear of it.
        ("drift.noted", "drift.lost_again", "drift.lost_again"),
        ("drift.set", "", "drift.lost_again"),
    ],
)
async def test_a_crash_never_sets_it_twice(house: House, point: str, then: str, again: str) -> None:
    await house.applied()
    await house.cache.flushall()
    with pytest.raises(Crash):
        await house.drift(crash_at(point)).look(SERVICE)
    await house.store.pass_time(timedelta(seconds=1))
    assert await codes(house.drift()) == ([then] if then else [])
    await house.cache.flushall()  # and lost once more
    assert await codes(house.drift()) == [again]
    assert await house.ttl() == {}


async def test_a_server_that_is_just_coming_back_gets_a_few_moments(house: House) -> None:
    applied = await house.applied()
    await house.cache.flushall()
    knobs = house.knobs()
    place = Shaky(knobs[Knob.TTL].places[0], fails=2)
    house.knobs = lambda: {Knob.TTL: replace(knobs[Knob.TTL], places=(place,))}  # type: ignore[method-assign]
    assert await codes(house.drift()) == ["drift.set_again"]
    assert await house.ttl() == {"value": "420", "version": "1", "old": "300", "proposal": applied.id}
    await house.cache.flushall()
    assert await codes(house.drift()) == ["drift.lost_again"]


async def test_what_cannot_be_set_again_says_why(house: House) -> None:
    await house.applied()
    await house.cache.flushall()
    await house.cache.execute_command("ACL", "SETUSER", "default", "-hset")  # type: ignore[no-untyped-call]
    try:
        said = await codes(house.drift())
    finally:
        await house.cache.execute_command("ACL", "SETUSER", "default", "+hset")  # type: ignore[no-untyped-call]
    assert said[0] == "drift.refused"
    assert await codes(house.drift()) == ["drift.lost_again"]


@pytest.mark.parametrize("locale", ["en", "ko"])
async def test_it_reads_well(house: House, locale: str) -> None:
    await house.applied()
    await house.cache.flushall()
    (said,) = await house.drift().look(SERVICE)
    assert "420" in Catalogue(locale).plain(said)
