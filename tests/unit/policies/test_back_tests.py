"""Earlier forecasts against what came."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lumen.model.forecast import BackTest, Forecast, Outcome, Replayed, Step
from lumen.model.messages import NoData
from lumen.model.turn import Turn
from lumen.policies.back_tests import back_tests, farthest
from tests.snapshots import GONE
from tests.unit.handlers.test_hourly import turn_at

MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)
A_DAY = timedelta(days=1)


def forecast(uplift: float = 0.05, ttl: int = 300, steps: tuple[int, ...] = (60, 300, 600, 900)) -> Forecast:
    told = tuple(Step(one, uplift * (one - ttl) / 300, 0.01 if one != ttl else 0.0) for one in steps)
    return Forecast(ttl, 0.7, 20_000, 0.00003, 3, 60_000, told)


def turn(at: datetime, made: Forecast | NoData | None) -> Turn:
    return replace(turn_at(at), forecast=made)


def day(back: int, came: float = 0.055) -> Replayed:
    return Replayed((MIDNIGHT - back * A_DAY).date(), 20_000, 0.7, 20_000, 6_000, {600: Outcome(came)})


def made_at(hour: int = 0, made: Forecast | NoData | None = None, back: int = 1) -> Turn:
    return turn(MIDNIGHT - back * A_DAY + timedelta(hours=hour), made or forecast())


def test_a_day_is_held_against_the_forecast_that_began_it() -> None:
    turns = [made_at(5, forecast(0.5)), made_at(1, forecast(0.3)), made_at(0), made_at(-2, forecast(0.4))]
    (one,) = back_tests(turns, [day(1)], 300)
    assert one == BackTest(day(1).on, 600, 0.05 - 0.01, 0.05, 0.05 + 0.01, 0.055)
    assert one.is_within
    (off,) = back_tests(turns, [day(1, came=0.07)], 300)
    assert not off.is_within


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [made_at(4)],
        [made_at(0, GONE)],
        [made_at(0, forecast(ttl=420))],
        [made_at(0, forecast(steps=(300,)))],
        [made_at(0, forecast(steps=(300, 500)))],
    ],
)
def test_a_day_without_such_a_forecast_counts_for_nothing(turns: list[Turn]) -> None:
    assert back_tests(turns, [day(1)], 300) == ()


def test_the_last_ten_are_carried_on() -> None:
    """By the newest forecast: the turns of ten days ago are not looked at any more."""
    told: tuple[BackTest, ...] = ()
    for back in range(14, 0, -1):
        began = made_at(0, replace(forecast(), back_tests=told), back=back)
        told = back_tests([began], [day(back), day(back - 1)], 300)
    assert [one.on for one in told] == [day(back).on for back in range(10, 0, -1)]


def test_what_counts_is_the_longest_step_that_would_be_proposed() -> None:
    for steps, longest in (((60, 300, 540, 900), 540), ((60, 120, 300), 60), ((300, 900), None)):
        found = farthest(forecast(steps=steps))
        assert (found.ttl_seconds if found else None) == longest
