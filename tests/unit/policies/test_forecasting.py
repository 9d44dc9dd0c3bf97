"""When a forecast is made, when it is withheld and why, and what is said of a change by it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.adapters.store.codec import decode, encode
from lumen.model.forecast import Bounded, Forecast, Gain, Method, Outcome, Prices, Replayed, Step, expectation_of
from lumen.model.messages import NoData
from lumen.model.proposal import Change, Expectation, Knob
from lumen.policies.forecasting import TESTED, Evidence, forecast_of, ttls_for
from lumen.policies.size import Memory, SizeLimits
from lumen.prediction.honesty import Honesty
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import GONE, cache

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
ROOM = cache(memory_ratio=0.05, evictions_per_hour=0)


def day(back: int = 1, scale: float = 1.0, accesses: int = 20_000) -> Replayed:
    ttls = (300, *ttls_for(300))
    gains = {one: scale * (one - 300) / 3300 for one in ttls}
    at = {one: Outcome(0.1 * gain, 0.0, one / 300, 0.2 * gain) for one, gain in gains.items()}
    return Replayed((NOW - timedelta(days=back)).date(), 20_000, 0.7, accesses, 6_000, at, 0.03)


WHOLE = Evidence(
    now=NOW,
    ttl_seconds=300,
    first=NOW - timedelta(days=5),
    days=(day(),),
    honesty=Honesty(9_000, 0.999, 0.001),
    cache=ROOM,
    prices=Prices(0.00003, 0.00001),
)


@pytest.mark.parametrize(
    ("evidence", "code", "params"),
    [
        (replace(WHOLE, first=None, days=()), "not_reported", {}),
        (replace(WHOLE, first=NOW - timedelta(hours=17, minutes=30), days=()), "short", {"hours": 7}),
        (replace(WHOLE, first=NOW - timedelta(minutes=1), days=()), "short", {"hours": 24}),
        (replace(WHOLE, days=()), "few", {"accesses": 1000, "least": 1000}),
        (replace(WHOLE, days=(day(accesses=400),)), "few", {"accesses": 600, "least": 1000}),
        (replace(WHOLE, honesty=Honesty(0, 0.0, 0.0)), "unchecked", {"accesses": 300, "ttl_seconds": 300}),
        (replace(WHOLE, honesty=Honesty(299, 1.0, 0.0)), "unchecked", {"accesses": 1, "ttl_seconds": 300}),
        (replace(WHOLE, honesty=Honesty(9_000, 0.97, -0.025)), "disagrees", {"points": -2.5, "ttl_seconds": 300}),
        (replace(WHOLE, cache=cache(evictions_per_hour=3)), "evictions", {"evictions_per_hour": 3.0}),
    ],
)
def test_without_a_true_figure_there_is_the_reason(evidence: Evidence, code: str, params: dict[str, float]) -> None:
    found = forecast_of(evidence)
    assert isinstance(found, NoData)
    assert found.reason.code == f"forecast.{code}"
    assert found.reason.params == pytest.approx(params)
    for locale in LOCALES:
        assert Catalogue(locale).plain(found.reason)
        assert Catalogue(locale).plain(found.remedy)


def forecast(evidence: Evidence = WHOLE) -> Forecast:
    found = forecast_of(evidence)
    assert isinstance(found, Forecast)
    return found


@pytest.mark.parametrize("unknown", [replace(WHOLE, cache=GONE), replace(WHOLE, cache=replace(ROOM, evictions=GONE))])
def test_what_is_not_known_of_the_server_is_left_to_the_check(unknown: Evidence) -> None:
    assert forecast(unknown).steps == forecast().steps


def test_what_the_replay_does_not_know_widens_the_interval() -> None:
    sure, unsure = forecast(), forecast(replace(WHOLE, honesty=Honesty(9_000, 0.985, 0.015)))
    for one, other in zip(sure.steps, unsure.steps, strict=True):
        assert one.uplift == other.uplift
        assert other.half > one.half if one.ttl_seconds != 300 else other.half == one.half == 0


def test_intervals_are_of_the_back_tests_once_there_are_three() -> None:
    days = [day(back, scale) for back, scale in ((5, 1.0), (4, 0.9), (3, 1.1), (2, 1.0), (1, 1.0))]
    steady = forecast(replace(WHOLE, days=[day(back) for back in range(5, 0, -1)]))
    assert all(step.half == 0 for step in steady.steps)
    assert max(step.half for step in forecast(replace(WHOLE, days=days)).steps) > 0
    assert set(TESTED) - {300} <= set(ttls_for(300))


def test_a_ttl_that_the_memory_would_not_hold_has_no_number() -> None:
    found = forecast(replace(WHOLE, cache=cache(memory_ratio=0.6, evictions_per_hour=0)))
    assert found.full_from == 540
    assert isinstance(found.expectation(change(480)), Expectation)
    for seconds in (481, 540, 3600):
        full = found.expectation(change(seconds))
        assert isinstance(full, NoData)
        assert full.reason.code == "forecast.full"


LRU = replace(cache(memory_ratio=1.0, evictions_per_hour=100, max_mb=256), eviction_policy="allkeys-lru")
BY_TTL, BY_SIZE = {60: -0.2, 420: 0.01, 600: 0.02, 3600: 0.03}, {192: -0.04, 384: 0.05}
BY_BOTH = ({at: Gain(gain) for at, gain in of.items()} for of in (BY_TTL, BY_SIZE))
BOUND = Bounded(0.004, True, at=next(BY_BOTH), sizes=next(BY_BOTH))
FULL = replace(WHOLE, cache=LRU, memory=Memory(BOUND, SizeLimits()), honesty=Honesty(9_000, 0.9, 0.09))


def test_where_memory_binds_the_replay_in_memory_tells_ttls_and_sizes() -> None:
    """With evictions now, and from the TTL on at which memory would not hold all."""
    found = forecast(FULL)
    assert (found.method, found.full_from) == (Method.REPLAY_LRU, None)
    assert {step.ttl_seconds: step.uplift for step in found.steps} == {**BY_TTL, 300: 0.0}
    assert all(step.half >= 0.01 for step in found.steps if step.ttl_seconds != 300)
    bigger = expectation_of(found, change(384, 256, Knob.CACHE_SIZE))
    assert isinstance(bigger, Expectation)
    assert bigger.hit_rate_change[1] == 0.05
    assert bigger.monthly_cost_change_usd[1] == pytest.approx(-0.05 * 20_000 * 30 * 0.00003 + 128 * 0.0365625)
    unknown = expectation_of(found, change(300, 256, Knob.CACHE_SIZE))
    assert isinstance(unknown, NoData)
    assert unknown.reason.code == "forecast.other_size"
    room = replace(LRU, used_mb=0.6 * 256, evictions=0)
    later = forecast(replace(FULL, cache=room, honesty=WHOLE.honesty))
    by_ttl = {step.ttl_seconds: step.uplift for step in later.steps}
    assert by_ttl[420] == pytest.approx(day().at[420].uplift)
    assert (by_ttl[600], by_ttl[3600]) == (0.02, 0.03)
    assert 900 not in by_ttl


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (replace(FULL, memory=Memory(BOUND, None)), "shared"),
        (replace(FULL, memory=Memory(None, SizeLimits())), "no_sizes"),
        (replace(FULL, cache=replace(LRU, eviction_policy="allkeys-lfu")), "not_lru"),
        (replace(FULL, memory=Memory(replace(BOUND, residual=0.021), SizeLimits())), "memory_disagrees"),
        (replace(FULL, memory=Memory(replace(BOUND, explained=0.2), SizeLimits())), "unexplained"),
        (replace(FULL, memory=Memory(replace(BOUND, entries=90, is_told=False), SizeLimits())), "few_entries"),
    ],
)
def test_without_a_replay_in_memory_that_is_right_there_is_no_number_of_it(evidence: Evidence, code: str) -> None:
    refused = forecast_of(evidence)
    assert isinstance(refused, NoData)
    assert refused.reason.code == "forecast.evictions"
    assert not isinstance(evidence.cache, NoData)
    room = replace(evidence, cache=replace(evidence.cache, used_mb=1.0, evictions=0), honesty=WHOLE.honesty)
    sizes = forecast(room).sizes
    assert isinstance(sizes, NoData)
    assert sizes.reason.code == f"forecast.{code}"
    for locale in LOCALES:
        assert Catalogue(locale).plain(sizes.reason) != Catalogue(locale).plain(sizes.remedy)


def change(new: int, old: int = 300, knob: Knob = Knob.TTL) -> Change:
    return Change(knob, old, new, "s")


def test_only_a_change_of_the_ttl_that_was_replayed_is_predicted() -> None:
    found = forecast()
    for wanted, code in ((change(600, old=420), "forecast.moved"), (change(4000), "forecast.beyond")):
        refused = expectation_of(found, wanted)
        assert isinstance(refused, NoData)
        assert refused.reason.code == code
    for knob, of, code in (
        (Knob.CACHE_SIZE, found, "forecast.shared"),
        (Knob.CACHE_SIZE, None, "forecast.next_turn"),
        (Knob.MIN_INSTANCES, found, "approval.not_predictable"),
    ):
        other = expectation_of(of, change(384, 256, knob))
        assert isinstance(other, NoData)
        assert other.reason.code == code
    assert isinstance(expectation_of(None, change(420)), NoData)
    assert expectation_of(GONE, change(420)) == GONE


FORECAST = forecast()


@given(ttl=st.integers(60, 3600), half=st.floats(0, 2))
def test_an_expectation_is_in_order_and_no_hit_rate_leaves_its_bounds(ttl: int, half: float) -> None:
    wide = replace(FORECAST, steps=tuple(replace(step, half=half) for step in FORECAST.steps))
    found = wide.expectation(change(ttl))
    assert isinstance(found, Expectation)
    for ends in (found.hit_rate_change, found.monthly_cost_change_usd):
        assert list(ends) == sorted(ends)
    assert 0 <= found.hit_rate + found.hit_rate_change[0] <= found.hit_rate + found.hit_rate_change[2] <= 1 + 1e-9
    calls, stale = found.monthly_calls_change, found.monthly_stale_usd
    assert calls is not None
    assert calls[1] == pytest.approx(-found.hit_rate_change[1] * 20_000 * 30)
    assert found.monthly_cost_change_usd[1] == pytest.approx(calls[1] * 0.00003 + stale)
    assert 0 <= found.confidence <= 1


@given(st.integers(61, 3599))
def test_between_two_replayed_ttls_the_interval_holds_both(ttl: int) -> None:
    """A longer TTL never has more misses: what lies between them is between their hit rates."""
    found = Forecast(300, 0.5, 1e5, 1e-5, 3, 10**5, (Step(60, -0.2, 0.01), Step(300, 0.0, 0.0), Step(3600, 0.3, 0.02)))
    step = found.at(ttl)
    assert step is not None
    if ttl == 300:
        assert (step.uplift, step.half) == (0.0, 0.0)
        return
    low, high = (-0.2, 0.0) if ttl < 300 else (0.0, 0.3)
    assert step.uplift - step.half <= low + 1e-9
    assert step.uplift + step.half >= high - 1e-9


def test_a_forecast_is_read_as_it_was_stored() -> None:
    assert decode(Forecast, encode(forecast())) == forecast()
    assert date.fromisoformat("2026-03-03") == day().on
