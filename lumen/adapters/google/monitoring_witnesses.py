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

from lumen.adapters.checks import no_data
from lumen.adapters.google import monitoring_query
from lumen.adapters.google.monitoring_query import RESPONSE_CLASS, MonitoringQueries, Series, lacks_classes, number
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

    @property
    def latencies(self) -> Sequence[Series] | NoData:
        """Of the window alone."""
        timed = self.timed or ()
        if isinstance(timed, NoData):
            return timed
        return [
            Series(one.resource_labels, one.metric_labels, {at: value for at, value in one.points.items() if at >= 0})
            for one in timed
        ]

    @property
    def lacks_classes(self) -> bool:
        """Every error would count as good."""
        return lacks_classes(self.counted)

    @cached_property
    def told(self) -> Mapping[str, Mapping[int, Told]]:
        """By revision and period."""
        counted = _by_revision(self.counted)
        timed = None if self.timed is None else _by_revision(() if isinstance(self.timed, NoData) else self.timed)
        found: dict[str, dict[int, Told]] = {}
        for revision in dict.fromkeys((*counted, *(timed or ()))):
            mine, other = counted.get(revision, {}), None if timed is None else timed.get(revision, {})
            told = {at: Told(classes, None if other is None else other.get(at, {})) for at, classes in mine.items()}
            for at, classes in (other or {}).items():
                if at not in told:
                    told[at] = Told({}, classes)
            found[revision] = told
        return found

    @cached_property
    def bounds(self) -> Mapping[str, Mapping[int, Bounds]]:
        """By revision and period; what is silent but missed is in them."""
        return witnessed(self.told, self.an_hour)

    def silent(self, periods: int) -> set[int]:
        """Of the first `periods` of the window those of which neither witness has a point."""
        return set(range(periods)).difference(*self.told.values())

    def before(self, index: int) -> int:
        """Requests of the quarter of an hour (of the hour, where periods are longer) before a period."""
        quarter = range(index - max(1, self.an_hour // 4), index)
        return sum(told[at].total for told in self.told.values() for at in quarter if at in told)

    def classes(self) -> dict[int, Counter[str]]:
        """Requests as they are counted, by period of the window and class, of all revisions."""
        found: dict[int, Counter[str]] = {}
        for told in self.told.values():
            for index, one in told.items():
                if index >= 0 and one.counted:
                    found.setdefault(index, Counter()).update(one.counted)
        return found

    def doubts(self) -> dict[int, Bounds]:
        """By period of the window, of all revisions; where the witnesses differ by more than a few good answers."""
        parts: dict[int, list[Bounds]] = {}
        for bounds in self.bounds.values():
            for index, one in bounds.items():
                parts.setdefault(index, []).append(one)
        together = {index: bounds_of(of) if len(of) > 1 else of[0] for index, of in parts.items()}
        return {index: one for index, one in together.items() if index >= 0 and not one.is_near}


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
    return {service: Witnesses(of[service], slow[service], an_hour) for service in services}


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


def _by_revision(series: Sequence[Series]) -> dict[str, dict[int, dict[str, int]]]:
    """Requests by revision, period and class."""
    found: dict[str, dict[int, dict[str, int]]] = {}
    for one in series:
        kind = one.metric_labels.get(RESPONSE_CLASS, "")
        periods = found.setdefault(one.label("revision_name"), {}) if one.points else {}
        for index, value in one.points.items():
            classes = periods.get(index)
            if classes is None:
                classes = periods[index] = {}
            classes[kind] = classes.get(kind, 0) + round(number(value))
    return found
