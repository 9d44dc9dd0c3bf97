"""A browser for the session, and the workspace's page at desktop and phone width."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, async_playwright

from demo import world as whole
from demo.__main__ import GUIDE
from sandbox.client import SandboxClient
from tests.chromium import FLAGS
from tests.slack_workspace import World, world

__all__ = ["world"]

OpenPage = Callable[..., Awaitable[Page]]


@dataclass(frozen=True)
class Screen:
    """A width and height in CSS pixels."""

    width: int
    height: int

    @property
    def is_phone(self) -> bool:
        return self.width < 760


DESKTOP = Screen(1280, 900)
PHONE = Screen(390, 780)
at_both_widths = pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"], indirect=True)


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield launched
        await launched.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[whole.World]:
    """The servers and the sandbox; no bot."""
    directory = tmp_path_factory.mktemp("world")
    clock = whole.Clock(60.0, datetime.now(UTC).isoformat())
    with whole.World(directory, clock, guide=GUIDE) as running:
        yield running


@pytest.fixture
async def sandbox(running: whole.World) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(running.addresses.control) as client:
        yield client
        await client.world.stop_incidents()


@pytest.fixture
def screen(request: pytest.FixtureRequest) -> Screen:
    """Desktop, or what `@at_both_widths` says."""
    chosen: Screen = getattr(request, "param", DESKTOP)
    return chosen


@pytest.fixture
async def open_page(browser: Browser, world: World, screen: Screen) -> AsyncIterator[OpenPage]:
    """`await open_page(user=…)`; fails the test where the page reports an error of its own."""
    contexts = []
    errors: list[str] = []

    async def open_it(user: str | None = None, *, dark: bool = False) -> Page:
        context = await browser.new_context(
            viewport={"width": screen.width, "height": screen.height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        await page.goto(f"{world.base_url}/?user={user or world.approver}")
        await page.get_by_role("textbox", name="Message #ion-alerts").wait_for()
        return page

    yield open_it
    for context in contexts:
        await context.close()
    assert errors == []
