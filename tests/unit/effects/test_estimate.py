"""The estimate of what a change did: intervals that hold, and none where there is too little."""

import math
import random

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.effects.design import MetricHistory
from lumen.effects.estimate import Estimate, estimate
from lumen.effects.trend import trend

BEFORE = 336


def history(effect: float, hours: int = 24, seed: int = 1, control: bool = True, lost: float = 0.0) -> MetricHistory:
    """A metric with a daily wave and 3 % noise; its control shares the wave and slow shocks."""
    dice = random.Random(seed)
    values: list[float | None] = []
    beside: list[float | None] = []
    shock = 0.0
    for t in range(BEFORE + hours):
        shock = 0.9 * shock + dice.gauss(0, 0.03)
        wave = 0.3 * math.cos(2 * math.pi * t / 24) + shock
        step = math.log1p(effect) if t >= BEFORE else 0.0
        values.append(None if dice.random() < lost else math.exp(wave + step + dice.gauss(0, 0.03)))
        beside.append(math.exp(wave + dice.gauss(0, 0.02)))
    weekend = [(t // 24) % 7 >= 5 for t in range(BEFORE + hours)]
    return MetricHistory(values, beside if control else None, weekend, BEFORE)


@pytest.mark.parametrize("effect", [-0.10, 0.0, 0.10, 0.25])
def test_the_effect_lies_in_its_interval(effect: float) -> None:
    found = estimate(history(effect))
    assert isinstance(found, Estimate)
    assert found.low <= effect <= found.high
    assert found.high - found.low < 0.15
    assert (abs(effect) > 0.05) == (not found.low <= 0 <= found.high)


def test_without_a_control_the_interval_is_wider() -> None:
    alone, beside = estimate(history(0.1, control=False)), estimate(history(0.1))
    assert isinstance(alone, Estimate)
    assert isinstance(beside, Estimate)
    assert alone.high - alone.low > beside.high - beside.low


def test_lost_hours_are_borne_and_too_many_are_not() -> None:
    some = estimate(history(0.1, lost=0.1))
    assert isinstance(some, Estimate)
    assert some.low <= 0.1 <= some.high
    assert estimate(history(0.1, lost=0.5)) is None
    assert estimate(history(0.1, hours=5)) is None


def test_a_short_history_is_too_little() -> None:
    whole = history(0.1)
    short = MetricHistory(whole.values[-100:], None, whole.weekend[-100:], 76)
    assert estimate(short) is None


def test_a_trend_is_told_from_noise() -> None:
    dice = random.Random(3)
    noise = [0.8 + 0.05 * math.cos(2 * math.pi * t / 24) + dice.gauss(0, 0.01) for t in range(168)]
    flat = trend([*noise])
    rising = trend([value + 0.01 * t / 24 for t, value in enumerate(noise)])
    assert flat is not None
    assert rising is not None
    assert not flat.is_clear
    assert rising.is_clear
    assert rising.per_day == pytest.approx(0.01, rel=0.3)
    assert trend([None] * 168) is None
    outliers = trend([0.0 if t % 40 == 0 else value + 0.01 * t / 24 for t, value in enumerate(noise)])
    assert outliers is not None
    assert outliers.per_day == pytest.approx(0.01, rel=0.3)
