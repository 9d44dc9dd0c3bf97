"""All series of the project, what of them is visible by now, and the faults of the metrics pipeline."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from sandbox.google.monitoring.catalogue import METRICS
from sandbox.google.monitoring.metric import Histogram, MetricType, Value
from sandbox.google.monitoring.series import Labels, Point, Series, WrittenSeries, sum_of


@dataclass(slots=True)
class Outage:
    """Metrics whose names match `metric` have no points that end in (since, until]; None = until it is ended."""

    metric: str
    since: float
    until: float | None = None

    def covers(self, end: float) -> bool:
        return end > self.since and (self.until is None or end <= self.until)

    def touches(self, after: float, until: float) -> bool:
        return until > self.since and (self.until is None or after < self.until)


@dataclass(slots=True)
class LabelFault:
    """What goes wrong with the series of one label value while the others go on.

    `label` of the resource or the metric; "" means every series of the metrics. Its points that end in (since, until]
    are gone, or `times` as large; or each is `late_seconds` later than it should be, until it is ended.
    """

    metric: str
    label: str
    value: str
    since: float
    late_seconds: float = 0.0
    times: float | None = None
    until: float | None = None

    def hits(self, series: Series) -> bool:
        labels = {**series.labels.resource, **series.labels.metric}
        return fnmatchcase(series.metric.name, self.metric) and (not self.label or labels.get(self.label) == self.value)

    def covers(self, end: float) -> bool:
        return end > self.since and (self.until is None or end <= self.until)


@dataclass(slots=True)
class Delays:
    """Delay between a point's end and its becoming visible, in seconds of service time."""

    usual: float = 120.0
    extra: dict[str, float] = field(default_factory=dict)  # by pattern of metric names: late metrics

    def of(self, metric: MetricType) -> float:
        late = [more for pattern, more in self.extra.items() if fnmatchcase(metric.name, pattern)]
        return self.usual + max(late, default=0.0)


class Visible(Series):
    """A series as a query sees it: nothing newer than `horizon`, nothing inside an outage."""

    def __init__(self, of: Series, horizon: float, outages: list[Outage]) -> None:
        super().__init__(of.metric, of.labels)
        self._of = of
        self._horizon = horizon
        self._outages = outages

    @property
    def begins(self) -> float:
        return self._of.begins

    def between(self, after: float, until: float) -> list[Point]:
        points = self._of.between(after, min(until, self._horizon))
        if not self._outages:
            return points
        return [p for p in points if not any(o.covers(p.end) for o in self._outages)]

    def total(self, after: float, until: float) -> Value | None:
        until = min(until, self._horizon)
        if after >= until:
            return None
        if any(o.touches(after, until) for o in self._outages):
            return sum_of([p.value for p in self.between(after, until)])
        return self._of.total(after, until)

    def totals(self, edges: Sequence[float]) -> Sequence[Value | None]:
        if any(o.touches(edges[-1], edges[0]) for o in self._outages):
            return super().totals(edges)
        horizon = self._horizon
        return self._of.totals([min(edge, horizon) for edge in edges])


class Jumping(Series):
    """A series whose points are too large while faults cover them."""

    def __init__(self, of: Series, faults: list[LabelFault]) -> None:
        super().__init__(of.metric, of.labels)
        self._of = of
        self._faults = faults

    @property
    def begins(self) -> float:
        return self._of.begins

    def between(self, after: float, until: float) -> list[Point]:
        return [p._replace(value=self._larger(p)) for p in self._of.between(after, until)]

    def _larger(self, point: Point) -> Value:
        value = point.value
        for times in (f.times for f in self._faults if f.times is not None and f.covers(point.end)):
            if isinstance(value, Histogram):
                value = Histogram.of_counts(value.buckets, tuple(round(n * times) for n in value.counts))
            elif isinstance(value, int | float) and not isinstance(value, bool):
                value = type(value)(value * times)
        return value


class SeriesStore:
    """Series by metric type; the world adds its own, clients write custom ones."""

    def __init__(self, now: Callable[[], float], delays: Delays) -> None:
        """`now` in seconds of service time."""
        self.now = now
        self.delays = delays
        self.outages: list[Outage] = []
        self.label_faults: list[LabelFault] = []
        self.types: dict[str, MetricType] = dict(METRICS)
        self._series: dict[str, list[Series]] = {}
        self._written: dict[tuple[object, ...], WrittenSeries] = {}

    def add(self, series: Series) -> None:
        """Put in a series of the world."""
        self.types.setdefault(series.metric.name, series.metric)
        self._series.setdefault(series.metric.name, []).append(series)

    def written(self, metric: MetricType, labels: Labels) -> WrittenSeries | None:
        """The custom series with just these labels, if anything was written to it."""
        return self._written.get((metric.name, labels.key()))

    def open_written(self, metric: MetricType, labels: Labels) -> WrittenSeries:
        """The same, made where it is missing."""
        found = self.written(metric, labels)
        if found is None:
            found = WrittenSeries(metric, labels)
            self._written[(metric.name, labels.key())] = found
            self.add(found)
        return found

    def drop(self, name: str) -> None:
        """Forget a custom metric type and its series."""
        del self.types[name]
        self._series.pop(name, None)
        self._written = {k: s for k, s in self._written.items() if s.metric.name != name}

    def visible(self, metric: MetricType) -> Iterable[Series]:
        """The type's series as of now. What clients wrote is visible at once."""
        now = self.now()
        horizon = now if metric.custom else now - self.delays.of(metric)
        outages = [o for o in self.outages if fnmatchcase(metric.name, o.metric)]
        return [self._visible(s, horizon, outages) for s in self._series.get(metric.name, ())]

    def _visible(self, series: Series, horizon: float, outages: list[Outage]) -> Series:
        faults = [f for f in self.label_faults if f.hits(series)]
        if not faults:
            return Visible(series, horizon, outages)
        late = max((f.late_seconds for f in faults if f.until is None), default=0.0)
        gone = [Outage(f.metric, f.since, f.until) for f in faults if f.times is None and not f.late_seconds]
        seen = Visible(series, horizon - late, [*outages, *gone])
        jumping = [f for f in faults if f.times is not None]
        return Jumping(seen, jumping) if jumping else seen

    def start_outage(self, metric: str) -> Outage:
        """From now on nothing of the metrics arrives."""
        outage = Outage(metric, self.now())
        self.outages.append(outage)
        return outage

    def end_outages(self) -> None:
        """Points arrive again; what was missed stays missing."""
        for outage in self.outages:
            if outage.until is None:
                outage.until = self.now()
        for fault in self.label_faults:
            if fault.until is None:
                fault.until = self.now()
