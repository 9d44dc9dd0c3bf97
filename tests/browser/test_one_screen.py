"""On a phone (390 × 844), in both languages: report and graph on one screen, help on one and a half, digest on two."""

import pytest
from playwright.async_api import expect

from handlers.blocks.answers import help_card
from handlers.blocks.card import Shown
from handlers.blocks.digest import digest
from handlers.blocks.fleet_digest import fleet_digest
from handlers.blocks.graph import graph_card
from handlers.blocks.hourly import hourly
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.browser.conftest import OpenPage, Screen
from tests.slack_workspace import World
from tests.unit.handlers.test_digest import DAYS
from tests.unit.handlers.test_fleet import FLEETS, name_of
from tests.unit.handlers.test_graph_view import GRAPHS
from tests.unit.handlers.test_hourly import STATES

pytestmark = pytest.mark.browser
SCREEN = Screen(390, 844)


def measured(locale: str) -> list[tuple[str, Shown, float]]:
    """What is shown, and how many screens it may take."""
    words = Catalogue(locale)
    reports = [(name, hourly(words, seen), 1.0) for name, seen in STATES.items()]
    digests = [(name, digest(words, seen), 2.0) for name, seen in DAYS.items()]
    digests += [(name, fleet_digest(words, seen, name_of), 2.0) for name, seen in FLEETS.items()]
    graphs = [(f"graph: {name}", graph_card(words, "ion-api", found), 1.0) for name, found in GRAPHS.items()]
    return [*reports, *graphs, ("help", help_card(words, (60, 3600)), 1.5), *digests]


@pytest.mark.parametrize("screen", [SCREEN], ids=["phone"], indirect=True)
async def test_the_report_fits_one_screen_and_the_help_one_and_a_half(world: World, open_page: OpenPage) -> None:
    page = await open_page()
    tall = []
    for locale in LOCALES:
        for name, shown, screens in measured(locale):
            world.ahead.seconds += 2  # one message a second
            posted = await world.call(
                "chat.postMessage", channel=world.channel, text=shown.text, blocks=list(shown.blocks)
            )
            assert posted["ok"], posted
            article = page.get_by_role("article").last
            await expect(page.get_by_role("article")).to_have_count(1)
            box = await article.bounding_box()
            assert box is not None
            if box["height"] > screens * SCREEN.height:
                tall.append(f"{locale} {name}: {box['height'] / SCREEN.height:.2f} screens")
            await world.call("chat.delete", channel=world.channel, ts=posted["ts"])
            await expect(page.get_by_role("article")).to_have_count(0)
    assert tall == []
