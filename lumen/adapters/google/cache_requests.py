"""Requests of all services that share a cache, slice by slice: each pays its part of the cache by them.

Asked once a window for all batches of a look, as sums: one series a project and region, however many services there
are. Where nobody asked anything in a slice, whose silence is sleep is asked service by service.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lumen.adapters.google import monitoring_query
from lumen.adapters.google.monitoring_query import (
    LONGEST_FILTER,
    REQUESTS,
    RESPONSE_CLASS,
    Projects,
    Query,
    Series,
    summed,
)
from lumen.model.alert import Observation
from lumen.model.cost import Caches
from lumen.model.messages import NoData, SourceUnavailable
from lumen.model.service import ServiceId, by_project
from lumen.model.snapshot import SLICE, Window
from lumen.ports.incidents import SliceSource

#: Per project, region and class of the answers: a service without classes is seen by them.
_GROUP = ("resource.labels.project_id", "resource.labels.location", f"metric.labels.{RESPONSE_CLASS}")
#: Of a filter's length, for the names of services.
_NAMES_LENGTH = LONGEST_FILTER - 300
#: Windows whose sums are kept: those of one first look.
_KEPT_WINDOWS = 8
#: Services whose slices of a window are held at once.
_AT_ONCE = 10

_Found = Mapping[ServiceId, Sequence[Observation] | NoData]


@dataclass(slots=True)
class Sums:
    """Of one cache, by the start of the slice: all requests, and of how many services these are known.

    `known` is empty where nobody was asked one by one.
    """

    requests: dict[datetime, int] = field(default_factory=dict)
    known: dict[datetime, int] = field(default_factory=dict)

    def add(self, slices: Sequence[Observation]) -> None:
        """Those of one service."""
        for one in slices:
            if one.requests is not None:
                self.requests[one.start] = self.requests.get(one.start, 0) + one.requests
                self.known[one.start] = self.known.get(one.start, 0) + 1

    def share(self, start: datetime, requests: int | None) -> float:
        """The part (0-1) of the cache that a service with so many requests pays; nothing while they are unknown."""
        if requests is None:
            return 0.0
        total = self.requests.get(start, 0)
        return requests / total if total else 1 / max(1, self.known.get(start, 0))


class CacheRequests:
    """`slices` tells of single services."""

    def __init__(self, projects: Projects, slices: SliceSource, caches: Caches) -> None:
        self._projects, self._slices, self._caches = projects, slices, caches
        self._users: dict[str, list[ServiceId]] = {}
        for service, cache in caches.items():
            self._users.setdefault(cache, []).append(service)
        self._kept: dict[tuple[str, Window, bool], Sums] = {}

    async def beside(self, found: _Found, window: Window) -> Mapping[ServiceId, Sums]:
        """Of the cache of each service of `found` that has one, with these as they are there."""
        sums: dict[ServiceId, Sums] = {}
        for cache, mine in self._by_cache(found).items():
            of_mine = Sums()
            for service in mine:
                slices = found[service]
                of_mine.add(() if isinstance(slices, NoData) else slices)
                await asyncio.sleep(0)  # clicks get their turn
            sums |= dict.fromkeys(mine, await self._with_others(cache, len(mine), of_mine, window))
        return sums

    def _by_cache(self, services: _Found) -> Mapping[str, Sequence[ServiceId]]:
        found: dict[str, list[ServiceId]] = {}
        for service in services:
            if service in self._caches:
                found.setdefault(self._caches[service], []).append(service)
        return found

    async def _with_others(self, cache: str, mine: int, of_mine: Sums, window: Window) -> Sums:
        if mine == len(self._users[cache]):
            return of_mine
        whole = await self._of(cache, window, one_by_one=False)
        if whole is None or any(not count and not whole.requests.get(at) for at, count in of_mine.requests.items()):
            whole = await self._of(cache, window, one_by_one=True)
        assert whole is not None
        least = {at: max(count, whole.requests.get(at, 0)) for at, count in of_mine.requests.items()}
        known = {at: max(count, whole.known.get(at, 0)) for at, count in of_mine.known.items()}
        return Sums(least, known)

    async def _of(self, cache: str, window: Window, *, one_by_one: bool) -> Sums | None:
        """Of all its services; None where that cannot be told from sums."""
        key = (cache, window, one_by_one)
        if key not in self._kept:
            ask = self._one_by_one if one_by_one else self._summed
            sums = await ask(self._users[cache], window)
            if sums is None:
                return None
            while len(self._kept) >= _KEPT_WINDOWS * max(1, len(self._users)):
                del self._kept[next(iter(self._kept))]
            self._kept[key] = sums
        return self._kept[key]

    async def _one_by_one(self, services: Sequence[ServiceId], window: Window) -> Sums:
        sums = Sums()
        for at in range(0, len(services), _AT_ONCE):
            for slices in (await self._slices.counts(services[at : at + _AT_ONCE], window)).values():
                sums.add(() if isinstance(slices, NoData) else slices)
        return sums

    async def _summed(self, services: Sequence[ServiceId], window: Window) -> Sums | None:
        sums = Sums()
        for project, mine in by_project(services).items():
            for region, names in _named(mine):
                query = Query(
                    REQUESTS, monitoring_query.RESOURCE, SLICE, _GROUP, ("resource.labels.service_name", names)
                )
                try:
                    series = await self._projects[project].series(query, window)
                except SourceUnavailable:
                    return None
                here = [one for one in series if one.label("location") in ("", region)]
                if not all(map(_has_class, here)):
                    return None
                for index, count in summed(here).items():
                    at = window.start + index * SLICE
                    sums.requests[at] = sums.requests.get(at, 0) + round(count)
        return sums


def _has_class(series: Series) -> bool:
    return bool(series.metric_labels.get(RESPONSE_CLASS))


def _named(services: Sequence[ServiceId]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Region by region the names of services, as many at a time as a filter takes."""
    by_region: dict[str, list[str]] = {}
    for service in services:
        by_region.setdefault(service.region, []).append(service.name)
    for region, names in by_region.items():
        some, length = list[str](), 0
        for name in sorted(names):
            if some and length + len(name) + 3 > _NAMES_LENGTH:
                yield region, tuple(some)
                some, length = [], 0
            some.append(name)
            length += len(name) + 3
        yield region, tuple(some)
