"""A page on real processes: people are called, a pager hears of it, somebody is on it, and it is over."""

import pytest

from demo.world import World
from handlers.blocks.incident import ON_IT
from lumen.model.alert import short_id
from sandbox.client import SandboxClient
from tests.pager_server import ROUTING_KEY, pager_server
from tests.scenarios.test_loop import until

#: An hour in 15 s: a page needs two slices and their delay.
pytestmark = [pytest.mark.prove, pytest.mark.parametrize("world", [240.0], indirect=True)]


async def test_a_page_calls_until_somebody_is_on_it_through_a_kill_9(world: World, slack: SandboxClient) -> None:
    group = world.addresses.approver_group
    async with pager_server() as pager:
        of_calling = {
            "ONCALL_GROUP": group,
            "ONCALL_REPEAT": "20m",
            "PAGER_WEBHOOK_URL": f"{pager.url.replace('://', f'://{ROUTING_KEY}@')}/v2/enqueue",
            "ROLLBACK_TIMEOUT_SECONDS": "86400",
        }
        bot = world.start_bot(**of_calling)
        await slack.post("world/incident", kind="bad_release_errors", error_share=0.1)
        page = await slack.wait_for_message(
            lambda m: "please look" in m.text and ON_IT in m.action_ids(), within_seconds=90
        )
        assert f"<!subteam^{group}>" in page.text
        bot.kill()
        world.start_bot("heir", **of_calling)

        async def called_again() -> bool:
            return any("still needs somebody" in m.text for m in await slack.messages(thread_ts=page.ts))

        async def told(*steps: str) -> bool:
            return list(dict.fromkeys(pager.steps)) == list(steps)

        await until(called_again, 90, "the thread calls again")
        await until(lambda: told("trigger"), 60, "the pager hears of it")
        await slack.click(page, ON_IT)
        await slack.wait_for_message(lambda m: m.ts == page.ts and "is on it since" in m.text, within_seconds=60)
        await until(lambda: told("trigger", "acknowledge"), 60, "the pager hears that somebody is on it")
        calls = len([m for m in await slack.messages(thread_ts=page.ts) if "still needs somebody" in m.text])

        await slack.post("world/incident/stop", all=True)
        over = await slack.wait_for_message(lambda m: m.ts == page.ts and ": over after" in m.text, within_seconds=120)
        await until(lambda: told("trigger", "acknowledge", "resolve"), 60, "the pager hears that it is over")
        assert {body["dedup_key"] for body in pager.bodies} == {pager.bodies[0]["dedup_key"]}
        assert len([m for m in await slack.messages(thread_ts=page.ts) if "still needs somebody" in m.text]) == calls

        key = pager.bodies[0]["dedup_key"]
        assert short_id(key) in over.text
        await slack.command(f"/lumen history {key}")
        shown = await slack.wait_for_message(lambda m: bool(m.ephemeral_to) and f"Incident {short_id(key)}" in m.text)
        assert "is on it" in shown.text
        assert "The pager was told that it is over" in shown.text
