"""Scenario files (YAML or JSON): incidents, their times and strengths, and the service (docs/verify.md).

service: {requests_per_second: 2.0, ttl_seconds: 300}
steps:
  - at: 10h
    incident: bad_release_errors
    for: 50m
    size: 0.06

Values are held within ranges that the simulated world makes sense in, and is done with within minutes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import yaml

from lumen.model.messages import NotPossible, with_remedy
from lumen.verification.incidents import ROLLED_BACK, SimulatedIncident, Trouble
from lumen.verification.traffic import Profile


class Range(NamedTuple):
    """Both ends are allowed."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


_SHARE = Range(0.0, 1.0)
_SOME = Range(0.0001, 1.0)
_TIMES = Range(0.1, 20.0)

#: Of the fields of `Profile`, in its units. A TTL as the service takes it, a cache as the policies may set it.
SERVICE: Mapping[str, Range] = {
    "requests_per_second": Range(0.0002, 300.0),
    "daily_swing": Range(0.0, 0.8),
    "peak_hour": Range(0.0, 24.0),
    "weekend": Range(0.0, 2.0),
    "cached_share": _SHARE,
    "topics": Range(1, 1_000_000),
    "zipf": Range(0.0, 3.0),
    "topic_life_seconds": Range(60.0, 1e9),
    "answer_life_seconds": Range(1.0, 1e9),
    "asks_again": _SHARE,
    "entry_mb": Range(0.0001, 1024.0),
    "other_data_mb": Range(0.0, 1024.0),
    "cache_mb": Range(10, 1024),
    "ttl_seconds": Range(60, 3600),
    "hit_ms": Range(0.1, 60_000.0),
    "model_ms": Range(0.1, 60_000.0),
    "uncached_ms": Range(0.1, 60_000.0),
    "error_share": _SHARE,
    "model_call_usd": Range(0.0, 10.0),
    "budget_usd": Range(1.0, 1e6),
    "cache_usd_per_mb_month": Range(0.0, 10.0),
    "staleness_told": Range(0, 1),
    "billed_in_won": Range(0, 1),
    "stale_usd_per_1000": Range(0.0, 1e6),
    "estimated_cost": Range(0, 1),
    "office_hours": Range(0, 1),
    "cron_minutes": Range(0, 1440),
    "cron_share": Range(0.0, 20.0),
    "holidays": _SHARE,
}

#: Of the `size` of each trouble, and the size without one.
SIZES: Mapping[Trouble, tuple[Range, float]] = {
    Trouble.BAD_RELEASE_ERRORS: (_SOME, 0.08),
    Trouble.BAD_RELEASE_SLOW: (_TIMES, 2.5),
    Trouble.PLATFORM_ERRORS: (_SOME, 0.08),
    Trouble.MODEL_SLOW: (_TIMES, 3.0),
    Trouble.CACHE_SQUEEZED: (_SOME, 0.1),
    Trouble.CACHE_FLUSHED: (Range(1.0, 86_400.0), 30.0),
    Trouble.COST_SURGE: (Range(0.01, 1e6), 50.0),
    Trouble.FLASH: (_TIMES, 2.0),
    Trouble.BLIP: (_SOME, 0.05),
    Trouble.BLIND: (Range(1.0, 1.0), 1.0),
    Trouble.RELEASE: (Range(1.0, 1.0), 1.0),
}

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)([smhd])$")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

#: How long an incident lasts without a `for`.
USUAL_SECONDS = 3600.0
#: No run is longer.
MOST_DAYS = 90


@dataclass(frozen=True, slots=True)
class Scenario:
    """`incidents` in seconds from the start of the verified days; `service` overrides the drawn profile."""

    incidents: tuple[SimulatedIncident, ...]
    service: Mapping[str, float]

    def profile(self, drawn: Profile) -> Profile:
        """The drawn service with what the scenario says of it."""
        whole = {one.name for one in fields(Profile) if isinstance(getattr(drawn, one.name), int)}
        given = {name: round(value) if name in whole else value for name, value in self.service.items()}
        return replace(drawn, **given)  # type: ignore[arg-type]  # names and kinds were checked when it was read


def read_scenario(text: str) -> Scenario:
    """Raises NotPossible with the step, what is wrong with it, and what can be written."""
    document = _parsed(text)
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise _problem("a map with a list of steps is wanted")
    if unknown := set(map(str, document)) - {"service", "steps"}:
        raise _problem(f"it has {', '.join(sorted(unknown))}; there are service and steps")
    service = document.get("service", {})
    if not isinstance(service, dict):
        raise _problem("service is no map")
    steps = [_step(number, one) for number, one in enumerate(document["steps"], 1)]
    return Scenario(
        tuple(sorted(steps, key=lambda one: one.start)),
        {str(name): _service_value(str(name), value) for name, value in service.items()},
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _problem(" ".join(str(error).split())) from error


def _step(number: int, raw: Any) -> SimulatedIncident:
    where = f"step {number}"
    if not isinstance(raw, dict):
        raise _problem(f"{where} is no map")
    if unknown := set(map(str, raw)) - {"at", "incident", "for", "size", "quiet"}:
        raise _problem(f"{where} has {', '.join(sorted(unknown))}; a step has at, incident, for, size and quiet")
    try:
        trouble = Trouble(str(raw.get("incident")))
    except ValueError:
        raise _problem(f"{where}: incident is {raw.get('incident')!r}; there are {', '.join(Trouble)}") from None
    start = _seconds(f"{where}: at", raw.get("at", "0s"))
    length = _seconds(f"{where}: for", raw["for"]) if "for" in raw else USUAL_SECONDS
    if not length:
        raise _problem(f"{where}: for is {raw['for']!r}; it must last")
    quiet = _seconds(f"{where}: quiet", raw.get("quiet", "0s"))
    if quiet and trouble not in ROLLED_BACK:
        raise _problem(f"{where}: quiet is for {' and '.join(sorted(ROLLED_BACK))}, which are fine at first")
    start += quiet
    allowed, usual = SIZES[trouble]
    size = _within(f"{where}: size", allowed, raw.get("size", usual), f"{trouble} takes")
    return SimulatedIncident(trouble, start, start + length, size, quiet)


def _service_value(name: str, value: object) -> float:
    if name not in SERVICE:
        raise _problem(f"service has {name}; there are {', '.join(sorted(SERVICE))}")
    return _within(f"service: {name}", SERVICE[name], value, "it takes")


def _within(what: str, range_: Range, value: object, takes: str) -> float:
    number = _number(value)
    if number is None or not range_.holds(number):  # a NaN is in no range
        raise _problem(f"{what} is {value!r}; {takes} a number from {range_.low:g} to {range_.high:g}")
    return number


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _seconds(where: str, value: object) -> float:
    match = _DURATION.match(str(value))
    if match is None:
        raise _problem(f"{where} is {value!r}; write 90s, 45m, 6h or 2d")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > MOST_DAYS * _SECONDS["d"]:
        raise _problem(f"{where} is {value!r}; at most {MOST_DAYS}d")
    return seconds


def _problem(problem: str) -> NotPossible:
    return NotPossible(*with_remedy("verify.bad_scenario", problem=problem))
