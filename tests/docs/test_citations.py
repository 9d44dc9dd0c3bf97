"""Sources and documents cite what a reader of this repository can open, and nothing else."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.docs.test_tracked_files import ROOT, tracked

KINDS = (".py", ".md", ".lua", ".toml", ".yaml", ".yml")
#: Sections of what stands nowhere in here: a mission, numbered methods, decisions, issues or promises.
ELSEWHERE = re.compile(r"\bmissions?\b|\b(methods|decisions?|issues?|promises?) #?\d|methods\.md,? §?\d|§ ?\d", re.I)
PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")
DECISION = re.compile(r"\bdocs/adr/(\d{4})")
#: A module, a script of the store or a test, with at least its folder.
MODULE = re.compile(r"`(\w+(?:/\w+)+\.(?:py|lua))")
#: These name the patterns themselves.
OWN = {ROOT / "bench/house.py", Path(__file__).resolve()}


@cache
def texts() -> dict[str, str]:
    """What stands in each file that may cite."""
    files = [file for file in tracked() if file.suffix in KINDS and file not in OWN]
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def lines(of: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Where each line with a match stands, and the line."""
    for file, text in texts().items():
        for number in sorted({text.count("\n", 0, match.start()) for match in of.finditer(text)}):
            yield f"{file}:{number + 1}", text.split("\n")[number]


def test_nothing_cites_what_is_not_in_the_repository() -> None:
    assert [f"{where} {line.strip()}" for where, line in lines(ELSEWHERE)] == []


def test_every_page_that_is_named_exists() -> None:
    missing = [
        f"{where} {page}"
        for where, line in lines(re.compile(r"\bdocs/"))
        for page in (*PAGE.findall(line), *(f"docs/adr/{number}-*.md" for number in DECISION.findall(line)))
        if not any(ROOT.glob(page))
    ]
    assert missing == []


def test_every_module_that_a_page_names_exists() -> None:
    """Pages name them by the end of their path (`alerts/level.py`)."""
    names = [str(file.relative_to(ROOT)) for file in tracked()]
    missing = [
        f"{where} {module}"
        for where, line in lines(MODULE)
        if where.startswith("docs/")
        for module in MODULE.findall(line)
        if not any(f"/{name}".endswith(f"/{module}") for name in names)
    ]
    assert missing == []
