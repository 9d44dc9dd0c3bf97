"""The page: commands, cards, confirm dialogs, threads, and who sees what; at desktop and phone width."""

import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, Screen, at_both_widths
from tests.contract.sandbox_slack.blocks import actions, button, confirm, mrkdwn, plain, section
from tests.contract.sandbox_slack.bots import running_bot
from tests.slack_workspace import World, granting

pytestmark = pytest.mark.browser
Json = dict[str, Any]

CARD = [
    {"type": "header", "text": plain("🟡 Proposal: TTL 300 s → 420 s")},
    actions(
        button("press", text=plain("Approve"), style="primary", confirm=confirm(title=plain("Set the TTL to 420 s?"))),
        button("ask", text=plain("Details"), value="2", accessibility_label="Details of the proposal"),
    ),
]


@pytest.fixture
async def bot(world: World) -> AsyncIterator[list[Json]]:
    """What the bot was told."""
    seen: list[Json] = []
    async with running_bot(world, seen):
        yield seen


async def become(page: Page, name: str) -> None:
    await page.get_by_role("button", name="Switch user").click()
    await page.get_by_role("menuitemradio", name=re.compile(name)).click()
    await expect(page.get_by_role("button", name=f"You are {name}")).to_be_visible()


@at_both_widths
async def test_a_command_is_completed_sent_and_answered_to_one(
    world: World, bot: list[Json], open_page: OpenPage
) -> None:
    page = await open_page()
    box = page.get_by_role("textbox", name="Message #ion-alerts")
    await box.fill("/lu")
    await page.get_by_role("option", name="/lumen").click()
    await expect(box).to_have_value("/lumen ")
    await box.press_sequentially("status")
    await box.press("Enter")
    answer = page.get_by_role("article").filter(has_text="echo: status")
    await expect(answer).to_contain_text("Only visible to you")
    await become(page, "Jonas Weber")
    await expect(page.get_by_role("article")).to_have_count(0)


@at_both_widths
async def test_approve_after_the_confirm_dialog(world: World, bot: list[Json], open_page: OpenPage) -> None:
    page = await open_page()
    await world.web.chat_postMessage(channel=world.channel, text="A proposal", blocks=CARD)
    await page.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog", name="Set the TTL to 420 s?")
    await dialog.get_by_role("button", name="No").click()
    await expect(dialog).to_have_count(0)
    assert bot == []
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    message = page.get_by_role("article").filter(has_text=f"decided by {world.approver}")
    await expect(message).to_contain_text("(edited)")
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)


async def test_escape_leaves_the_dialog_and_focus_returns(world: World, bot: list[Json], open_page: OpenPage) -> None:
    page = await open_page()
    await world.web.chat_postMessage(channel=world.channel, text="A proposal", blocks=CARD)
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("button", name="Yes")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Approve")).to_be_focused()


async def test_a_button_that_nobody_answers_shows_a_warning(world: World, open_page: OpenPage) -> None:
    page = await open_page()
    await world.web.chat_postMessage(channel=world.channel, text="x", blocks=[actions(button(text=plain("Dead")))])
    await page.get_by_role("button", name="Dead").click()
    await expect(page.get_by_role("alert")).to_contain_text("dispatch_failed")
    box = page.get_by_role("textbox", name="Message #ion-alerts")
    await box.fill("/lumen status")
    await box.press("Enter")
    await expect(page.get_by_text("/lumen failed with the error “dispatch_failed”").first).to_be_visible()


async def test_blocks_as_people_read_them(world: World, open_page: OpenPage) -> None:
    at = int(time.time()) - 86_400 * 30
    await world.web.chat_postMessage(
        channel=world.channel,
        text="all of it",
        blocks=[
            {"type": "header", "text": plain("A header")},
            {
                "type": "section",
                "text": mrkdwn(
                    "mid *bold* and <https://example.com/a?b=1&amp;c=2|a label> by <@U0JONAS001> "
                    "for <!subteam^S0IONCALL1> in <#C0IONALERT> &lt;raw&gt;"
                ),
                "fields": [mrkdwn("*Hit rate*\n72.5 %"), mrkdwn("*TTL*\n300 s")],
            },
            {"type": "context", "elements": [mrkdwn(f"<!date^{at}^{{date_num}} {{time}}|a fallback>")]},
            {"type": "table", "rows": [[{"type": "raw_text", "text": t} for t in ("availability", "99.97 %")]]},
            {"type": "divider"},
        ],
    )
    page = await open_page()
    message = page.get_by_role("article")
    await expect(message.get_by_role("heading", name="A header")).to_be_visible()
    link = message.get_by_role("link", name="a label")
    await expect(link).to_have_attribute("href", "https://example.com/a?b=1&c=2")
    for words in ("@Jonas Weber", "@ion-oncall", "#ion-alerts", "<raw>", "72.5 %"):
        await expect(message).to_contain_text(words)
    await expect(message.get_by_role("cell", name="99.97 %")).to_be_visible()
    in_seoul = time.strftime("%Y-%m-%d", time.gmtime(at + 9 * 3600))
    await expect(message.get_by_role("time").filter(has_text=in_seoul)).to_be_visible()


@at_both_widths
async def test_a_thread_beside_the_channel(world: World, open_page: OpenPage, screen: Screen) -> None:
    parent = await world.web.chat_postMessage(channel=world.channel, text="parent")
    await world.web.chat_postMessage(channel=world.channel, text="progress", thread_ts=parent["ts"])
    page = await open_page()
    await expect(page.get_by_text("progress")).to_have_count(0)
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("progress")
    await thread.get_by_role("textbox", name="Reply in thread").fill("noted")
    await thread.get_by_role("button", name="Send").click()
    await expect(thread).to_contain_text("noted")
    await thread.get_by_role("button", name="Close thread").click()
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()


async def test_a_chart_has_its_title_and_its_series_by_name(world: World, open_page: OpenPage) -> None:
    hours = ["00:00", "02:00", "04:00"]
    series = [
        {"name": name, "data": [{"label": hour, "value": value} for hour, value in zip(hours, values, strict=True)]}
        for name, values in (("hit rate", (70, 72.5, 75)), ("target", (80, 80, 80)))
    ]
    drawing = {"type": "line", "series": series, "axis_config": {"categories": hours, "y_label": "%"}}
    chart = {"type": "data_visualization", "title": "Hit rate of the day", "chart": drawing}
    await world.web.chat_postMessage(channel=world.channel, text="chart", blocks=[chart])
    message = (await open_page()).get_by_role("article").last
    for words in ("Hit rate of the day", "hit rate", "target"):
        await expect(message).to_contain_text(words)
    await expect(message.locator("svg").first).to_be_visible()


async def test_a_message_elsewhere_is_a_notification_with_its_text(world: World, open_page: OpenPage) -> None:
    page = await open_page()
    await world.web.chat_postMessage(channel=world.approver, text="Look here: *now*", blocks=[section("only blocks")])
    toast = page.get_by_role("button", name=re.compile("Look here"))
    await toast.click()
    await expect(page.get_by_text("only blocks")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="Look here")).to_have_count(1)


@granting("reactions:write")
async def test_a_reaction_is_shown_with_its_count(world: World, open_page: OpenPage) -> None:
    posted = await world.web.chat_postMessage(channel=world.channel, text="done")
    page = await open_page()
    await world.web.reactions_add(name="white_check_mark", channel=world.channel, timestamp=posted["ts"])
    shown = page.get_by_role("article").get_by_role("list", name="Reactions")
    await expect(shown).to_contain_text("1")
    await expect(shown.get_by_role("img", name="white_check_mark")).to_have_text("✅")
