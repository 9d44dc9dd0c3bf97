"""Exports of a monitoring become slices: the samples of all files by service and five minutes."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lumen.backtest.exports import PERCENTILES, Export, Faults, MeasuredSeries, Sample, Sum
from lumen.backtest.history import Oddity, Problem, SliceHistory
from lumen.backtest.monitoring import monitoring_series
from lumen.backtest.packed import COUNTS, FIGURES, PackedSlices
from lumen.backtest.prometheus import prometheus_series
from lumen.model.alert import Observation
from lumen.model.messages import message
from lumen.model.snapshot import SLICE_SECONDS, LatencyDistribution

#: Of a slice: a count of less of it is not that of the slice.
WHOLE = 0.99
LAST_MINUTE = 60
#: What is told of a service that is asleep, too; and what is known of it then.
AWAKE_OR_NOT = {"memory_mb"}
NO_REQUESTS = {"requests": 0.0, "errors_5xx": 0.0, "errors_4xx": 0.0}
#: Of what comes of several files.
NO_LINE = 0


def is_export(head: str) -> bool:
    """Whether a file that begins so is an export, and no history in lines."""
    return '"timeSeries"' in head or '"resultType"' in head


def read_exports(exports: Sequence[Export]) -> SliceHistory:
    """The slices of all services of all files."""
    problems: list[Problem] = []
    slices = _Slices()
    #: Whether each file is the end of an answer.
    ends: list[bool] = []
    for export in exports:
        faults = Faults(export, problems)
        document = _document(export, faults)
        if document is None:
            slices.is_answered = False
            continue
        ends.append(not document.get("nextPageToken"))
        read = monitoring_series if "timeSeries" in document else prometheus_series
        for series in read(document, export, faults):
            slices.add(series, faults)
    slices.is_answered = slices.is_answered and any(ends)
    histories = slices.histories(problems)
    if not histories and not problems:
        problems.append(Problem(NO_LINE, Oddity.GARBAGE, message("backtest.export_empty")))
    return SliceHistory(histories, tuple(problems))


def _document(export: Export, faults: Faults) -> dict[str, object] | None:
    try:
        found = json.loads(export.text)
    except json.JSONDecodeError as error:
        faults.unreadable(error.lineno, message("backtest.export_no_json", error=error.msg, column=error.colno))
        return None
    except RecursionError as error:
        faults.unreadable(1, message("backtest.export_no_json", error=str(error), column=1))
        return None
    if isinstance(found, dict) and ("timeSeries" in found or "status" in found):
        return found
    faults.unreadable(1, message("backtest.export_shape"))
    return None


@dataclass(slots=True)
class _Slice:
    """`figures`: None where a part of the slice is missing."""

    figures: dict[str, float | None] = field(default_factory=dict)
    latency: LatencyDistribution | None = None
    revisions: Counter[str] = field(default_factory=Counter)


class _Slices:
    """All slices, by service and start in seconds since the epoch."""

    def __init__(self) -> None:
        self._services: dict[str, dict[int, _Slice]] = {}
        self._levels: set[tuple[str, str]] = set()
        #: Of each service whose requests Cloud Run counts.
        self._projects: dict[str, str] = {}
        #: By project, the slices up to whose last minute something is told.
        self._told: dict[str, set[int]] = defaultdict(set)
        #: Whether what is not told was not there; else it may have been lost.
        self.is_answered = True

    def add(self, series: MeasuredSeries, faults: Faults) -> None:
        """Every sample; of two series that tell the same level the first stays."""
        levels = {(series.service, one.field) for one in series.figures if one.sum is Sum.LEVEL}
        if levels & self._levels:
            figures = ", ".join(sorted(name for _, name in levels))
            says = message("backtest.export_level_twice", figures=figures, service=series.service)
            faults.add(series.at, Oddity.DUPLICATE, says)
            return
        self._levels |= levels
        own = self._services.setdefault(series.service, {})
        for start, parts in _by_slice(series.samples).items():
            _add(own.setdefault(start, _Slice()), series, parts, faults)
        if series.project is not None:
            if any(one.field == "requests" for one in series.figures):
                self._projects[series.service] = series.project
            self._told[series.project].update(_told_to_the_end(series.samples))

    def histories(self, problems: list[Problem]) -> Mapping[str, PackedSlices]:
        """Each service in order of time, with the slices in which it was asleep."""
        for service, project in self._projects.items() if self.is_answered else ():
            _sleep(self._services[service], self._told[project])
        return {
            service: PackedSlices(_in_order(service, own, problems))
            for service, own in sorted(self._services.items())
            if own
        }


def _told_to_the_end(samples: Iterable[Sample]) -> Iterator[int]:
    """The slices in whose last minute a sample ends."""
    for sample in samples:
        start = (math.ceil(sample.end / SLICE_SECONDS) - 1) * SLICE_SECONDS
        if sample.end > start + SLICE_SECONDS - LAST_MINUTE:
            yield start


def _sleep(own: dict[int, _Slice], told: Iterable[int]) -> None:
    """Say that there were no requests in the slices, since its first, of which another of the project tells and it does
    not."""
    first = min(own, default=math.inf)
    for start in told:
        seen = own.get(start)
        if start > first and (seen is None or (seen.latency is None and seen.figures.keys() <= AWAKE_OR_NOT)):
            own.setdefault(start, _Slice()).figures.update(NO_REQUESTS)


#: A sample, and the share of it that falls into a slice.
_Part = tuple[Sample, float]


def _by_slice(samples: Iterable[Sample]) -> Mapping[int, Sequence[_Part]]:
    """A sample of more than five minutes speaks of several slices alike."""
    found: dict[int, list[_Part]] = {}
    for sample in samples:
        seconds = sample.end - sample.start
        count = max(1, round(seconds / SLICE_SECONDS))
        first = math.floor((sample.start + min(seconds, SLICE_SECONDS) / 2) / SLICE_SECONDS)
        for nth in range(first, first + count):
            found.setdefault(nth * SLICE_SECONDS, []).append((sample, 1 / count))
    return found


def _add(into: _Slice, series: MeasuredSeries, parts: Sequence[_Part], faults: Faults) -> None:
    numbers = [(sample.value, sample.end - sample.start, share) for sample, share in parts]
    for sample, _ in parts:
        if isinstance(sample.value, LatencyDistribution):
            together = _together(into.latency, sample.value)
            into.latency = together or into.latency
            if together is None:
                faults.add(sample.at, Oddity.FIELD, message("backtest.export_buckets"))
    known = [(value, seconds, share) for value, seconds, share in numbers if isinstance(value, float)]
    if not known:
        return
    seconds = sum(seconds * share for _, seconds, share in known)
    for figure in series.figures:
        value: float | None = sum(value * share for value, _, share in known)
        if figure.sum is Sum.RATE:
            value = SLICE_SECONDS * sum(value * seconds * share for value, seconds, share in known) / seconds
        elif figure.sum is Sum.LEVEL:
            value = sum(value for value, _, _ in known) / len(known)
        elif not series.is_sparse and seconds < WHOLE * SLICE_SECONDS:
            value = None
        before = into.figures.get(figure.field, 0.0)
        into.figures[figure.field] = None if value is None or before is None else before + value * figure.factor
        if figure.field == "requests" and series.revision and value:
            into.revisions[series.revision] += round(value)


def _together(one: LatencyDistribution | None, other: LatencyDistribution) -> LatencyDistribution | None:
    """Both counted; None where their buckets differ."""
    if one is None:
        return other
    if one.bounds_ms != other.bounds_ms:
        return None
    length = len(one.bounds_ms) + 1
    both = ([*each.counts, *[0] * (length - len(each.counts))] for each in (one, other))
    return LatencyDistribution(one.bounds_ms, tuple(map(sum, zip(*both, strict=True))))


def _in_order(service: str, own: Mapping[int, _Slice], problems: list[Problem]) -> Iterator[Observation]:
    last: int | None = None
    for start in sorted(own):
        if last is not None and start - last > SLICE_SECONDS:
            slices, since = (start - last) // SLICE_SECONDS - 1, _instant(last + SLICE_SECONDS)
            says = message("backtest.gap", service=service, slices=slices, since_at=since.isoformat())
            problems.append(Problem(NO_LINE, Oddity.GAP, says))
        last = start
        yield _observation(service, start, own[start], problems)


def _observation(service: str, start: int, seen: _Slice, problems: list[Problem]) -> Observation:
    figures = dict(seen.figures)
    if seen.latency is not None and seen.latency.total:
        figures |= {name: seen.latency.percentile_ms(share) for name, share in PERCENTILES.items()}
    requests = figures.get("requests")
    for name in ("errors_5xx", "errors_4xx"):
        errors = figures.get(name)
        if requests is not None and errors is not None and round(errors) > round(requests):
            at = _instant(start).isoformat()
            says = message(
                "backtest.export_more_errors", service=service, start_at=at, field=name, found=errors, requests=requests
            )
            problems.append(Problem(NO_LINE, Oddity.FIELD, says))
            figures[name] = None
    known = [(name, figures.get(name)) for name in FIGURES]
    whole: list[Any] = [round(value) if value is not None and name in COUNTS else value for name, value in known]
    revision = seen.revisions.most_common(1)[0][0] if seen.revisions else None
    return Observation(_instant(start), *(*whole, revision))


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
