"""Figures of all keys from some of them: the service reports only keys whose hash lies below a limit.

The estimate goes by the ratio of misses in the sample and by the counts of all keys, which every batch carries, and not
by the share of keys that is sampled: a few hot keys in or out of the sample would move the latter.
"""

from dataclasses import dataclass

import numpy as np

from lumen.model.accesses import ALL_KEYS
from lumen.model.forecast import Z_90
from lumen.prediction.accesses import Flags, Floats, Integers, Words

#: Of each element whether it misses, or how often.
Marks = Flags | Floats


@dataclass(frozen=True, slots=True)
class Uplift:
    """Points of hit rate as a share (0.05: five points), and half of its 90 % interval for being of a sample."""

    value: float
    half: float


def uplift(
    requests: int, misses: int, key: Words | Integers, before: Marks, after: Marks, below: int = ALL_KEYS
) -> Uplift:
    """The rise of the hit rate of all keys at another TTL. Raises ValueError where there is no request.

    `requests` and `misses` are those of all keys; `key`, `before` and `after` of each element of the sample its key,
    and whether (or how often) it misses in the replay at the present TTL and at the other one.
    """
    if requests <= 0:
        raise ValueError("no request, so no hit rate")
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.empty(0, np.int64)
    if not len(first):
        return Uplift(0.0, misses / requests)
    old = np.add.reduceat(before.astype(np.float64), first)
    new = np.add.reduceat(after.astype(np.float64), first)
    ratio, error = _ratio(new, old, below)
    return Uplift(misses / requests * (1 - ratio), float(Z_90 * misses / requests * error))


def mean_half(key: Words | Integers, value: Floats, below: int = ALL_KEYS) -> float:
    """Half of the 90 % interval of the mean of a figure over the requests of all keys, for being of a sample."""
    if not len(key):
        return 0.0
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    count = np.diff(np.append(first, len(key))).astype(np.float64)
    return float(Z_90 * _ratio(np.add.reduceat(value, first), count, below)[1])


def _ratio(new: Floats, old: Floats, below: int) -> tuple[float, float]:
    """The ratio of two sums over keys, and its standard error for the keys that are left out."""
    ratio = new.sum() / old.sum()
    left_out = max(1 - below / ALL_KEYS, 0.0)
    return ratio, np.sqrt(left_out * np.square(new - ratio * old).sum()) / old.sum()
