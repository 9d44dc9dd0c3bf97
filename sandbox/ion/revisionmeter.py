"""The Cloud Run series of one revision: this minute's counts, and the columns they go into when it ends."""

from dataclasses import replace
from random import Random

from sandbox.google.monitoring import catalogue
from sandbox.google.monitoring.catalogue import LATENCY_BUCKETS
from sandbox.google.monitoring.metric import Histogram, MetricType
from sandbox.google.monitoring.series import GridHistograms, GridSeries, Labels
from sandbox.google.monitoring.store import SeriesStore
from sandbox.ion.instances import Instances, Minute
from sandbox.ion.latency import COLD_START
from sandbox.ion.processcache import ProcessCaches

KEEP_MINUTES = 42 * 1440  # as long as Monitoring keeps full resolution


def response_labels(code: int) -> dict[str, str]:
    """The labels that Cloud Run puts on requests."""
    return {"response_code": str(code), "response_code_class": f"{code // 100}xx"}


class _Answers:
    """One response code's answers of the minute under way."""

    __slots__ = ("counts", "squares", "total")

    def __init__(self) -> None:
        self.counts = [0] * LATENCY_BUCKETS.size
        self.total = 0.0
        self.squares = 0.0

    def histogram(self) -> Histogram:
        count = sum(self.counts)
        mean = self.total / count
        return Histogram(LATENCY_BUCKETS, tuple(self.counts), mean, max(0.0, self.squares - count * mean * mean))


class RevisionMeter:
    """Counts a revision's requests and writes them a minute at a time."""

    def __init__(self, store: SeriesStore, resource: dict[str, str], random: Random, l1_entries: int) -> None:
        """`resource`: the labels of its cloud_run_revision; `l1_entries` as its environment has them."""
        self.instances = Instances(random)
        self.in_process = ProcessCaches(random, l1_entries)
        self.requests = 0
        self.failures = 0  # of the minute under way
        self._store = store
        self._resource = resource
        self._random = random
        self._answers: dict[int, _Answers] = {}
        self._numbers: dict[tuple[str, str], GridSeries] = {}
        self._histograms: dict[tuple[str, str], GridHistograms] = {}

    def answered(self, code: int, latency_ms: float) -> None:
        """One request came back."""
        answers = self._answers.get(code)
        if answers is None:
            answers = self._answers[code] = _Answers()
        answers.counts[LATENCY_BUCKETS.index(latency_ms)] += 1
        answers.total += latency_ms
        answers.squares += latency_ms * latency_ms
        self.requests += 1
        self.failures += code >= 500

    def close(self, minute: int, minimum: int, pinned: int | None = None, time_factor: float = 1.0) -> Minute:
        """End the minute: write its points. Codes that nobody got have no point.

        `pinned`: so many instances are busy whatever the load. `time_factor` multiplies the billable time.
        """
        for code, answers in self._answers.items():
            labels = response_labels(code)
            self._number(catalogue.REQUEST_COUNT, labels, minute).put(minute, sum(answers.counts))
            self._histogram(catalogue.REQUEST_LATENCIES, labels, minute).put(minute, answers.histogram())
        if pinned is not None and self.requests:
            lived = self.instances.pinned(pinned)
        else:
            lived = self.instances.minute(self.requests, minimum)
        self.in_process.run(self.instances.running)
        lived = replace(lived, billable_seconds=lived.billable_seconds * time_factor)
        if self.requests or lived.active or lived.idle:
            self._put_instances(minute, lived)
        self._answers = {}
        self.requests = self.failures = 0
        return lived

    def _put_instances(self, minute: int, lived: Minute) -> None:
        self._number(catalogue.INSTANCE_COUNT, {"state": "active"}, minute).put(minute, lived.active)
        self._number(catalogue.INSTANCE_COUNT, {"state": "idle"}, minute).put(minute, lived.idle)
        self._number(catalogue.BILLABLE_TIME, {}, minute).put(minute, lived.billable_seconds)
        if lived.cold_starts:
            draw = COLD_START.sampler(self._random)
            counts = [0] * LATENCY_BUCKETS.size
            for _ in range(lived.cold_starts):
                counts[LATENCY_BUCKETS.index(draw())] += 1
            started = Histogram.of_counts(LATENCY_BUCKETS, tuple(counts))
            self._histogram(catalogue.STARTUP_LATENCIES, {}, minute).put(minute, started)

    def _labels(self, labels: dict[str, str]) -> Labels:
        return Labels("cloud_run_revision", self._resource, labels)

    def _number(self, metric: MetricType, labels: dict[str, str], minute: int) -> GridSeries:
        key = (metric.name, "".join(labels.values()))
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = GridSeries(metric, self._labels(labels), minute)
            self._store.add(found)
        return found

    def _histogram(self, metric: MetricType, labels: dict[str, str], minute: int) -> GridHistograms:
        key = (metric.name, "".join(labels.values()))
        found = self._histograms.get(key)
        if found is None:
            found = GridHistograms(metric, self._labels(labels), minute, LATENCY_BUCKETS)
            self._histograms[key] = found
            self._store.add(found)
        return found

    def trim(self) -> None:
        """Forget what Monitoring would have forgotten."""
        for numbers in self._numbers.values():
            numbers.trim(KEEP_MINUTES)
        for histograms in self._histograms.values():
            histograms.trim(KEEP_MINUTES)
