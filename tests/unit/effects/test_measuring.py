"""The look as the worker makes it: what each knob is for, and figures that allow no estimate."""

import math
from random import Random

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.effects.experiment import Experiment, judge
from lumen.effects.hours import HOUR, Hour, Hours
from lumen.effects.verdict import EffectVerdict
from lumen.model.proposal import Change, Knob
from tests.snapshots import NOW

BEGAN = NOW.replace(minute=0)
END = BEGAN + 25 * HOUR


def hours(hit_rate: float = 0.6, gain: float = 0.0, noise: float = 0.02, slower: float = 0.0) -> Hours:
    """A fortnight and a day; `gain` and `slower` are what the change does."""
    dice = Random(1)
    found = Hours()
    for index in range(-336, 25):
        after = index > 0
        requests = round(1000 * (1 + 0.05 * dice.random()))
        hits = round(requests * hit_rate * (1 + gain * after) * (1 + noise * dice.gauss(0, 1)))
        hour = Hour(traffic_slices=12, requests=requests, cache_slices=12, hits=hits, lookups=requests)
        hour.latency_slices, hour.latency_requests = 12, requests
        hour.weighted_p95_ms = requests * 100.0 * (1 + slower * after) * (1 + noise * dice.gauss(0, 1))
        hour.cost_slices, hour.cost_requests = 12, requests
        hour.cost_usd = requests * 0.001 * (1 + noise * dice.gauss(0, 1))
        found.by_start[BEGAN + index * HOUR] = hour
    return found


def looked(knob: Knob, step: int, given: Hours) -> tuple[EffectVerdict, list[str], bool]:
    experiment = Experiment(Change(knob, 1000, 1000 + step, ""), NOW)
    found = judge(experiment, 24, given, END)
    return found.judgement.verdict, [one.metric for one in found.effects], found.judgement.undo


@pytest.mark.parametrize(
    ("knob", "step", "metrics"),
    [
        (Knob.TTL, 1, ["hit_rate", "cost_per_request_usd", "p95_ms"]),
        (Knob.CACHE_SIZE, 1, ["hit_rate", "cost_per_request_usd", "p95_ms"]),
        (Knob.CACHE_SIZE, -1, ["cost_per_request_usd", "hit_rate", "p95_ms"]),
        (Knob.L1_ENTRIES, 1, ["p95_ms", "cost_per_request_usd"]),
        (Knob.L1_ENTRIES, -1, ["cost_per_request_usd", "p95_ms"]),
        (Knob.MIN_INSTANCES, 1, ["p95_ms"]),
        (Knob.MEMORY, -1, ["p95_ms"]),
    ],
)
def test_what_a_knob_is_for_comes_first(knob: Knob, step: int, metrics: list[str]) -> None:
    assert looked(knob, step, hours())[1] == metrics


@pytest.mark.parametrize("knob", [Knob.TTL, Knob.CACHE_SIZE, Knob.MIN_INSTANCES])
def test_before_and_after_never_is_a_verdict(knob: Knob) -> None:
    for given in (hours(gain=0.15), hours(gain=-0.3, slower=0.5)):
        verdict, metrics, undo = looked(knob, 120, given)
        assert (verdict, undo) == (EffectVerdict.INCONCLUSIVE, False)
        assert metrics


def test_figures_that_never_move_or_are_not_there_allow_no_estimate() -> None:
    still = hours(hit_rate=1.0, noise=0.0)
    for hour in still.by_start.values():
        hour.requests = hour.hits = hour.lookups = hour.cost_requests = hour.latency_requests = 1000
        hour.cost_usd, hour.weighted_p95_ms = 1.0, 100_000.0
    for given in (still, Hours(), hours(hit_rate=0.0)):
        verdict, _, undo = looked(Knob.TTL, 120, given)
        assert (verdict, undo) == (EffectVerdict.INCONCLUSIVE, False)


def test_hours_after_the_change_are_compared_with_their_own_hour_of_the_day() -> None:
    """The hour of the change is left out, which must not move the others against the daily wave."""
    given = hours(noise=0.005)
    for start, hour in given.by_start.items():
        hour.hits = round(hour.hits * (1 + 0.3 * math.cos(math.tau * start.hour / 24)))
    found = judge(Experiment(Change(Knob.TTL, 1000, 1001, ""), NOW), 24, given, END).effects[0]
    assert found.high - found.low < 0.02


def test_without_lookups_requests_are_the_control() -> None:
    given = hours(slower=0.3)
    for hour in given.by_start.values():
        hour.cache_slices = hour.hits = hour.lookups = 0
    assert looked(Knob.MIN_INSTANCES, 1, given)[1] == ["p95_ms"]
    assert looked(Knob.TTL, 1, given)[1] == ["cost_per_request_usd", "p95_ms"]
