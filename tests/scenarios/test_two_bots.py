"""Two whole bots on one store: one decision, applied once, however many click, die or sleep."""

import asyncio
import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence

import pytest
import redis

from demo.processes import Child
from demo.world import World
from sandbox.client import Outcome, SandboxClient, SeenMessage
from tests.scenarios.test_loop import APPROVE, QUIET, a_card, is_open_card, setting, shown, until

REJECT = "proposal.reject"
CLICKS = 200
#: Both may decide; the third, a bystander, may not.
MINA, JIWOO = "U0MINA0001", "U0JIWOO001"

pytestmark = pytest.mark.prove


def entries(world: World) -> list[dict[str, str]]:
    """The whole audit."""
    with redis.Redis.from_url(world.state.socket_url, decode_responses=True) as store:
        keys = [key for key in store.scan_iter("*audit") if store.type(key) == "stream"]
        return [fields for key in keys for _, fields in store.xrange(key)]


def stored_turns(world: World) -> list[dict[str, str]]:
    """Every turn that is remembered."""
    with redis.Redis.from_url(world.state.socket_url, decode_responses=True) as store:
        (key,) = store.scan_iter("*turns")
        return [json.loads(text) for of, text in store.hgetall(key).items() if not of.startswith("past/")]


async def surfaces(slack: SandboxClient) -> Counter[str]:
    """How many messages of the channel stand for each surface."""
    found = [m.raw.get("metadata") or {} for m in await slack.messages() if m.ephemeral_to is None]
    return Counter(str(each["event_payload"]["surface"]) for each in found if each.get("event_payload"))


def revisions(state: dict[str, object]) -> dict[str, str]:
    return {service["name"]: service["latest_created"] for service in state["services"]}  # type: ignore[attr-defined]


async def clicks(slack: SandboxClient, card: SeenMessage, people: Sequence[str]) -> list[Outcome]:
    """All at once, half of them to approve, half to reject; nobody's screen is up to date."""
    choices = [(people[n % len(people)], APPROVE if n % 4 < 2 else REJECT) for n in range(CLICKS)]
    return await asyncio.gather(*(slack.click(card, choice, user=who, stale=True) for who, choice in choices))


async def is_finished(slack: SandboxClient, card: SeenMessage) -> bool:
    text = (await shown(slack, card)).text
    return "· applied" in text or "Rejected by" in text


@pytest.mark.parametrize("dies", [False, True], ids=["both live", "one is killed"])
async def test_200_clicks_over_two_bots_are_one_decision_that_is_applied_once(
    world: World, slack: SandboxClient, dies: bool
) -> None:
    first = world.start_bot("first", **QUIET)
    world.start_bot("second", **QUIET)
    await slack.wait_for_connections(4)
    await slack.rate_limits(False)
    before = revisions(await slack.world.state())
    card = await a_card(slack, 420)
    clicking = asyncio.create_task(clicks(slack, card, (MINA, JIWOO, world.addresses.bystander)))
    if dies:
        # In the middle: some clicks were handled by it, some are on their way to it.
        await until(lambda: _some_are_acked(slack), 90, "some clicks are acked")
        first.kill()
    outcomes = await clicking
    assert any(outcome.acked for outcome in outcomes)
    if not dies:
        assert all(outcome.acked for outcome in outcomes)
    elif not [entry for entry in entries(world) if entry["event"] == "decided"]:
        await slack.click(card, APPROVE)  # what was not acked shows Slack's error, and its button still works

    await until(lambda: is_finished(slack, card), 120, "the card says what came of it")
    decided = [entry for entry in entries(world) if entry["event"] == "decided"]
    assert len(decided) == 1
    after = revisions(await slack.world.state())
    if decided[0]["detail"] == "APPROVED":
        assert (setting(world)["value"], setting(world)["version"]) == ("420", "1")
        assert after["ion-api"] != before["ion-api"]
        assert [e["detail"] for e in entries(world)].count("APPLIED") == 1
    else:
        assert setting(world) == {}
        assert after == before
    assert set((await surfaces(slack)).values()) == {1}
    acked = Counter(_user(outcome, n) for n, outcome in enumerate(outcomes) if outcome.acked)
    await until(lambda: _all_are_answered(slack, acked), 120, "every click that was acked has its answer")


def _user(outcome: Outcome, number: int) -> str:
    del outcome
    return (MINA, JIWOO, "U0JONAS001")[number % 3]


async def _some_are_acked(slack: SandboxClient) -> bool:
    return sum(1 for e in await slack.envelopes() if e["kind"] == "interactive" and e["state"] == "acked") >= 20


async def _all_are_answered(slack: SandboxClient, acked: Counter[str]) -> bool:
    told = Counter(m.ephemeral_to for m in await slack.messages() if m.ephemeral_to)
    return all(told[who] >= count for who, count in acked.items())


@pytest.mark.parametrize("point", ["execute.applying", "execute.set.redis", "execute.waiting"])
async def test_a_sleeper_that_wakes_up_after_an_undo_sets_nothing_back(
    world: World, slack: SandboxClient, point: str
) -> None:
    """It is stopped in the middle of carrying out; the other one carries it out and undoes it; then it goes on."""
    sleeper = world.start_bot("sleeper", **QUIET, LUMEN_FAULT_AT=f"{point}:1:stop")
    card = await a_card(slack, 420)
    assert (await slack.click(card, APPROVE)).acked
    await until(lambda: is_stopped(sleeper), 90, "it stops at the point")
    world.start_bot("other", **QUIET)

    async def says(words: str, of: SeenMessage = card) -> None:
        async def said() -> bool:
            return words in (await shown(slack, of)).text

        await until(said, 120, f"the card says {words!r}")

    await says("· applied")
    undo = await undo_card(slack, "P1")
    assert (await clicked(slack, undo, APPROVE)).acked
    await says("undone")
    await until(lambda: _ttl_is(world, slack, 300), 60, "the old value is back in both places")
    stands = setting(world), revisions(await slack.world.state())

    os.kill(sleeper.pid, signal.SIGCONT)
    await slack.wait_for_connections(4, within_seconds=60)
    await asyncio.sleep(10)  # so long it might do harm: several rounds of its workers
    assert (setting(world), revisions(await slack.world.state())) == stands
    assert await _ttl_is(world, slack, 300)
    assert sleeper.exit_code() is None
    assert "undone" in (await shown(slack, card)).text
    assert set((await surfaces(slack)).values()) == {1}
    details = [entry["detail"] for entry in entries(world)]
    assert (details.count("APPLIED"), details.count("UNDONE")) == (2, 1)

    # And it is of use again.
    again = await a_card(slack, 600)
    await slack.click(again, APPROVE)
    await says("· applied", again)


async def is_stopped(bot: Child) -> bool:
    return _process_state(bot).startswith("T")


def _process_state(bot: Child) -> str:
    command = ["ps", "-o", "state=", "-p", str(bot.pid)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


async def undo_card(slack: SandboxClient, proposal_id: str) -> SeenMessage:
    """What a bot that sleeps is sent is not acked: Slack shows its error, and whoever typed tries again."""
    for _ in range(20):
        if (await slack.command(f"/lumen undo {proposal_id}")).acked:
            break
    return await slack.wait_for_message(lambda m: is_open_card(m) and "300 s" in m.text, within_seconds=60)


async def clicked(slack: SandboxClient, card: SeenMessage, action_id: str) -> Outcome:
    """The same for a click."""
    for _ in range(20):
        outcome = await slack.click(card, action_id, stale=True)
        if outcome.acked:
            return outcome
    raise AssertionError("never acked")


async def _ttl_is(world: World, slack: SandboxClient, seconds: int) -> bool:
    return setting(world)["value"] == str(seconds) and (await slack.world.ion()).ttl_seconds == seconds
