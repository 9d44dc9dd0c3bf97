"""docs/states.md and docs/guarantees.md say what the code does."""

import re
from collections import Counter
from pathlib import Path

from lumen.adapters.store.proposals import COMES_FROM
from lumen.model.proposal import Choice, State

ROOT = Path(__file__).parents[2]
STATES = (ROOT / "docs/states.md").read_text(encoding="utf-8")
GUARANTEES = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")


def test_the_table_of_steps_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| ([A-Z_, ]+) \| ([A-Z_, ]+) \|$", STATES, re.MULTILINE)
    told = {(State(old), State(new)) for olds, news in rows for old in olds.split(", ") for new in news.split(", ")}
    assert told == {(old, new) for new, olds in COMES_FROM.items() for old in olds if old is not new}


def test_every_state_is_drawn() -> None:
    assert all(state.value in STATES for state in State)
    assert all(choice.value in STATES for choice in Choice)


def test_every_fault_point_of_the_store_is_listed() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lumen/adapters/store").glob("*.py"))
    points = set(re.findall(r'_fault\("([a-z._]+)"\)', code))
    assert points
    assert points == set(re.findall(r"`(store\.[a-z._]+)`", GUARANTEES))


def test_every_promise_has_a_name_of_its_own() -> None:
    names = re.findall(r"^\| ([A-Z]+\d+) \|", GUARANTEES, re.MULTILINE)
    assert names
    assert [name for name, times in Counter(names).items() if times > 1] == []
    referred = re.findall(r"(?<![\w`])([SACRNDEUHFLW]\d{1,2})(?![\w`])", GUARANTEES)
    assert set(referred) <= set(names)


def test_every_proof_that_is_named_exists() -> None:
    files = list((ROOT / "tests").rglob("*.py"))
    tests = "".join(path.read_text(encoding="utf-8") for path in files)
    for name in re.findall(r"`(test_[a-z0-9_]+)…?`", GUARANTEES):
        assert f"def {name}" in tests, name
    for name in re.findall(r"`(test_[a-z0-9_]+\.py)`", GUARANTEES):
        assert name in {path.name for path in files}, name
