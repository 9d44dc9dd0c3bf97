"""The effect of a change on a metric, against what would have been without it. Needs the extra `numerics`.

On log(metric), hourly, 14 days before: a regression on what explains it (design.py) and a step at the change. The
residuals are AR(1) noise and a random walk: drift, which AR(1) alone would take for an effect. How much of each is not
estimated once but averaged over, by restricted likelihood. Placebo changes on the days before tell how often such a
step comes of itself, and widen the interval where the model is too sure of itself all the same (docs/methods.md, What
a change really did).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.stats import t as student

from lumen.effects.design import HOURS_A_DAY, Design, Floats, MetricHistory, design, whitened
from lumen.effects.hours import BEFORE, HOUR, Hour, Hours
from lumen.effects.verdict import Effect
from lumen.model.proposal import Change, Knob

LEAST_BEFORE = 7 * HOURS_A_DAY
LEAST_AFTER = 6
LEAST_KNOWN = 0.8
PLACEBO_FIRST = 5 * HOURS_A_DAY
PLACEBO_EVERY = 6
LEAST_PLACEBOS = 8
#: Placebos overlap, so a few of them speak for all: only beyond this share of their scatter do they widen anything.
LUCK = 0.93
#: The kinds of noise: every AR(1) coefficient with every hourly variance of a random walk (the AR(1) noise has 1).
RHO, DRIFT = (grid.ravel() for grid in np.meshgrid([0.0, 0.25, 0.5, 0.7, 0.85, 0.95], [0.0, 1e-3, 5e-3, 2.5e-2, 0.12]))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Effects are ratios of the metric (0.10: ten per cent more)."""

    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Steps:
    """The step's size and error under each kind of noise, and how unlikely the kind is (-2 log likelihood)."""

    sizes: Floats
    errors: Floats
    unlikely: Floats


def estimate(history: MetricHistory, alpha: float = 0.05) -> Estimate | None:
    """The step with its two-sided interval at 1 - `alpha`.

    Any series will do. None where no honest estimate is possible: too few hours, or a metric that never moves.
    """
    changed_at, length = history.changed_at, len(history.values) - history.changed_at
    if changed_at < LEAST_BEFORE or length < LEAST_AFTER:
        return None
    seen = design(history)
    before, after = int((seen.step == 0).sum()), int((seen.step == 1).sum())
    sparse = after < LEAST_KNOWN * length or before < LEAST_KNOWN * changed_at
    if before < LEAST_BEFORE or after < LEAST_AFTER or sparse or not seen.is_telling:
        return None
    white, log_determinant = whitened(np.column_stack([seen.y, seen.x, seen.step]), seen.hours, RHO, DRIFT)
    steps = fitted(white, seen.believed, log_determinant)
    size, error = averaged(steps)
    placebos = _placebos(seen, white, int(steps.unlikely.argmin()), changed_at, length)
    freedom = len(seen.hours) - seen.x.shape[1] - 1
    reach = float(student.ppf(1 - alpha / 2, freedom)) * error * _widening(placebos)
    with np.errstate(over="ignore"):
        low, effect, high = np.expm1([size - reach, size, size + reach])
    if not np.isfinite(high):
        return None
    return Estimate(float(effect), float(low), float(high))


def fitted(white: Floats, believed: Floats, log_determinant: Floats) -> Steps:
    """Fit by restricted likelihood; in `white` [kind, hour, column] y comes first and the step last."""
    # A belief is one more observation: the coefficient, seen as 0 with that error.
    beliefs = np.zeros((len(believed), white.shape[2]))
    np.fill_diagonal(beliefs[:, 1:], 1 / believed)
    beliefs = beliefs[np.isfinite(believed)]
    rows = np.concatenate([np.broadcast_to(beliefs, (len(white), *beliefs.shape)), white], axis=1)
    y, x = rows[:, :, :1], rows[:, :, 1:]
    gram = x.mT @ x
    inverse = np.linalg.pinv(gram, hermitian=True)
    beta = inverse @ (x.mT @ y)
    squares = ((y - x @ beta) ** 2).sum(axis=(1, 2))
    freedom = x.shape[1] - x.shape[2]
    unlikely = freedom * np.log(squares) + log_determinant + np.linalg.slogdet(gram).logabsdet
    return Steps(beta[:, -1, 0], np.sqrt(inverse[:, -1, -1] * squares / freedom), unlikely)


def averaged(steps: Steps) -> tuple[float, float]:
    """Average size and error over the kinds of noise, weighted by likelihood."""
    weights = np.exp((steps.unlikely.min() - steps.unlikely) / 2)
    weights /= weights.sum()
    size = float(weights @ steps.sizes)
    # Kinds that disagree are a doubt of their own.
    return size, float(np.sqrt(weights @ (steps.errors**2 + (steps.sizes - size) ** 2)))


def _placebos(seen: Design, white: Floats, likeliest: int, changed_at: int, length: int) -> Floats:
    """[placebo, (size, error)] of changes that never were, each as long as the real one and on data before it."""
    starts = np.arange(PLACEBO_FIRST, changed_at - length + 1, PLACEBO_EVERY)
    steps = (seen.hours[:, None] >= starts).astype(np.float64)
    kind = slice(likeliest, likeliest + 1)
    white_steps, _ = whitened(steps, seen.hours, RHO[kind], DRIFT[kind])
    found = []
    for index, start in enumerate(starts):
        rows = int((seen.hours < start + length).sum())
        if steps[:rows, index].sum() >= LEAST_KNOWN * length:
            placebo = np.concatenate([white[kind, :rows, :-1], white_steps[:, :rows, index, None]], axis=2)
            step = fitted(placebo, seen.believed, np.zeros(1))
            found.append((step.sizes[0], step.errors[0]))
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _widening(placebos: Floats) -> float:
    """Factor (1 or more) by which the interval grows to agree with the placebos."""
    if len(placebos) < LEAST_PLACEBOS:
        # Nothing vouches for the model: an honest, wide interval.
        return 2.0
    return max(1.0, LUCK * float(np.sqrt(np.mean((placebos[:, 0] / placebos[:, 1]) ** 2))))


@dataclass(frozen=True, slots=True)
class Metric:
    """`value` of an hour, None where it is not known; the name is shown."""

    name: str
    value: Callable[[Hour], float | None]


HIT_RATE = Metric("hit_rate", lambda hour: hour.hit_rate)
COST = Metric("cost_per_request_usd", lambda hour: hour.cost_per_request_usd)
P95 = Metric("p95_ms", lambda hour: hour.p95_ms)


def before_after(change: Change, started_at: datetime, hours: Hours, end: datetime) -> tuple[Effect, ...]:
    """Effects that coincide with an applied change, by the hours before `end`; its aim first, with 95 % intervals."""
    found = (_effect(metric, started_at, hours, end) for metric in _aims(change))
    return tuple(one for one in found if one is not None)


def _aims(change: Change) -> Sequence[Metric]:
    """The metrics of a change, what it is for first.

    The process cache takes hits away from the shared one, so its hit rate says nothing; what instances cost before is
    estimated by today's shape and number of them, so that says nothing of a change of these.
    """
    down = (change.step or 0) < 0
    return {
        Knob.CACHE_SIZE: (COST, HIT_RATE, P95) if down else (HIT_RATE, COST, P95),
        Knob.L1_ENTRIES: (COST, P95) if down else (P95, COST),
        Knob.MIN_INSTANCES: (P95,),
        Knob.MEMORY: (P95,),
    }.get(change.knob, (HIT_RATE, COST, P95))


def _effect(metric: Metric, started_at: datetime, hours: Hours, end: datetime) -> Effect | None:
    changed = started_at.replace(minute=0, second=0, microsecond=0)
    seen = hours.between(changed - BEFORE, end)
    changed_at = round(BEFORE / HOUR)
    control = _demand(seen)
    if control is None:
        return None
    # The hour in which it was changed is neither before nor after.
    values = [None if index == changed_at else metric.value(hour) for index, hour in enumerate(seen)]
    weekend = [(changed - BEFORE + index * HOUR).weekday() >= 5 for index in range(len(seen))]
    found = estimate(MetricHistory(values, control, weekend, changed_at))
    return None if found is None else Effect(metric.name, found.effect, found.low, found.high)


def _demand(seen: Sequence[Hour]) -> Sequence[float | None] | None:
    """The control: lookups, or requests where those are unknown. They move with the world, not with the cache."""
    lookups = [hour.demand for hour in seen]
    if sum(count is not None for count in lookups) >= LEAST_KNOWN * len(seen):
        return lookups
    requests = [hour.traffic for hour in seen]
    return requests if any(count is not None for count in requests) else None
