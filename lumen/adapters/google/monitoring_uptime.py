"""The uptime check of the watched service, as a third witness of its requests: places all over the world that ask.

Where it fails from more than one place nobody gets through, whatever was counted; where it is answered a service that
sleeps is well. Without points it says nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lumen.adapters.google.monitoring_query import Aligner, MonitoringQueries, Query, Reducer
from lumen.adapters.google.monitoring_series import Series
from lumen.model.messages import SourceUnavailable
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.model.witnesses import Bounds, exactly

PASSED = "monitoring.googleapis.com/uptime_check/check_passed"
RESOURCE = "uptime_url"
PLACE = "metric.labels.checker_location"
#: One place that fails may be that place's trouble (the alert policy of `lumen setup` counts alike).
LEAST_PLACES = 2


@dataclass(frozen=True, slots=True)
class UptimeCheck:
    """The check of `host`, which is an address of `service`."""

    queries: MonitoringQueries
    service: ServiceId
    host: str

    async def slices(self, window: Window) -> Mapping[int, "Probes"]:
        """What was asked and failed, by slice of the window; nothing where it cannot be read or has no points."""
        try:
            failed, passed = [await self._by_place(aligner, window) for aligner in _ALIGNERS]
        except SourceUnavailable:
            return {}
        slices = {index for one in (*failed, *passed) for index in one.at.tolist()}
        said, answered = _places(failed), _places(passed)
        return {index: Probes(said[index], answered[index]) for index in slices}

    async def _by_place(self, aligner: int, window: Window) -> list[Series]:
        of_host = "resource.labels.host", (self.host,)
        query = Query(PASSED, RESOURCE, SLICE, (PLACE,), of_host, aligner, Reducer.REDUCE_SUM)
        return list(await self.queries.series(query, window))


_ALIGNERS = (Aligner.ALIGN_COUNT_FALSE, Aligner.ALIGN_COUNT_TRUE)


@dataclass(frozen=True, slots=True)
class Probes:
    """Places from which the check failed in a slice, and from which it was answered."""

    failed: int
    passed: int

    def says(self, requests: int) -> Bounds | None:
        """What it makes of a slice with so many requests: all failed, or it was well without any; None: nothing."""
        if self.failed >= LEAST_PLACES:
            lost = max(requests, self.failed)
            return exactly(lost, lost)
        return exactly(self.passed, 0) if not requests and self.passed >= LEAST_PLACES else None


def _places(series: list[Series]) -> Counter[int]:
    """By slice, from how many of them anything came."""
    return Counter(index for one in series for index, number in one.points() if number > 0)
