"""The inspector's World panel against the whole sandbox process: the service as it is, and incidents by hand."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from demo.__main__ import GUIDE
from demo.world import Clock, World
from sandbox.client import SandboxClient
from sandbox.slack.directory import KOREAN_READER
from tests.browser.conftest import DESKTOP, PHONE, Screen, at_both_widths

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The servers and the sandbox; no bot."""
    directory = tmp_path_factory.mktemp("world")
    with World(directory, Clock(60.0, datetime.now(UTC).isoformat()), guide=GUIDE) as world:
        yield world


@pytest.fixture
async def sandbox(running: World) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(running.addresses.control) as client:
        yield client
        await client.world.stop_incidents()


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


@at_both_widths
async def test_the_first_minute_is_guided(
    browser: Browser, running: World, sandbox: SandboxClient, screen: Screen
) -> None:
    """In the reader's language; its button starts what it says, and it goes away and comes back."""
    context = await browser.new_context(viewport={"width": screen.width, "height": screen.height})
    page = await context.new_page()
    guide = page.get_by_role("region", name="First minute")
    await page.goto(f"{running.addresses.page}?user={KOREAN_READER.id}")
    await expect(guide).to_contain_text("1/7 릴리스 망가뜨리기")
    await page.goto(f"{running.addresses.page}?user={running.addresses.approver}")
    async with page.expect_response(re.compile("/control/world/incident")):
        await guide.get_by_role("button", name="Break the release").click()
    await guide.get_by_role("button", name="Next step").click()
    await expect(guide).to_contain_text("2/7")
    await guide.get_by_role("button", name="Close the guide").click()
    await expect(guide).to_have_count(0)
    await page.get_by_role("button", name="First minute").click()
    await expect(guide).to_be_visible()
    assert [one.kind for one in await sandbox.world.incidents()] == ["bad_release_errors"]
    await context.close()
