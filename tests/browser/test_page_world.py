"""The inspector's World panel against the whole sandbox process: the service as it is, and incidents by hand."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from demo.world import World
from sandbox.client import SandboxClient
from tests.browser.conftest import DESKTOP, PHONE, Screen, at_both_widths

pytestmark = pytest.mark.browser


@pytest.fixture
async def panel(browser: Browser, running: World, sandbox: SandboxClient, screen: Screen) -> AsyncIterator[Locator]:
    context = await browser.new_context(viewport={"width": screen.width, "height": screen.height})
    page: Page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(running.addresses.page)
    await page.get_by_role("button", name="Inspector").click()
    inspector = page.get_by_role("complementary", name="Inspector")
    await inspector.get_by_role("button", name="World").click()
    yield inspector
    assert await page.evaluate("document.documentElement.scrollWidth") <= screen.width
    await context.close()
    assert errors == []


@at_both_widths
async def test_the_service_as_it_is(panel: Locator) -> None:
    await expect(panel).to_contain_text("which runs 60 times as fast")
    await expect(panel).to_contain_text("TTL that is served300 s")
    await expect(panel).to_contain_text(re.compile(r"Process cache2000 entries in each of \d+ instances"))
    await expect(panel).to_contain_text(re.compile(r"Hit rate, 5 min\d+\.\d %"), timeout=10_000)
    await expect(panel).to_contain_text("100 % → ion-api-00041-qhm")


@at_both_widths
async def test_an_incident_is_started_and_stopped(panel: Locator, sandbox: SandboxClient, screen: Screen) -> None:
    assert screen in (DESKTOP, PHONE)
    await panel.get_by_role("button", name="Start traffic_flash").click()
    stop = panel.get_by_role("button", name="Stop traffic_flash")
    await expect(stop).to_be_visible()
    (incident,) = await sandbox.world.incidents()
    assert incident.kind == "traffic_flash"
    await stop.click()
    await expect(stop).to_have_count(0)
    assert await sandbox.world.incidents() == []


async def test_a_scenario_is_planned_and_taken_back(panel: Locator, sandbox: SandboxClient) -> None:
    await panel.get_by_role("button", name="Play cache-degraded").click()
    await expect(panel).to_contain_text(re.compile(r"Planned: cache_degraded at \d{4}-\d\d-\d\d"))
    await sandbox.world.stop_incidents()
    await expect(panel.get_by_text("Planned:")).to_have_count(0)
