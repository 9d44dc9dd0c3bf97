"""Evidence for alerts: tails of the Poisson distribution, sums over the newest slices, and the breach they come to.

Without scipy (docs/methods.md, Alerts).
"""

import math
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lumen.model.alert import Severity
from lumen.model.day_cost import Amount
from lumen.model.messages import Message, Param

Ints = NDArray[np.int64]

#: Of a normal distribution: one standard deviation, in median absolute deviations.
MAD_TO_SD = 1.4826


def at_least(count: int, mean: float) -> float:
    """P(X >= count) for X ~ Poisson(mean). Exact enough far into the tail, where it is asked."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count <= mean:
        return 1.0 - _summed_down(count - 1, mean)
    term = math.exp(_log_term(count, mean))
    total, index = term, count
    while term > total * 1e-12:
        index += 1
        term *= mean / index
        total += term
    return min(1.0, total)


def at_most(count: int, mean: float) -> float:
    """P(X <= count) for X ~ Poisson(mean)."""
    if count < 0:
        return 0.0
    if count < mean:
        return _summed_down(count, mean)
    return 1.0 - at_least(count + 1, mean)


def _summed_down(count: int, mean: float) -> float:
    """P(X <= count) for count below the mean: terms shrink downwards, so the sum is short."""
    if count < 0:
        return 0.0
    term = math.exp(_log_term(count, mean))
    total, index = term, count
    while index > 0 and term > total * 1e-12:
        term *= index / mean
        total += term
        index -= 1
    return min(1.0, total)


def _log_term(count: int, mean: float) -> float:
    return count * math.log(mean) - mean - math.lgamma(count + 1)


@dataclass(frozen=True, slots=True)
class Breach:
    """A condition that holds now. `slices` is how far back its evidence reaches."""

    severity: Severity
    slices: int
    reason: Message


class RecentCounts:
    """Bad and valid events of the last `capacity` slices; constant time per slice and per question."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # Running totals: the sum of the last n slices is the difference of two entries.
        self._bad = array("q", [0])
        self._valid = array("q", [0])

    def add(self, bad: int, valid: int) -> None:
        """The next slice; a missing one is (0, 0)."""
        self._bad.append(self._bad[-1] + bad)
        self._valid.append(self._valid[-1] + valid)
        if len(self._bad) > 2 * self._capacity:
            del self._bad[: -self._capacity - 1]
            del self._valid[: -self._capacity - 1]

    def extend(self, bad: Ints, valid: Ints) -> None:
        """The next slices, one after the other."""
        sums = np.cumsum(bad) + self._bad[-1], np.cumsum(valid) + self._valid[-1]
        at = 0
        while at < len(bad):
            until = at + 2 * self._capacity + 1 - len(self._bad)
            for totals, more in zip((self._bad, self._valid), sums, strict=True):
                totals.frombytes(more[at:until].astype(np.int64).tobytes())
                if len(totals) > 2 * self._capacity:
                    del totals[: -self._capacity - 1]
            at = until

    def ahead(self, bad: Ints, valid: Ints, slices: int) -> tuple[Ints, Ints]:
        """`last` after each of the next slices, none of which is added."""
        found = []
        for totals, more in zip((self._bad, self._valid), (bad, valid), strict=True):
            known = np.array(totals[-slices - 1 :], dtype=np.int64)
            sums = np.concatenate((known, known[-1] + np.cumsum(more)))
            end = len(known) + np.arange(len(more))
            found.append(sums[end] - sums[np.maximum(0, end - slices)])
        return found[0], found[1]

    def last(self, slices: int) -> tuple[int, int]:
        """(bad, valid) of the newest `slices`, or of as many as there are."""
        index = max(0, len(self._bad) - 1 - slices)
        return self._bad[-1] - self._bad[index], self._valid[-1] - self._valid[index]

    def forgive(self, slices: int) -> None:
        """Drop the bad events of the newest `slices`; their valid events stay in the denominators."""
        index = max(0, len(self._bad) - 1 - slices)
        self._bad[index + 1 :] = array("q", [self._bad[index]]) * (len(self._bad) - index - 1)


def with_estimate(reason: Message, amount: Amount) -> Message:
    """The reason with its figures, and how much of its sum is estimated, where a part is."""
    if not amount.estimated:
        return reason
    about: dict[str, Param] = {
        "told": reason,
        "usd": amount.usd,
        "slices": amount.estimated,
        "low_usd": amount.low_usd,
        "high_usd": amount.high_usd,
    }
    return Message("alert.estimated", {**reason.params, **about})
