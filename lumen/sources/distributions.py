"""Monitoring's histograms as Lumen's. The buckets are read at run time: percentiles are only as fine as they are."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from lumen.model.snapshot import LatencyDistribution


class BucketsDiffer(ValueError):
    """Two histograms with other buckets cannot be added up."""


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

    Raises BucketsDiffer.
    """
    bounds: tuple[float, ...] | None = None
    counts: list[int] = []
    for one in distributions:
        if not one.bucket_counts:
            continue
        own = bounds_of(one.bucket_options)
        if bounds is None:
            bounds, counts = own, [0] * (len(own) + 1)
        if own != bounds or len(one.bucket_counts) > len(counts):
            raise BucketsDiffer(f"{len(own)} bounds beside {len(bounds)}")
        for bucket, count in enumerate(one.bucket_counts):  # trailing empty buckets may be left out
            counts[bucket] += count
    if not bounds or sum(counts) == 0:
        return None
    while not counts[-1]:
        counts.pop()  # a slow tail that nobody was in: most of a fortnight of slices
    return LatencyDistribution(bounds, tuple(counts))
