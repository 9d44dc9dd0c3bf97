"""The parser of a history in JSON lines (docs/backtest.md). Odd lines are named by number, nothing is guessed."""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from lumen.backtest.packed import COUNTS, PackedSlices
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
    """`line` counts from 1. A line that is GARBAGE or a DUPLICATE is left out; a FIELD counts as missing.

    `name`: of the file, where a history comes of several.
    """

    line: int
    oddity: Oddity
    says: Message
    file: File = File.HISTORY
    name: str = ""


@dataclass(frozen=True, slots=True)
class SliceHistory:
    """Observations by service, each in order of time and once a slice."""

    services: Mapping[str, Sequence[Observation]]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    service: str
    offset: timedelta
    observation: Observation


#: Counts are whole and not negative, amounts not negative.
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
    by_service: dict[str, _Reading] = {}
    for number, text in enumerate(lines, 1):
        line = _line(number, text, problems, unknown)
        if line is not None:
            by_service.setdefault(line.service, _Reading(line.service)).add(line, problems)
    if not by_service and not problems:
        problems.append(Problem(1, Oddity.GARBAGE, message("backtest.empty")))
    # What was read of a service goes as soon as it is in order: a file may hold years.
    services = {service: by_service.pop(service).in_order(problems) for service in sorted(by_service)}
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


class _Reading:
    """The lines of one service, packed as they come."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._slices = PackedSlices()
        self._numbers = array("q")
        self._offset: timedelta | None = None

    def add(self, line: _Line, problems: list[Problem]) -> None:
        """The next line of the file. Names times that run backwards and clocks that change their offset."""
        start, before = line.observation.start, self._slices.start(-1) if self._slices else None
        if before is not None and start.timestamp() < before:
            after = datetime.fromtimestamp(before, UTC).isoformat()
            says = message("backtest.disorder", start_at=start.isoformat(), after_at=after, service=self._service)
            problems.append(Problem(line.number, Oddity.DISORDER, says))
        if self._offset is not None and line.offset != self._offset:
            hours = (line.offset - self._offset) / timedelta(hours=1)
            says = message("backtest.clock_changed", service=self._service, hours=hours)
            problems.append(Problem(line.number, Oddity.CLOCK, says))
        self._slices.append(line.observation)
        self._numbers.append(line.number)
        self._offset = line.offset

    def in_order(self, problems: list[Problem]) -> PackedSlices:
        """Each slice once, in order of time."""
        chosen = list(self._chosen(problems))
        return self._slices if chosen == list(range(len(self._slices))) else self._slices.taken(chosen)

    def _chosen(self, problems: list[Problem]) -> Iterator[int]:
        last: int | None = None
        for index in sorted(range(len(self._slices)), key=lambda i: (self._slices.start(i), self._numbers[i])):
            start, number = self._slices.start(index), self._numbers[index]
            slices = 1 if last is None else round((start - self._slices.start(last)) / SLICE.total_seconds())
            if last is not None and slices == 0:
                at, first = datetime.fromtimestamp(start, UTC).isoformat(), self._numbers[last]
                says = message("backtest.duplicate", start_at=at, service=self._service, first=first)
                problems.append(Problem(number, Oddity.DUPLICATE, says))
                continue
            if last is not None and slices > 1:
                since = datetime.fromtimestamp(self._slices.start(last), UTC) + SLICE
                says = message("backtest.gap", service=self._service, slices=slices - 1, since_at=since.isoformat())
                problems.append(Problem(number, Oddity.GAP, says))
            yield index
            last = index
