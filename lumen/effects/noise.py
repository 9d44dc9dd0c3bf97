"""What hours have in common with those before them, taken out of a series: AR(1) noise and a random walk beside it.

A Kalman filter over the hours, for many kinds of noise at once: what it did not foresee of each hour, in units of how
much it might have missed, is white. The same as a triangular root of the covariance would do, in linear time.
"""

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
