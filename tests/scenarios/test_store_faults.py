"""A store that fails under a running bot while people click: a true word to each of them, and one decision."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest
import redis

from demo.world import World
from sandbox.client import SandboxClient
from tests.scenarios.test_loop import APPROVE, QUIET, a_card, setting, shown, until
from tests.scenarios.test_two_bots import JIWOO, MINA, REJECT, entries, surfaces

pytestmark = pytest.mark.prove

Deed = Callable[[World], None]


def command(*words: str | int) -> Deed:
    def deed(world: World) -> None:
        with redis.Redis.from_url(world.state.socket_url) as client:
            client.execute_command(*words)

    return deed


def killed(world: World) -> None:
    world.state.kill()


def started(world: World) -> None:
    world.state.start()


def emptied(world: World) -> None:
    """A failover to a server that never had the data."""
    world.state.kill()
    (world.directory / "state" / "appendonlydir").rename(world.directory / "kept")
    world.state.start()


def restored(world: World) -> None:
    world.state.kill()
    shutil.rmtree(world.directory / "state" / "appendonlydir", ignore_errors=True)
    (world.directory / "kept").rename(world.directory / "state" / "appendonlydir")
    world.state.start()


def cut(world: World) -> None:
    """Every connection, again and again, for three seconds of the server's own."""
    with redis.Redis.from_url(world.state.socket_url) as client:
        for _ in range(150):
            with suppress(redis.RedisError):
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                client.execute_command("CLIENT", "PAUSE", 20, "WRITE")


def nothing(_world: World) -> None:
    """It heals by itself."""


@dataclass(frozen=True)
class Fault:
    """`says`: what whoever clicks meanwhile must read; empty where the click may go through."""

    begin: Deed
    end: Deed
    says: str = ""


FAULTS: Mapping[str, Fault] = {
    "restart": Fault(killed, started, "does not answer"),
    "empty failover": Fault(emptied, restored, "was never prepared, or a failover lost its data"),
    "out of memory": Fault(
        command("CONFIG", "SET", "maxmemory", 1), command("CONFIG", "SET", "maxmemory", "256mb"), "is full"
    ),
    "read only": Fault(
        command("REPLICAOF", "127.0.0.1", 1), command("REPLICAOF", "NO", "ONE"), "is a read-only replica"
    ),
    "paused": Fault(command("CLIENT", "PAUSE", 6000, "ALL"), nothing, "It is not known yet"),
    "slow": Fault(command("CLIENT", "PAUSE", 700, "WRITE"), nothing),
    "cut": Fault(cut, nothing),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_store_that_fails_while_people_click(world: World, slack: SandboxClient, name: str) -> None:
    fault = FAULTS[name]
    bot = await asyncio.to_thread(world.start_bot, **QUIET)
    await slack.wait_for_connections(2)
    card = await a_card(slack, 420)
    failing = asyncio.create_task(asyncio.to_thread(fault.begin, world))
    if fault.says:
        await failing
    outcomes = await asyncio.gather(
        slack.click(card, APPROVE, user=MINA, stale=True), slack.click(card, REJECT, user=JIWOO, stale=True)
    )
    assert all(outcome.acked for outcome in outcomes), "a click is acked, whatever the store does"
    if fault.says:
        await until(lambda: _reads(slack, MINA, fault.says), 60, f"whoever clicks reads {fault.says!r}")
    await failing
    await asyncio.to_thread(fault.end, world)

    async def finished() -> bool:
        text = (await shown(slack, card)).text
        return "· applied" in text or "Rejected by" in text

    if fault.says and fault.says != FAULTS["paused"].says:
        assert [entry["event"] for entry in entries(world)].count("decided") == 0, "'nothing was decided' was true"
    await until(lambda: _final_answers(slack, 2), 90, "both know what came of their clicks")
    clicked = 2
    while "decided" not in [entry["event"] for entry in entries(world)]:
        assert clicked < 30, "nobody can decide any more"
        assert (await slack.click(card, APPROVE, user=MINA, stale=True)).acked
        clicked += 1
        await until(partial(_final_answers, slack, clicked), 90, "the click is answered")
    await until(finished, 120, "the card says what came of it")
    (decided,) = [entry for entry in entries(world) if entry["event"] == "decided"]
    done = [m for m in await slack.messages() if m.ephemeral_to and _is_done(m.words())]
    assert len(done) == 1, [m.words() for m in done]
    assert done[0].ephemeral_to == decided["actor"]
    if decided["detail"] == "APPROVED":
        assert (setting(world)["value"], setting(world)["version"]) == ("420", "1")
        assert [entry["detail"] for entry in entries(world)].count("APPLIED") == 1
    assert set((await surfaces(slack)).values()) == {1}
    assert bot.exit_code() is None


def _is_done(words: str) -> bool:
    """In both languages that these two read."""
    return "Done: you" in words or "완료" in words


async def _reads(slack: SandboxClient, who: str, words: str) -> bool:
    return any(words in m.words() for m in await slack.messages() if m.ephemeral_to == who)


async def _final_answers(slack: SandboxClient, count: int) -> bool:
    """Answers to so many clicks, not counting those that only say that it is not known yet."""
    said = [m.words() for m in await slack.messages() if m.ephemeral_to]
    final = [words for words in said if "It is not known yet" not in words and "아직 알 수 없습니다" not in words]
    return len(final) >= count
