"""What goes together by the hour: intervals that hold, nothing of what only drifts, nothing below seven days."""

import math
from datetime import UTC, datetime

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

import numpy as np
from numpy.typing import NDArray

from lumen.effects.hours import Hour
from lumen.effects.together import PAIRS, together
from lumen.model.feedback import COST, HIT_RATE, P95, REQUESTS, By, Edge, Feedback
from lumen.wording.catalogue import Catalogue

END = datetime(2026, 11, 30, tzinfo=UTC)
HOURS = 336
Floats = NDArray[np.float64]


def noise(dice: np.random.Generator, memory: float, size: float, hours: int) -> Floats:
    """AR(1) of that standard deviation."""
    found, shocks = np.zeros(hours), dice.normal(size=hours) * size * math.sqrt(1 - memory**2)
    for hour in range(1, hours):
        found[hour] = memory * found[hour - 1] + shocks[hour]
    return found


def world(seed: int, of_requests: float, of_hits: float, hours: int = HOURS) -> list[Hour]:
    """A fortnight in which log(P95) follows log(requests) and log(hit rate) so far; all have a day and drift."""
    dice, t = np.random.default_rng(seed), np.arange(hours)
    day = 0.3 * np.cos(2 * np.pi * (t - dice.uniform(0, 24)) / 24)
    asked = day + noise(dice, 0.9, 0.12, hours) + 0.01 * np.cumsum(dice.normal(size=hours))
    hit = 0.05 * day + noise(dice, 0.8, 0.03, hours)
    own = noise(dice, 0.6, 0.05, hours) + 0.01 * np.cumsum(dice.normal(size=hours))
    p95 = of_requests * asked + of_hits * hit + 0.1 * np.cos(2 * np.pi * (t - 3) / 24) + own
    rows = zip(np.exp(asked), np.exp(hit), np.exp(p95), strict=True)
    return [hour_of(round(5000 * one), 0.7 * float(share), 180 * float(slow)) for one, share, slow in rows]


def hour_of(requests: int, hit_rate: float, p95_ms: float, cost_usd: float = 0.3) -> Hour:
    hits, slow = round(requests * hit_rate), p95_ms * requests
    return Hour(12, requests, 12, requests, 0, 12, hits, requests, 12, requests, slow, 12, requests, cost_usd)


def edge(found: Feedback, source: str, target: str) -> Edge:
    return next(one for one in found.edges if (one.source, one.target) == (source, target))


def test_the_truth_is_in_the_interval_and_what_only_drifts_is_not_seen() -> None:
    held, false = [], []
    for seed in range(3001, 3009):
        found, empty = together(world(seed, 0.3, -0.8), END), together(world(seed, 0.0, 0.0), END)
        truth = math.expm1(0.3 * math.log(1.1))
        held.append(edge(found, REQUESTS, P95).low <= truth <= edge(found, REQUESTS, P95).high)
        assert edge(found, HIT_RATE, P95).high < 0
        false += [edge(empty, *pair).is_clear for pair in ((REQUESTS, P95), (HIT_RATE, P95))]
    assert sum(held) >= 6
    assert sum(false) <= 1


def test_all_of_it_is_dashed() -> None:
    found = together(world(1, 0.3, -0.8), END)
    assert {one.by for one in found.edges} == {By.REGRESSION}
    assert all(one.is_dashed for one in found.edges)
    assert [one.code for one in found.lacking] == ["graph.still"], "the cost never moved"


@pytest.mark.parametrize("hours", [0, 1, 24, 160])
def test_below_seven_days_nothing_is_drawn(hours: int) -> None:
    found = together(world(1, 0.3, -0.8, hours), END)
    assert found.edges == ()
    (few,) = found.lacking
    assert (few.code, few.params["days"]) == ("graph.few_hours", hours // 24)
    assert Catalogue("en").plain(few).count("⇢") == len(PAIRS)


@pytest.mark.parametrize(
    "hours",
    [
        [Hour() for _ in range(HOURS)],
        [hour_of(0, 0.0, 0.0, 0.0) for _ in range(HOURS)],
        [hour_of(1000, 0.7, 180.0) for _ in range(HOURS)],
        [hour_of(1000 + nth % 2, 1.0, math.nan, math.inf) for nth in range(HOURS)],
    ],
    ids=["nothing known", "no traffic", "nothing moves", "no numbers"],
)
def test_what_is_unknown_or_still_draws_nothing(hours: list[Hour]) -> None:
    found = together(hours, END)
    assert found.edges == ()
    assert sum(Catalogue("en").plain(one).count("⇢") for one in found.lacking) == len(PAIRS)


def test_units_are_those_of_the_target() -> None:
    hours = [hour_of(one.requests, one.hits / one.lookups, 180.0, one.requests * 1e-4) for one in world(5, 0.0, 0.0)]
    found = edge(together(hours, END), REQUESTS, COST)
    month = float(np.median([one.cost_usd for one in hours])) * 24 * 30
    assert found.effect == pytest.approx(0.1 * month, rel=0.02)
