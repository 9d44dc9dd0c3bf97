"""What two witnesses tell of requests in many periods at once: the bounds of lumen/model/witnesses.py, as columns.

There they are of one period; one after another, those of a fleet's past would take most of what its first look may.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from lumen.adapters.google.monitoring_query import RESPONSE_CLASS
from lumen.adapters.google.monitoring_series import Ints, Mask, Series, columns
from lumen.model.witnesses import SAME, SERVER_ERRORS, Bounds


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests as one witness tells them, by class and period; 0 where it has no point."""

    of: Mapping[str, tuple[Ints, Mask]]
    periods: int

    @property
    def told(self) -> Mask:
        """Where any class has a point."""
        return reduce(np.logical_or, (told for _, told in self.of.values()), np.zeros(self.periods, dtype=np.bool_))

    @property
    def total(self) -> Ints:
        return sum((count for count, _ in self.of.values()), np.zeros(self.periods, dtype=np.int64))

    def kind(self, kind: str) -> Ints:
        """Requests of a class."""
        return self.of[kind][0] if kind in self.of else np.zeros(self.periods, dtype=np.int64)

    def is_told(self, kind: str) -> Mask:
        """Where a class has a point."""
        return self.of[kind][1] if kind in self.of else np.zeros(self.periods, dtype=np.bool_)


def counts_of(series: Iterable[Series], first: int, periods: int) -> Counts:
    """All series added up, of the periods from `first` on."""
    by_class: dict[str, list[Series]] = {}
    for one in series:
        by_class.setdefault(one.metric_labels.get(RESPONSE_CLASS, ""), []).append(one)
    found: dict[str, tuple[Ints, Mask]] = {}
    for kind, several in by_class.items():
        counted, told = np.zeros(periods, dtype=np.int64), np.zeros(periods, dtype=np.bool_)
        for one in several:
            number, here = columns([one], first, periods)
            counted += np.rint(number).astype(np.int64)
            told |= here
        found[kind] = counted, told
    return Counts(found, periods)


@dataclass(frozen=True, slots=True)
class BoundsColumns:
    """Bounds, a column each."""

    least_requests: Ints
    most_requests: Ints
    least_errors: Ints
    most_errors: Ints

    def plus(self, other: "BoundsColumns") -> "BoundsColumns":
        """Of both together."""
        return BoundsColumns(
            self.least_requests + other.least_requests,
            self.most_requests + other.most_requests,
            self.least_errors + other.least_errors,
            self.most_errors + other.most_errors,
        )

    @property
    def is_near(self) -> Mask:
        most, least = self.most_requests - self.most_errors, self.least_requests - self.least_errors
        return np.asarray((most - least <= SAME * most) & (self.least_errors == self.most_errors))

    def at(self, row: int) -> Bounds:
        """Those of one period."""
        return Bounds(
            int(self.least_requests[row]),
            int(self.most_requests[row]),
            int(self.least_errors[row]),
            int(self.most_errors[row]),
        )


def bounds_of(counted: Counts, timed: Counts | None) -> BoundsColumns:
    """Of one revision, as `Told.bounds`; `timed` None: nobody asked the second witness."""
    requests, errors, unclassed = counted.total, counted.kind(SERVER_ERRORS), counted.kind("")
    if timed is None:
        return BoundsColumns(requests, requests, errors, errors + unclassed)
    certain = np.where(timed.is_told(SERVER_ERRORS), np.minimum(errors, timed.kind(SERVER_ERRORS)), errors)
    least, by_class = certain.copy(), np.zeros_like(certain)
    for kind in dict.fromkeys((*counted.of, *timed.of)):
        one, other = counted.kind(kind), timed.kind(kind)
        if kind:
            by_class += np.maximum(one, other)
        if kind != SERVER_ERRORS:
            least += np.minimum(one, other)
    total = np.maximum(by_class, np.maximum(requests, timed.total))
    heard = np.maximum(errors, timed.kind(SERVER_ERRORS))
    found = BoundsColumns(least, total, certain, heard + total - by_class)
    return _against_total(found, counted, timed) if "" in timed.of else found


def _against_total(found: BoundsColumns, counted: Counts, timed: Counts) -> BoundsColumns:
    """Where the second witness tells of no class, it has the total alone."""
    classed = [told for kind, (_, told) in timed.of.items() if kind]
    alone = timed.is_told("") & ~reduce(np.logical_or, classed, np.zeros(timed.periods, dtype=np.bool_))
    requests, errors, other = counted.total, counted.kind(SERVER_ERRORS), timed.kind("")
    certain = np.maximum(0, errors - np.maximum(0, requests - other))
    return BoundsColumns(
        np.where(alone, np.maximum(np.minimum(requests, other), certain), found.least_requests),
        np.where(alone, np.maximum(requests, other), found.most_requests),
        np.where(alone, certain, found.least_errors),
        np.where(alone, errors + np.maximum(0, other - requests) + counted.kind(""), found.most_errors),
    )


def doubts_of(revisions: Sequence[BoundsColumns]) -> Mapping[int, Bounds]:
    """By row, of all revisions together: where the witnesses differ by more than a few good answers."""
    if not revisions:
        return {}
    together = reduce(BoundsColumns.plus, revisions)
    return {row: together.at(row) for row in np.flatnonzero(~together.is_near).tolist()}
