"""ROI_Degradation: below 300 % for a quarter of an hour, and one message while it hovers there."""

from datetime import UTC, datetime, timedelta

from lumen.alerts.return_low import SLICES_PER_MONTH, ReturnAlert
from lumen.model.alert import AlertChange

START = datetime(2026, 11, 2, tzinfo=UTC)
#: One call saves a cent, and the cache costs a cent for each slice of a month: ROI = hits - 1.
ALERT_COST = SLICES_PER_MONTH * 0.01


def changes(hits: list[int]) -> list[AlertChange]:
    alert = ReturnAlert("ion-api", 3.0, 0.01, ALERT_COST)
    events = [alert.step(START + i * timedelta(minutes=5), count) for i, count in enumerate(hits)]
    return [event.change for event in events if event is not None]


def test_it_opens_on_the_mean_of_a_quarter_of_an_hour() -> None:
    assert changes([4, 4, 4, 4]) == []
    assert changes([4, 4, 3]) == [AlertChange.OPENED]


def test_hovering_at_the_limit_is_told_once() -> None:
    assert changes([3, 3, 3, *[4] * 30]) == [AlertChange.OPENED]
    assert changes([3, 3, 3, *[5] * 30]) == [AlertChange.OPENED, AlertChange.CLOSED]
