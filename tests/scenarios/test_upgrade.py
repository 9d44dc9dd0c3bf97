"""Two versions of Lumen side by side on one store under clicks, the step to the newer layout, and ways back."""

import asyncio
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from demo.world import LUMEN, World
from sandbox.client import SandboxClient
from tests.chaos.checks import unanswered, violations
from tests.chaos.faults import Scene
from tests.other_versions import OLDER, next_version, older_version
from tests.scenarios.test_chaos import Plan, _clicked, _recovers, _settled, _watched, asked, proposal_of
from tests.scenarios.test_loop import APPROVE, QUIET, a_card, is_open_card, setting, until
from tests.scenarios.test_rollback import says
from tests.scenarios.test_two_bots import MINA

pytestmark = pytest.mark.prove
PLAN = Plan(0, "store", "slow", clicks=100, span=30, begins=0, lasts=0, release=False)


def lumen(world: World, python_path: Path | None, *words: str, typed: str = "", **more: str) -> tuple[int, str]:
    """A command of one of the versions: its exit code, and all that it printed. `more`: settings."""
    child = world.child(f"command-{len(list(world.children.glob('command-*.out')))}")
    more |= {"PYTHONPATH": str(python_path)} if python_path else {}
    command = [*LUMEN, *words]
    if typed:
        command = ["/bin/sh", "-c", f"echo {typed} | {' '.join(command)}"]
    child.start(command, world.bot_environment(0, **QUIET, **more), world.directory)
    return child.wait(60), child.tail(10_000)


def schema(world: World) -> str:
    with redis.Redis.from_url(world.state.socket_url, decode_responses=True) as store:
        (key,) = store.scan_iter("*:epoch")
        return str(store.hget(key, "schema"))


async def test_two_versions_side_by_side_lose_nothing(world: World, slack: SandboxClient, tmp_path: Path) -> None:
    """The step is made while the older one still runs, which is the worst that an operator can do."""
    newer, copy = next_version(tmp_path / "next"), tmp_path / "state.jsonl"
    scene = Scene(world, slack, QUIET)
    await slack.rate_limits(False)
    await scene.start()
    await slack.wait_for_connections(2, within_seconds=60)
    await asked(scene, MINA, 420)
    await slack.wait_for_message(lambda m: bool(proposal_of(m)), within_seconds=60)
    async with _watched(scene):
        clicking = asyncio.create_task(_clicked(scene, PLAN))
        await scene.start(PYTHONPATH=str(newer))
        await slack.wait_for_connections(4, within_seconds=60)
        older, _ = scene.bots
        assert (await asyncio.to_thread(lumen, world, newer, "state", "export", str(copy)))[0] == 0
        code, said = await asyncio.to_thread(lumen, world, newer, "state", "migrate", "--dry-run", "--json")
        assert (code, json.loads(said)["steps"][0]["values"] > 0, schema(world)) == (0, True, "1")
        code, said = await asyncio.to_thread(lumen, world, newer, "state", "migrate")
        assert (code, "1 → 2" in said, schema(world)) == (0, True, "2")

        async def is_gone() -> bool:
            return older.exit_code() is not None

        await until(is_gone, 30, "the older version ends by itself")
        scene.bots.remove(older)
        assert older.exit_code() == 2
        assert "surface_failed" not in older.tail(10_000)  # the newer one's cards have words that it does not know
        assert "layout 2; this version of Lumen knows layout 1" in older.tail(10_000)
        await clicking
        recovered = await _recovers(scene)
        seen = replace(await _settled(scene), recovered=recovered)
    assert violations(seen) == []
    assert not unanswered(seen)
    assert sum(click.acked for click in seen.clicks) > 50
    assert lumen(world, newer, "audit", "verify")[0] == 0

    # The older one is refused, at its start and in each command; by the copy there is a way back for it.
    for words in (("run",), ("state", "show"), ("state", "migrate"), ("audit", "verify")):
        code, said = lumen(world, None, *words)
        assert code in (2, 3), words
        assert "layout 2; this version of Lumen knows layout 1" in said
    await scene.kill(scene.bots[0])
    assert lumen(world, None, "state", "reset", typed=world.addresses.service)[0] == 0
    code, said = lumen(world, None, "state", "import", str(copy))
    assert (code, schema(world)) == (0, "1"), said
    world.start_bot("again", **QUIET)
    await slack.wait_for_message(
        lambda m: m.ephemeral_to is None and "restored from a copy" in m.text, within_seconds=60
    )
    await asked(scene, MINA, 1200)
    fresh = await slack.wait_for_message(lambda m: is_open_card(m) and "1200 s" in m.text, within_seconds=60)
    assert int(proposal_of(fresh).removeprefix("P")) > max(int(p.removeprefix("P")) for p in seen.stored)


async def test_an_older_commit_beside_this_one_loses_nothing(
    world: World, slack: SandboxClient, tmp_path: Path
) -> None:
    """A rolling upgrade, and a way back: the older one goes on from what this one has written."""
    older = older_version(tmp_path / "older")
    if older is None:
        pytest.skip(f"the repository does not remember {OLDER}")
    scene = Scene(world, slack, QUIET)
    await slack.rate_limits(False)
    await scene.start(PYTHONPATH=str(older))
    await slack.wait_for_connections(2, within_seconds=60)
    await asked(scene, MINA, 420)
    await slack.wait_for_message(lambda m: bool(proposal_of(m)), within_seconds=60)
    async with _watched(scene):
        clicking = asyncio.create_task(_clicked(scene, PLAN))
        await scene.start()
        await slack.wait_for_connections(4, within_seconds=60)
        await clicking
        await scene.kill(scene.bots[0], signal.SIGTERM)
        assert await _recovers(scene), "without the older one"
        await scene.start(PYTHONPATH=str(older))
        await slack.wait_for_connections(4, within_seconds=60)
        await scene.kill(scene.bots[0], signal.SIGTERM)
        assert await _recovers(scene), "without this one"
        seen = await _settled(scene)
    assert violations(seen) == []
    assert not unanswered(seen)
    assert sum(click.acked for click in seen.clicks) > 50
    assert lumen(world, None, "audit", "verify")[0] == lumen(world, older, "audit", "verify")[0] == 0


async def test_a_running_bot_goes_on_after_a_reset_and_an_import(
    world: World, slack: SandboxClient, tmp_path: Path
) -> None:
    """Nobody stops it: it refuses while there is nothing, and goes on by the copy, under numbers of its own."""
    copy = tmp_path / "state.jsonl"
    bot = world.start_bot(**QUIET)
    first = await a_card(slack, 420)
    await slack.click(first, APPROVE)
    await says(slack, first, "· applied")
    assert lumen(world, None, "state", "export", str(copy))[0] == 0
    newer = await a_card(slack, 600)
    assert lumen(world, None, "state", "reset", typed=world.addresses.service)[0] == 0
    await slack.click(newer, APPROVE)  # is answered: the store is empty
    await slack.wait_for_message(lambda m: bool(m.ephemeral_to) and "is empty for" in m.text, within_seconds=60)
    code, said = lumen(world, None, "state", "import", str(copy))
    assert (code, "#2" in said, "The audit chain is whole." in said) == (0, True, True), said
    await slack.wait_for_message(
        lambda m: m.ephemeral_to is None and "restored from a copy" in m.text and "up to #2" in m.text,
        within_seconds=60,
    )
    await slack.click(newer, APPROVE, stale=True)
    await slack.wait_for_message(lambda m: bool(m.ephemeral_to) and "lost or restored" in m.text, within_seconds=60)
    fresh = await a_card(slack, 540)
    assert proposal_of(fresh) == "P3"
    await slack.click(fresh, APPROVE)
    await says(slack, fresh, "· applied")
    assert (setting(world)["value"], bot.exit_code()) == ("540", None)
    assert lumen(world, None, "audit", "verify")[0] == 0
