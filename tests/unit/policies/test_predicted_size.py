"""What a size is worth by the forecast."""

from dataclasses import replace

import pytest

from lumen.model.forecast import Forecast, SizeStep, Step
from lumen.model.messages import NoData
from lumen.policies.predicted_size import predicted_size
from lumen.policies.size import SizeAdvice, SizeFigures, SizeLimits, advise_size
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import GONE

UP = advise_size(SizeFigures(256, 240, 0.7, 400), SizeLimits())
DOWN = advise_size(SizeFigures(256, 50, 0.7, 0), SizeLimits())
MONTH, CALL_USD = 20_000 * 30, 0.001


def forecast(down: float = -0.001, up: float = 0.05, half: float = 0.01) -> Forecast:
    sizes = SizeStep(192, down, half, -2.34), SizeStep(256, 0.0, 0.0, 0.0), SizeStep(384, up, half, 4.68)
    return Forecast(300, 0.7, 20_000, CALL_USD, 3, 60_000, (Step(300, 0.0, 0.0),), sizes=sizes)


def known(found: SizeAdvice | NoData) -> SizeAdvice:
    assert isinstance(found, SizeAdvice)
    return found


def test_what_a_size_is_worth_is_what_the_replay_says() -> None:
    up = known(predicted_size(UP, forecast()))
    assert (up.recommendation.change, up.by_day) == (UP.recommendation.change, True)
    assert up.savings_usd == pytest.approx(0.05 * MONTH * CALL_USD)
    assert up.roi == round(10 * 30 / (30 + 4.68), 1)
    idle = known(predicted_size(UP, forecast(up=0.0)))
    assert (idle.savings_usd, idle.roi) == (0.0, 0.0)
    down = known(predicted_size(DOWN, forecast()))
    assert down.savings_usd == pytest.approx(2.34 - 0.001 * MONTH * CALL_USD)
    dear = known(predicted_size(DOWN, forecast(down=-0.01)))
    assert dear.recommendation.change is None
    assert dear.recommendation.reasons[-1].code == "policy.size_calls_cost_more"
    for locale in LOCALES:
        for found in (up, down, dear):
            assert all(Catalogue(locale).plain(reason) for reason in found.recommendation.reasons)


@pytest.mark.parametrize(
    "by", [None, GONE, replace(forecast(), sizes=GONE), forecast(half=0.1), replace(forecast(), sizes=())]
)
def test_without_a_forecast_of_sizes_the_advice_stands(by: Forecast | NoData | None) -> None:
    assert predicted_size(UP, by) == UP
    assert predicted_size(GONE, by) == GONE
