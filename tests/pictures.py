"""`make pictures`: the demo's page as the README shows it (docs/demo.png), its words (docs/demo.txt), and what
docs/tutorial.md shows, as a person who follows it sees it.

tests/docs/test_pictures.py holds that no two figures in these words contradict each other.
"""

import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright, expect

from demo.__main__ import BUDGET_USD, GUIDE, met
from demo.world import Clock, World
from tests.chromium import FLAGS, find_chromium

DOCS = Path(__file__).parents[1] / "docs"
REPORT = re.compile(r"ion-api: \w+, (?:gate|health score) [\d.]+ of 100")
SCREEN = ViewportSize(width=1280, height=1450)
#: For the first report and its proposal; an hour takes a minute.
PATIENCE_MS = 180_000


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
        page = await browser.new_page(viewport=SCREEN, timezone_id="UTC", locale="en-US")
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(address)
        report = page.get_by_role("article").filter(has_text=REPORT).last
        await expect(report.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE_MS)
        words = ""
        while words != (words := await _words(page)):  # until nothing was edited while the picture was taken
            await page.screenshot(path=DOCS / "demo.png")
        (DOCS / "demo.txt").write_text(words, encoding="utf-8")
        await take_tutorial(page)
        await browser.close()


async def take_tutorial(page: Page) -> None:
    """Approve what waits, then let a release go wrong: the applied card, and the incident with its countdown."""
    messages = page.locator(".message")
    card = messages.filter(has=page.get_by_role("button", name="Approve")).first
    await card.get_by_role("button", name="Approve").click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("^Set ")).click()
    applied = messages.filter(has_text="· applied").first
    await expect(applied).to_be_visible(timeout=PATIENCE_MS)
    await applied.screenshot(path=DOCS / "tutorial-applied.png")

    await page.get_by_role("button", name="Inspector", exact=True).click()
    await page.get_by_role("button", name="World", exact=True).click()
    await page.get_by_role("button", name="Start bad_release_errors").click()
    await page.get_by_role("button", name="Inspector", exact=True).click()
    incident = messages.filter(has_text="unless somebody stops it").first
    await incident.screenshot(path=DOCS / "tutorial-incident.png", timeout=2 * PATIENCE_MS)


async def _words(page: Page) -> str:
    lines = "\n".join(await page.get_by_role("article").all_inner_texts()).splitlines()
    return "".join(f"{line}\n" for line in lines if line.strip())


if __name__ == "__main__":
    main()
