"""What really was wrong, from whoever knows: the labels that alerts are scored against."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lumen.alerts.observation import Observation
from lumen.backtest.history import File, Oddity, Problem, parse_instant, parse_object, shown
from lumen.model.alert import AlertKind
from lumen.model.message import Message, message

#: The kinds that can be labelled, and that precision is counted over.
LABELLED = (AlertKind.AVAILABILITY, AlertKind.LATENCY, AlertKind.CACHE, AlertKind.COST)


@dataclass(frozen=True, slots=True)
class Label:
    """Half-open [start, end), UTC."""

    service: str
    start: datetime
    end: datetime
    kind: AlertKind


def read_labels(
    lines: Iterable[str], services: Mapping[str, Sequence[Observation]]
) -> tuple[tuple[Label, ...], tuple[Problem, ...]]:
    """All that can be judged by the history of these services, and what is wrong with the other lines."""
    problems: list[Problem] = []
    first_line: dict[Label, int] = {}
    for number, text in enumerate(lines, 1):
        found = parse_object(number, text, problems)
        if found is None:
            continue
        label = _label(found)
        oddity, says = Oddity.GARBAGE, label if isinstance(label, Message) else _outside(label, services)
        if isinstance(label, Label) and says is None:
            first = first_line.setdefault(label, number)
            if first == number:
                continue
            oddity, says = Oddity.DUPLICATE, message("backtest.label_twice", first=first)
        assert says is not None
        problems.append(Problem(number, oddity, says))
    labels = sorted(first_line, key=lambda one: (one.start, one.service, one.kind))
    return tuple(labels), tuple(replace(problem, file=File.LABELS) for problem in problems)


def _label(found: Mapping[str, object]) -> Label | Message:
    """The label, or what is wrong with it."""
    service, kind = found.get("service"), found.get("kind")
    if not isinstance(service, str) or not service:
        return message("backtest.no_service")
    if kind not in LABELLED:
        return message("backtest.label_kind", found=shown(kind), kinds=", ".join(LABELLED))
    start, end = parse_instant(found.get("start")), parse_instant(found.get("end"))
    for name, instant in (("start", start), ("end", end)):
        if instant is None:
            return message("backtest.label_time", field=name, found=shown(found.get(name)))
    assert start is not None
    assert end is not None
    if end <= start:
        return message("backtest.label_backwards", start_at=start.isoformat(), end_at=end.isoformat())
    return Label(service, start.astimezone(UTC), end.astimezone(UTC), AlertKind(str(kind)))


def _outside(label: Label, services: Mapping[str, Sequence[Observation]]) -> Message | None:
    """Why nothing in the history could show it; None where something could."""
    own = services.get(label.service)
    if not own:
        return message("backtest.label_service", service=label.service, known=", ".join(services) or "-")
    since, until = own[0].start, own[-1].end
    if label.start < until and label.end > since:
        return None
    return message(
        "backtest.label_outside", service=label.service, since_at=since.isoformat(), until_at=until.isoformat()
    )
