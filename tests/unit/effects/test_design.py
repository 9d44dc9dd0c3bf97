"""The filter whitens as a triangular root of the covariance would, whatever hours are missing."""

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.effects.design import whitened


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 200), min_size=2, max_size=40, unique=True).map(sorted),
    st.sampled_from([0.0, 0.3, 0.95]),
    st.sampled_from([0.0, 1e-3, 0.5]),
)
def test_as_the_root_of_the_covariance(when: list[int], rho: float, drift: float) -> None:
    hours = np.array(when)
    columns = np.random.default_rng(1).normal(size=(len(hours), 3))
    walked = np.minimum(hours[:, None], hours) - hours[0]
    covariance = rho ** np.abs(hours[:, None] - hours) + drift * walked
    white, log_determinant = whitened(columns, hours, np.array([0.5, rho]), np.array([0.1, drift]))
    assert np.allclose(white[1], np.linalg.solve(np.linalg.cholesky(covariance), columns))
    assert log_determinant[1] == pytest.approx(np.linalg.slogdet(covariance).logabsdet, abs=1e-9)
