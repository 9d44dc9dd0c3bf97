"""Whatever is measured, an estimate is finite or there is none: nothing raises, nothing is NaN."""

import math

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lumen.effects.design import MetricHistory
from lumen.effects.estimate import Estimate, estimate
from lumen.effects.trend import trend

BEFORE, AFTER = 192, 24
HOURS = BEFORE + AFTER
Series = list[float | None]
ODD: list[float | None] = [None, 0.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, 1e308]


@st.composite
def series(draw: st.DrawFn) -> Series:
    """Constant, moving, stepping or repeating, on any scale, with odd values strewn in."""
    dice = np.random.default_rng(draw(st.integers(0, 1000)))
    scale = draw(st.sampled_from([1e-300, 1e-3, 1.0, 1e300]))
    noise = draw(st.sampled_from([0.0, 1e-12, 0.03, 3.0]))
    logs = noise * dice.normal(size=HOURS)
    if draw(st.booleans()):
        logs[BEFORE:] += draw(st.sampled_from([0.1, 5.0]))
    if draw(st.booleans()):
        logs += 0.3 * np.cos(2 * np.pi * np.arange(HOURS) / 24)
    values: Series = (scale * np.exp(logs)).tolist()
    share = draw(st.sampled_from([0.0, 0.0, 0.02, 0.5, 1.0]))
    odd = draw(st.sampled_from(ODD))
    return [odd if dice.random() < share else value for value in values]


def constant(value: float | None) -> Series:
    return [value] * HOURS


NEVER = [False] * HOURS
ALWAYS = [True] * HOURS
ONLY_AFTER = [hour >= BEFORE for hour in range(HOURS)]
NOISE: Series = np.exp(0.03 * np.random.default_rng(1).normal(size=HOURS)).tolist()
STEP: Series = [1.0 + (hour >= BEFORE) for hour in range(HOURS)]


@settings(max_examples=20, deadline=None)
@given(
    series(), st.none() | series(), st.sampled_from([NEVER, ALWAYS, ONLY_AFTER]), st.sampled_from([0, 1, BEFORE, HOURS])
)
def test_no_series_breaks_it(values: Series, control: Series | None, weekend: list[bool], changed_at: int) -> None:
    found = estimate(MetricHistory(values, control, weekend, changed_at))
    if isinstance(found, Estimate):
        assert all(map(math.isfinite, (found.effect, found.low, found.high)))
        assert -1 <= found.low <= found.effect <= found.high


@pytest.mark.parametrize("value", [*ODD, 1.0, 1e300])
def test_what_never_moves_tells_nothing(value: float | None) -> None:
    assert estimate(MetricHistory(constant(value), None, NEVER, BEFORE)) is None
    assert estimate(MetricHistory(constant(value), NOISE, NEVER, BEFORE)) is None


@pytest.mark.parametrize(("control", "weekend"), [(STEP, NEVER), (None, ONLY_AFTER)])
def test_what_else_began_with_the_change_cannot_be_told_from_it(control: Series | None, weekend: list[bool]) -> None:
    assert estimate(MetricHistory(NOISE, control, weekend, BEFORE)) is None


def test_a_constant_control_is_none() -> None:
    assert isinstance(estimate(MetricHistory(NOISE, constant(7.0), NEVER, BEFORE)), Estimate)


@settings(max_examples=20, deadline=None)
@given(series())
@example(constant(1e308))
@example(constant(0.0))
def test_no_series_breaks_a_trend(values: Series) -> None:
    found = trend(values[:168])
    assert found is None or (
        all(map(math.isfinite, (found.per_day, found.low, found.high))) and found.low <= found.per_day <= found.high
    )
