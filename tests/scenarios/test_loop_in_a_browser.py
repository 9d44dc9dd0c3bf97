"""The main job as a person does it: type, read the card, confirm, and see what it did."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page, async_playwright, expect

from demo.world import World
from sandbox.client import SandboxClient
from tests.chromium import FLAGS
from tests.collector import Collector, collector

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(world: World, chromium: str) -> AsyncIterator[Page]:
    """The workspace's page, opened by the approver."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        opened = await browser.new_page(viewport={"width": 1280, "height": 900})
        await opened.goto(world.addresses.page)
        yield opened
        await browser.close()


@pytest.fixture
def traces() -> Iterator[Collector]:
    """Where the bot sends its traces."""
    with collector() as listening:
        yield listening


async def type_command(page: Page, command: str) -> None:
    composer = page.get_by_role("textbox").first
    await composer.click()
    await composer.fill(command)
    await composer.press("Escape")
    await composer.press("Enter")


# An hour in 15 s: a report compares whole hours before and after a change.
@pytest.mark.parametrize("world", [240.0], indirect=True)
async def test_command_card_confirm_applied_acknowledged_hit_rate_up(
    world: World, page: Page, slack: SandboxClient
) -> None:
    world.start_bot(OBSERVE_ONLY="7d")
    await from_a_command_to_a_better_hit_rate(world, page, slack)


@pytest.mark.prove
@pytest.mark.parametrize("world", [240.0], indirect=True)
async def test_a_whole_bots_turns_click_and_change_are_a_trace_each(
    world: World, page: Page, slack: SandboxClient, traces: Collector
) -> None:
    bot = world.start_bot(OBSERVE_ONLY="7d", OTEL_EXPORTER_OTLP_ENDPOINT=traces.endpoint)
    await from_a_command_to_a_better_hit_rate(world, page, slack)
    await asyncio.to_thread(bot.stop)  # which sends the rest
    assert_each_has_its_trace(traces)


async def from_a_command_to_a_better_hit_rate(world: World, page: Page, slack: SandboxClient) -> None:
    await expect(page.get_by_text(re.compile(r"ion-api: \w+, health score [\d.]+ of 100")).first).to_be_visible(
        timeout=90_000
    )
    before = (await slack.get("world/state"))["ion"]["hit_rate"]["30"]

    await type_command(page, "/lumen ttl 600")
    # The report has the buttons too; the card comes after it.
    card = page.locator(".message").filter(has=page.get_by_role("button", name="Reject"), has_text="10 min").last
    await card.get_by_role("button", name=re.compile(r"^Approve [^,]*$")).click()  # one step alone
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("600 s instead of 300 s")
    await dialog.get_by_role("button", name="Set 600 s").click()

    applied = page.locator(".message").filter(has_text="TTL 300 s → 600 s (10 min) · applied")
    await expect(applied).to_be_visible(timeout=120_000)
    await expect(applied).to_contain_text("Approved by")
    await expect(applied).to_contain_text("acknowledged by the service")
    await expect(applied.get_by_role("button", name="Approve")).to_have_count(0)

    # A whole window after the change the whole report compares before and now.
    rise = re.compile(r"TTL 300 → 600 s.*hit rate ([\d.]+)% before, ([\d.]+)% now", re.DOTALL)
    for _ in range(60):
        await slack.command("/lumen report")
        await asyncio.sleep(5)
        text = "\n".join(m.text for m in await slack.messages())
        if found := rise.search(text):
            break
    else:
        pytest.fail(f"no report showed the rise; the last ones:\n{text}")
    assert float(found[2]) > float(found[1])
    assert (await slack.get("world/state"))["ion"]["hit_rate"]["30"] > before


def assert_each_has_its_trace(traces: Collector) -> None:
    """The turns, the clicks and the one change: none is part of another."""
    turns, changes = traces.named("turn"), traces.named("change")
    assert turns
    assert len({turn["turn"] for turn in turns}) == len(turns)
    assert len({change["proposal"] for change in changes}) == 1
    assert len(traces.named("click")) == 1
    assert len({span.trace_id for span in traces.spans}) == len(traces.spans)
    assert not any(span.parent_span_id for span in traces.spans)
