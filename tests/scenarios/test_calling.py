"""A page on real processes: people are called, a pager hears of it, somebody is on it, and it is over."""

from datetime import timedelta

import pytest

from demo.world import World
from handlers.blocks.incident import ON_IT
from lumen.model.alert import short_id
from sandbox.client import SandboxClient, SeenMessage
from tests.pager_server import ROUTING_KEY, pager_server
from tests.scenarios.test_loop import shown, until

#: The second group of the sandbox; nobody of it may approve.
LEADS = "S0IONLEAD1"
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

        key = pager.bodies[0]["dedup_key"].rpartition("/")[2]
        assert short_id(key) in over.text
        await slack.command(f"/lumen history {key}")
        shown = await slack.wait_for_message(lambda m: bool(m.ephemeral_to) and f"Incident {short_id(key)}" in m.text)
        assert "is on it" in shown.text
        assert "The pager was told that it is over" in shown.text


async def texts_of_calls(slack: SandboxClient, page: SeenMessage, words: str) -> list[str]:
    return [m.text for m in await slack.messages(thread_ts=page.ts) if m.ts != page.ts and words in m.text]


async def after(slack: SandboxClient, minutes: float) -> None:
    """So long, of service time."""
    begun = (await slack.world.clock()).now

    async def passed() -> bool:
        return (await slack.world.clock()).now - begun > timedelta(minutes=minutes)

    await until(passed, 60, f"{minutes} minutes pass")


async def test_a_page_that_nobody_answers_reaches_the_second_group_once(world: World, slack: SandboxClient) -> None:
    """Two bots, one of which dies between the calls. Who is called so may approve nothing, and answers all the same."""
    of_calling = {
        "ONCALL_GROUP": world.addresses.approver_group,
        "ONCALL_REPEAT": "10m",
        "ONCALL_ESCALATION": LEADS,
        "ROLLBACK_TIMEOUT_SECONDS": "86400",
    }
    bot = world.start_bot(**of_calling)
    world.start_bot("other", **of_calling)
    await slack.post("world/incident", kind="bad_release_errors", error_share=0.1)
    page = await slack.wait_for_message(
        lambda m: "please look" in m.text and ON_IT in m.action_ids(), within_seconds=90
    )

    async def called_twice() -> bool:
        return len(await texts_of_calls(slack, page, "still needs somebody")) >= 2

    await until(called_twice, 90, "the thread calls twice")
    bot.kill()

    async def ended() -> bool:
        return bool(await texts_of_calls(slack, page, "nobody has answered"))

    await until(ended, 180, "the thread calls the second group")
    await after(slack, 30)
    assert len(await texts_of_calls(slack, page, "still needs somebody")) <= 6  # who is late calls once for several
    (last,) = await texts_of_calls(slack, page, "nobody has answered")
    assert last.startswith(f"<!subteam^{LEADS}>: nobody has answered 7 calls.")
    assert "nobody has answered 7 calls" in (await shown(slack, page)).text
    jonas = world.addresses.bystander
    assert (await slack.click(await shown(slack, page), ON_IT, user=jonas)).acked
    await slack.wait_for_message(lambda m: m.ts == page.ts and "is on it since" in m.text, within_seconds=60)


async def test_a_pager_of_last_resort_hears_of_a_page_when_nobody_answers(world: World, slack: SandboxClient) -> None:
    async with pager_server() as pager:
        world.start_bot(
            ONCALL_GROUP=world.addresses.approver_group,
            ONCALL_REPEAT="10m",
            ONCALL_ESCALATION="pager",
            PAGER_WEBHOOK_URL=f"{pager.url.replace('://', f'://{ROUTING_KEY}@')}/v2/enqueue",
            ROLLBACK_TIMEOUT_SECONDS="86400",
        )
        await slack.post("world/incident", kind="bad_release_errors", error_share=0.1)
        page = await slack.wait_for_message(
            lambda m: "please look" in m.text and ON_IT in m.action_ids(), within_seconds=90
        )

        async def called() -> bool:
            return bool(await texts_of_calls(slack, page, "still needs somebody"))

        await until(called, 90, "the thread calls again")
        assert pager.steps == []

        async def told() -> bool:
            return pager.steps[:1] == ["trigger"] and bool(
                await texts_of_calls(slack, page, "the pager is called instead")
            )

        await until(told, 120, "the pager hears of it, and the thread says so")
