"""The effect of a change on a metric, against what would have been without it (methods 3). Needs the extra `numerics`.

On log(metric), hourly, 14 days before: a regression on a control series, a weekend flag, two daily harmonics and a
step at the change. What the regression leaves over is AR(1) noise and a random walk: drift, which AR(1) alone would
take for an effect. How much of each is not estimated once but averaged over, by restricted likelihood. Placebo
changes on the days before tell how often such a step comes of itself, and widen the interval where the model is too
sure of itself all the same (docs/methods.md has the measurements).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.stats import t as student

Floats = NDArray[np.float64]

HOURS_A_DAY = 24
LEAST_BEFORE = 7 * HOURS_A_DAY
LEAST_AFTER = 6
LEAST_KNOWN = 0.8
PLACEBO_FIRST = 5 * HOURS_A_DAY
PLACEBO_EVERY = 6
LEAST_PLACEBOS = 8
SMOOTH_HOURS = 15
#: Placebos overlap, so a few of them speak for all: only beyond this share of their scatter do they widen anything.
LUCK = 0.93
#: AR(1) coefficients, and the hourly variance of the random walk as a share of the AR(1) noise's.
RHOS = (0.0, 0.25, 0.5, 0.7, 0.85, 0.95)
DRIFTS = (0.0, 5e-4, 2e-3, 8e-3, 3e-2)
#: Models this much less likely than the best add nothing to the average.
NEGLIGIBLE = 1e-3


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """Aligned hourly values, oldest first, None where unknown; the change came before hour `changed_at`.

    `control` moves with the same world but not with the change; None where there is nothing like it.
    `weekend` says of each hour whether it belongs to one.
    """

    values: Sequence[float | None]
    control: Sequence[float | None] | None
    weekend: Sequence[bool]
    changed_at: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Effects are ratios of the metric (0.10: ten per cent more). `beyond_placebo`: larger than 95 % of placebos."""

    effect: float
    low: float
    high: float
    hours: int
    has_control: bool
    placebos: int
    beyond_placebo: bool


@dataclass(frozen=True, slots=True)
class TooLittle:
    """There is no honest estimate; the counts say why."""

    hours_before: int
    hours_after: int


@dataclass(frozen=True, slots=True)
class _Step:
    size: float
    error: float


@dataclass(frozen=True, slots=True)
class _Model:
    """One kind of noise: the whitened series, how likely it is, and how it whitens."""

    weight: float
    root: Floats
    white_y: Floats
    white_x: Floats


def estimate(history: MetricHistory, alpha: float = 0.05) -> Estimate | TooLittle:
    """The step with its two-sided interval at 1 - `alpha`."""
    y, x = _design(history)
    known = np.isfinite(y) & np.isfinite(x).all(axis=1)
    hours = np.flatnonzero(known)
    before, after = int((hours < history.changed_at).sum()), int((hours >= history.changed_at).sum())
    length = len(y) - history.changed_at
    sparse = after < LEAST_KNOWN * length or before < LEAST_KNOWN * history.changed_at
    if before < LEAST_BEFORE or after < LEAST_AFTER or sparse:
        return TooLittle(before, after)
    models = _models(y[hours], _varying(x[hours]), hours, history.changed_at)
    step = _step(models, hours, history.changed_at, len(hours))
    placebos = _placebos(models, hours, history.changed_at, length)
    freedom = len(hours) - x.shape[1] - 1
    reach = float(student.ppf(1 - alpha / 2, freedom)) * step.error * _widening(placebos)
    sizes = [abs(placebo.size) for placebo in placebos]
    beyond = len(sizes) >= LEAST_PLACEBOS and abs(step.size) > float(np.quantile(sizes, 0.95))
    low, effect, high = np.expm1([step.size - reach, step.size, step.size + reach])
    return Estimate(float(effect), float(low), float(high), length, history.control is not None, len(sizes), beyond)


def _design(history: MetricHistory) -> tuple[Floats, Floats]:
    y = _logs(history.values)
    turn = 2 * np.pi * np.arange(len(y)) / HOURS_A_DAY
    columns = [np.ones(len(y)), np.asarray(history.weekend, dtype=np.float64)]
    columns += [wave(k * turn) for k in (1, 2) for wave in (np.cos, np.sin)]
    if history.control is not None:
        control = _logs(history.control)
        control -= np.nanmean(control)
        slow = _smoothed(control)
        columns += [slow, control - slow]
    return y, np.column_stack(columns)


def _logs(values: Sequence[float | None]) -> Floats:
    """Logarithms; what is unknown or not positive is NaN, which is left out."""
    plain = np.array([np.nan if value is None or value <= 0 else value for value in values], dtype=np.float64)
    return np.asarray(np.log(plain), dtype=np.float64)


def _smoothed(series: Floats) -> Floats:
    """A centred mean: the control's own noise would hide how closely the metric follows what is slow in it."""
    known = np.isfinite(series)
    window = np.ones(SMOOTH_HOURS)
    sums = np.convolve(np.where(known, series, 0.0), window, mode="same")
    counts = np.convolve(known.astype(np.float64), window, mode="same")
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan), dtype=np.float64)


def _varying(x: Floats) -> Floats:
    """Without columns that say nothing here (a fortnight without weekends)."""
    keep = np.ptp(x, axis=0) > 0
    keep[0] = True
    return np.asarray(x[:, keep], dtype=np.float64)


def _models(y: Floats, x: Floats, hours: NDArray[np.int64], changed_at: int) -> list[_Model]:
    """Every kind of noise with its weight; those that nearly cannot be are left out."""
    with_step = np.column_stack([x, (hours >= changed_at).astype(np.float64)])
    apart = np.abs(hours[:, None] - hours[None, :])
    walked = np.minimum(hours[:, None], hours[None, :]) - hours[0]
    found: list[tuple[float, Floats, Floats, Floats]] = []
    for rho in RHOS:
        memory = rho ** np.arange(int(apart.max()) + 1)
        for drift in DRIFTS:
            root = cholesky(memory[apart] + drift * walked + 1e-9 * np.eye(len(hours)), lower=True)
            white_y, white_x = _white(root, y), _white(root, with_step)
            found.append((_restricted(white_y, white_x, root), root, white_y, white_x[:, :-1]))
    best = min(cost for cost, *_ in found)
    weights = [float(np.exp((best - cost) / 2)) for cost, *_ in found]
    total = sum(weight for weight in weights if weight > NEGLIGIBLE)
    return [
        _Model(weight / total, root, white_y, white_x)
        for weight, (_, root, white_y, white_x) in zip(weights, found, strict=True)
        if weight > NEGLIGIBLE
    ]


def _restricted(white_y: Floats, white_x: Floats, root: Floats) -> float:
    """-2 log restricted likelihood, but for a constant."""
    gram = white_x.T @ white_x
    rest = white_y - white_x @ np.linalg.solve(gram, white_x.T @ white_y)
    freedom = len(white_y) - white_x.shape[1]
    return float(freedom * np.log(rest @ rest) + 2 * np.log(np.diag(root)).sum() + np.linalg.slogdet(gram).logabsdet)


def _step(models: Sequence[_Model], hours: NDArray[np.int64], start: int, rows: int) -> _Step:
    """The step from hour `start` on over the first `rows`, averaged over the models."""
    fits = [_fit(model, hours, start, rows) for model in models]
    weights = np.array([model.weight for model in models])
    sizes, errors = np.array([fit.size for fit in fits]), np.array([fit.error for fit in fits])
    mean = float(weights @ sizes)
    # Models that disagree are a doubt of their own.
    return _Step(mean, float(np.sqrt(weights @ (errors**2 + (sizes - mean) ** 2))))


def _fit(model: _Model, hours: NDArray[np.int64], start: int, rows: int) -> _Step:
    """Whitening is triangular, so the first rows of the whole series are the whitened first rows."""
    step = _white(model.root[:rows, :rows], (hours[:rows] >= start).astype(np.float64))
    x = np.column_stack([model.white_x[:rows], step])
    y = model.white_y[:rows]
    gram = np.linalg.pinv(x.T @ x)
    beta = gram @ (x.T @ y)
    squares = float(((y - x @ beta) ** 2).sum())
    return _Step(float(beta[-1]), float(np.sqrt(gram[-1, -1] * squares / (rows - x.shape[1]))))


def _white(root: Floats, columns: Floats) -> Floats:
    return np.asarray(solve_triangular(root, columns, lower=True, check_finite=False), dtype=np.float64)


def _placebos(models: Sequence[_Model], hours: NDArray[np.int64], changed_at: int, length: int) -> list[_Step]:
    """Steps of changes that never were, each as long as the real one and on data before it."""
    likeliest = max(models, key=lambda model: model.weight)
    found = []
    for start in range(PLACEBO_FIRST, changed_at - length + 1, PLACEBO_EVERY):
        rows = int((hours < start + length).sum())
        inside = int(((hours >= start) & (hours < start + length)).sum())
        if inside >= LEAST_KNOWN * length:
            found.append(_fit(likeliest, hours, start, rows))
    return found


def _widening(placebos: Sequence[_Step]) -> float:
    """How much surer the model is of itself than the placebos allow: 1 or more."""
    if len(placebos) < LEAST_PLACEBOS:
        # Nothing vouches for the model: an honest, wide interval.
        return 2.0
    scores = [placebo.size / placebo.error for placebo in placebos if placebo.error > 0]
    return max(1.0, LUCK * float(np.sqrt(np.mean(np.square(scores)))))
