"""The parser of a history in JSON lines (docs/backtest.md). Odd lines are named by number, nothing is guessed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from lumen.model.alert import Observation
from lumen.model.messages import Message, message
from lumen.model.snapshot import SLICE


class Oddity(StrEnum):
    """The kinds of problems of a line."""

    GARBAGE = "garbage"
    FIELD = "field"
    DUPLICATE = "duplicate"
    DISORDER = "disorder"
    GAP = "gap"
    CLOCK = "clock"


class File(StrEnum):
    """The file that a problem is in."""

    HISTORY = "history"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` counts from 1. A line that is GARBAGE or a DUPLICATE is left out; a FIELD counts as missing."""

    line: int
    oddity: Oddity
    says: Message
    file: File = File.HISTORY


@dataclass(frozen=True, slots=True)
class SliceHistory:
    """Observations by service, each in order of time and once a slice."""

    services: Mapping[str, tuple[Observation, ...]]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    service: str
    offset: timedelta
    observation: Observation


#: Counts are whole and not negative, amounts not negative.
COUNTS = ("requests", "errors_5xx", "errors_4xx", "hits", "misses", "evictions")
AMOUNTS = ("memory_mb", "cost_usd")
PERCENTILES = ("p50", "p95", "p99")
FIELDS = {"t", "service", "latency_ms", "revision", *COUNTS, *AMOUNTS}
#: Beyond it nothing is a count, a size or a price any more.
LARGEST = 1e15
#: Instants outside of these years are slips, and some of them no calendar can reckon with.
FIRST_YEAR, LAST_YEAR = 1971, 2999
#: How much of what stands in a file is shown.
SHOWN = 60


def read_history(lines: Iterable[str]) -> SliceHistory:
    """Every line of every service; empty lines are passed over."""
    problems: list[Problem] = []
    unknown: set[str] = set()
    parsed = [
        line for number, text in enumerate(lines, 1) if (line := _line(number, text, problems, unknown)) is not None
    ]
    if not parsed and not problems:
        problems.append(Problem(1, Oddity.GARBAGE, message("backtest.empty")))
    by_service: dict[str, list[_Line]] = {}
    for line in parsed:
        by_service.setdefault(line.service, []).append(line)
    services = {service: tuple(_in_order(own, problems)) for service, own in sorted(by_service.items())}
    return SliceHistory(services, tuple(sorted(problems, key=lambda p: p.line)))


def parse_object(number: int, text: str, problems: list[Problem]) -> Mapping[str, object] | None:
    """One JSON object, or None after naming what is wrong; empty lines are None and no problem."""
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.append(Problem(number, Oddity.GARBAGE, message("backtest.no_json", error=str(error))))
        return None
    if not isinstance(found, dict):
        problems.append(Problem(number, Oddity.GARBAGE, message("backtest.no_object")))
        return None
    return found


def parse_instant(value: object) -> datetime | None:
    """An ISO 8601 instant with an offset, from 1971 on, or None."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None and FIRST_YEAR <= instant.year <= LAST_YEAR else None


def shown(value: object) -> str:
    """A value as it stands in the file, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _line(number: int, text: str, problems: list[Problem], unknown: set[str]) -> _Line | None:
    found = parse_object(number, text, problems)
    if found is None:
        return None
    service, instant = found.get("service"), parse_instant(found.get("t"))
    if not isinstance(service, str) or not service:
        problems.append(Problem(number, Oddity.GARBAGE, message("backtest.no_service")))
        return None
    if instant is None:
        problems.append(Problem(number, Oddity.GARBAGE, message("backtest.no_time", found=shown(found.get("t")))))
        return None
    _name_unknown(number, found, problems, unknown)
    start = _aligned(instant.astimezone(UTC))
    if start != instant:
        says = message("backtest.not_aligned", found_at=instant.isoformat(), start_at=start.isoformat())
        problems.append(Problem(number, Oddity.CLOCK, says))
    return _Line(number, service, instant.utcoffset() or timedelta(0), _observation(number, start, found, problems))


def _name_unknown(number: int, found: Mapping[str, object], problems: list[Problem], unknown: set[str]) -> None:
    """Each name once: a misspelt field would be missing in every line."""
    for name in found.keys() - FIELDS - unknown:
        unknown.add(name)
        says = message("backtest.unknown_field", field=shown(name), known=", ".join(sorted(FIELDS)))
        problems.append(Problem(number, Oddity.FIELD, says))


def _aligned(instant: datetime) -> datetime:
    seconds = SLICE.total_seconds()
    return datetime.fromtimestamp(instant.timestamp() // seconds * seconds, UTC)


def _observation(number: int, start: datetime, found: Mapping[str, object], problems: list[Problem]) -> Observation:
    counts = {name: _count(number, name, found.get(name), problems) for name in COUNTS}
    amounts = {name: _amount(number, name, found.get(name), problems) for name in AMOUNTS}
    latency = found.get("latency_ms")
    if latency is not None and not isinstance(latency, dict):
        problems.append(_bad_field(number, "latency_ms", latency, "backtest.bad_latency"))
    given: Mapping[str, object] = latency if isinstance(latency, dict) else {}
    levels = {name: _amount(number, f"latency_ms.{name}", given.get(name), problems) for name in PERCENTILES}
    for name in ("errors_5xx", "errors_4xx"):
        requests, errors = counts["requests"], counts[name]
        if requests is not None and errors is not None and errors > requests:
            says = message("backtest.more_errors", field=name, found=errors, requests=requests)
            problems.append(Problem(number, Oddity.FIELD, says))
            counts[name] = None
    revision = found.get("revision")
    if revision is not None and not isinstance(revision, str):
        problems.append(_bad_field(number, "revision", revision, "backtest.bad_revision"))
    return Observation(
        start,
        requests=counts["requests"],
        errors_5xx=counts["errors_5xx"],
        errors_4xx=counts["errors_4xx"],
        p50_ms=levels["p50"],
        p95_ms=levels["p95"],
        p99_ms=levels["p99"],
        hits=counts["hits"],
        misses=counts["misses"],
        evictions=counts["evictions"],
        memory_mb=amounts["memory_mb"],
        cost_usd=amounts["cost_usd"],
        revision=revision if isinstance(revision, str) else None,
    )


def _count(number: int, name: str, value: object, problems: list[Problem]) -> int | None:
    amount = _amount(number, name, value, problems)
    if amount is None:
        return None
    if amount != int(amount):
        problems.append(_bad_field(number, name, value, "backtest.bad_count"))
        return None
    return int(amount)


def _amount(number: int, name: str, value: object, problems: list[Problem]) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
        problems.append(_bad_field(number, name, value))
        return None
    return float(value)


def _bad_field(number: int, name: str, value: object, code: str = "backtest.bad_field") -> Problem:
    return Problem(number, Oddity.FIELD, message(code, field=name, found=shown(value)))


def _in_order(lines: list[_Line], problems: list[Problem]) -> Iterator[Observation]:
    _name_disorder(lines, problems)
    last: _Line | None = None
    for line in sorted(lines, key=lambda one: (one.observation.start, one.number)):
        start = line.observation.start
        if last is not None and start == last.observation.start:
            says = message("backtest.duplicate", start_at=start.isoformat(), service=line.service, first=last.number)
            problems.append(Problem(line.number, Oddity.DUPLICATE, says))
            continue
        if last is not None and start > last.observation.end:
            slices = round((start - last.observation.end) / SLICE)
            says = message(
                "backtest.gap", service=line.service, slices=slices, since_at=last.observation.end.isoformat()
            )
            problems.append(Problem(line.number, Oddity.GAP, says))
        yield line.observation
        last = line


def _name_disorder(lines: list[_Line], problems: list[Problem]) -> None:
    """Name times that run backwards and clocks that change their offset, in the order of the file."""
    for before, line in pairwise(lines):
        if line.observation.start < before.observation.start:
            at, after = line.observation.start.isoformat(), before.observation.start.isoformat()
            says = message("backtest.disorder", start_at=at, after_at=after, service=line.service)
            problems.append(Problem(line.number, Oddity.DISORDER, says))
        if line.offset != before.offset:
            hours = (line.offset - before.offset) / timedelta(hours=1)
            says = message("backtest.clock_changed", service=line.service, hours=hours)
            problems.append(Problem(line.number, Oddity.CLOCK, says))
