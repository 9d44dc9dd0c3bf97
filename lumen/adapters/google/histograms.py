"""Histograms of Cloud Monitoring as Lumen's, one by one or a whole stretch of slices at once.

Buckets are read at run time: percentiles are only as fine as they are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from lumen.adapters.google.monitoring_series import Floats, Ints, Mask, Series
from lumen.model.snapshot import Bucket, LatencyDistribution, together

_COUNTS, _OPTIONS = attrgetter("bucket_counts"), attrgetter("bucket_options")


def bounds_of(options: Any) -> tuple[float, ...]:
    """Ascending bucket bounds of a `Distribution.BucketOptions` (protobuf): linear, exponential or explicit.

    Formulas: google/api/distribution.proto (offset + width · i; scale · growth_factor ** i; i = 0 … N).
    """
    kind = options.WhichOneof("options")
    if kind == "linear_buckets":
        linear = options.linear_buckets
        return _linear(linear.offset, linear.width, linear.num_finite_buckets)
    if kind == "exponential_buckets":
        grown = options.exponential_buckets
        return _exponential(grown.scale, grown.growth_factor, grown.num_finite_buckets)
    return tuple(options.explicit_buckets.bounds)


@lru_cache
def _linear(offset: float, width: float, buckets: int) -> tuple[float, ...]:
    return tuple(offset + width * i for i in range(buckets + 1))


@lru_cache
def _exponential(scale: float, growth: float, buckets: int) -> tuple[float, ...]:
    """Once for all slices: they share their bounds."""
    return tuple(scale * growth**i for i in range(buckets + 1))


def added_up(distributions: Iterable[Any]) -> LatencyDistribution | None:
    """The sum of `google.api.Distribution`s in milliseconds; None when none of them holds a sample.

    Where their layouts differ, it has the bounds of all.
    """
    by_bounds: dict[tuple[float, ...], list[int]] = {}
    for one in distributions:
        bounds = bounds_of(one.bucket_options) if one.bucket_counts else ()
        if not bounds or len(one.bucket_counts) > len(bounds) + 1:
            continue  # nobody knows where its samples lie
        more = list(one.bucket_counts)
        counts = by_bounds.get(bounds)
        if counts is None:
            by_bounds[bounds] = more
            continue
        if len(counts) < len(more):  # empty buckets at its end may be left out
            counts += [0] * (len(more) - len(counts))
        for bucket, count in enumerate(more):
            counts[bucket] += count
    held = [LatencyDistribution(bounds, tuple(counts)) for bounds, counts in by_bounds.items() if any(counts)]
    return together(held) if held else None


@dataclass(frozen=True, slots=True)
class Histograms:
    """Of a stretch of periods: `counts` by period and bucket, in the layout of most of them.

    Periods in other layouts, or in which several meet, are `apart`.
    """

    bounds_ms: tuple[float, ...]
    counts: Ints
    apart: Mapping[int, LatencyDistribution]

    def only(self, periods: Mask) -> "Histograms":
        """Without those of other periods."""
        apart = {at: one for at, one in self.apart.items() if periods[at]}
        return Histograms(self.bounds_ms, self.counts * periods[:, None], apart)

    @property
    def held(self) -> Mask:
        """Periods in which any sample is held."""
        held = self.counts.sum(axis=1) > 0
        held[list(self.apart)] = True
        return np.asarray(held)

    def buckets(self, periods: Mask) -> Iterator[tuple[Bucket, int]]:
        """Of some periods together, bucket by bucket; one may come again in another layout."""
        together = self.counts[periods].sum(axis=0).tolist()
        yield from LatencyDistribution(self.bounds_ms, tuple(together)).buckets()
        for at, one in self.apart.items():
            if periods[at]:
                yield from one.buckets()

    def distributions(self) -> dict[int, LatencyDistribution]:
        """By period, where any sample is held; without the empty buckets at the end of each."""
        held = np.flatnonzero(self.counts.sum(axis=1) > 0)
        rows = self.counts[held]
        lengths = rows.shape[1] - np.argmax(rows[:, ::-1] > 0, axis=1)
        found = {
            at: LatencyDistribution(self.bounds_ms, tuple(row[:length]))
            for at, row, length in zip(held.tolist(), rows.tolist(), lengths.tolist(), strict=True)
        }
        return found | dict(self.apart)

    def percentiles_ms(self, shares: Sequence[float]) -> Floats:
        """As those of LatencyDistribution, by period and share; NaN where no sample is held."""
        found = np.full((len(self.counts), len(shares)), np.nan)
        held = np.flatnonzero(self.counts.sum(axis=1) > 0)
        if len(held):
            found[held] = _percentiles_ms(self.bounds_ms, self.counts[held], shares)
        for at, one in self.apart.items():
            found[at] = one.percentiles_ms(shares)
        return found


def histograms(series: Iterable[Series], periods: int) -> Histograms:
    """All series added up, of the periods from 0 on."""
    of: dict[tuple[float, ...], Ints] = {}
    for one in series:
        for bounds, rows in _by_layout(one.distributions).items():
            counts = [one.distributions[row].bucket_counts for row in rows]
            if bounds not in of:
                of[bounds] = np.zeros((periods, len(bounds) + 1), dtype=np.int64)
            of[bounds][one.at[rows]] += _matrix(counts, len(bounds) + 1)
    held: dict[tuple[float, ...], Mask] = {bounds: counts.sum(axis=1) > 0 for bounds, counts in of.items()}
    if not held:
        return Histograms((), np.zeros((periods, 1), dtype=np.int64), {})
    most = max(held, key=lambda bounds: int(held[bounds].sum()))
    apart: dict[int, LatencyDistribution] = {}
    for at in np.flatnonzero(np.any([told for bounds, told in held.items() if bounds != most], axis=0)).tolist():
        several = [LatencyDistribution(bounds, tuple(of[bounds][at].tolist())) for bounds in of if held[bounds][at]]
        apart[at] = together(several)
    of[most][list(apart)] = 0
    width = np.max(np.flatnonzero(of[most].any(axis=0)), initial=0) + 1
    return Histograms(most, of[most][:, :width], apart)


def _by_layout(distributions: Sequence[Any]) -> Mapping[tuple[float, ...], Sequence[int]]:
    """The numbers of those of each layout, where it is known where their samples lie."""
    if not distributions:
        return {}
    options = list(map(_OPTIONS, distributions))
    lengths = np.fromiter(map(len, map(_COUNTS, distributions)), np.int64, len(distributions))
    rows: dict[tuple[float, ...], Any] = {}
    if all(map(options[0].__eq__, options)):
        rows[bounds_of(options[0])] = np.arange(len(options))
    else:
        for row in np.flatnonzero(lengths).tolist():
            rows.setdefault(bounds_of(options[row]), []).append(row)
    known = ((bounds, np.asarray(of)) for bounds, of in rows.items() if bounds)
    return {bounds: of[(lengths[of] > 0) & (lengths[of] <= len(bounds) + 1)].tolist() for bounds, of in known}


def _matrix(counts: Sequence[Sequence[int]], width: int) -> Ints:
    """A row each; empty buckets at its end may be left out."""
    lengths = np.fromiter(map(len, counts), np.int64, len(counts))
    ends = np.cumsum(lengths)
    total = int(lengths.sum())
    found = np.zeros((len(counts), width), dtype=np.int64)
    columns = np.arange(total) - np.repeat(ends - lengths, lengths)
    values = np.fromiter(chain.from_iterable(counts), np.int64, total)
    found[np.repeat(np.arange(len(counts)), lengths), columns] = values
    return found


def _percentiles_ms(bounds_ms: tuple[float, ...], counts: Ints, shares: Sequence[float]) -> Floats:
    """By row, each of which holds a sample; the same steps as LatencyDistribution.percentiles_ms."""
    until, every = np.cumsum(counts, axis=1), np.arange(len(counts))
    low, high = np.array((0.0, *bounds_ms)), np.array((*bounds_ms, np.inf))
    found = np.empty((len(counts), len(shares)))
    for nth, share in enumerate(shares):
        wanted = share * until[:, -1]
        bucket = np.argmax(until >= wanted[:, None], axis=1)
        count = counts[every, bucket]
        into = np.maximum(0.0, wanted - (until[every, bucket] - count))
        # Of the last bucket its lower bound is all that is known.
        width = np.where(np.isinf(high[bucket]), 0.0, high[bucket] - low[bucket])
        found[:, nth] = low[bucket] + width * into / count
    return found
