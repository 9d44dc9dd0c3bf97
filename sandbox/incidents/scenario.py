"""Scenario files: which incidents, when, for how long.

    name: bad-release
    title: A release that fails
    steps:
      - at: 30m
        incident: bad_release_errors
        for: 45m
        error_share: 0.08

`at` counts from the start of the scenario; times are 90s, 45m, 6h or 2d of service time. Without `for` it lasts until
it is stopped. All other keys of a step are the incident's parameters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)([smhd])$")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class ScenarioUnreadable(ValueError):
    """The file is no scenario; the message says where and what is wanted."""


@dataclass(frozen=True, slots=True)
class Step:
    """One incident of a scenario."""

    at_seconds: float
    incident: str
    for_seconds: float | None
    parameters: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story in steps."""

    name: str
    title: str
    steps: tuple[Step, ...]


def seconds_of(text: object, where: str) -> float:
    """ "45m" → 2700.0. Raises ScenarioUnreadable."""
    match = _DURATION.match(str(text))
    if match is None:
        raise ScenarioUnreadable(f"{where}: {text!r} is no duration; write 90s, 45m, 6h or 2d")
    return float(match[1]) * _SECONDS[match[2]]


def read(text: str) -> Scenario:
    """Raises ScenarioUnreadable."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ScenarioUnreadable(" ".join(str(error).split())) from error
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise ScenarioUnreadable("a scenario needs `name`, `title` and a list of `steps`")
    name = str(document.get("name") or "")
    if not name:
        raise ScenarioUnreadable("a scenario needs a `name`")
    steps = tuple(_step(raw, f"{name}, step {number}") for number, raw in enumerate(document["steps"], 1))
    return Scenario(name, str(document.get("title") or name), steps)


def _step(raw: Any, where: str) -> Step:
    if not isinstance(raw, dict) or "incident" not in raw:
        raise ScenarioUnreadable(f"{where}: needs `at` and `incident`")
    rest = {str(k): v for k, v in raw.items() if k not in ("at", "incident", "for")}
    return Step(
        seconds_of(raw.get("at", "0s"), where),
        str(raw["incident"]),
        seconds_of(raw["for"], where) if "for" in raw else None,
        rest,
    )


def shipped() -> dict[str, Scenario]:
    """The scenarios that come with the sandbox, by name."""
    folder = files("sandbox.incidents") / "files"
    found = [read(entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return {scenario.name: scenario for scenario in sorted(found, key=lambda s: s.name)}
