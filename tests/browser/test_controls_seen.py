"""On a phone (390 × 844): a proposal's card takes two thirds of the screen, and a control lives as one line."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import expect

from bot.wiring.slack import open_slack
from handlers.blocks.proposal import card
from lumen.adapters.store.connection import open_store
from lumen.model.messages import message
from lumen.model.proposal import Change, Knob, Origin, Proposal, State
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.browser.conftest import OpenPage, Screen
from tests.contract.slack.conftest import RunningSlack, settings_of
from tests.contract.slack.side import Rooms
from tests.slack_workspace import World
from tests.unit.handlers.test_views import KIM, KNOWN, UP, WHEN, proposal

pytestmark = pytest.mark.browser
PHONE = Screen(390, 844)
on_a_phone = pytest.mark.parametrize("screen", [PHONE], ids=["phone"], indirect=True)
#: Of the screen.
MOST = 2 / 3

REASONS = (
    message("approval.asked_by_person", person="kim"),
    message("policy.held_gaps", slices=7, wanted=12, minutes=5),
    message("policy.held_taken_back", back_at=WHEN.isoformat(), until_at=WHEN.isoformat()),
    message("effect.record", helped=7, trials=9, chance=0.78),
)


def cards() -> Iterator[tuple[str, Proposal]]:
    """Those that say most: what waits, a countdown that was put off, two people, and what became of it."""
    waiting = proposal(State.PENDING, KNOWN)
    waiting = replace(waiting, id="P128", draft=replace(waiting.draft, reasons=REASONS))
    yield "waits", waiting
    yield "countdown", replace(waiting, acts_at=WHEN + timedelta(hours=1), snoozes=(KIM, KIM))
    up = replace(waiting.draft, origin=Origin.POLICY, asked_by=None, change=replace(UP, held_permille=100))
    yield "in steps", replace(waiting, draft=replace(up, steps_to=900))
    of = message("plan.step", proposal_id="P127", who_mention="U0KIM")
    step = replace(up, step_of="P127", reasons=(*REASONS, of))
    yield "a further step", replace(waiting, draft=step, acts_at=WHEN + timedelta(hours=1))
    two = replace(waiting.draft, approvals_needed=2, change=Change(Knob.MIN_INSTANCES, 1, 2, ""))
    yield "two people", replace(waiting, draft=two, votes=(KIM,))
    for state in (State.APPLIED, State.KEPT, State.REJECTED):
        yield state, replace(proposal(state, KNOWN), id="P128", draft=waiting.draft, note=REASONS[-1])


@on_a_phone
async def test_a_proposals_card_takes_two_thirds_of_the_screen(world: World, open_page: OpenPage) -> None:
    names = [f"{locale} {name}" for locale in LOCALES for name, _ in cards()]
    for locale in LOCALES:
        for _, one in cards():
            shown = card(Catalogue(locale), one)
            world.ahead.seconds += 2  # one message a second
            posted = await world.call(
                "chat.postMessage", channel=world.channel, text=shown.text, blocks=[*shown.blocks]
            )
            assert posted["ok"], posted
    articles, tall = (await open_page()).get_by_role("article"), []
    await expect(articles).to_have_count(len(names))
    for name, article in zip(names, await articles.all(), strict=True):
        box = await article.bounding_box()
        assert box is not None
        print(name, round(box["height"]), "px")  # noqa: T201 - shown with -s
        if box["height"] > MOST * PHONE.height:
            tall.append(f"{name}: {box['height'] / PHONE.height:.2f} of the screen")
    assert tall == []


@pytest.fixture
async def lumen(world: World, state_url: str) -> AsyncIterator[None]:
    """The bot's Slack side, connected to the workspace of the page."""
    redis = open_store(state_url, answer_seconds=10.0)
    rooms = await Rooms.over(redis)
    slack = RunningSlack(world.server, world.server.facts(), f"{world.base_url}/api/", world.control)
    async with open_slack(settings_of(slack, rooms), rooms.as_lumen(), rooms.kicks.kick) as side:
        running = asyncio.create_task(side.run())
        await world.control.wait_for_connections(1)
        yield
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await redis.aclose()


@on_a_phone
@pytest.mark.usefixtures("lumen")
async def test_a_control_is_set_by_a_command_and_ended_by_its_lines_button(open_page: OpenPage) -> None:
    page = await open_page()
    box = page.get_by_role("textbox", name="Message #ion-alerts")
    await box.fill("/lumen pause 2h because deploy")
    await box.press("Escape")
    await box.press("Enter")
    line = page.get_by_role("article").filter(has_text="paused all automation until")
    await expect(line).to_contain_text("“deploy”")
    await line.get_by_role("button", name="Resume automation").click()
    dialog = page.get_by_role("dialog", name="Let automation go on?")
    await dialog.get_by_role("button", name="Resume automation").click()
    await expect(line).to_contain_text("Ended by")
    await expect(line.get_by_role("button", name="Resume automation")).to_have_count(0)
    await line.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("complementary", name="Thread")).to_contain_text("Ended by")
