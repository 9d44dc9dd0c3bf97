"""What a command does not need it does not import: help needs no command, given figures need no Google and no store."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from bot.cli.commands import COMMANDS, Commands

ROOT = Path(__file__).parents[3]
#: All that is slow to come, by the commands that can do without.
FOR_THE_BOT = ("google", "grpc", "redis", "aiohttp", "slack_sdk", "slack_bolt", "apscheduler", "prometheus_client")
HEAVY = (*FOR_THE_BOT, "asyncio", "scipy", "numpy", "matplotlib", "structlog")
FOR_A_COMMAND = (*HEAVY, "lumen", "pydantic", "rich", "dotenv")
TTL = ("ttl", "--current-ttl", "300", "--hit-rate", "72.5", "--memory", "72.3")
SIZE = ("size", "--current-size", "256", "--usage", "240", "--hit-rate", "70", "--evictions", "150")


def loaded(arguments: Sequence[str], **environment: str) -> set[str]:
    """The modules that the command line has brought when it ends."""
    script = (
        "import sys, bot.cli.commands as m\n"
        f"sys.argv = ['lumen', *{list(arguments)!r}]\n"
        "try:\n    m.main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(run.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]], ids=" ".join)
def test_help_and_version_bring_no_command(arguments: list[str]) -> None:
    assert loaded(arguments).isdisjoint(FOR_A_COMMAND)


@pytest.mark.parametrize(
    "arguments", [TTL, (*TTL, "--json"), SIZE, (*SIZE, "--json"), ("ttl", "-h"), ("setup", "plan", "-h")], ids=" ".join
)
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_figures_that_are_given_are_judged_without_google_and_without_a_store(
    arguments: Sequence[str], locale: str
) -> None:
    brought = loaded(arguments, LUMEN_LOCALE=locale, LUMEN_GCP_ENDPOINT="127.0.0.1:1", PROJECT_ID="naeda-genesis")
    assert brought.isdisjoint(HEAVY)
    assert not {name for name in brought if name.startswith(("lumen.adapters", "bot.wiring", "bot.config"))}


def test_the_table_says_of_each_command_what_the_command_says_of_itself() -> None:
    group, ctx = Commands(name="lumen"), typer.Context(Commands(name="lumen"))
    for name, (_, line) in COMMANDS.items():
        command = group.get_command(ctx, name)
        assert command is not None and command.help is not None, name
        assert " ".join(command.help.split("\n\n")[0].split()) == line
