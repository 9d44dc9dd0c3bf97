"""What really was wrong, from whoever knows: the labels that alerts are scored against."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from lumen.backtest.history import Oddity, Problem, parse_instant, parse_object
from lumen.model.alert import AlertKind
from lumen.model.message import message

#: The kinds that can be labelled, and that precision is counted over.
LABELLED = (AlertKind.AVAILABILITY, AlertKind.LATENCY, AlertKind.CACHE, AlertKind.COST)


@dataclass(frozen=True, slots=True)
class Label:
    """Half-open [start, end), UTC."""

    service: str
    start: datetime
    end: datetime
    kind: AlertKind


def read_labels(lines: Iterable[str]) -> tuple[tuple[Label, ...], tuple[Problem, ...]]:
    """All that can be read, and what is wrong with the other lines."""
    problems: list[Problem] = []
    found = [label for number, text in enumerate(lines, 1) if (label := _label(number, text, problems)) is not None]
    return tuple(sorted(found, key=lambda one: (one.start, one.service, one.kind))), tuple(problems)


def _label(number: int, text: str, problems: list[Problem]) -> Label | None:
    found = parse_object(number, text, problems)
    if found is None:
        return None
    service, kind = found.get("service"), found.get("kind")
    start, end = parse_instant(found.get("start")), parse_instant(found.get("end"))
    if not isinstance(service, str) or start is None or end is None or end <= start or kind not in LABELLED:
        kinds = ", ".join(LABELLED)
        problems.append(Problem(number, Oddity.GARBAGE, message("backtest.bad_label", kinds=kinds)))
        return None
    return Label(service, start.astimezone(UTC), end.astimezone(UTC), AlertKind(str(kind)))
