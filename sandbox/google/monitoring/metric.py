"""Metric types and values: what a series can be, and histograms with their buckets."""

from bisect import bisect_right
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from math import sqrt
from operator import mul


class Kind(IntEnum):
    """google.api.MetricDescriptor.MetricKind."""

    GAUGE = 1
    DELTA = 2
    CUMULATIVE = 3


class ValueType(IntEnum):
    """google.api.MetricDescriptor.ValueType."""

    BOOL = 1
    INT64 = 2
    DOUBLE = 3
    STRING = 4
    DISTRIBUTION = 5


@dataclass(frozen=True)
class Buckets:
    """Bucket bounds. `exponential` is (finite buckets, growth factor, scale), or None for explicit bounds.

    Bucket 0 lies below the first bound, bucket i in [bounds[i-1], bounds[i]), the last at or above the last bound.
    """

    bounds: tuple[float, ...]
    exponential: tuple[int, float, float] | None = None

    @staticmethod
    def growing(finite: int, growth: float, scale: float) -> "Buckets":
        """Exponential buckets: bound i = scale * growth ** i."""
        return Buckets(tuple(scale * growth**i for i in range(finite + 1)), (finite, growth, scale))

    @cached_property
    def size(self) -> int:
        return len(self.bounds) + 1

    def index(self, value: float) -> int:
        """The bucket that `value` falls into."""
        return bisect_right(self.bounds, value)

    @cached_property
    def midpoints(self) -> tuple[float, ...]:
        """One typical value a bucket: the middle of finite ones, the bound of the two open ones."""
        inner = tuple((a + b) / 2 for a, b in zip(self.bounds, self.bounds[1:], strict=False))
        return (self.bounds[0] / 2, *inner, self.bounds[-1])

    @cached_property
    def squares(self) -> tuple[float, ...]:
        return tuple(m * m for m in self.midpoints)


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution value. `deviation` is the sum of squared deviations from the mean."""

    buckets: Buckets
    counts: tuple[int, ...]
    mean: float
    deviation: float

    @property
    def count(self) -> int:
        return sum(self.counts)

    @staticmethod
    def of_counts(buckets: Buckets, counts: tuple[int, ...]) -> "Histogram":
        """A histogram whose mean and deviation are taken from the buckets' middles."""
        total = sum(counts)
        if not total:
            return Histogram(buckets, counts, 0.0, 0.0)
        mean = sum(map(mul, buckets.midpoints, counts)) / total
        deviation = sum(map(mul, buckets.squares, counts)) - total * mean * mean
        return Histogram(buckets, counts, mean, max(0.0, deviation))

    def percentile(self, share: float) -> float:
        """The value below which `share` (0-1) lies, spread evenly inside a bucket; 0.0 when empty."""
        wanted, below = share * self.count, 0
        for i, n in enumerate(self.counts):
            if n and below + n >= wanted:
                low = self.buckets.bounds[i - 1] if i else 0.0
                high = self.buckets.bounds[i] if i < len(self.buckets.bounds) else low
                return low + (high - low) * max(0.0, wanted - below) / n
            below += n
        return 0.0


def merged(parts: list[Histogram]) -> Histogram:
    """The histogram of all samples together. Buckets must be the same; raises ValueError for no parts."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    counts = tuple(map(sum, zip(*(p.counts for p in parts), strict=True)))
    sizes = [p.count for p in parts]
    total = sum(sizes)
    if not total:
        return first
    mean = sum(p.mean * n for p, n in zip(parts, sizes, strict=True)) / total
    # Chan's parallel formula: inside each part, and of each part's mean around the common one.
    deviation = sum(p.deviation + n * (p.mean - mean) ** 2 for p, n in zip(parts, sizes, strict=True))
    return Histogram(first.buckets, counts, mean, deviation)


Value = int | float | bool | str | Histogram


def standard_deviation(values: list[float]) -> float:
    """Of the population."""
    mean = sum(values) / len(values)
    return sqrt(sum((v - mean) ** 2 for v in values) / len(values))


@dataclass(frozen=True, slots=True)
class MetricType:
    """A metric descriptor. `resources` None means any resource type (custom metrics)."""

    name: str
    kind: Kind
    value: ValueType
    unit: str
    description: str
    labels: tuple[str, ...] = ()
    resources: tuple[str, ...] | None = None
    display_name: str = ""

    @property
    def custom(self) -> bool:
        """Whether clients may write and delete it."""
        return self.name.startswith(("custom.googleapis.com/", "workload.googleapis.com/", "external.googleapis.com/"))
