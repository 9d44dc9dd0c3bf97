"""Many services in one channel, asked in a real Slack: pages that turn, and one digest of all."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks.home import NEXT, PREVIOUS, SERVICES_SHOWN
from lumen.adapters.store.connection import open_store
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer

SERVICES = [replace(SERVICE, name=f"svc-{number:02d}") for number in range(SERVICES_SHOWN + 5)]


@pytest.fixture
async def rooms(state_url: str) -> AsyncIterator[Rooms]:
    redis = open_store(state_url, answer_seconds=10.0)
    yield await Rooms.over(redis, SERVICES)
    await redis.aclose()


@pytest.mark.usefixtures("side")
async def test_a_page_of_all_services_turns_in_place(slack: RunningSlack) -> None:
    await slack.control.command("/lumen status all")
    first = await answer(slack, "svc-01")
    assert f"svc-{SERVICES_SHOWN:02d}" not in first.text
    assert (NEXT in first.action_ids(), PREVIOUS in first.action_ids()) == (True, False)
    await slack.control.click(first, NEXT)
    second = await answer(slack, f"svc-{SERVICES_SHOWN:02d}")
    assert "svc-01" not in second.text
    await slack.control.click(second, PREVIOUS)
    await answer(slack, "svc-01")


async def test_a_channel_of_many_is_answered_for_all_of_them_and_names_are_near(
    slack: RunningSlack, side: SlackSide
) -> None:
    assert side.state() is not None
    await slack.control.command("/lumen digest")
    assert f"{len(SERVICES)} services: digest of" in (await answer(slack, "services: digest of")).text
    await slack.control.command("/lumen status on svc-07x")
    assert "Did you mean `svc-07`" in (await answer(slack, "does not watch")).text
