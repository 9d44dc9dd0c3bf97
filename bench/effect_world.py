"""Invented fortnights with a change at their end, by seed, and the most that anybody could tell of it.

A metric of 14 days and the hours after a change, in logs: a daily wave of 10-50 % shared with its control, a weekend
of its own, shocks of 8 % that both feel (16 h memory), noise of its own of 2-5 % (AR 0.2-0.6), a control with 70 % of
that. The week begins on any day. What a `kind` adds stands with it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lumen.effects.design import MetricHistory
from lumen.effects.verdict import LOOKS_HOURS

Floats = NDArray[np.float64]

BEFORE = 336
MEMORY, SHOCKS = 0.94, 0.08
#: Of the control's own noise, to the metric's.
CONTROL_NOISE = 0.7
#: The standard deviation of an hour's step of the random walk that the metric alone takes.
DRIFTS = {"drift": 0.008, "slow drift": 0.004}
KINDS = {
    "steady": "nothing",
    "drift": "a random walk of 0.8 % an hour, of the metric alone",
    "slow drift": "one of 0.4 %",
    "trend": "a line of up to 20 % over the fortnight",
    "weekends": "a daily wave of their own, of 15 %",
    "freaks": "1 % of the hours are wrong by 25-80 %",
    "gaps": "8 % of the hours lost, and an outage of up to 30 h before the change",
    "tails": "shocks of Student's t with 3 degrees of freedom",
}


@dataclass(frozen=True, slots=True)
class Case:
    """`effect` is a ratio."""

    seed: int
    kind: str
    effect: float
    control: bool


def world(case: Case, hours: int) -> MetricHistory:
    dice, rho, size, weekend = _drawn(case, BEFORE + LOOKS_HOURS[-1])
    count, end = BEFORE + LOOKS_HOURS[-1], BEFORE + hours
    t = np.arange(count)
    wave = dice.uniform(0.1, 0.5) * np.cos(2 * np.pi * (t - dice.uniform(0, 24)) / 24)
    shared = wave + _noise(dice.normal(size=count), MEMORY, SHOCKS)
    shocks = dice.standard_t(3, count) / np.sqrt(3) if case.kind == "tails" else dice.normal(size=count)
    y = shared + 0.1 * dice.normal() * weekend + _noise(shocks, rho, size)
    control = shared + _noise(dice.normal(size=count), rho, CONTROL_NOISE * size)
    if case.kind in DRIFTS:
        y += np.cumsum(dice.normal(0, DRIFTS[case.kind], count))
    if case.kind == "trend":
        y += dice.uniform(-0.2, 0.2) * t / BEFORE
    if case.kind == "weekends":
        y += 0.15 * weekend * np.cos(2 * np.pi * (t - dice.uniform(0, 24)) / 24)
    if case.kind == "freaks":
        y += (dice.random(count) < 0.01) * dice.choice([-1, 1], count) * dice.uniform(0.25, 0.8, count)
    y[BEFORE:] += np.log1p(case.effect)
    if case.kind == "gaps":
        y[dice.random(count) < 0.08] = np.nan
        start = dice.integers(BEFORE - 30)
        y[start : start + dice.integers(30)] = np.nan
    values = [None if np.isnan(value) else float(value) for value in np.exp(y[:end])]
    return MetricHistory(
        values, np.exp(control[:end]).tolist() if case.control else None, weekend[:end].tolist(), BEFORE
    )


def least_error(case: Case, hours: int) -> float:
    """The standard error of the step in log(metric) for somebody who knows every variance and correlation here.

    Generalised least squares on metric and control together; unknown are only the levels, the daily wave, the
    weekend, the line of a trend, and the step. No unbiased method has a smaller one.
    """
    count = BEFORE + hours
    _, rho, size, weekend = _drawn(case, count)
    t = np.arange(count)
    apart = np.abs(t[:, None] - t)
    shared, own = SHOCKS**2 * MEMORY**apart, size**2 * rho**apart
    walk = DRIFTS.get(case.kind, 0.0) ** 2 * np.minimum(t[:, None], t)
    waves = [wave(2 * np.pi * t / 24) for wave in (np.cos, np.sin)]
    line = [t / BEFORE] if case.kind == "trend" else []
    covariance = shared + own + walk
    x = np.column_stack([np.ones(count), weekend, *waves, *line, t >= BEFORE]).astype(np.float64)
    if case.control:
        covariance = np.block([[shared + CONTROL_NOISE**2 * own, shared], [shared, covariance]])
        of_control = np.column_stack([np.ones(count), *waves])
        x = np.block([[of_control, np.zeros_like(x)], [np.zeros_like(of_control), x]])
    information = x.T @ np.linalg.solve(covariance, x)
    return float(np.sqrt(np.linalg.inv(information)[-1, -1]))


def _drawn(case: Case, count: int) -> tuple[np.random.Generator, float, float, NDArray[np.bool_]]:
    """The rest of the dice, the own noise's memory and size, and which hours are a weekend's."""
    dice = np.random.default_rng([case.seed, *case.kind.encode()])
    rho, size = dice.uniform(0.2, 0.6), dice.uniform(0.02, 0.05)
    return dice, rho, size, (np.arange(count) // 24 + dice.integers(7)) % 7 >= 5


def _noise(shocks: Floats, rho: float, size: float) -> Floats:
    """AR(1) in its steady state."""
    values, value = np.empty(len(shocks)), size * shocks[0]
    for i, shock in enumerate(size * np.sqrt(1 - rho**2) * shocks):
        value = rho * value + shock
        values[i] = value
    return values
