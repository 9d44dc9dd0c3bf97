"""The step of the TTL by the forecast."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.forecast import Forecast, Step
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.turn import Recommendation
from lumen.policies.predicted import by_forecast
from lumen.policies.ttl import Strategy, TtlLimits
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import GONE

AUTO = TtlLimits()
TTLS = (60, 180, 300, 360, 420, 600, 900)
WHY = (message("policy.ttl_hit_rate_low", hit_rate=0.7), message("policy.ttl_step_up", strategy="M", step_seconds=120))
UP = Recommendation(Change(Knob.TTL, 300, 420, "s"), Strategy.MODERATE, WHY, Priority.MEDIUM)
DOWN = replace(UP, change=Change(Knob.TTL, 300, 240, "s"), strategy=Strategy.CONSERVATIVE)
HOLD = replace(UP, change=None, strategy=Strategy.HOLD)


def forecast(half: float = 0.002, slope: float = 0.1, least: int = 60, most: int = 900) -> Forecast:
    steps = [Step(ttl, slope * (ttl - 300) / 600, 0.0 if ttl == 300 else half) for ttl in TTLS if least <= ttl <= most]
    return Forecast(300, 0.7, 500_000, 0.00003, 5, 2_500_000, tuple(steps))


def test_the_step_is_the_one_that_surely_saves_most() -> None:
    found = by_forecast(UP, forecast(), AUTO)
    assert (found.change, found.strategy) == (Change(Knob.TTL, 300, 600, "s"), Strategy.PREDICTED)
    assert [reason.code for reason in found.reasons] == ["policy.ttl_hit_rate_low", "policy.ttl_step_predicted"]
    saved = found.reasons[-1].params
    assert saved["saved_usd"] == pytest.approx(0.05 * 500_000 * 30 * 0.00003)
    assert saved["least_usd"] == pytest.approx(0.048 * 500_000 * 30 * 0.00003)
    for locale in LOCALES:
        assert "22.50" in Catalogue(locale).plain(found.reasons[-1])


def test_what_the_memory_does_not_hold_ends_the_step() -> None:
    found = by_forecast(UP, forecast(most=360), AUTO)
    assert found.change == Change(Knob.TTL, 300, 360, "s")
    full = by_forecast(UP, replace(forecast(most=300), full_from=360), AUTO)
    assert (full.change, full.reasons[-1].code) == (None, "policy.ttl_would_fill")


def test_where_nothing_is_sure_to_save_the_ttl_is_held() -> None:
    found = by_forecast(UP, forecast(half=0.003, slope=0.0), AUTO)
    assert (found.change, found.strategy) == (None, Strategy.HOLD)
    assert found.reasons[-1].code == "policy.ttl_saves_nothing"


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
    assert by_forecast(wanted, by, limits) == wanted


@given(half=st.floats(0, 0.1), slope=st.floats(-0.05, 0.5), most=st.integers(301, 3600))
def test_the_step_stays_within_its_limits(half: float, slope: float, most: int) -> None:
    found = by_forecast(UP, forecast(half, slope), TtlLimits(max_seconds=most))
    if found.strategy == Strategy.PREDICTED:
        assert found.change is not None
        assert isinstance(found.change.new, int)
        assert 300 < found.change.new <= min(600, most)
