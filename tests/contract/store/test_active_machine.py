"""No work is ever without its hint: changes that are announced and run later or never, rests by what was seen long ago,
several processes, hints that are lost, clocks that step; on a real server.

The server's clock cannot be set, so everything that was said of it is moved instead: it is a step of the clock back
that makes a moment lie later.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from demo.valkey import EmbeddedValkey
from lumen.adapters.store.active import RedisHint
from lumen.adapters.store.hint import ACTIVE, touch
from lumen.adapters.store.scripts import SCHEMA, all_keys, script
from lumen.model.service import ServiceId
from lumen.use_cases.active import Active
from tests.contract.store.builders import OTHER, SERVICE, Store, patient
from tests.contract.store.machines import played

T = TypeVar("T")
SERVICES = (SERVICE, OTHER)
PICK = st.integers(0, 7)
#: Within this no moment of a change that is on its way is one of another time.
STEPS_MS = st.sampled_from([-400, -3, 3, 400])
BRIEF_MS, LONG_MS = 2, 8000


@dataclass
class Announced:
    """A change whose hint was raised, and that has not arrived."""

    service: ServiceId
    not_after: int


class Machine(RuleBasedStateMachine):
    """Two processes that let services rest, and others that change something in two steps, as on a cluster."""

    server: EmbeddedValkey

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.on_the_way: list[Announced] = []
        self.seen: list[dict[ServiceId, float]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.store.redis.aclose())
        self.runner.close()

    @initialize()
    def begin(self) -> None:
        self.store = Store.over(patient(self.server.url))
        self.run(self.store.prepare())
        self.processes = [Active(RedisHint(self.store.redis), SERVICES, self.store.clock) for _ in range(2)]
        for process in self.processes:
            self.run(_of(process.now()))
        self.all_that_was_said_is_long_past()

    @rule(service=st.sampled_from(SERVICES), within_ms=st.sampled_from([BRIEF_MS, LONG_MS]))
    def announce(self, service: ServiceId, within_ms: int) -> None:
        async def send() -> None:
            change = Announced(service, int(await self.store.now_ms()) + within_ms)
            client: Any = self.store.redis  # this method carries no types
            for command in touch(ACTIVE, service, change.not_after):
                await client.execute_command(*command)
            self.on_the_way.append(change)

        self.run(send())

    @rule(pick=PICK)
    def arrive(self, pick: int) -> None:
        if self.on_the_way:
            self.run(self._arrive(self.on_the_way.pop(pick % len(self.on_the_way))))

    async def _arrive(self, change: Announced) -> None:
        keys, wanted, client = all_keys(change.service), script("outbox_mark"), cast(Any, self.store.redis)
        await client.eval(wanted.text, len(keys), *keys, f",{SCHEMA},", str(change.not_after), "report/20261122", "")

    @rule(service=st.sampled_from(SERVICES))
    def change_at_once(self, service: ServiceId) -> None:
        self.run(self.store.audit.add(service, "taken", "U1", "incident"))

    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        async def looked() -> None:
            found = await RedisHint(self.store.redis).active()
            self.seen.append({one: found.services[one.key] for one in SERVICES if one.key in found.services})

        self.run(looked())
        del self.seen[: pick // 2]

    @rule(pick=PICK)
    def rest_by_what_was_seen(self, pick: int) -> None:
        if self.seen:
            self.run(self._rest(pick))

    @rule(pick=PICK, arriving=PICK)
    def rest_while_one_arrives(self, pick: int, arriving: int) -> None:
        if self.seen and self.on_the_way:
            change = self.on_the_way.pop(arriving % len(self.on_the_way))
            self.run(_both(self._rest(pick), self._arrive(change)))

    async def _rest(self, pick: int) -> None:
        await RedisHint(self.store.redis).rest(self.seen[pick % len(self.seen)], self.store.clock.now())

    @rule(process=st.integers(0, 1))
    def ask(self, process: int) -> None:
        self.run(_of(self.processes[process].now()))

    @rule(process=st.integers(0, 1))
    def settle(self, process: int) -> None:
        self.run(self.processes[process].rest())

    @rule(service=st.sampled_from(SERVICES))
    def show(self, service: ServiceId) -> None:
        async def showed() -> None:
            for dirty in await self.store.outbox.dirty(service):
                await self.store.outbox.shown(dirty, "C1", "1.0")

        self.run(showed())

    @rule()
    def time_passes(self) -> None:
        self.run(self.store.pass_time(timedelta(milliseconds=BRIEF_MS)))

    @rule()
    def the_hint_is_lost(self) -> None:
        self.run(_of(self.store.redis.delete(ACTIVE)))

    @rule()
    def all_that_was_said_is_long_past(self) -> None:
        self.move(-2 * LONG_MS)

    @rule(later_ms=STEPS_MS)
    def the_clock_steps(self, later_ms: int) -> None:
        self.move(later_ms)

    def move(self, later_ms: int) -> None:
        async def step() -> None:
            for key in (await RedisHint(self.store.redis).active()).services:
                await self.store.redis.zincrby(ACTIVE, later_ms, key)

        self.run(step())
        for change in self.on_the_way:
            change.not_after += later_ms
        self.seen = [{one: score + later_ms for one, score in seen.items()} for seen in self.seen]

    @invariant()
    def work_has_its_hint(self) -> None:
        hinted = self.run(RedisHint(self.store.redis).active())
        for service in SERVICES:
            has_work = bool(self.run(self.store.outbox.dirty(service)))
            is_looked_for = service.key in hinted.services or hinted.since is None
            assert is_looked_for or not has_work, f"{service.key} has work that nobody looks for"


async def _of(work: Awaitable[T]) -> T:
    return await work


async def _both(*work: Coroutine[Any, Any, None]) -> Sequence[None]:
    return await asyncio.gather(*work)


def prove(server: EmbeddedValkey, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        type("MachineHere", (Machine,), {"server": server}),
        settings=played(examples, steps),
    )


@pytest.mark.parametrize("server", ["valkey"], indirect=True)
def test_no_work_is_ever_without_its_hint(server: EmbeddedValkey) -> None:
    prove(server, examples=10, steps=30)


@pytest.mark.prove
def test_no_work_is_ever_without_its_hint_for_long(server: EmbeddedValkey) -> None:
    prove(server, examples=500, steps=50)
