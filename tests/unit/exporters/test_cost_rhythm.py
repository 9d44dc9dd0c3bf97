"""States of the cost rhythm on generated weeks."""

import math
import random
from datetime import timedelta

import pytest

from lumen.exporters.cost_rhythm import assess_rhythm, coherence_of, entropy_of, phase_of
from lumen.model.assessment import RhythmAssessment, RhythmState
from lumen.model.snapshot import Spend
from tests.snapshots import GONE, NOW, history, snapshot


def week(kind: str, seed: int, missing: float = 0.0) -> RhythmAssessment:
    """A week of demand with a daily and weekly pulse, and spending of one kind beside it."""
    dice = random.Random(f"{kind}{seed}")
    amplitude, noise = dice.uniform(0.3, 1.2), dice.uniform(0.02, 0.12)
    peak, weekend = dice.uniform(0, 24), dice.uniform(0.5, 1.0)
    growth = dice.uniform(0.2, 0.8) if kind == "growing" else 0.0
    shift = dice.choice([-1, 1]) * dice.uniform(3, 12) if kind == "shifted" else 0.0

    def demand(hour: float) -> float:
        pulse = amplitude * math.cos(2 * math.pi * (hour - peak) / 24) + growth * hour / 168
        return 3000 * math.exp(pulse) * (weekend if (hour // 24) % 7 >= 5 else 1.0)

    def cost(hour: int) -> float:
        blur = math.exp(dice.gauss(0, noise))
        if kind == "flat":
            return 0.5 * math.exp(dice.gauss(0, 0.02))
        if kind == "random":
            return 0.5 * math.exp(dice.gauss(0, 0.6))
        return 0.0002 * demand(hour - shift) * blur

    requests = [round(demand(h) * math.exp(dice.gauss(0, noise))) for h in range(168)]
    costs = [cost(h) for h in range(168)]
    return assess_rhythm(
        snapshot(
            history=history(
                tuple(None if dice.random() < missing else r for r in requests),
                tuple(None if dice.random() < missing else c for c in costs),
            )
        )
    )


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("normal", RhythmState.RESONANT),
        ("growing", RhythmState.RESONANT),
        ("shifted", RhythmState.DISSONANT),
        ("flat", RhythmState.DISSONANT),
        ("random", RhythmState.CHAOTIC),
    ],
)
@pytest.mark.parametrize("missing", [0.0, 0.05])
def test_states_are_told_apart(kind: str, state: RhythmState, missing: float) -> None:
    # `python -m bench.costs` asks 300 seeds.
    assert all(week(kind, seed, missing).state is state for seed in range(12))


def test_unknown_says_why() -> None:
    gone = assess_rhythm(snapshot(history=GONE))
    assert (gone.state, gone.reason) == (RhythmState.UNKNOWN, GONE.reason)
    assert (gone.coherence, gone.phase, gone.entropy) == (None, None, None)
    holed = assess_rhythm(snapshot(history=history((1000,) * 133 + (None,) * 35)))
    assert holed.reason.code == "assess.rhythm_few_hours"
    flat = assess_rhythm(snapshot(history=history((1000,) * 168)))
    assert flat.reason.code == "assess.rhythm_flat_demand"


@pytest.mark.parametrize("lag", [-6, -3, 0, 2, 5])
def test_the_phase_is_negative_when_cost_lags(lag: int) -> None:
    demand = [math.cos(2 * math.pi * h / 24) for h in range(168)]
    cost = [math.cos(2 * math.pi * (h - lag) / 24) for h in range(168)]
    assert phase_of(cost, demand) == pytest.approx(-lag / 12, abs=1e-9)
    assert coherence_of(cost, demand) > 0.99


def test_entropy_of_a_wave_and_of_noise() -> None:
    dice = random.Random(1)
    assert entropy_of([math.cos(2 * math.pi * h / 24) for h in range(168)]) < 0.01
    assert entropy_of([dice.gauss(0, 1) for _ in range(168)]) > 0.85
    assert entropy_of([1.0] * 168) == 0.0


def test_budget_and_forecast() -> None:
    spent = assess_rhythm(snapshot(spend=Spend(100.0, False, 200.0, NOW)))
    assert spent.budget_share == pytest.approx(0.5)
    assert spent.forecast_usd == pytest.approx(100 * 30 / 15.5, rel=0.01)
    early = NOW.replace(day=1, hour=5)
    assert assess_rhythm(snapshot(spend=Spend(1.0, False, 200.0, early))).forecast_usd is None
    assert assess_rhythm(snapshot(spend=Spend(GONE, False, 200.0, NOW))).budget_share is None
    assert NOW - early > timedelta(days=14)
