"""The bot beside a store whose clock steps, and on a host whose clock does: what it does by itself, and what it says.

The real store cannot be told another time, so the two other clocks step instead: together they are right.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from bot.config import Settings
from bot.duties import Kicks
from bot.http import Metrics
from bot.run import Bot
from bot.store import StateStore
from bot.wiring.parts import Lumen
from bot.wiring.slack import SlackSide
from lumen.adapters.clock import SystemClock, Wall
from lumen.model.service import ServiceId
from lumen.ports.clock import no_fault
from lumen.use_cases.active import Active
from tests.contract.store.builders import SERVICE, Store

HOURS = timedelta(hours=2)


@dataclass
class Machine:
    """A bot with one countdown, and the clocks of the machine that it runs on."""

    store: Store
    stepped: timedelta = timedelta()
    passed: timedelta = timedelta()
    settled: list[ServiceId] = field(default_factory=list)
    began: list[ServiceId] = field(default_factory=list)

    async def settle(self, service: ServiceId) -> None:
        self.settled.append(service)

    async def due(self, service: ServiceId) -> list[object]:
        self.began.append(service)
        return []

    def monotonic(self) -> float:
        return self.passed.total_seconds()

    def bot(self) -> Bot:
        start = datetime.now(UTC)
        wall = Wall(lambda: start + self.passed + self.stepped, self.monotonic)
        state = StateStore(self.store.redis, SystemClock(wall), no_fault)
        settings = SimpleNamespace(
            services=(SERVICE,), lumen_locale="en", output_dir="", takes_triggers=False, has_workers=False
        )
        execution = SimpleNamespace(due=self.due)
        rounds, changes = SimpleNamespace(publish=None), SimpleNamespace(execution=execution)
        active = Active(state.hint, (SERVICE,), state.clock)
        lumen = SimpleNamespace(store=state, active=active, rounds=rounds, changes=changes, countdowns=(self,))
        slack = SimpleNamespace(outbox=SimpleNamespace(kick=lambda: None))
        metrics = cast(Metrics, SimpleNamespace(duties=None))
        made = cast(Settings, settings), cast(Lumen, lumen), cast(SlackSide, slack)
        return Bot(*made, metrics, Kicks())


@pytest.fixture
async def machine(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machine]:
    yield Machine(store)


async def test_no_countdown_ends_while_the_stores_clock_is_wrong(machine: Machine) -> None:
    """What was approved is carried out all the same."""
    bot = machine.bot()
    await bot.settle()
    assert machine.settled == [SERVICE]
    machine.passed = HOURS  # for the machine; the store's clock says that no time has passed
    await bot.settle()
    assert (machine.settled, machine.began) == ([SERVICE], [SERVICE, SERVICE])
    machine.passed = timedelta()
    await bot.settle()
    assert machine.settled == [SERVICE, SERVICE]


async def test_a_step_of_the_hosts_clock_holds_up_nothing_and_moves_no_slot(machine: Machine) -> None:
    bot = machine.bot()
    await bot.settle()
    for machine.stepped in (-HOURS, HOURS):
        await bot.settle()
        assert abs(bot._lumen.store.clock.now() - datetime.now(UTC)) < timedelta(seconds=30)
    assert len(machine.settled) == 3
