"""The daily digest as a person sees it: in the channel once, at nine o'clock of its readers, with its picture."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import async_playwright, expect

from demo.world import World
from sandbox.client import SandboxClient
from tests.chromium import FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.prove]


def zone_where_nine_is_next(now: datetime) -> str:
    """A zone in which the next whole hour of `now` is nine o'clock."""
    offset = (9 - (now.astimezone(UTC).hour + 1) + 12) % 24 - 12
    return f"Etc/GMT{-offset:+d}"  # the signs of these names are the other way round


async def test_the_digest_comes_once_with_a_picture_that_is_seen(
    world: World, slack: SandboxClient, chromium: str
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra charts")
    now = datetime.fromisoformat((await slack.get("world/state"))["now"])
    zone = zone_where_nine_is_next(now + timedelta(minutes=20))
    world.start_bot(DIGEST_TIMEZONE=zone)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = await browser.new_page(viewport={"width": 1280, "height": 1400})
        await page.goto(world.addresses.page)
        digest = page.locator(".message").filter(has_text="ion-api: digest of")
        await expect(digest).to_be_visible(timeout=180_000)
        image = digest.locator("img").last
        await expect(image).to_be_visible()
        await page.wait_for_function(
            "image => image.complete && image.naturalWidth > 0", arg=await image.element_handle(), timeout=30_000
        )
        assert await image.evaluate("image => image.naturalWidth") > 1000
        alt = await image.get_attribute("alt")
        assert alt is not None
        assert "Hit rate: " in alt
        nine = now.astimezone(ZoneInfo(zone)).replace(hour=9)
        assert f"up to {nine:%Y-%m-%d} 09:00" in alt
        await browser.close()
    digests = [m for m in await slack.messages() if "digest of" in m.text]
    assert len(digests) == 1
    assert len(await slack.calls(method="files.completeUploadExternal")) == 1
