"""The trends of a week, from slices of five minutes."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.effects.trend import trend
from lumen.effects.trends import WEEK, hours_of_the_week, trends_of
from lumen.model.alert import Observation
from lumen.model.snapshot import SLICE
from lumen.model.week import MetricTrend

END = datetime(2026, 11, 16, 12, 5, tzinfo=UTC)


def week(hit_rate_a_day: float = 0.0, seed: int = 1, lost: float = 0.0) -> list[Observation]:
    """A daily wave of requests, a hit rate that drifts, and noise; some slices are lost."""
    dice = random.Random(seed)
    found = []
    for nth in range(round(WEEK / SLICE)):
        start = END - WEEK + nth * SLICE
        days = (start - (END - WEEK)) / timedelta(days=1)
        requests = round(1000 * (1 + 0.4 * math.sin(2 * math.pi * days)) * dice.uniform(0.95, 1.05))
        rate = min(1.0, 0.6 + hit_rate_a_day * days + dice.gauss(0, 0.02))
        hits = round(requests * rate)
        one = Observation(start, requests, dice.randrange(3), p95_ms=dice.gauss(150, 5), hits=hits, cost_usd=0.02)
        found.append(Observation(start) if dice.random() < lost else replaced(one, requests - hits))
    return found


def replaced(one: Observation, misses: int) -> Observation:
    return Observation(
        one.start, one.requests, one.errors_5xx, p95_ms=one.p95_ms, hits=one.hits, misses=misses, cost_usd=one.cost_usd
    )


def named(observations: list[Observation]) -> dict[str, MetricTrend]:
    return {one.name: one for one in trends_of(hours_of_the_week(observations, END))}


@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_a_drift_is_found_with_its_slope_and_nothing_else_is(lost: float) -> None:
    found = named(week(0.02, lost=lost))
    rate = found.pop("hit_rate")
    assert rate.low <= 0.02 <= rate.high
    assert rate.is_clear
    assert rate.level == pytest.approx(0.67, abs=0.02)
    assert set(found) == {"p95_ms", "error_rate", "requests_per_hour", "cost_usd_per_day"}
    assert not any(one.is_clear for one in found.values())
    assert found["cost_usd_per_day"].level == pytest.approx(0.02 * 288)


def test_without_a_day_of_hours_there_is_none() -> None:
    assert named(week()[-200:]) == {}
    assert named([]) == {}


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_a_week_without_a_trend_rarely_shows_one(rho: float) -> None:
    """Forty weeks of noise of which each hour resembles the one before by rho; at 95 % two of them may."""
    clear = 0
    for seed in range(40):
        dice = random.Random(seed)
        noise, values = dice.gauss(0, 1), []
        for hour in range(168):
            noise = rho * noise + math.sqrt(1 - rho * rho) * dice.gauss(0, 1)
            values.append(1 + 0.4 * math.sin(2 * math.pi * hour / 24) + 0.05 * noise)
        found = trend(values)
        assert found is not None
        clear += found.is_clear
    assert clear <= 5
