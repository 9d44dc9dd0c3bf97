"""Sources and documents cite what a reader of this repository can open, and nothing else."""

import re
from collections.abc import Iterator
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


def lines() -> Iterator[tuple[str, str]]:
    """Where each line stands, and the line."""
    for file in tracked():
        if file.suffix in KINDS and file not in OWN:
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                yield f"{file.relative_to(ROOT)}:{number}", line


def test_nothing_cites_what_is_not_in_the_repository() -> None:
    assert [f"{where} {line.strip()}" for where, line in lines() if ELSEWHERE.search(line)] == []


def test_every_page_that_is_named_exists() -> None:
    missing = [
        f"{where} {page}"
        for where, line in lines()
        for page in (*PAGE.findall(line), *(f"docs/adr/{number}-*.md" for number in DECISION.findall(line)))
        if not any(ROOT.glob(page))
    ]
    assert missing == []


def test_every_module_that_a_page_names_exists() -> None:
    """Pages name them by the end of their path (`alerts/level.py`)."""
    names = [str(file.relative_to(ROOT)) for file in tracked()]
    missing = [
        f"{where} {module}"
        for where, line in lines()
        if where.startswith("docs/")
        for module in MODULE.findall(line)
        if not any(f"/{name}".endswith(f"/{module}") for name in names)
    ]
    assert missing == []
