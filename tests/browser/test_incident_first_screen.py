"""The first screen of an incident on a phone: what fails, how much, since when, of which release; what happens."""

import re

import pytest
from playwright.async_api import expect

from handlers.blocks.incident import incident_card
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.browser.conftest import OpenPage, Screen
from tests.slack_workspace import World
from tests.unit.handlers.test_incident_message import READOUT

pytestmark = pytest.mark.browser
#: By language: what must be seen in full without scrolling, in this order, and the two buttons.
FIRST = {
    "en": ("8.3% of requests fail for 9 min · release 00042-dvt", "Page, firing since", "Rolls back to 00041-qhm at"),
    "ko": ("요청의 8.3% 실패, 9분째 · 릴리스 00042-dvt", "긴급 호출, 미대응", "00041-qhm 리비전으로 롤백"),
}
BUTTONS = {"en": ("Roll back now", "Stop the rollback…"), "ko": ("지금 롤백", "롤백 중지…")}


@pytest.mark.parametrize("screen", [Screen(390, 844)], ids=["phone"], indirect=True)
async def test_the_first_screen_of_an_incident_holds_what_it_takes_to_decide(
    world: World, open_page: OpenPage, screen: Screen
) -> None:
    for locale in LOCALES:
        shown = incident_card(Catalogue(locale), READOUT, "S0ONCALL")
        await world.web.chat_postMessage(channel=world.channel, text=shown.text, blocks=list(shown.blocks))
    page = await open_page()
    log = page.get_by_role("log")
    for locale in LOCALES:
        message = page.locator(".message").filter(has_text=FIRST[locale][0])
        await message.evaluate("found => found.scrollIntoView({block: 'start'})")
        found = [message.get_by_text(re.compile(re.escape(words))).first for words in FIRST[locale]]
        found += [message.locator("button").filter(has_text=name).first for name in BUTTONS[locale]]
        for one in found:
            await expect(one).to_be_in_viewport(ratio=1)
        top, last = await message.bounding_box(), await found[-1].bounding_box()
        area = await log.bounding_box()
        assert top is not None
        assert last is not None
        assert area is not None
        assert last["y"] + last["height"] - top["y"] <= area["height"], "all of it fits at once"
        print(locale, round(last["y"] + last["height"] - top["y"]), "of", round(area["height"]))  # noqa: T201 - shown with -s
