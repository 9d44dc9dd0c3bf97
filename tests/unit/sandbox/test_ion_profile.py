"""The history's cache profile is what the simulation of single requests says, and nothing else."""

import pytest

from sandbox.ion.replay import PROFILE, replay, steady


@pytest.mark.parametrize("index", [0, 4, 6])
def test_the_profile_is_derived_again(index: int) -> None:
    known = PROFILE[index]
    # Another seed: the profile must not be one lucky draw.
    again = replay(known.level, 300, 3 * 3600, seed=7)
    assert again.hit_rate == pytest.approx(known.hit_rate, abs=0.012)
    assert again.resident == pytest.approx(known.resident, rel=0.06)


@pytest.mark.parametrize(
    ("ttl", "low", "high"), [(60, 0.42, 0.52), (300, 0.70, 0.745), (420, 0.75, 0.80), (600, 0.80, 0.85)]
)
def test_a_longer_ttl_gives_more_hits(ttl: int, low: float, high: float) -> None:
    assert low < replay(1.0, ttl, 3 * 3600, seed=3).hit_rate < high


def test_between_the_levels_it_is_straight_and_outside_it_is_the_end() -> None:
    low, high = PROFILE[0], PROFILE[1]
    middle = steady((low.level + high.level) / 2)
    assert middle.hit_rate == pytest.approx((low.hit_rate + high.hit_rate) / 2)
    assert steady(0.0) == PROFILE[0]
    assert steady(9.0) == PROFILE[-1]
