"""Requests of all services that share a cache, slice by slice: each pays its part of the cache by them.

Asked once a window for all batches of a look, as sums: one series a project and region, however many services there
are. Where nobody asked anything in a slice, whose silence is sleep is asked service by service.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lumen.adapters.google import monitoring_query
from lumen.adapters.google.monitoring_query import (
    LONGEST_FILTER,
    REQUESTS,
    RESPONSE_CLASS,
    Projects,
    Query,
)
from lumen.adapters.google.monitoring_series import Floats, Ints, Series, columns
from lumen.adapters.google.slice_columns import SliceColumns
from lumen.model.cost import Caches
from lumen.model.messages import NoData, SourceUnavailable
from lumen.model.service import ServiceId, by_project
from lumen.model.snapshot import SLICE, Window

#: Per project, region and class of the answers: a service without classes is seen by them.
_GROUP = ("resource.labels.project_id", "resource.labels.location", f"metric.labels.{RESPONSE_CLASS}")
#: Of a filter's length, for the names of services.
_NAMES_LENGTH = LONGEST_FILTER - 300
#: Windows whose sums are kept: those of one first look.
_KEPT_WINDOWS = 8
#: Services whose slices of a window are held at once.
_AT_ONCE = 10

_Found = Mapping[ServiceId, SliceColumns | NoData]


class CountSource(Protocol):
    """Tells of single services."""

    async def counted(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, SliceColumns | NoData]:
        """Their slices without latencies."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one cache, a row each slice of a window: all requests, and of how many services these are known.

    `known` is 0 where nobody was asked one by one.
    """

    requests: Ints
    known: Ints

    @staticmethod
    def of(services: Iterable[SliceColumns | NoData], slices: int) -> "Sums":
        """Those of single services added up."""
        requests, known = np.zeros((2, slices), dtype=np.int64)
        for one in services:
            if not isinstance(one, NoData):
                requests += one.requests
                known += one.known
        return Sums(requests, known)

    def shares(self, of: SliceColumns) -> Floats:
        """The part (0-1) of the cache that a service pays; nothing where its requests are unknown."""
        spread = np.maximum(1, self.known)
        shares = np.where(self.requests > 0, of.requests / np.maximum(1, self.requests), 1 / spread)
        return np.where(of.known, shares, 0.0)


class CacheRequests:
    """`slices` tells of single services."""

    def __init__(self, projects: Projects, slices: CountSource, caches: Caches) -> None:
        self._projects, self._slices, self._caches = projects, slices, caches
        self._users: dict[str, list[ServiceId]] = {}
        for service, cache in caches.items():
            self._users.setdefault(cache, []).append(service)
        self._kept: dict[tuple[str, Window, bool], Sums] = {}

    async def beside(self, found: _Found, window: Window) -> Mapping[ServiceId, Sums]:
        """Of the cache of each service of `found` that has one, with these as they are there."""
        sums: dict[ServiceId, Sums] = {}
        for cache, mine in self._by_cache(found).items():
            of_mine = Sums.of([found[service] for service in mine], window.slices)
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
        if whole is None or ((of_mine.known > 0) & (of_mine.requests == 0) & (whole.requests == 0)).any():
            whole = await self._of(cache, window, one_by_one=True)
        assert whole is not None
        return Sums(np.maximum(of_mine.requests, whole.requests), np.maximum(of_mine.known, whole.known))

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
        sums = Sums.of((), window.slices)
        for at in range(0, len(services), _AT_ONCE):
            some = Sums.of((await self._slices.counted(services[at : at + _AT_ONCE], window)).values(), window.slices)
            sums = Sums(sums.requests + some.requests, sums.known + some.known)
        return sums

    async def _summed(self, services: Sequence[ServiceId], window: Window) -> Sums | None:
        sums = Sums.of((), window.slices)
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
                counted, _ = columns(here, 0, window.slices)
                sums.requests[:] += np.rint(counted).astype(np.int64)
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
