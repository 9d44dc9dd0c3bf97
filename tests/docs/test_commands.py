"""docs/commands.md names every command there is, and none that is not."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from bot.cli.commands import app
from handlers.command_table import NAMES, TABLE, Entry

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()


def of_group(group: TyperGroup, above: str) -> list[str]:
    """Every command that can be typed, with the words above it."""
    found, ctx = [], typer.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        full = f"{above} {name}"
        found += of_group(command, full) if isinstance(command, TyperGroup) else [full]
    return found


def test_slack_commands() -> None:
    written = re.findall(r"^\| `/lumen (\w+)", PAGE, re.MULTILINE)
    assert set(written) == set(NAMES)


@pytest.mark.parametrize("entry", TABLE, ids=NAMES)
def test_the_page_has_each_command_as_the_table_has_it(entry: Entry) -> None:
    usage = entry.usage.replace("|", "\\|")
    assert f"\n| `/lumen {usage}` | {entry.korean} | " in PAGE


def test_the_command_line() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    written = re.findall(r"^\| `(lumen [a-z ]+)`", PAGE, re.MULTILINE)
    assert sorted(written) == sorted(of_group(group, "lumen"))
