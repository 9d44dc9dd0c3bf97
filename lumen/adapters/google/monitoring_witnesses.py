"""What Monitoring's two witnesses of requests tell: request_count and request_latencies, by revision and class.

Two grouped queries for all services. They begin an hour before the window, for a class that fell silent is known by
what it brought until then.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from lumen.adapters.checks import no_data
from lumen.adapters.google import monitoring_query
from lumen.adapters.google.monitoring_query import RESPONSE_CLASS, MonitoringQueries, lacks_classes
from lumen.adapters.google.monitoring_series import Series, columns
from lumen.adapters.google.witness_columns import Counts, counts_of, doubts_of
from lumen.adapters.google.witness_columns import bounds_of as columns_of
from lumen.model.messages import NoData, SourceUnavailable
from lumen.model.service import ServiceId
from lumen.model.snapshot import Window
from lumen.model.witnesses import Bounds, Told, bounds_of, witnessed

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Witnesses:
    """Of one service. Periods are numbered from the window's start, so those of the hour before are negative.

    `timed` None: nobody asked the second witness; NoData: it could not be asked, so it told nothing.
    """

    counted: Sequence[Series]
    timed: Sequence[Series] | NoData | None
    an_hour: int
    #: Of the window.
    periods: int

    @property
    def latencies(self) -> Sequence[Series] | NoData:
        """Of the window alone."""
        timed = self.timed or ()
        return timed if isinstance(timed, NoData) else [one.since(0) for one in timed]

    @property
    def lacks_classes(self) -> bool:
        """Every error would count as good."""
        return lacks_classes(self.counted)

    @cached_property
    def told(self) -> Mapping[str, Mapping[int, Told]]:
        """By revision and period."""
        return _told(self.counted, self._asked)

    @cached_property
    def bounds(self) -> Mapping[str, Mapping[int, Bounds]]:
        """By revision and period; what is silent but missed is in them."""
        return witnessed(self.told, self.an_hour)

    @cached_property
    def counts(self) -> Counts:
        """What the first witness tells, of all revisions, by period of the window."""
        return counts_of([one.since(0) for one in self.counted], 0, self.periods)

    def silent(self) -> set[int]:
        """The periods of the window of which neither witness has a point."""
        timed = self.latencies
        told = columns(timed if not isinstance(timed, NoData) else (), 0, self.periods)[1] | self.counts.told
        return set(np.flatnonzero(~told).tolist())

    def before(self, index: int) -> int:
        """Requests of the quarter of an hour (of the hour, where periods are longer) before a period."""
        quarter = range(index - max(1, self.an_hour // 4), index)
        return sum(told[at].total for told in self.told.values() for at in quarter if at in told)

    def classes(self) -> dict[int, Counter[str]]:
        """Requests as they are counted, by period of the window and class, of all revisions."""
        found: dict[int, Counter[str]] = {}
        for one in self.counted:
            kind = one.metric_labels.get(RESPONSE_CLASS, "")
            for index, count in one.since(0).points():
                found.setdefault(index, Counter())[kind] += round(count)
        return found

    @cached_property
    def doubts(self) -> Mapping[int, Bounds]:
        """By period of the window, of all revisions; where the witnesses differ by more than a few good answers.

        What is missed is so for an hour at most: before that, periods are judged many at once.
        """
        newest = max((int(one.at[-1]) for one in self._all if len(one.at)), default=0)
        first = newest - self.an_hour + 1
        parts: dict[int, list[Bounds]] = {}
        for bounds in witnessed(self._told_since(newest - 2 * self.an_hour), self.an_hour).values():
            for index, one in bounds.items():
                if index >= max(0, first):
                    parts.setdefault(index, []).append(one)
        together = {index: bounds_of(of) if len(of) > 1 else of[0] for index, of in parts.items()}
        recent = {index: one for index, one in together.items() if not one.is_near}
        return {**self._doubts_until(first), **recent}

    @property
    def _asked(self) -> Sequence[Series] | None:
        return () if isinstance(self.timed, NoData) else self.timed

    @property
    def _all(self) -> Sequence[Series]:
        return [*self.counted, *(self._asked or ())]

    def _told_since(self, period: int) -> Mapping[str, Mapping[int, Told]]:
        """From a period on; of what was told of each revision before, when it began alone."""
        if period <= -self.an_hour:
            return self.told
        recent = [None if of is None else [one.since(period) for one in of] for of in (self.counted, self._asked)]
        found = _told(recent[0] or (), recent[1])
        for one in self._all:
            told = found.get(one.label("revision_name"))
            if told and len(one.at):
                told.setdefault(int(one.at[0]), Told())
        return found

    def _doubts_until(self, period: int) -> Mapping[int, Bounds]:
        """Of the window's periods before that one."""
        if period <= 0:
            return {}
        counted, timed = _of_revisions(self.counted), _of_revisions(self._asked or ())
        bounds = []
        for name in dict.fromkeys((*counted, *timed)):
            first = counts_of([one.since(0) for one in counted.get(name, ())], 0, self.periods)
            second = counts_of([one.since(0) for one in timed.get(name, ())], 0, self.periods)
            bounds.append(columns_of(first, None if self.timed is None else second))
        return {at: one for at, one in doubts_of(bounds).items() if at < period}


async def witnesses(
    queries: MonitoringQueries, services: Sequence[ServiceId], window: Window, period: timedelta, *, timed: bool = True
) -> Mapping[ServiceId, Witnesses]:
    """`timed`: ask the second one too. Raises SourceUnavailable where the first one cannot be asked."""
    whole, an_hour = Window(window.start - HOUR, window.end), round(HOUR / period)
    counted, latencies = await asyncio.gather(
        queries.series(monitoring_query.by_revision(services, period), whole, an_hour),
        _latencies(queries, services, whole, period, timed=timed),
    )
    of = monitoring_query.per_service(services, counted)
    slow: Mapping[ServiceId, Sequence[Series] | NoData | None]
    if not timed or isinstance(latencies, NoData):
        slow = dict.fromkeys(services, latencies if timed else None)
    else:
        slow = monitoring_query.per_service(services, latencies)
    periods = round(window.seconds / period.total_seconds())
    return {service: Witnesses(of[service], slow[service], an_hour, periods) for service in services}


async def _latencies(
    queries: MonitoringQueries, services: Sequence[ServiceId], window: Window, period: timedelta, *, timed: bool
) -> Sequence[Series] | NoData:
    if not timed:
        return ()
    try:
        query = monitoring_query.by_revision(services, period, monitoring_query.LATENCIES)
        return await queries.series(query, window, round(HOUR / period))
    except SourceUnavailable as error:
        return no_data(error)


def _told(counted: Sequence[Series], timed: Sequence[Series] | None) -> dict[str, dict[int, Told]]:
    first, second = _by_revision(counted), None if timed is None else _by_revision(timed)
    found: dict[str, dict[int, Told]] = {}
    for revision in dict.fromkeys((*first, *(second or ()))):
        mine, other = first.get(revision, {}), None if second is None else second.get(revision, {})
        told = {at: Told(classes, None if other is None else other.get(at, {})) for at, classes in mine.items()}
        for at, classes in (other or {}).items():
            if at not in told:
                told[at] = Told({}, classes)
        found[revision] = told
    return found


def _by_revision(series: Sequence[Series]) -> dict[str, dict[int, dict[str, int]]]:
    """Requests by revision, period and class."""
    found: dict[str, dict[int, dict[str, int]]] = {}
    for one in series:
        kind = one.metric_labels.get(RESPONSE_CLASS, "")
        periods = found.setdefault(one.label("revision_name"), {}) if len(one.at) else {}
        for index, count in one.points():
            classes = periods.setdefault(index, {})
            classes[kind] = classes.get(kind, 0) + round(count)
    return found


def _of_revisions(series: Sequence[Series]) -> dict[str, list[Series]]:
    found: dict[str, list[Series]] = {}
    for one in series:
        found.setdefault(one.label("revision_name"), []).append(one)
    return found
