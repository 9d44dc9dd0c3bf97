"""Each limit in docs/sandbox-limits.md has a test, and the test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = {
    "slack/": "tests/contract/sandbox_slack/test_sandbox_slack_",
    "google/": "tests/contract/test_sandbox_google_",
}
ROWS = [
    tuple(cell.strip() for cell in line.strip("|\n").split("|"))
    for line in (ROOT / "docs" / "sandbox-limits.md").read_text().splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| limit"))
]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def defined_in(names: list[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        folder = next(short for short in SHORT if name.startswith(short))
        file = ROOT / f"{SHORT[folder]}{name.removeprefix(folder)}.py"
        found |= set(re.findall(r"^\s*(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE))
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_limits_tests_exist(row: tuple[str, str, str]) -> None:
    _, files, tests = row
    assert quoted(tests), "a limit without a test"
    assert set(quoted(tests)) <= defined_in(quoted(files))


def test_there_are_as_many_as_there_were() -> None:
    """A table that is not read any more would pass."""
    assert len(ROWS) > 50
