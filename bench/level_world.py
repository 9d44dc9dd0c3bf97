"""Months of invented hit rates and latencies with known incidents. Needs the extra `numerics`.

- traffic as in alert_world, or thinned to a mean rate;
- hit rates 60-92 %, daily swing 0-6 points, drift of 1 point (sd, 6 h memory), binomial;
- P95 50-400 ms, daily swing 0-35 %, drift 6 %, scatter 0.9 / sqrt(requests); P99 about 1.8 x P95;
- lasting changes that are no incidents: one in 20 days, up to 8 points of hit rate up or 15 % of latency down;
- incidents: one in five days, 15 min - 12 h log-uniform; hit rate down by 10-60 points, or latency times 1.4-6.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.alert_world import SLICE_MINUTES, SLICES_PER_DAY, WorldIncident, _requests


@dataclass(frozen=True, slots=True)
class LevelWorld:
    """Per slice; `burn` of an incident is its size (points of hit rate, or the factor on latency)."""

    requests: NDArray[np.int64]
    hits: NDArray[np.int64]
    p95_ms: NDArray[np.float64]
    p99_ms: NDArray[np.float64]
    cache_incidents: tuple[WorldIncident, ...]
    latency_incidents: tuple[WorldIncident, ...]


def level_world(seed: int, days: int, per_second: float | None = None) -> LevelWorld:
    """`per_second`: the mean rate of requests, where it is to be known."""
    dice = np.random.default_rng([seed, days, 77])
    count = days * SLICES_PER_DAY
    minutes = np.arange(count) * SLICE_MINUTES
    requests = _requests(dice, minutes)
    if per_second is not None:
        requests = dice.poisson(requests * (per_second * 60 * SLICE_MINUTES / requests.mean())).astype(np.int64)
    wave = np.cos(2 * np.pi * (minutes / 60 - dice.uniform(0, 24)) / 24)
    cache_incidents = _incidents(dice, days, 10, 60)
    latency_incidents = _incidents(dice, days, 1.4, 6.0)
    rate = dice.uniform(0.6, 0.92) + dice.uniform(0, 0.06) * wave + 0.01 * _drift(dice, count)
    rate += _steps(dice, count, days, 0.0, 0.08)
    for one in cache_incidents:
        rate -= one.burn / 100 * _cover(count, one)
    log_p95 = np.log(dice.uniform(50, 400)) + dice.uniform(0, 0.35) * wave + 0.06 * _drift(dice, count)
    log_p95 += dice.normal(0, 1, count) * 0.9 / np.sqrt(np.maximum(1, requests)) - _steps(dice, count, days, 0.0, 0.15)
    for one in latency_incidents:
        log_p95 += np.log1p((one.burn - 1) * _cover(count, one))
    p95 = np.exp(log_p95)
    hits = dice.binomial(requests, np.clip(rate, 0.0, 0.99))
    return LevelWorld(requests, hits, p95, p95 * dice.uniform(1.6, 2.0, count), cache_incidents, latency_incidents)


def _drift(dice: np.random.Generator, count: int) -> NDArray[np.float64]:
    memory = np.exp(-SLICE_MINUTES / 360)
    values, value = np.empty(count), 0.0
    for i, step in enumerate(dice.normal(0, np.sqrt(1 - memory**2), count)):
        value = memory * value + step
        values[i] = value
    return values


def _steps(dice: np.random.Generator, count: int, days: int, low: float, high: float) -> NDArray[np.float64]:
    steps = np.zeros(count)
    for _ in range(dice.poisson(days / 20)):
        steps[dice.integers(0, count) :] += dice.uniform(low, high)
    return np.minimum(steps, high)


def _incidents(dice: np.random.Generator, days: int, low: float, high: float) -> tuple[WorldIncident, ...]:
    found: list[WorldIncident] = []
    for _ in range(dice.poisson(days / 5)):
        length = np.exp(dice.uniform(np.log(15), np.log(720)))
        start = dice.uniform(4 * 1440, days * 1440 - length - 60)
        one = WorldIncident(start, start + length, dice.uniform(low, high))
        if not any(start < o.end_minute + 120 and o.start_minute < one.end_minute + 120 for o in found):
            found.append(one)
    return tuple(sorted(found, key=lambda i: i.start_minute))


def _cover(count: int, one: WorldIncident) -> NDArray[np.float64]:
    begin = np.arange(count) * SLICE_MINUTES
    covered = np.minimum(begin + SLICE_MINUTES, one.end_minute) - np.maximum(begin, one.start_minute)
    return np.clip(covered / SLICE_MINUTES, 0.0, 1.0)
