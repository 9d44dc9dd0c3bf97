"""One response class of request_count stops while the others go on: real processes, and Cloud Monitoring's answers.

Other label values and kinds of holes: tests/contract/use_cases/test_holes.py, some of them in every run.
"""

import asyncio

import pytest

from demo.world import World
from lumen.adapters.google.monitoring_query import REQUESTS
from sandbox.client import SandboxClient, SeenMessage
from tests.scenarios.test_loop import QUIET, is_open_card
from tests.scenarios.test_rollback import AN_HOUR, GOOD, is_countdown, says, traffic

#: An hour in 15 s: a look at the metrics each 1.25 s.
pytestmark = [pytest.mark.prove, pytest.mark.parametrize("world", [240.0], indirect=True)]


async def a_class_stops(slack: SandboxClient, response_class: str) -> None:
    await slack.post("world/series", metric=REQUESTS, label="response_code_class", value=response_class, gone=True)


async def service_time(world: World, minutes: float) -> None:
    """Let so much of it go by."""
    await asyncio.sleep(minutes * 60 / world.clock.scale)


def is_page(seen: SeenMessage) -> bool:
    return "*availability* · page" in seen.text


def waits_for_data(seen: SeenMessage) -> bool:
    return is_page(seen) and "The newest minutes cannot be judged" in seen.text


def asks_for_lack_of_data(seen: SeenMessage) -> bool:
    return is_open_card(seen) and not is_countdown(seen) and "There is no fresh and complete data" in seen.text


async def test_a_good_release_whose_successes_are_no_longer_counted_is_left_alone(
    world: World, slack: SandboxClient
) -> None:
    world.start_bot(**QUIET | AN_HOUR)
    await slack.wait_for_connections(2, within_seconds=60)
    await slack.post("world/deploy")
    await service_time(world, 20)
    await a_class_stops(slack, "2xx")
    await service_time(world, 150)
    assert not [m.text for m in await slack.messages() if is_page(m) or is_countdown(m)]
    assert GOOD not in await traffic(slack)


async def test_a_bad_release_whose_failures_are_no_longer_counted_stays_paged(
    world: World, slack: SandboxClient
) -> None:
    """Nothing is withdrawn and nothing done while nobody can tell; it goes on once the series is back."""
    world.start_bot(**AN_HOUR)
    await slack.wait_for_connections(2, within_seconds=60)
    await slack.post("world/deploy", error_share=0.08)
    card = await slack.wait_for_message(is_countdown, within_seconds=120)
    await a_class_stops(slack, "5xx")
    await slack.wait_for_message(waits_for_data, within_seconds=60)
    # The countdown's time is up, and people are asked instead, with the reason.
    await says(slack, card, "· superseded")
    question = await slack.wait_for_message(asks_for_lack_of_data, within_seconds=60)
    await service_time(world, 60)
    assert GOOD not in await traffic(slack)
    assert any(waits_for_data(m) for m in await slack.messages())
    await slack.post("world/metrics", on=True)
    await says(slack, question, "Rolls back to 00041-qhm")
    await says(slack, question, "· applied")
    assert await traffic(slack) == {GOOD: 100}
