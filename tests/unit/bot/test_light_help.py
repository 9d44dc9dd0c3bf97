"""What a command does not need it does not import: help needs no command, given figures need no Google and no store."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from bot.cli.commands import COMMANDS, Commands
from bot.cli.common import ExitCode

ROOT = Path(__file__).parents[3]
#: All that is slow to come, by the commands that can do without.
FOR_THE_BOT = ("google", "grpc", "redis", "aiohttp", "slack_sdk", "slack_bolt", "apscheduler", "prometheus_client")
HEAVY = (*FOR_THE_BOT, "asyncio", "scipy", "numpy", "matplotlib", "structlog")
FOR_A_COMMAND = (*HEAVY, "lumen", "pydantic", "rich", "dotenv")
NOT_FOR_THE_GATE = (
    *(name for name in FOR_THE_BOT if name != "redis"),
    *("scipy", "numpy", "matplotlib", "multiprocessing", "concurrent.futures.process"),
    *("lumen.use_cases.turn", "lumen.use_cases.evaluate", "bot.publishing", "bot.reports.markdown"),
)
NOT_AT_START = (
    *("scipy", "matplotlib", "threadpoolctl", "typer", "google.pubsub_v1", "google.cloud.redis_v1"),
    *("google.cloud.monitoring_dashboard_v1", "google.cloud.scheduler_v1"),
    # What Google's and Redis's clients look for by themselves, where it is installed, is theirs.
    *("opentelemetry.exporter", "opentelemetry.proto", "opentelemetry.sdk.trace.export"),
)
OF_A_BOT = {
    "PROJECT_ID": "naeda-genesis",
    "REGION": "us-central1",
    "SERVICE_NAME": "ion-api",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "SLACK_CHANNEL": "C0LUMEN1",
    "APPROVERS": "U0LUMEN1",
    "CACHE_REDIS_URL": "redis://127.0.0.1:1/1",
    "STATE_REDIS_URL": "redis://127.0.0.1:1",
}
TTL = ("ttl", "--current-ttl", "300", "--hit-rate", "72.5", "--memory", "72.3")
SIZE = ("size", "--current-size", "256", "--usage", "240", "--hit-rate", "70", "--evictions", "150")


def brought_by(script: str) -> set[str]:
    """The names that `script` prints, in a process of its own."""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def loaded(arguments: Sequence[str], code: int = 0, **environment: str) -> set[str]:
    """The modules that the command line has brought when it ends."""
    script = (
        "import sys, bot.cli.commands as m\n"
        f"sys.argv = ['lumen', *{list(arguments)!r}]\n"
        f"try:\n    m.main()\nexcept SystemExit as ended:\n    assert ended.code == {int(code)}, ended.code\n"
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
    ("arguments", "locale"),
    [
        (TTL, "en"),
        ((*TTL, "--json"), "ko"),
        (SIZE, "ko"),
        ((*SIZE, "--json"), "en"),
        (("ttl", "-h"), "ko"),
        (("setup", "plan", "-h"), "en"),
    ],
)
def test_figures_that_are_given_are_judged_without_google_and_without_a_store(
    arguments: Sequence[str], locale: str
) -> None:
    brought = loaded(arguments, LUMEN_LOCALE=locale, LUMEN_GCP_ENDPOINT="127.0.0.1:1", PROJECT_ID="naeda-genesis")
    assert brought.isdisjoint(HEAVY)
    assert not {name for name in brought if name.startswith(("lumen.adapters", "bot.wiring", "bot.config"))}


def test_the_gate_brings_what_reads_a_turn_and_nothing_that_makes_one() -> None:
    brought = loaded(["gate"], code=ExitCode.NO_DATA, **OF_A_BOT)  # nobody listens where its store should be
    assert {"bot.store", "redis"} <= brought
    assert brought.isdisjoint(NOT_FOR_THE_GATE)
    assert not {name for name in brought if name.startswith(("lumen.alerts", "lumen.effects", "bot.wiring"))}


def test_the_bot_starts_without_what_only_its_worker_or_an_extra_needs() -> None:
    brought = brought_by("import sys, bot.run\nprint(' '.join(sys.modules))")
    assert brought.isdisjoint(NOT_AT_START)
    packages = ("lumen.backtest", "lumen.verification", "lumen.use_cases.setup", "sandbox", "demo")
    assert not {name for name in brought if name.startswith(packages)}


def test_a_command_reads_the_words_and_makes_ready_the_settings_that_it_asks_for() -> None:
    script = (
        "import os\n"
        f"os.environ.update({OF_A_BOT!r})\n"
        "from pathlib import Path\n"
        "from bot.config import Settings, WithoutSlack, load_settings\n"
        "from bot.thresholds import Thresholds\n"
        "from lumen.model.messages import message\n"
        "from lumen.wording.catalogue import Catalogue\n"
        "read = Path.read_text\n"
        "def told(path, *given, **named):\n"
        "    print(path.name * (path.suffix == '.toml'))\n"
        "    return read(path, *given, **named)\n"
        "Path.read_text = told\n"
        "load_settings()\n"
        "print(*(kind.__name__ for kind in (Thresholds, Settings, WithoutSlack) if kind.__pydantic_complete__))\n"
        "Catalogue('ko'), Catalogue('en').plain(message('word.no_data'))\n"
    )
    assert brought_by(script) == {"Settings", "word.toml"}


def test_a_command_ends_without_taking_apart_what_it_has_brought() -> None:
    script = (
        "import gc, sys, bot.cli.commands as m\nsys.argv = ['lumen', '--version']\n"
        "try:\n    m.main()\nfinally:\n    print(gc.get_freeze_count() > 0)"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1] == "True"


def test_the_table_says_of_each_command_what_the_command_says_of_itself() -> None:
    group, ctx = Commands(name="lumen"), typer.Context(Commands(name="lumen"))
    for name, (_, line) in COMMANDS.items():
        command = group.get_command(ctx, name)
        assert command is not None and command.help is not None, name
        assert " ".join(command.help.split("\n\n")[0].split()) == line
