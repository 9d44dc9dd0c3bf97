"""The regression of a metric, hour by hour: on its control, the week, the day and a line (docs/methods.md).

Some columns are believed in only so far, in units of the hourly noise: a line and a weekend's own day are there when
the data ask for them, and cost next to nothing when they do not.

Noise is AR(1) beside a random walk. `whitened` takes it out of a series with a Kalman filter over the hours, for many
kinds of noise at once: the innovations in units of their error are white, as a triangular root of the covariance would
make them, in linear time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def whitened(columns: Floats, hours: NDArray[np.int64], rho: Floats, drift: Floats) -> tuple[Floats, Floats]:
    """`columns` [hour, column] as [kind, hour, column], and the log of the covariance's determinant of each kind.

    `rho`: the AR(1) coefficients of each kind; `drift`: the hourly variance of its random walk, where the AR(1) noise
    has 1. `hours` say when, so that some may be missing. The first rows of the result are those of the first rows.
    """
    white = np.empty((len(rho), *columns.shape))
    noise, walk = np.zeros((2, len(rho), columns.shape[1]))
    of_noise, of_both, of_walk = np.ones(len(rho)), np.zeros(len(rho)), np.zeros(len(rho))
    log_determinant = np.zeros(len(rho))
    for row, gap in enumerate(np.diff(hours, prepend=hours[0])):
        kept = rho**gap
        noise *= kept[:, None]
        of_noise, of_both, of_walk = kept**2 * (of_noise - 1) + 1, kept * of_both, of_walk + drift * gap
        towards_noise, towards_walk = of_noise + of_both, of_both + of_walk
        unforeseen = towards_noise + towards_walk
        missed = columns[row] - noise - walk
        white[:, row] = missed / np.sqrt(unforeseen)[:, None]
        log_determinant += np.log(unforeseen)
        noise += (towards_noise / unforeseen)[:, None] * missed
        walk += (towards_walk / unforeseen)[:, None] * missed
        of_noise = of_noise - towards_noise**2 / unforeseen
        of_both = of_both - towards_noise * towards_walk / unforeseen
        of_walk = of_walk - towards_walk**2 / unforeseen
    return white, log_determinant


HOURS_A_DAY = 24
SMOOTH_HOURS = 15
#: How far a fortnight's line, a weekend's level and its own daily wave are believed to go, in hourly noises.
LINE, WEEKEND, WEEKEND_WAVE = 3.0, 30.0, 1.0
#: An hour is a freak when it stands out from both neighbours by this many spreads of what hours usually do; when more
#: than this share of them are, that is how the metric is.
FREAK_SPREADS = 5.0
FREAKS_AT_MOST = 0.05
#: Logarithms that move less than this do not move.
STILL = 1e-9


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
class Design:
    """The regression over the known hours only: log(metric), the columns that vary, and the step.

    `believed`: how far each column's coefficient is believed to be from 0, in hourly noises; infinite where not at all.
    """

    hours: NDArray[np.int64]
    y: Floats
    x: Floats
    believed: Floats
    step: Floats

    @property
    def is_telling(self) -> bool:
        """Whether the metric moves at all, and the step is not explained by other columns."""
        rest_of_y = _beside(np.column_stack([self.x, self.step]), self.y)
        return bool(np.ptp(rest_of_y) > STILL and np.ptp(_beside(self.x, self.step)) > STILL)


def design(history: MetricHistory) -> Design:
    """Unknown, impossible (not positive, not finite) and freak hours are left out."""
    y = without_freaks(logs(history.values))
    hour = np.arange(len(y))
    turn = 2 * np.pi * hour / HOURS_A_DAY
    weekend = np.asarray(history.weekend, dtype=np.float64)
    columns = [(np.ones(len(y)), np.inf), (weekend, WEEKEND)]
    columns += [(wave(k * turn), np.inf) for k in (1, 2) for wave in (np.cos, np.sin)]
    columns += [(weekend * wave(turn), WEEKEND_WAVE) for wave in (np.cos, np.sin)]
    columns.append(((hour - history.changed_at) / history.changed_at, LINE))
    if history.control is not None:
        control = without_freaks(logs(history.control))
        slow = _smoothed(control)
        columns += [(slow, np.inf), (control - slow, np.inf)]
    x = np.column_stack([column for column, _ in columns])
    known = np.flatnonzero(np.isfinite(y) & np.isfinite(x).all(axis=1))
    x = x[known]
    varies = np.array([True, *(np.ptp(column) > STILL for column in x.T[1:])]) if len(x) else np.ones(x.shape[1], bool)
    believed = np.array([far for _, far in columns])[varies]
    return Design(known, y[known], x[:, varies], believed, (known >= history.changed_at).astype(np.float64))


def logs(values: Sequence[float | None]) -> Floats:
    """Logarithms; NaN for what is unknown, not positive or not finite."""
    plain = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    possible = np.isfinite(plain) & (plain > 0)
    return np.log(plain, out=np.full(len(plain), np.nan), where=possible)


def without_freaks(series: Floats) -> Floats:
    """NaN for single hours that stand out from both neighbours. On a slope or a step none does: one is near."""
    above = series[1:-1, None] - np.column_stack([series[:-2], series[2:]])
    bends = above.mean(axis=1)
    known = np.isfinite(bends)
    if not known.any():
        return series
    spread = 1.4826 * np.median(np.abs(bends[known] - np.median(bends[known])))
    stands_out = np.where(above.prod(axis=1) > 0, np.abs(above).min(axis=1), 0.0)
    freak = np.flatnonzero(stands_out > FREAK_SPREADS * max(spread, STILL)) + 1
    if len(freak) > FREAKS_AT_MOST * known.sum():
        return series
    cleaned = series.copy()
    cleaned[freak] = np.nan
    return cleaned


def _smoothed(series: Floats) -> Floats:
    """A centred mean: the control's own noise would hide how closely the metric follows what is slow in it."""
    known = np.isfinite(series)
    window = np.ones(SMOOTH_HOURS)
    sums = np.convolve(np.where(known, series, 0.0), window, mode="same")
    counts = np.convolve(known.astype(np.float64), window, mode="same")
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan), dtype=np.float64)


def _beside(x: Floats, y: Floats) -> Floats:
    """The residuals of `y` beside `x`."""
    return np.asarray(y - x @ np.linalg.lstsq(x, y, rcond=None)[0], dtype=np.float64)
