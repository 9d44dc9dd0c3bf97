"""The first minute on the page, against the whole sandbox process, in which it breaks a release."""

import re

import pytest
from playwright.async_api import Browser, expect

from demo.world import World
from sandbox.client import SandboxClient
from sandbox.slack.directory import KOREAN_READER
from tests.browser.conftest import Screen, at_both_widths

pytestmark = pytest.mark.browser


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
