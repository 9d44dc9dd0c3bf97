"""The step of the TTL by the forecast."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.forecast import Forecast, Step
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.turn import Recommendation
from lumen.policies.predicted import predicted
from lumen.policies.ttl import Strategy, TtlLimits
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import GONE, ttl

AUTO, CALL_USD = TtlLimits(), 0.00003
TTLS = (60, 180, 300, 360, 420, 600, 900)
WHY = (message("policy.ttl_hit_rate_low", hit_rate=0.7), message("policy.ttl_step_up", strategy="M", step_seconds=120))
UP = Recommendation(Change(Knob.TTL, 300, 420, "s"), Strategy.MODERATE, WHY, Priority.MEDIUM)
DOWN = replace(UP, change=Change(Knob.TTL, 300, 240, "s"), strategy=Strategy.CONSERVATIVE)
HOLD = replace(UP, change=None, strategy=Strategy.HOLD)


def forecast(
    half: float = 0.002, slope: float = 0.1, most: int = 900, stale_usd: float = 0.0, aged_half: float = 0.002
) -> Forecast:
    """A second of TTL brings as much more, and 0.1 of a second more of age."""
    halves = [(ttl, 0.0 if ttl == 300 else 1.0) for ttl in TTLS if ttl <= most]
    steps = [
        Step(ttl, slope * (ttl - 300) / 600, half * is_other, 0.1 * (ttl - 300) / 3600, aged_half * is_other, ttl / 300)
        for ttl, is_other in halves
    ]
    return Forecast(300, 0.7, 500_000, CALL_USD, 5, 2_500_000, tuple(steps), stale_usd=stale_usd)


def at_300(wanted: Recommendation, by: Forecast | NoData | None, limits: TtlLimits) -> Recommendation:
    found = predicted(wanted, ttl(300), by, limits)
    assert isinstance(found, Recommendation)
    return found


def test_the_step_is_the_one_that_surely_saves_most() -> None:
    found = at_300(UP, forecast(), AUTO)
    assert (found.change, found.strategy) == (Change(Knob.TTL, 300, 600, "s"), Strategy.PREDICTED)
    assert [reason.code for reason in found.reasons] == ["policy.ttl_hit_rate_low", "policy.ttl_predicted_longer"]
    saved = found.reasons[-1].params
    assert saved["saved_usd"] == pytest.approx(0.05 * 500_000 * 30 * 0.00003)
    assert saved["least_usd"] == pytest.approx(0.048 * 500_000 * 30 * 0.00003)
    for locale in LOCALES:
        assert "22.50" in Catalogue(locale).plain(found.reasons[-1])


def test_what_the_memory_does_not_hold_ends_the_step() -> None:
    found = at_300(UP, forecast(most=360), AUTO)
    assert found.change == Change(Knob.TTL, 300, 360, "s")
    full = at_300(UP, replace(forecast(most=300), full_from=360), AUTO)
    assert (full.change, full.reasons[-1].code) == (None, "policy.ttl_would_fill")


def test_where_nothing_is_sure_to_save_the_ttl_is_held() -> None:
    found = at_300(UP, forecast(half=0.004, slope=0.003), AUTO)
    assert (found.change, found.strategy) == (None, Strategy.HOLD)
    assert found.reasons[-1].code == "policy.ttl_saves_nothing"


@pytest.mark.parametrize("wanted", [UP, DOWN, HOLD])
def test_a_step_down_that_costs_nothing_is_wanted(wanted: Recommendation) -> None:
    """The shortest one; not what may cost a hundredth of the calls, nor what is no step."""
    found = at_300(wanted, forecast(half=0.002, slope=0.0), AUTO)
    assert (found.change, found.priority) == (Change(Knob.TTL, 300, 60, "s"), Priority.LOW)
    assert found.reasons[-1].code == "policy.ttl_costs_nothing"
    assert found.reasons[-1].params == pytest.approx({"step_seconds": 240, "spared": 0.8})
    dearer = forecast(half=0.002, slope=0.0015)  # at 180 s 0.0003 of 0.3, at 60 s twice that
    assert at_300(wanted, dearer, AUTO).change == Change(Knob.TTL, 300, 180, "s")
    for costs in (forecast(half=0.0031, slope=0.0), forecast(half=0.002, slope=0.01)):
        assert at_300(wanted, costs, AUTO).change in (None, wanted.change, Change(Knob.TTL, 300, 600, "s"))


def test_with_a_price_on_age_a_longer_ttl_that_costs_more_is_not_wanted() -> None:
    """A point of hits saves 150 calls a second of TTL; the price of age is set beside it."""
    even = CALL_USD * (0.1 / 600) / (0.1 / 3600)  # where a longer TTL saves just what age costs
    cheap, dear = forecast(stale_usd=even / 2), forecast(stale_usd=2 * even)
    longer, shorter = at_300(UP, cheap, AUTO), at_300(UP, dear, AUTO)
    assert longer.change == Change(Knob.TTL, 300, 600, "s")
    assert longer.reasons[-1].params["saved_usd"] == pytest.approx(22.5 / 2)
    assert shorter.change == Change(Knob.TTL, 300, 60, "s")
    assert shorter.reasons[-1].code == "policy.ttl_predicted_shorter"
    held = at_300(UP, forecast(stale_usd=even), AUTO)
    assert (held.change, held.reasons[-1].code) == (None, "policy.ttl_ages_cost_more")
    for locale in LOCALES:
        assert all(Catalogue(locale).plain(one.reasons[-1]) for one in (longer, shorter, held))


@pytest.mark.parametrize("limits", [AUTO, TtlLimits(strategy=Strategy.MODERATE)])
def test_without_trust_the_step_of_a_strategy_is_weighed_against_the_age_of_answers(limits: TtlLimits) -> None:
    assert at_300(UP, forecast(half=0.06, stale_usd=0.0001), limits) == UP
    held = at_300(UP, forecast(half=0.06, stale_usd=0.01), limits)
    assert (held.change, held.reasons[-1].code) == (None, "policy.ttl_ages_cost_more")


@given(
    slope=st.floats(0, 0.5),
    half=st.floats(0, 0.02),
    stale_usd=st.floats(0, 0.01),
    wanted=st.sampled_from([UP, DOWN, HOLD]),
)
def test_no_step_is_wanted_that_costs_more(slope: float, half: float, stale_usd: float, wanted: Recommendation) -> None:
    """By the middle of the forecast, beyond a thousandth of the calls; with a price on age and without."""
    by = forecast(half, slope, stale_usd=stale_usd)
    change = at_300(wanted, by, AUTO).change
    if change is not None and change != wanted.change:
        step = by.at(int(change.new))
        assert step is not None
        assert by.usd_a_month(step)[1] <= 0.001 * 0.3 * 500_000 * 30 * CALL_USD
    if change is not None and (change.step or 0) > 0 and stale_usd:
        step = by.at(int(change.new))
        assert step is not None and by.usd_a_month(step)[1] <= 0


@pytest.mark.parametrize(
    ("wanted", "by", "limits"),
    [
        (UP, None, AUTO),
        (UP, GONE, AUTO),
        (UP, forecast(half=0.06), AUTO),
        (UP, replace(forecast(), ttl_seconds=240), AUTO),
        (UP, forecast(), TtlLimits(strategy=Strategy.CONSERVATIVE)),
        (UP, forecast(most=300), AUTO),
        (DOWN, forecast(), AUTO),
        (HOLD, forecast(), AUTO),
    ],
)
def test_without_a_trusted_forecast_the_strategy_holds(
    wanted: Recommendation, by: Forecast | NoData | None, limits: TtlLimits
) -> None:
    assert at_300(wanted, by, limits) == wanted


@given(half=st.floats(0, 0.1), slope=st.floats(-0.05, 0.5), most=st.integers(301, 3600))
def test_the_step_stays_within_its_limits(half: float, slope: float, most: int) -> None:
    found = at_300(UP, forecast(half, slope), TtlLimits(max_seconds=most))
    if found.strategy == Strategy.PREDICTED:
        assert found.change is not None
        assert isinstance(found.change.new, int)
        assert 60 <= found.change.new <= min(600, most)
        assert found.change.new != 300
