"""Slack answers 429 to everything for a while: waited out as it asks, and nothing stands twice."""

from collections import Counter

import pytest

from demo.world import World
from sandbox.client import SandboxClient
from tests.scenarios.test_loop import a_card, until
from tests.scenarios.test_two_bots import surfaces

pytestmark = [pytest.mark.prove, pytest.mark.parametrize("world", [240.0], indirect=True)]


async def test_a_storm_of_429_is_waited_out(world: World, slack: SandboxClient) -> None:
    """Each method asks for two seconds, thirty times over."""
    world.start_bot()
    await a_card(slack, 420)
    before = await slack.calls_total()
    await slack.fault("*", "ratelimited", times=30, seconds=2)
    await slack.world.start_incident("bad_release_errors", error_share=0.1)
    await until(lambda: _is_paged(slack), 240, "the incident is shown")
    await slack.clear_faults()
    assert set((await surfaces(slack)).values()) == {1}
    refused = [call for call in await slack.calls(since=before) if call["status"] == 429]
    assert refused
    most = Counter(call["method"] for call in refused).most_common(1)[0]
    assert most[1] <= 30, most


async def _is_paged(slack: SandboxClient) -> bool:
    """It may be over by then: the release is rolled back meanwhile."""
    return any("availability" in m.text for m in await slack.messages() if m.ephemeral_to is None)
