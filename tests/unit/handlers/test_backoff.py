"""The outbox's tries while Slack is gone are at most half a minute apart, however long that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.outbox import BACKOFF_FIRST_SECONDS, BACKOFF_LONGEST_SECONDS, backoff_seconds


@given(st.integers(1, 10**6))
def test_no_pause_is_longer_than_the_longest_nor_shorter_than_half_of_its_due(failures: int) -> None:
    due = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(failures - 1, 20))
    assert due / 2 <= backoff_seconds(failures) <= due


@pytest.mark.parametrize(("outage_seconds", "most"), [(60, 12), (600, 50), (3600, 250)])
def test_an_outage_is_few_tries(outage_seconds: float, most: int) -> None:
    """Of one worker; Slack is not hammered while it recovers."""
    passed, failures = 0.0, 0
    while passed < outage_seconds:
        failures += 1
        passed += backoff_seconds(failures)
    assert failures <= most
