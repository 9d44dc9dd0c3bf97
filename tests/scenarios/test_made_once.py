"""What is scheduled is made once, by however many bots."""

import time
from collections import Counter

import pytest

from demo.world import World
from sandbox.client import SandboxClient
from tests.scenarios.test_loop import QUIET, until
from tests.scenarios.test_two_bots import stored_turns, surfaces

pytestmark = pytest.mark.prove


@pytest.mark.parametrize("world", [480.0], indirect=True)
async def test_turns_and_digests_are_made_once(world: World, slack: SandboxClient) -> None:
    """More than a day of service time, three bots, one of which is killed and comes back."""
    daily = {**QUIET, "DIGEST_TIMEZONE": "UTC"}
    doomed = world.start_bot("doomed", **daily)
    world.start_bot("second", **daily)
    world.start_bot("third", **daily)
    began = time.monotonic()
    await until(lambda: _digests(slack, 1), 240, "the first digest")
    doomed.kill()
    world.start_bot("heir", **daily)
    await until(lambda: _digests(slack, 2), 360 - (time.monotonic() - began) + 60, "the second digest")
    turns = stored_turns(world)
    slots = Counter(turn["slot"] for turn in turns if turn["occasion"] != "asked")
    assert len(slots) >= 24
    assert set(slots.values()) == {1}, slots
    found = await surfaces(slack)
    assert set(found.values()) == {1}, found
    assert all(child_is_well(world, name) for name in ("second", "third", "heir"))


async def _digests(slack: SandboxClient, count: int) -> bool:
    return sum(1 for surface in await surfaces(slack) if "/digest/" in surface) >= count


def child_is_well(world: World, name: str) -> bool:
    return "Traceback" not in (world.children / f"{name}.log").read_text(errors="replace")
