"""A service that nobody reaches, on real processes: the uptime check of `lumen setup` pages, and its slices are bad."""

import asyncio
import json

import pytest

from demo.world import World
from sandbox.client import SandboxClient, SeenMessage
from tests.scenarios.test_calling import after
from tests.scenarios.test_rollback import is_countdown
from tests.scenarios.test_upgrade import lumen

#: An hour in 15 s: a page needs two slices and their delay.
pytestmark = [pytest.mark.prove, pytest.mark.parametrize("world", [240.0], indirect=True)]

WATCHED = {"UPTIME_URL": "https://ion-api.example.com/healthz"}
#: Half an hour of slices.
SLICES = 6


async def bad_slices(world: World, **settings: str) -> int:
    """Of the error budget of availability, as of now."""
    code, said = await asyncio.to_thread(lumen, world, None, "tick", "--json", **settings)
    assert code in (0, 1, 2), said
    (turn,) = json.loads(said)
    (budget,) = (one for one in turn["assessment"]["slo"]["budgets"] if one["name"] == "availability")
    return int(budget["bad"])


def is_page(message: SeenMessage) -> bool:
    return "Page, firing" in message.text


async def test_failures_of_the_uptime_check_page_and_are_bad_slices(world: World, slack: SandboxClient) -> None:
    code, said = lumen(world, None, "setup", "apply", **WATCHED)
    assert (code, "uptime check" in said) == (0, True), said
    world.start_bot(**WATCHED)
    await after(slack, 20)  # it has been answered
    before = await bad_slices(world, **WATCHED)
    await slack.post("world/incident", kind="unreachable")
    page = await slack.wait_for_message(is_page, within_seconds=90)
    assert "The uptime check gets no answer: whatever would have come counts as failed." in page.text
    await after(slack, 5 * SLICES)
    await slack.post("world/incident/stop", all=True)
    await slack.wait_for_message(lambda m: m.ts == page.ts and ": over after" in m.text, within_seconds=120)
    assert not any(is_countdown(m) for m in await slack.messages())  # no release is to blame
    assert await bad_slices(world, **WATCHED) >= before + SLICES


async def test_without_a_check_nobody_can_tell_it_from_sleep(world: World, slack: SandboxClient) -> None:
    world.start_bot()
    await slack.post("world/incident", kind="unreachable")
    await after(slack, 60)
    before = await bad_slices(world)
    await after(slack, 5 * SLICES)
    assert not any(is_page(m) for m in await slack.messages())
    assert await bad_slices(world) == before
