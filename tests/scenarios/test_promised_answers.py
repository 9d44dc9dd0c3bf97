""" "I will confirm here" outlives the process that said it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis

from demo.world import World
from lumen.adapters.store.scripts import script
from sandbox.client import SandboxClient, SeenMessage
from tests.contract.store.proxy import Fault, Proxy
from tests.scenarios.test_crashes import died
from tests.scenarios.test_loop import APPROVE, QUIET, a_card, shown, until
from tests.scenarios.test_two_bots import entries

pytestmark = pytest.mark.prove

REJECT = "proposal.reject"


@pytest.fixture
async def network(world: World) -> AsyncIterator[tuple[Proxy, str]]:
    """A network between a bot and its store that can fail, whose fault strikes a script and not its introduction."""
    with redis.Redis.from_url(world.state.socket_url) as store:
        store.script_load(script("decide").text)
    proxy = Proxy(Path(world.state.socket_url.removeprefix("unix://").partition("?")[0]))
    yield proxy, await proxy.start()
    await proxy.stop()


def answers(messages: list[SeenMessage], words: str) -> list[SeenMessage]:
    return [m for m in messages if m.ephemeral_to and words in m.words()]


async def is_told(slack: SandboxClient, words: str) -> None:
    async def told() -> bool:
        return bool(answers(await slack.messages(), words))

    await until(told, 120, f"the person reads {words!r}")


async def test_a_click_whose_answer_was_lost_is_confirmed_by_the_next_process(
    world: World, slack: SandboxClient, network: tuple[Proxy, str]
) -> None:
    """The decision reached the store, its answer did not come back, nothing came through any more, and then kill -9."""
    proxy, url = network
    bot = await asyncio.to_thread(world.start_bot, "doomed", **QUIET, STATE_REDIS_URL=url)
    card = await a_card(slack, 420)
    proxy.only = proxy.shut = APPROVE.encode()  # part of a click's id
    proxy.fault = Fault.LOSE_ANSWER
    assert (await slack.click(card, APPROVE)).acked
    await is_told(slack, "not known yet")
    bot.kill()
    assert [entry["event"] for entry in entries(world)].count("decided") == 1
    assert not answers(await slack.messages(), "you approved it")

    world.start_bot("heir", **QUIET)
    await is_told(slack, "you approved it")

    async def applied() -> bool:
        return "· applied" in (await shown(slack, card)).text

    await until(applied, 90, "it is carried out too")
    await asyncio.sleep(12)  # another round of the heir's
    assert len(answers(await slack.messages(), "you approved it")) == 1


async def test_a_click_that_never_arrived_leaves_a_button_that_works(
    world: World, slack: SandboxClient, network: tuple[Proxy, str]
) -> None:
    """Nobody can confirm what no store knows: the words say so, and the card shows the truth."""
    proxy, url = network
    bot = await asyncio.to_thread(world.start_bot, "doomed", **QUIET, STATE_REDIS_URL=url)
    card = await a_card(slack, 420)
    proxy.only = proxy.shut = REJECT.encode()
    proxy.fault = Fault.LOSE_REQUEST
    assert (await slack.click(card, REJECT)).acked
    await is_told(slack, "not known yet")
    await is_told(slack, "it did not arrive, and the buttons still work")
    bot.kill()
    world.start_bot("heir", **QUIET)
    assert REJECT in (await shown(slack, card)).action_ids()
    assert (await slack.click(card, REJECT)).acked
    await is_told(slack, "you rejected it")
    assert [entry["event"] for entry in entries(world)].count("decided") == 1


@pytest.mark.parametrize("point", ["store.decide.after"])
async def test_a_click_that_was_decided_just_before_the_crash_is_answered(
    world: World, slack: SandboxClient, point: str
) -> None:
    bot = world.start_bot("doomed", **QUIET, LUMEN_FAULT_AT=point)
    card = await a_card(slack, 420)
    assert not (await slack.click(card, REJECT)).acked
    await died(bot)
    world.start_bot("heir", **QUIET)
    await is_told(slack, "you rejected it")
