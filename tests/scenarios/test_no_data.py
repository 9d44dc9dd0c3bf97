"""No data is never a value: with a part of the world gone the turn ends, says what is missing, and proposes nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from demo.world import World
from sandbox.client import SandboxClient, SeenMessage
from tests.scenarios.test_loop import is_open_card, is_report

#: What is taken away, how (control path and body), and words that the report must say about it.
GONE: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "a metric": ("world/metrics", {"late": {"run.googleapis.com/request_count": 7200}}, "request_count"),
    "the right to read metrics": ("world/permissions", {"denied": ["monitoring.*"]}, "roles/monitoring.viewer"),
    "the cache": ("world/incident", {"kind": "redis_down"}, "valkey.sock"),
}


def what_is_missing(message: SeenMessage) -> str:
    """The report's list of what could not be measured."""
    return message.text.partition("Missing")[2] or message.text


# In every run the sources are asked themselves (tests/contract/google/test_sandbox_measurements.py).
@pytest.mark.prove
@pytest.mark.parametrize("gone", sorted(GONE))
async def test_the_turn_says_what_is_missing_and_proposes_nothing(
    world: World, slack: SandboxClient, gone: str
) -> None:
    path, body, words = GONE[gone]
    await slack.post(path, **body)
    world.start_bot(OBSERVE_ONLY="0")
    report = await slack.wait_for_message(is_report, within_seconds=60)
    assert words in what_is_missing(report)
    assert not any(is_open_card(message) for message in await slack.messages())

    # Once it is back, the very next turn is whole, and proposes.
    await slack.post("world/incident/stop", all=True)
    await slack.post("world/clear")
    await slack.post("world/metrics", on=True)
    await slack.command("/lumen run")
    await slack.wait_for_message(is_open_card, within_seconds=60)
