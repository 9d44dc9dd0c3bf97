"""Months of invented request traffic with known incidents, to measure the alerts on. Needs the extra `numerics`.

The distribution, which docs/backtest.md publishes:
- traffic: trough log-uniform 0.1-10 requests/s (thin worlds have a given mean), daily swing 20-80 %, weekends at
  60-100 %, gamma noise of 10 %;
- calm errors: log-uniform 5-50 % of the budget, drifting (sd 0.3 in log, 6 h memory), overdispersed (gamma, shape 2);
- blips that are no incidents: one a week, 1-4 minutes at burn 5-150;
- bursts, in thin worlds: one more a week, 1-5 minutes in which 3-30 % of the requests fail;
- incidents: two a week and at least an hour apart, 10 min - 12 h and burn 3-200, both log-uniform, of which those
  count that spend at least a share of a month's error budget (2 %: burn x hours >= 14.4) and fail so many requests.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLICE_MINUTES = 5
SLICES_PER_DAY = 288
MONTH_HOURS = 720


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest incident that counts: the share of a month's error budget that it spends, and its failures."""

    share: float
    bad: int


COUNTED = Smallest(0.02, 10)
SMALL = Smallest(0.005, 5)
EVERY_SIZE = Smallest(0.0, 0)


@dataclass(frozen=True, slots=True)
class WorldIncident:
    """Minutes since the start of the world, half-open; `burn` times the budgeted error rate."""

    start_minute: float
    end_minute: float
    burn: float


@dataclass(frozen=True, slots=True)
class RequestWorld:
    """Per slice: requests and 5xx; `known` is False where the point is missing."""

    requests: NDArray[np.int64]
    errors: NDArray[np.int64]
    known: NDArray[np.bool_]
    incidents: tuple[WorldIncident, ...]


def request_world(
    seed: int,
    days: int,
    target: float,
    *,
    calm: bool = False,
    missing: float = 0.0,
    smallest: Smallest = COUNTED,
    per_second: float | None = None,
) -> RequestWorld:
    """`calm`: no incidents. `missing`: share of points lost. `per_second`: a thin world of so many requests."""
    dice = np.random.default_rng([seed, days, round(target * 1e5)])
    count = days * SLICES_PER_DAY
    minutes = np.arange(count) * SLICE_MINUTES
    requests = _requests(dice, minutes, per_second)
    allowed = 1 - target
    burn = _calm_burn(dice, count)
    _blips(dice, burn, days)
    if per_second is not None:
        _bursts(dice, burn, days, allowed)
    found = () if calm else _incidents(dice, requests, days, allowed, smallest)
    for incident in found:
        _overlay(burn, incident)
    errors = dice.binomial(requests, np.clip(burn * allowed, 0, 1))
    return RequestWorld(requests, errors, dice.random(count) >= missing, found)


def _requests(
    dice: np.random.Generator, minutes: NDArray[np.int64], per_second: float | None = None
) -> NDArray[np.int64]:
    swing, weekend, peak = dice.uniform(0.2, 0.8), dice.uniform(0.6, 1.0), dice.uniform(0, 24)
    shape = 1 + swing * np.cos(2 * np.pi * (minutes / 60 - peak) / 24)
    shape *= np.where((minutes // 1440) % 7 >= 5, weekend, 1.0)
    trough = np.exp(dice.uniform(np.log(0.1), np.log(10)))
    rate = trough * shape / shape.min() if per_second is None else per_second * shape / shape.mean()
    return np.asarray(dice.poisson(rate * 300 * dice.gamma(100, 0.01, len(minutes))), dtype=np.int64)


def _calm_burn(dice: np.random.Generator, count: int) -> NDArray[np.float64]:
    level = np.exp(dice.uniform(np.log(0.05), np.log(0.5)))
    memory = np.exp(-SLICE_MINUTES / 360)
    steps = dice.normal(0, 0.3 * np.sqrt(1 - memory**2), count)
    drift = np.empty(count)
    value = 0.0
    for i, step in enumerate(steps):
        value = memory * value + step
        drift[i] = value
    return np.asarray(level * np.exp(drift - 0.045) * dice.gamma(2, 0.5, count), dtype=np.float64)


def _blips(dice: np.random.Generator, burn: NDArray[np.float64], days: int) -> None:
    for _ in range(dice.poisson(days / 7)):
        start = dice.uniform(0, days * 1440 - 10)
        length, height = dice.uniform(1, 4), np.exp(dice.uniform(np.log(5), np.log(150)))
        _overlay(burn, WorldIncident(start, start + length, height))


def _bursts(dice: np.random.Generator, burn: NDArray[np.float64], days: int, allowed: float) -> None:
    for _ in range(dice.poisson(days / 7)):
        start = dice.uniform(0, days * 1440 - 10)
        length, failing = np.exp(dice.uniform(0, np.log(5))), np.exp(dice.uniform(np.log(0.03), np.log(0.3)))
        _overlay(burn, WorldIncident(start, start + length, failing / allowed))


def _incidents(
    dice: np.random.Generator, requests: NDArray[np.int64], days: int, allowed: float, smallest: Smallest
) -> tuple[WorldIncident, ...]:
    found: list[WorldIncident] = []
    wanted = dice.poisson(2 * days / 7)
    for _ in range(wanted * 50):
        if len(found) == wanted:
            break
        length = np.exp(dice.uniform(np.log(10), np.log(720)))
        height = np.exp(dice.uniform(np.log(3), np.log(200)))
        start = dice.uniform(1440, days * 1440 - length - 60)
        one = WorldIncident(start, start + length, height)
        near = any(start < o.end_minute + 60 and o.start_minute < one.end_minute + 60 for o in found)
        if not near and _counts(one, requests, allowed, smallest):
            found.append(one)
    return tuple(sorted(found, key=lambda i: i.start_minute))


def _counts(one: WorldIncident, requests: NDArray[np.int64], allowed: float, smallest: Smallest) -> bool:
    first, last = int(one.start_minute // SLICE_MINUTES), int(one.end_minute // SLICE_MINUTES) + 1
    share = (one.end_minute - one.start_minute) / SLICE_MINUTES / (last - first)
    bad = requests[first:last].sum() * share * min(1.0, one.burn * allowed)
    spent = one.burn * (one.end_minute - one.start_minute) / 60 / MONTH_HOURS
    return bool(spent >= smallest.share and bad >= smallest.bad)


def _overlay(burn: NDArray[np.float64], one: WorldIncident) -> None:
    """Burn of a slice is that of its minutes on average."""
    for i in range(int(one.start_minute // SLICE_MINUTES), int(one.end_minute // SLICE_MINUTES) + 1):
        begin, end = max(one.start_minute, i * SLICE_MINUTES), min(one.end_minute, (i + 1) * SLICE_MINUTES)
        if end > begin and i < len(burn):
            burn[i] += one.burn * (end - begin) / SLICE_MINUTES
