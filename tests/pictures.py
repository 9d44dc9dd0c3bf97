"""`make pictures`: the demo on a phone, as README.md and docs/tutorial.md show it, and its words
(docs/demo.txt).

tests/docs/test_pictures.py holds that no two figures in these words contradict each other.
"""

import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Locator, Page, ViewportSize, async_playwright, expect

from demo.__main__ import BUDGET_USD, GUIDE, met
from demo.world import Clock, World
from tests.chromium import FLAGS, find_chromium

DOCS = Path(__file__).parents[1] / "docs"
SCREEN = ViewportSize(width=390, height=844)
#: As high as the longest message.
WHOLE = ViewportSize(width=390, height=2400)
#: For the first report and its proposal; an hour takes a minute.
PATIENCE_MS = 180_000
#: One step alone, where several may be approved at once.
APPROVE = re.compile(r"^Approve [^,]*$")
#: Until the page stands still after a click.
SETTLED_MS = 1_000


def main() -> None:
    """Write all. Ends the process with 1 where there is no browser."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Pictures need Chromium: install it, or name it with CHROMIUM=/path/to/it.")
    with tempfile.TemporaryDirectory(prefix="lumen-pictures-") as directory:
        clock = Clock(60.0, datetime.now(UTC).isoformat())
        with World(Path(directory), clock, guide=GUIDE, history_days=42, budget_usd=BUDGET_USD) as world:
            world.initialise_state()
            world.start_bot(**met(world))
            asyncio.run(_take(chromium, world.addresses.page))


async def _take(chromium: str, address: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = await browser.new_page(viewport=SCREEN, device_scale_factor=2, timezone_id="UTC", locale="en-US")
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        await page.goto(address)
        words = [*await _take_report(page), *await _take_incident(page)]
        (DOCS / "demo.txt").write_text("".join(f"{line}\n" for line in words if line.strip()), encoding="utf-8")
        await browser.close()


async def _take_report(page: Page) -> list[str]:
    """The first report, what `/lumen report` says of the same hour, and the card after Approve."""
    messages = page.get_by_role("article")
    report = messages.filter(has=page.get_by_role("button", name="Approve")).first
    await expect(report).to_be_visible()
    await page.get_by_role("button", name="Close the guide").click()
    await page.screenshot(path=DOCS / "demo-report.png")
    await page.get_by_role("button", name="First minute").click()
    await _write(page, "/lumen report")
    details = messages.filter(has_text="Objectives").last
    await expect(details).to_be_visible()
    words = await _lines(report, details)

    await report.get_by_role("button", name=APPROVE).click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("^Set ")).click()
    await report.get_by_role("button", name=re.compile("repl(y|ies)")).click()
    applied = page.get_by_role("complementary", name="Thread").get_by_role("article").filter(has_text="· applied")
    await expect(applied).to_be_visible()
    await applied.screenshot(path=DOCS / "tutorial-applied.png")
    await page.get_by_role("button", name="Close thread").click()
    return words


async def _take_incident(page: Page) -> list[str]:
    """Let a release go wrong: its first screen, and all of the message."""
    await page.get_by_role("button", name="Break the release").click()
    incident = page.get_by_role("article").filter(has_text="unless somebody stops it").first
    await expect(incident).to_contain_text("release 00042")
    await page.get_by_role("button", name="Close the guide").click()
    await page.wait_for_timeout(SETTLED_MS)
    await incident.evaluate("found => found.scrollIntoView({block: 'start'})")
    words = await _lines(incident)
    await page.screenshot(path=DOCS / "demo-incident.png")
    await page.set_viewport_size(WHOLE)  # the list scrolls inside the page, so what is longer than it is cut off
    await incident.screenshot(path=DOCS / "tutorial-incident.png")
    return words


async def _write(page: Page, line: str) -> None:
    box = page.get_by_role("textbox", name="Message #ion-alerts")
    await box.fill(line)
    await box.press("Escape")
    await box.press("Enter")


async def _lines(*messages: Locator) -> list[str]:
    return "\n".join([await message.inner_text() for message in messages]).splitlines()


if __name__ == "__main__":
    main()
