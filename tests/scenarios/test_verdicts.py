"""What a change did, on real processes: a day of service time goes by, in the numerics worker of a real bot."""

import pytest

from demo.world import World
from sandbox.client import SandboxClient
from tests.scenarios.test_crashes import died
from tests.scenarios.test_loop import APPROVE, QUIET, a_card
from tests.scenarios.test_rollback import says

#: An hour in 6 s.
A_DAY_SOON = pytest.mark.parametrize("world", [600.0], indirect=True)
#: An hour in 15 s: a page needs two slices and their delay, and must open within two hours of the change.
A_PAGE_SOON = pytest.mark.parametrize("world", [240.0], indirect=True)


@A_DAY_SOON
@pytest.mark.prove
async def test_a_longer_ttl_holds_keys_back_and_says_what_they_tell(world: World, slack: SandboxClient) -> None:
    """The sandbox's ION has about a thousand keys, of which a tenth is too little to tell: that is said, after a crash
    too."""
    bot = world.start_bot(**QUIET, LUMEN_FAULT_AT="effect.judged")
    card = await a_card(slack, 900)
    await says(slack, card, "10% of the keys keep 300 s for 72 h")
    await slack.click(card, APPROVE)
    await says(slack, card, "· applied")
    await died(bot, within_seconds=400)  # killed with what it found in its hands
    world.start_bot("heir", **QUIET)
    await says(slack, card, "keys kept the old TTL and were asked for, where 200 are needed", within_seconds=300)


@A_PAGE_SOON
@pytest.mark.prove
async def test_a_page_right_after_a_change_asks_it_back(world: World, slack: SandboxClient) -> None:
    """In Redis alone: a change that makes a revision is blamed like a release, which is asked about instead."""
    world.start_bot(**QUIET, TTL_ACTUATOR="redis")
    card = await a_card(slack, 420)
    await slack.click(card, APPROVE)
    await says(slack, card, "· applied")
    await slack.post("world/incident", kind="vertex_trouble", error_share=0.5)
    back = await slack.wait_for_message(
        lambda m: APPROVE in m.action_ids() and "420 s → 300 s" in m.text, within_seconds=120
    )
    assert "as a precaution" in back.text
    await says(slack, card, "after the change")
    await slack.click(back, APPROVE)
    await says(slack, card, "· undone")
