"""Labels of real incidents, and precision, recall and time to detect of alerts against them (docs/backtest.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lumen.backtest.history import File, Oddity, Problem, parse_instant, parse_object, shown
from lumen.model.alert import Alert, AlertKind, Observation
from lumen.model.messages import Message, message

#: The kinds that can be labelled, and that precision is counted over.
LABELLED = (AlertKind.AVAILABILITY, AlertKind.LATENCY, AlertKind.CACHE, AlertKind.COST)


@dataclass(frozen=True, slots=True)
class Label:
    """One real incident, half-open [start, end), UTC."""

    service: str
    start: datetime
    end: datetime
    kind: AlertKind


def read_labels(
    lines: Iterable[str], services: Mapping[str, Sequence[Observation]]
) -> tuple[tuple[Label, ...], tuple[Problem, ...]]:
    """The labels that the history of these services can judge, and the problems of the other lines."""
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
    """The reason why nothing in the history could show it, or None."""
    own = services.get(label.service)
    if not own:
        return message("backtest.label_service", service=label.service, known=", ".join(services) or "-")
    since, until = own[0].start, own[-1].end
    if label.start < until and label.end > since:
        return None
    return message(
        "backtest.label_outside", service=label.service, since_at=since.isoformat(), until_at=until.isoformat()
    )


#: An alert that opens this soon after an incident's end is still about it: windows and delays reach that far back.
GRACE = timedelta(minutes=15)
#: A cost alert speaks of a closed day, so it comes after it.
COST_GRACE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class KindScore:
    """Ratios are None where there is nothing to divide by."""

    alerts: int
    true_alerts: int
    incidents: int
    detected: int
    ttd_p90_minutes: float | None

    @property
    def precision(self) -> float | None:
        return self.true_alerts / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        return self.detected / self.incidents if self.incidents else None


@dataclass(frozen=True, slots=True)
class BacktestScore:
    """`overall` counts the kinds that can be labelled; others (no data, budget, ROI) are not judged."""

    overall: KindScore
    by_kind: Mapping[AlertKind, KindScore]


def score(alerts: Sequence[Alert], labels: Sequence[Label], until: datetime) -> BacktestScore:
    """`until`: the end of the history, where open alerts are cut off.

    An alert is true when an incident of its service, of whatever kind, overlaps it (one outage shows in several
    figures); an incident is detected by an alert of its own kind.
    """
    times: list[float] = []
    by_kind: dict[AlertKind, KindScore] = {}
    for kind in LABELLED:
        own, incidents = [one for one in alerts if one.kind is kind], [one for one in labels if one.kind is kind]
        true_alerts = sum(any(_about(alert, label, until) for label in labels) for alert in own)
        detected = _times_to_detect(own, incidents, until)
        times += detected
        by_kind[kind] = KindScore(len(own), true_alerts, len(incidents), len(detected), percentile(detected, 0.9))
    overall = KindScore(
        sum(one.alerts for one in by_kind.values()),
        sum(one.true_alerts for one in by_kind.values()),
        sum(one.incidents for one in by_kind.values()),
        len(times),
        percentile(times, 0.9),
    )
    return BacktestScore(overall, by_kind)


def _times_to_detect(own: Sequence[Alert], incidents: Sequence[Label], until: datetime) -> list[float]:
    """Minutes from the start of each detected incident to its first alert; 0 when one was open already."""
    times = []
    for label in incidents:
        opened = [alert.opened_at for alert in own if _about(alert, label, until)]
        if opened:
            times.append(max(0.0, (min(opened) - label.start) / timedelta(minutes=1)))
    return times


def _about(alert: Alert, label: Label, until: datetime) -> bool:
    grace = COST_GRACE if alert.kind is AlertKind.COST else GRACE
    closed = alert.closed_at or until
    return alert.service == label.service and alert.opened_at < label.end + grace and closed > label.start


def percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest rank; None of nothing."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else None
