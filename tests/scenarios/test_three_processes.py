"""Three processes on one store share a fleet's turns; one is killed in the middle of a slot, and two go on."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from demo.processes import Child
from tests.scenarios.test_loop import until
from tests.scenarios.workers import Fleet, a_fleet, shares

pytestmark = pytest.mark.prove

SERVICES = 60
#: An hour lasts 75 seconds of the wall: longer than the part of one that was killed is held.
SCALE = 48.0
SLOTS_AFTER = 2


async def test_three_processes_share_a_fleet_and_two_go_on_when_one_is_killed(memory_directory: Path) -> None:
    async with a_fleet("none", memory_directory, SERVICES, SCALE) as fleet:
        children = {name: _start(fleet, name) for name in ("first", "second", "third")}
        await _know_each_other(children)
        begun = (await fleet.slack.world.clock()).now.replace(minute=0, second=0, microsecond=0)
        slot = await fleet.an_hour(begun)
        await fleet.all_done(slot)
        made = _made(children, slot)
        sys.stdout.write(f"three processes {shares(made)} %\n")
        assert sum(made.values()) == SERVICES
        assert all(25 <= share <= 42 for share in shares(made).values()), made

        slot = await fleet.an_hour(slot)

        async def is_at_it() -> bool:
            return _made(children, slot)["third"] > 0

        await until(is_at_it, 60, "the third has begun")
        children["third"].kill()
        assert sum(fleet.turns(slot)) < SERVICES, "it was killed too late"
        await fleet.all_done(slot)
        made = _made(children, slot)
        sys.stdout.write(f"while one was killed {shares(made)} %, of which it made {made['third']}\n")

        del children["third"]
        await _know_each_other(children)
        made = Counter()
        for _ in range(SLOTS_AFTER):
            slot = await fleet.an_hour(slot)
            await fleet.all_done(slot)
            made += _made(children, slot)
        sys.stdout.write(f"after one was killed {shares(made)} %\n")
        assert sum(made.values()) == SLOTS_AFTER * SERVICES
        assert all(40 <= share <= 60 for share in shares(made).values()), made


def _start(fleet: Fleet, name: str) -> Child:
    child = fleet.world.child(name)
    given = fleet.world.bot_environment(0, **fleet.settings)
    command = [sys.executable, "-m", "tests.scenarios.turning"]
    child.start(command, {k: v for k, v in given.items() if "TOKEN" not in k}, fleet.world.directory)
    return child


async def _know_each_other(children: Mapping[str, Child]) -> None:
    """Each has a part of its own."""

    async def known() -> bool:
        parts = [[line for line in _lines(child) if line.startswith("part ")] for child in children.values()]
        return all(said and said[-1] == f"part {SERVICES // len(children)}" for said in parts)

    await until(known, 120, "each knows of the others that live")


def _lines(child: Child) -> Sequence[str]:
    return child.output_path.read_text().splitlines()


def _made(children: Mapping[str, Child], slot: datetime) -> Counter[str]:
    """How many turns of that slot each has told of."""
    mark = f"turn {slot.isoformat()} "
    return Counter({name: sum(line.startswith(mark) for line in _lines(child)) for name, child in children.items()})
