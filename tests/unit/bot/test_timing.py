"""Three clocks, of which one may step: service time goes on, and people read which clock is wrong."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers import base
from apscheduler.triggers import interval
from hypothesis import given
from hypothesis import strategies as st

from bot.timing import every
from lumen.adapters.clock import AGREE_WITHIN, ScaledClock, SystemClock, Wall
from lumen.ports.clock import ClockOffsets

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE, NO_TIME = timedelta(minutes=1), timedelta()
STEPS = st.timedeltas(-timedelta(days=30), timedelta(days=30))


@dataclass
class Machine:
    """True time passes; the host's clock and the store's may be wrong by any amount."""

    passed: timedelta = NO_TIME
    host_off: timedelta = NO_TIME
    store_off: timedelta = NO_TIME

    def wall(self) -> Wall:
        return Wall(lambda: NOON + self.passed + self.host_off, lambda: 1000.0 + self.passed.total_seconds())

    def compare(self, wall: Wall) -> ClockOffsets:
        return wall.compare(NOON + self.passed + self.store_off)


@given(st.lists(st.tuples(st.sampled_from(["host", "store"]), STEPS), max_size=6))
def test_no_step_of_one_clock_moves_service_time(steps: list[tuple[str, timedelta]]) -> None:
    """Whichever clock steps, however far; before the next one does, the first is set right."""
    machine = Machine()
    wall = machine.wall()
    assert machine.compare(wall).all_agree
    for whose, by in steps:
        machine.host_off, machine.store_off = (by, NO_TIME) if whose == "host" else (NO_TIME, by)
        for _ in range(3):
            machine.passed += MINUTE
            offsets = machine.compare(wall)
            assert abs(wall.now() - (NOON + machine.passed)) <= AGREE_WITHIN
            wrong, right = (offsets.host, offsets.store) if whose == "host" else (offsets.store, offsets.host)
            assert right == NO_TIME
            assert wrong == (by if abs(by) > AGREE_WITHIN else NO_TIME)
        machine.host_off = machine.store_off = NO_TIME
        assert machine.compare(wall).all_agree
        assert wall.now() == NOON + machine.passed


def test_at_the_start_the_store_counts_and_both_set_right_are_followed() -> None:
    machine = Machine(host_off=-timedelta(hours=2))
    wall = machine.wall()
    assert machine.compare(wall) == ClockOffsets(host=-timedelta(hours=2))
    assert wall.now() == NOON
    machine.passed, machine.host_off = timedelta(hours=5), NO_TIME  # also after a machine that was suspended
    assert machine.compare(wall).all_agree
    assert wall.now() == NOON + timedelta(hours=5)


def test_between_two_comparisons_a_step_of_the_host_is_not_seen() -> None:
    machine = Machine()
    wall = machine.wall()
    clocks = SystemClock(wall), ScaledClock(60.0, NOON, wall)
    machine.passed, machine.host_off = MINUTE, -timedelta(hours=2)
    assert [clock.now() for clock in clocks] == [NOON + MINUTE, NOON + timedelta(hours=1)]


async def test_it_wakes_also_where_the_host_s_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second wake-up finds the host's clock two hours back: the third must not wait for them."""
    back, woke, third = timedelta(), 0, asyncio.Event()

    class Stepping(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - back

    for module in (base, interval):
        monkeypatch.setattr(module, "datetime", Stepping)

    async def wake() -> None:
        nonlocal woke, back
        woke += 1
        back = timedelta(hours=2) if woke == 2 else back
        if woke == 3:
            third.set()

    waking = asyncio.create_task(every(0.05, wake))
    await asyncio.wait_for(third.wait(), timeout=30)
    waking.cancel()
