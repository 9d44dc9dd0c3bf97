"""docs/integration.md from its settings to an applied TTL, in a clean folder: each command, in the page's order."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
import redis

from demo.ports import free_port
from demo.processes import Child
from demo.world import LUMEN, World, base_environment
from sandbox.client import SandboxClient
from tests.scenarios.test_loop import APPROVE, a_card, is_report, setting, shown, until

PAGE = (Path(__file__).parents[2] / "docs" / "integration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
#: What only a sandbox needs, beside the settings that the page names.
ELSEWHERE = ("SLACK_API_URL", "LUMEN_GCP_ENDPOINT", "LUMEN_CLOCK_SCALE", "LUMEN_CLOCK_ORIGIN")


def lines(beginning: str) -> list[str]:
    """The lines of the page's blocks that begin so, in their order."""
    return [line for block in BLOCKS for line in block.splitlines() if line.startswith(beginning)]


def write_settings(world: World, folder: Path) -> None:
    """The page's own, with the values of this world; nothing more but where the world is."""
    named = re.findall(r"^([A-Z_]+)=", "\n".join(block for block in BLOCKS if "PROJECT_ID=" in block), re.MULTILINE)
    own = world.settings()
    text = "".join(f"{name}={own[name]}\n" for name in (*named, *ELSEWHERE))
    (folder / ".env").write_text(text, encoding="utf-8")


@pytest.mark.prove
async def test_from_the_page_s_settings_to_an_applied_ttl(world: World, slack: SandboxClient, tmp_path: Path) -> None:
    write_settings(world, tmp_path)
    with redis.Redis.from_url(world.state.socket_url) as store:
        store.flushall()  # the fixture has prepared it
    port = str(free_port())
    environment = {**base_environment(), "PORT": port}
    commands = [line.split()[1:] for line in lines("lumen ")]
    begins = commands.index(["run"])

    async def says(command: list[str]) -> int:
        run = await asyncio.to_thread(
            subprocess.run,
            [*LUMEN, *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        print("$ lumen", *command, f"({run.returncode})\n{run.stdout}{run.stderr}")  # noqa: T201 - where it failed
        assert "Traceback" not in run.stdout + run.stderr
        return run.returncode

    assert commands[0] == ["doctor"]
    assert await says(["doctor"]) != 0  # the store, which comes next
    for command in (*commands[1:begins], ["doctor"]):
        assert await says(command) == 0, command

    bot = Child(world.children, "by-the-page")
    bot.start([*LUMEN, "run"], environment, tmp_path)
    await slack.wait_for_message(is_report, within_seconds=90)

    typed = lines("/lumen ")
    assert typed[-1] == "/lumen ttl 420"
    for text in typed[:-1]:
        assert (await slack.command(text)).acked
    card = await a_card(slack, 420)
    await slack.click(card, APPROVE)

    async def applied() -> bool:
        return "· applied" in (await shown(slack, card)).text

    await until(applied, 120, "the card says that it is applied")
    assert setting(world)["value"] == "420"
    assert (await slack.get("world/state"))["ion"]["ttl_seconds"] == 420

    for command in commands[begins + 1 :]:

        async def is_answered(command: list[str] = command) -> bool:
            return await says(command) in (0, 1)  # 1: what the service deserves, not what the command does

        await until(is_answered, 180, f"{command} has figures: the first turn may have come before the cache's")
