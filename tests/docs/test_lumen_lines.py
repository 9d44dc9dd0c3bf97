"""Every `lumen …` that the documents tell people to type is a command there is, with flags that it has."""

import re
import shlex
from collections.abc import Iterator

import typer
from typer.core import TyperGroup

from bot.cli.commands import app
from tests.docs.test_tracked_files import ROOT, tracked

GROUP = typer.main.get_command(app)
#: Pages that tell of one another's commands; the tables of remedies have the catalogue's own test.
PAGES = [file for file in tracked() if file.suffix == ".md" and file.name not in ("CHANGELOG.md", "troubleshooting.md")]


def written() -> Iterator[tuple[str, str]]:
    """Where a command line stands, and the line."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for line in (
            *re.findall(r"^(lumen [a-z-].*)$", text, re.MULTILINE),
            *re.findall(r"`(lumen [a-z-][^`\n]*)`", text),
        ):
            yield str(page.relative_to(ROOT)), line.partition("  #")[0].partition("\\|")[0]


def fault(line: str) -> str:
    """What is wrong with it; "" where nothing is."""
    command = GROUP
    words = shlex.split(line.replace("…", ""))[1:]
    while words and isinstance(command, TyperGroup):
        found = command.get_command(typer.Context(command), words[0])
        if found is None:
            return "" if words[0].startswith("-") else f"no command: {line}"
        command, words = found, words[1:]
    flags = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)} | {"--help"}
    unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - flags
    return f"{', '.join(sorted(unknown))}: {line}" if unknown else ""


def test_every_line_can_be_typed() -> None:
    lines = list(written())
    assert len(lines) > 100
    assert [f"{where}: {why}" for where, line in lines if (why := fault(line))] == []


def test_a_wrong_line_would_be_found() -> None:
    assert fault("lumen setup aply")
    assert fault("lumen ttl --new 420")
    assert not fault("lumen ttl --simulate --new-ttl 420")
