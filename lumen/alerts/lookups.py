"""Hits against misses against requests: do as many lookups come with each request as usually do?

What a service looks up is its code's, so it is steady: where it leaves what is usual, one of the series is late, cut or
wrong, and no hit rate follows from it. What stays so for six hours is how the service looks up now.
"""

from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import NamedTuple

from lumen.alerts.evidence import MAD_TO_SD
from lumen.model.alert import Observation
from lumen.model.history import SLICES_A_DAY
from lumen.model.messages import NoData, message
from lumen.model.snapshot import SLICE, CacheStats, Traffic

#: Nothing is usual before so many slices.
LEAST_SLICES = 36
#: Fewer requests than this in a slice say nothing.
LEAST_REQUESTS = 20
#: Lookups a request may differ by so much, or by so many spreads.
DIFFER = 0.25
SPREADS = 6.0
ACCEPTED_AFTER = 72
#: Of the slices of a window, so many may lack lookups.
MISSING = 0.25
#: The watch may lack the newest slice or two.
SAME_REQUESTS = 0.2


class SliceCounts(NamedTuple):
    """The requests and lookups of a slice; see `Observation`."""

    start: datetime
    requests: int | None
    lookups: int | None
    is_counted: bool


def counts_of(seen: Observation) -> SliceCounts:
    """Its part that is judged with others'."""
    return SliceCounts(seen.start, seen.requests, seen.lookups, seen.is_counted)


_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class KeptCounts:
    """The counts of slices that follow each other from `start` on, in 17 bytes each: a fleet has many."""

    start: datetime
    requests: "array[int]"
    lookups: "array[int]"
    are_counted: bytes

    @staticmethod
    def of(slices: Sequence[SliceCounts]) -> "KeptCounts | None":
        """None of nothing, or where one is missing in between."""
        if not slices or slices[-1].start - slices[0].start != (len(slices) - 1) * SLICE:
            return None
        requests = array("q", [_UNKNOWN if one.requests is None else one.requests for one in slices])
        lookups = array("q", [_UNKNOWN if one.lookups is None else one.lookups for one in slices])
        return KeptCounts(slices[0].start, requests, lookups, bytes(one.is_counted for one in slices))

    def before(self, end: datetime) -> Sequence[SliceCounts]:
        """Those that begin before `end`, in order."""
        count = max(0, round((end - self.start) / SLICE))
        requests, lookups = (
            [None if count == _UNKNOWN else count for count in counts[:count]]
            for counts in (self.requests, self.lookups)
        )
        starts = [self.start + nth * SLICE for nth in range(len(requests))]
        return list(map(SliceCounts, starts, requests, lookups, map(bool, self.are_counted)))


class UsualLookups:
    """Lookups a request over the last day; fed with slices in order."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=SLICES_A_DAY)
        self._unknown = 0
        self._usual: tuple[float, float] | None = None  # with its spread; None until it is asked for

    def checked(self, seen: Observation) -> Observation:
        """The slice, without the lookups that do not fit its requests, and what was worked out from them."""
        ratio = self._ratio(seen)
        if ratio is None or self._unknown >= ACCEPTED_AFTER or self.fits(ratio):
            return seen
        return replace(seen, hits=None, misses=None, cost_usd=None)

    def feed(self, seen: Observation | SliceCounts) -> None:
        """Learn from a slice as it is stored."""
        ratio = self._ratio(seen)
        if ratio is None:
            self._unknown += int(bool(seen.requests) and seen.lookups is None)
            return
        if self._unknown >= ACCEPTED_AFTER:
            self._ratios.clear()
        self._unknown, self._usual = 0, None
        self._ratios.append(ratio)

    def feed_all(self, seen: Sequence[Observation]) -> None:
        """Learn from several."""
        ratios = [ratio for one in seen if (ratio := self._ratio(one)) is not None]
        if ratios and len(ratios) == len(seen) and self._unknown < ACCEPTED_AFTER:
            self._unknown, self._usual = 0, None
            self._ratios.extend(ratios)
        else:
            for one in seen:
                self.feed(one)

    @property
    def usual(self) -> float | None:
        """None while too little is known."""
        return median(self._ratios) if len(self._ratios) >= LEAST_SLICES else None

    def fits(self, ratio: float) -> bool:
        """Whether so many lookups a request are usual; true while nobody knows."""
        if self._usual is None:
            usual = self.usual
            if usual is None:
                return True
            self._usual = usual, MAD_TO_SD * median(abs(one - usual) for one in self._ratios)
        usual, spread = self._usual
        return abs(ratio - usual) <= max(DIFFER * usual, SPREADS * spread)

    def _ratio(self, seen: Observation | SliceCounts) -> float | None:
        if seen.requests is None or seen.requests < LEAST_REQUESTS or not seen.is_counted or seen.lookups is None:
            return None
        return seen.lookups / seen.requests


def _is_same(traffic: Traffic, within: Sequence[Observation | SliceCounts]) -> bool:
    """Whether the window's requests are those that the watch has counted."""
    stored = sum(one.requests or 0 for one in within)
    is_near = abs(traffic.requests - stored) <= SAME_REQUESTS * traffic.requests
    return traffic.requests >= LEAST_REQUESTS and traffic.bounds.is_counted and is_near


def doubted(
    cache: CacheStats | NoData,
    traffic: Traffic | NoData,
    stored: Iterable[Observation | SliceCounts],
    start: datetime,
) -> CacheStats | NoData:
    """The cache over a window that begins at `start`, or why its figures do not fit the requests.

    `stored`: slices of the days before and of the window itself, as the watch has them.
    """
    usual, within = UsualLookups(), list[Observation | SliceCounts]()
    for one in stored:
        if one.start < start:
            usual.feed(one)
        elif one.requests:
            within.append(one)
    if isinstance(cache, NoData) or isinstance(traffic, NoData) or usual.usual is None or cache.seconds <= 0:
        return cache
    hits, misses = cache.hits, cache.misses
    if isinstance(hits, NoData) or isinstance(misses, NoData):
        return cache
    a_second = traffic.requests / (SLICE.total_seconds() * len(traffic.slices)) if traffic.slices else 0.0
    ratio = (hits + misses) / cache.seconds / a_second if a_second else 0.0
    unknown = sum(one.lookups is None for one in within)
    if unknown <= MISSING * len(within) and (usual.fits(ratio) or not _is_same(traffic, within)):
        return cache
    return NoData(
        message("assess.lookups_differ", now=ratio, usual=usual.usual, hits=hits, misses=misses),
        message("assess.lookups_differ_remedy"),
    )
