"""Samples, the day to come, and the check that replayed is seen."""

from datetime import date, timedelta
from math import inf

import numpy as np
import pytest

from bench.access_world import DAY_S, World
from bench.prediction import requests_of_trace
from lumen.model.accesses import ALL_KEYS
from lumen.model.forecast import confidence_of
from lumen.prediction.accesses import in_order, pack
from lumen.prediction.answers import ttls_from_accesses
from lumen.prediction.honesty import Trust, checked
from lumen.prediction.lives import MS_BITS, Requests, elapsed_ms, requests_of
from lumen.prediction.logs import Faults, Log
from lumen.prediction.replay import missed
from lumen.prediction.sample import uplift
from lumen.prediction.tomorrow import Day, errors, expected, half_of

MONDAY = date(2026, 11, 2)


def test_a_sample_is_scaled_by_the_ratio_of_its_misses() -> None:
    """A fifth of the keys: within its own interval of the truth, and nearer than scaling by the share of keys."""
    requests = requests_of_trace(World("diurnal", 3, 40_000).trace())
    old, new = missed(requests, 300_000), missed(requests, 900_000)
    key = requests.elements >> np.uint64(MS_BITS)
    truth = (old.sum() - new.sum()) / requests.count
    off, by_share = [], []
    for part in range(5):
        chosen = key % np.uint64(5) == part
        found = uplift(requests.count, int(old.sum()), key[chosen], old[chosen], new[chosen], ALL_KEYS // 5)
        off.append(abs(found.value - truth) / found.half)
        scaled = 5 * (int(old[chosen].sum()) - int(new[chosen].sum())) / requests.count
        by_share.append(abs(found.value - truth) < abs(scaled - truth))
    assert np.median(off) < 1
    assert max(off) < 2.5
    assert sum(by_share) >= 3
    whole = uplift(requests.count, int(old.sum()), key, old, new)
    assert whole.value == pytest.approx(truth)
    assert whole.half == 0


def days(*uplifts: float) -> list[Day]:
    """From a Monday on."""
    return [Day(MONDAY + timedelta(days=n), {600: value}) for n, value in enumerate(uplifts)]


def test_tomorrow_is_yesterday_and_the_step_between_kinds_of_days() -> None:
    week = days(0.10, 0.11, 0.12, 0.13, 0.14, 0.05, 0.07)
    assert expected(week, 600, MONDAY + timedelta(days=7)).uplift == pytest.approx(0.07 + 0.13 - 0.06)
    assert expected(week[:5], 600, MONDAY + timedelta(days=5)).uplift == 0.14
    assert expected(week[:4], 600, MONDAY + timedelta(days=4)).uplift == 0.13


def test_the_interval_comes_from_the_days_that_were_predicted_before() -> None:
    first = expected(days(0.10, 0.10), 600, MONDAY + timedelta(days=2))
    assert first.half == pytest.approx(0.15 * 0.10 + 0.002)
    calm = expected(days(0.10, 0.101, 0.10, 0.101), 600, MONDAY + timedelta(days=4))
    wild = expected(days(0.10, 0.15, 0.08, 0.14), 600, MONDAY + timedelta(days=4))
    assert calm.half < first.half < wild.half
    assert wild.half == pytest.approx(
        0.14 * max(error for day in errors(days(0.10, 0.15, 0.08, 0.14)) for error in day)
    )
    assert wild.confidence < calm.confidence
    assert expected(days(0.1), 600, MONDAY, own_half=0.05).half > 0.05


def test_few_requests_leave_much_open() -> None:
    """Three tell next to nothing, ten thousand what they would if there were more."""
    few, some, many, all_of_them = (half_of([], 0.1, count) for count in (3, 300, 10_000, inf))
    assert few > 0.5
    assert some > 0.04 > many > all_of_them == pytest.approx(0.15 * 0.1 + 0.002)
    assert many == pytest.approx(all_of_them, rel=0.1)
    assert half_of([], 0.0, 3) > 0.3


def test_confidence_is_the_chance_to_be_right() -> None:
    assert confidence_of(0.02, 0.0) == 1
    assert confidence_of(0.0, 0.01) == pytest.approx(0.9, abs=0.001)
    assert confidence_of(0.10, 0.02) == pytest.approx(0.9, abs=0.001)
    assert confidence_of(0.0, 0.05) < 0.3


def seen_at(ttl_s: int, stray: float = 0.0) -> Requests:
    """Requests with the hits of a cache at that TTL, of which some miss for no reason."""
    requests = requests_of_trace(World("sessions", 4, 10_000).trace())
    dice = np.random.default_rng(1)
    hit = ~missed(requests, ttl_s * 1000) & (dice.random(requests.count) >= stray)
    return Requests(requests.elements, None, hit)


@pytest.mark.parametrize(
    ("requests", "trust"),
    [
        (seen_at(300), Trust.FULL),
        (seen_at(300, 0.012), Trust.WIDER),
        (seen_at(300, 0.05), Trust.NONE),
        (seen_at(600), Trust.NONE),
        (Requests(np.empty(0, np.uint64)), Trust.NONE),
    ],
)
def test_what_was_seen_widens_or_withholds(requests: Requests, trust: Trust) -> None:
    found = checked(requests, 300_000)
    assert found.trust is trust
    assert (found.widening > 0) == (trust is Trust.WIDER)


def test_what_was_cached_before_the_window_is_held_against_nobody() -> None:
    whole = seen_at(300)
    late = elapsed_ms(whole.elements) >= 8 * 3_600_000
    assert whole.hit is not None
    began = np.uint64(8 * 3_600_000)
    assert checked(Requests(whole.elements[late] - began, None, whole.hit[late]), 300_000).agreement == 1.0


def test_the_stored_form_says_what_the_replay_needs() -> None:
    """From hashes, times and kinds as the service sends them to lives and requests."""
    hashes, times = np.array([5, 5, 9, 5], np.uint64) << np.uint64(30), np.array([0, 400_000, 100, 500_000])
    stored = in_order(pack(hashes, times), np.array([0, 0, 0, 1], np.uint8), np.zeros(4, np.uint8))
    requests = requests_of(stored)
    assert missed(requests, 300_000).tolist() == [True, True, False, True]
    assert checked(requests, 300_000).agreement == 1.0


def test_a_log_of_several_days_is_its_own_back_test() -> None:
    """Six days that are alike promise more of the seventh than one day does."""
    day = World("sessions", 8, 4000).trace()
    uplifts = []
    for days_of_it in (1, 6):
        at = np.concatenate([day.at_s + n * DAY_S for n in range(days_of_it)])
        key = np.concatenate([day.key + n * 10**6 for n in range(days_of_it)]).astype(np.uint64)
        (found,) = ttls_from_accesses(Log(at, key, None, None, Faults()), 300, [900])
        assert found.high is not None
        assert found.low is not None
        assert found.uplift is not None
        uplifts.append((found.uplift, (found.high - found.low) / 2))
    (of_one, half_of_one), (of_six, half_of_six) = uplifts
    assert of_six == pytest.approx(of_one, abs=1e-9)
    assert half_of_one == pytest.approx(half_of([], of_one, len(day)))
    assert half_of_six < half_of_one / 4
