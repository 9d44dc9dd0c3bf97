"""Slices of a day that follow each other, as columns: where nothing can be told, alerts learn many of them at once.

An alert judges slice by slice; what it learns of a calm stretch is the same, without asking each slice what it might
mean. Which slices those are each alert says itself, and rather too few than too many.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lumen.alerts.lifecycle import Lifecycle
from lumen.alerts.repeating import HOUR
from lumen.model.alert import AlertEvent, Observation
from lumen.model.day_cost import end_of
from lumen.model.history import day_of
from lumen.model.snapshot import SLICE_SECONDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

HOURS_A_DAY = 24
#: Stands for a count that is not known.
UNKNOWN = -1


class Stretch:
    """Of one UTC day, each slice after the other."""

    def __init__(self, slices: Sequence[Observation]) -> None:
        self.slices = slices
        self._phase = int(slices[0].start.timestamp()) // SLICE_SECONDS % HOUR

    def __len__(self) -> int:
        return len(self.slices)

    def hours_from(self, row: int, hours: int) -> int:
        """The row after so many hours, of which that of `row` is the first."""
        return min(len(self), row + hours * HOUR - (self._phase + row) % HOUR)

    @cached_property
    def requests(self) -> Ints:
        return _counts(one.requests for one in self.slices)

    @cached_property
    def errors_5xx(self) -> Ints:
        return _counts(one.errors_5xx for one in self.slices)

    @cached_property
    def hits(self) -> Ints:
        """Unknown also where misses are."""
        return _counts(one.hits if one.misses is not None else None for one in self.slices)

    @cached_property
    def lookups(self) -> Ints:
        return _counts(one.lookups for one in self.slices)

    @cached_property
    def p95_ms(self) -> Floats:
        return _figures(one.p95_ms for one in self.slices)

    @cached_property
    def p99_ms(self) -> Floats:
        return _figures(one.p99_ms for one in self.slices)

    @cached_property
    def is_priced(self) -> Mask:
        return np.array([one.cost_usd is not None for one in self.slices])

    @cached_property
    def is_doubted(self) -> Mask:
        """Where the witnesses do not agree."""
        return np.array([one.doubt is not None for one in self.slices])


def stretches(observations: Iterable[Observation]) -> Iterator[Stretch]:
    """All of them, cut at midnight and at gaps."""
    some: list[Observation] = []
    end = next_day = datetime.min.replace(tzinfo=UTC)
    for one in observations:
        if one.start != end or one.start >= next_day:
            if some:
                yield Stretch(some)
            some, next_day = [], end_of(day_of(one.start))
        some.append(one)
        end = one.end
    if some:
        yield Stretch(some)


class Judge(Protocol):
    """An alert."""

    lifecycle: Lifecycle

    def judge(self, seen: Observation, end: datetime) -> AlertEvent | None:
        """After each slice; what cannot be judged is passed over."""

    def pass_calm(self, stretch: Stretch, since: int, until: int) -> int:
        """Learn slices from row `since` on, while nothing is open and none of them can change that; tell how many."""


def events_of(alert: Judge, stretch: Stretch) -> Iterator[tuple[int, AlertEvent]]:
    """What changes, by row: as `judge` tells of one slice after the other."""
    row, hours = 0, HOURS_A_DAY
    while row < len(stretch):
        until = stretch.hours_from(row, hours)
        if alert.lifecycle.open is None:
            row += alert.pass_calm(stretch, row, until)
        hours = min(HOURS_A_DAY, 2 * hours) if row == until else 1
        if row < until:
            until = stretch.hours_from(row, 1)
            yield from _one_by_one(alert, stretch, range(row, until))
            row = until


def _one_by_one(alert: Judge, stretch: Stretch, rows: Iterable[int]) -> Iterator[tuple[int, AlertEvent]]:
    for row in rows:
        seen = stretch.slices[row]
        event = alert.judge(seen, seen.end)
        alert.lifecycle.pass_over(seen.end)
        if event is not None:
            yield row, event


def first_of(mask: Mask) -> int:
    """The first place where it holds; its length where it never does."""
    return int(np.argmax(mask)) if mask.any() else len(mask)


def _counts(values: Iterable[int | None]) -> Ints:
    return np.array([UNKNOWN if one is None else one for one in values], dtype=np.int64)


def _figures(values: Iterable[float | None]) -> Floats:
    """NaN where they are not known."""
    return np.array([np.nan if one is None else one for one in values], dtype=np.float64)
