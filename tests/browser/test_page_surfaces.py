"""The page: modals, App Home, the inspector, dark mode, phone width, and names for everything that can be pressed."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, Screen, at_both_widths
from tests.contract.sandbox_slack.blocks import actions, button, confirm, mrkdwn, option, plain, section
from tests.contract.sandbox_slack.bots import CARD, running_bot
from tests.slack_workspace import World

pytestmark = pytest.mark.browser
Json = dict[str, Any]


@pytest.fixture
async def bot(world: World) -> AsyncIterator[list[Json]]:
    """What the bot was told."""
    seen: list[Json] = []
    async with running_bot(world, seen):
        yield seen


async def show_sidebar(page: Page, screen: Screen) -> None:
    if screen.is_phone:
        await page.get_by_role("button", name="Channels").click()


@at_both_widths
async def test_a_modal_with_an_error_and_then_done(world: World, bot: list[Json], open_page: OpenPage) -> None:
    await world.web.chat_postMessage(channel=world.channel, text="card", blocks=CARD)
    page = await open_page()
    await page.get_by_role("button", name="Press").nth(1).click()
    modal = page.get_by_role("dialog", name="Title")
    await modal.get_by_role("button", name="Go").click()
    await expect(modal.get_by_role("alert")).to_contain_text("Please complete this required field.")
    await modal.get_by_role("textbox", name="Label").fill("wrong")
    await modal.get_by_role("button", name="Go").click()
    await expect(modal.get_by_role("alert")).to_contain_text("Not that.")
    await expect(modal.get_by_role("textbox", name="Label")).to_have_value("wrong")
    await modal.get_by_role("textbox", name="Label").fill("fine")
    await modal.get_by_role("button", name="Go").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_button_on_a_card_asks_and_acts(world: World, bot: list[Json], open_page: OpenPage) -> None:
    pressed = button("choose", text=plain("Take it"), confirm=confirm())
    card = {"type": "card", "title": mrkdwn("A card"), "actions": [pressed]}
    await world.web.chat_postMessage(channel=world.channel, text="x", blocks=[card])
    page = await open_page()
    await page.get_by_role("button", name="Take it").click()
    await page.get_by_role("dialog", name="Sure?").get_by_role("button", name="Yes").click()
    for _ in range(200):
        if bot:
            break
        await page.wait_for_timeout(10)
    assert bot[0]["actions"][0]["action_id"] == "choose"


async def test_a_menu_tells_the_app_what_was_chosen(world: World, bot: list[Json], open_page: OpenPage) -> None:
    menu = {
        "type": "static_select", "action_id": "choose", "placeholder": plain("Strategy"),
        "options": [option("m", "Moderate"), option("a", "Aggressive")],
    }  # fmt: skip
    blocks = [{**section("How far?"), "accessory": menu}]
    await world.web.chat_postMessage(channel=world.channel, text="x", blocks=blocks)
    page = await open_page()
    await page.get_by_role("combobox", name="Strategy").select_option("Aggressive")
    for _ in range(200):
        if bot:
            break
        await page.wait_for_timeout(10)
    assert bot[0]["actions"][0]["selected_option"]["value"] == "a"
    await expect(page.get_by_role("combobox", name="Strategy")).to_have_value("a")


@at_both_widths
async def test_app_home(world: World, bot: list[Json], open_page: OpenPage, screen: Screen) -> None:
    page = await open_page()
    await show_sidebar(page, screen)
    await page.get_by_role("navigation", name="Channels and apps").get_by_role("button", name="Lumen").click()
    await expect(page.get_by_role("region", name="App Home")).to_contain_text("at home")


async def test_the_inspector_shows_envelopes_and_calls(world: World, bot: list[Json], open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_role("button", name="Inspector").click()
    inspector = page.get_by_role("complementary", name="Inspector")
    await world.control.command("/lumen hello")
    await inspector.get_by_role("button", name=re.compile("lumen hello.*acked")).click()
    await expect(inspector).to_contain_text('"command": "/lumen"')
    await inspector.get_by_role("button", name="API calls").click()
    await expect(inspector.get_by_role("button", name=re.compile(r"\(response_url\).*ok"))).to_be_visible()
    await inspector.get_by_role("button", name="Faults").click()
    await inspector.get_by_role("button", name="Deliver the next envelope twice").click()
    await expect(inspector.get_by_role("status")).to_contain_text("Deliver the next envelope twice")
    await world.control.command("/lumen twice")
    for _ in range(200):
        if len([c for c in bot if c["text"] == "twice"]) == 2:
            break
        await page.wait_for_timeout(10)
    else:
        raise AssertionError("the envelope came once")


async def test_dark_mode_follows_the_system_and_the_menu(world: World, open_page: OpenPage) -> None:
    page = await open_page(dark=True)
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Switch user").click()
    await page.get_by_role("menuitemradio", name="light").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")


@at_both_widths
async def test_nothing_is_wider_than_the_screen(world: World, open_page: OpenPage, screen: Screen) -> None:
    wide = {"type": "raw_text", "text": "a rather long cell that has to go somewhere"}
    await world.web.chat_postMessage(
        channel=world.channel,
        text="wide",
        blocks=[
            section("a-long-word-without-any-space-" * 20),
            {"type": "table", "rows": [[wide] * 8]},
            {"type": "section", "fields": [mrkdwn("*Name*\nvalue")] * 6},
            actions(*[button(f"b{n}", text=plain(f"Button number {n}")) for n in range(8)]),
        ],
    )
    page = await open_page()
    await page.get_by_role("button", name="Button number 7").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= screen.width
    log = page.get_by_role("log")
    assert await log.evaluate("box => box.scrollWidth <= box.clientWidth")


async def test_everything_that_can_be_pressed_has_a_name(world: World, open_page: OpenPage) -> None:
    await world.web.chat_postMessage(channel=world.channel, text="card", blocks=CARD)
    page = await open_page()
    await page.get_by_role("button", name="Press").first.wait_for()
    tree = await page.get_by_role("button").all()
    for found in tree:
        name = await found.evaluate("b => (b.getAttribute('aria-label') || b.textContent).trim()")
        assert name, await found.evaluate("b => b.outerHTML")


async def test_the_page_comes_back_after_the_connection_was_lost(world: World, open_page: OpenPage) -> None:
    page = await open_page()
    await page.evaluate("window.__offline = true")
    await page.context.set_offline(True)
    await page.context.set_offline(False)
    await world.web.chat_postMessage(channel=world.channel, text="still here")
    await expect(page.get_by_role("article").filter(has_text="still here")).to_be_visible()
