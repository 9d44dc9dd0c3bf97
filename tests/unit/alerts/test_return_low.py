"""ROI_Degradation: below 300 % over a day, for a quarter of an hour, and one message while it hovers there."""

from datetime import UTC, datetime, timedelta

from lumen.alerts.spending import DAYS_PER_MONTH, SLICES, ReturnAlert
from lumen.model.alert import AlertChange
from lumen.model.history import SLICES_A_DAY

START = datetime(2026, 11, 2, tzinfo=UTC)
#: One call saves a cent, and the cache costs a cent for each slice of a month: ROI = mean hits - 1.
CACHE_USD = SLICES_A_DAY * DAYS_PER_MONTH * 0.01


def changes(hits: list[int]) -> list[AlertChange]:
    alert = ReturnAlert("ion-api", 3.0, 0.01, CACHE_USD)
    events = [alert.step(START + i * timedelta(minutes=5), count) for i, count in enumerate(hits)]
    return [event.change for event in events if event is not None]


def test_it_opens_on_a_whole_day_that_lasts_a_quarter_of_an_hour() -> None:
    assert changes([4] * 2 * SLICES_A_DAY) == []
    assert changes([0] * (SLICES_A_DAY + SLICES - 2)) == []
    assert changes([3] * (SLICES_A_DAY + SLICES - 1)) == [AlertChange.OPENED]


def test_a_quiet_night_is_no_bad_return() -> None:
    assert changes(([20] * 200 + [0] * 88) * 5) == []


def test_hovering_at_the_limit_is_told_once() -> None:
    low = [3] * (SLICES_A_DAY + SLICES)
    assert changes([*low, *([4] * SLICES_A_DAY + [3] * SLICES_A_DAY) * 2]) == [AlertChange.OPENED]
    assert changes([*low, *[5] * SLICES_A_DAY]) == [AlertChange.OPENED, AlertChange.CLOSED]
