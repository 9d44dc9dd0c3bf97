"""When people are reminded of an end: once it is near, and never where it was just set."""

from datetime import timedelta

import pytest

from lumen.policies.reminders import remind_at
from tests.snapshots import NOW

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("lasts", "before"),
    [(30 * DAY, DAY), (10 * DAY, DAY), (DAY, 144 * MINUTE), (2 * HOUR, 12 * MINUTE), (31 * MINUTE, 3.1 * MINUTE)],
)
def test_a_reminder_comes_a_tenth_before_the_end_and_at_most_a_day(lasts: timedelta, before: timedelta) -> None:
    assert remind_at(NOW, NOW + lasts) == NOW + lasts - before


@pytest.mark.parametrize("lasts", [timedelta(0), MINUTE, 30 * MINUTE])
def test_what_was_just_set_is_not_reminded_of(lasts: timedelta) -> None:
    assert remind_at(NOW, NOW + lasts) is None
