"""The locks hold what pyproject.toml asks for: pinned, hashed, each within the next."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ("requirements/core.txt", "requirements/demo.txt", "requirements/dev.txt")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ; (.+?))? \\$\n((?:^    --hash=sha256:\S+(?: \\)?$\n)+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return {name: version for name, version, _, _ in PIN.findall((ROOT / lock).read_text())}


def asked(*extras: str) -> list[Requirement]:
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    found = [Requirement(text) for each in lists for text in each]
    return [each for each in found if canonicalize_name(each.name) != PROJECT["name"]]


PRODUCTION = ("numerics", "memorystore", "pubsub", "logging", "setup")
EXTRAS = (PRODUCTION, ("demo", *PRODUCTION), ("demo", *PRODUCTION, "dev"))


@pytest.mark.parametrize(("lock", "extras"), list(zip(LOCKS, EXTRAS, strict=True)))
def test_what_is_asked_for_is_pinned(lock: str, extras: tuple[str, ...]) -> None:
    pinned = pins(lock)
    missing = [str(each) for each in asked(*extras) if not each.specifier.contains(pinned.get(each.name, "0"))]
    assert missing == [], f"run `make lock`: {lock} is behind pyproject.toml"


@pytest.mark.parametrize(("smaller", "larger"), [LOCKS[:2], LOCKS[1:]])
def test_each_lock_agrees_with_the_next(smaller: str, larger: str) -> None:
    """So that the tests run with what production runs with."""
    of_larger = pins(larger)
    assert {name: of_larger.get(name) for name in pins(smaller)} == pins(smaller)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_hashed_pin(lock: str) -> None:
    rest = PIN.sub("", (ROOT / lock).read_text())
    assert [line for line in rest.splitlines() if line.strip() and not line.strip().startswith("#")] == []
    for _, _, marker, _ in PIN.findall((ROOT / lock).read_text()):
        assert not marker or Marker(marker)
