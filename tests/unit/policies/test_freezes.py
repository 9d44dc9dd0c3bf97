"""FREEZE: what people write, and when it holds."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.policies.freezes import frozen_until, parse_freezes

SEOUL, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def until(freeze: str, now: str, zone: ZoneInfo = SEOUL) -> datetime | None:
    found = parse_freezes(freeze, zone)
    return frozen_until(found.windows, found.weekly, at(now))


CHRISTMAS = "2026-12-20T00:00Z/2027-01-02T00:00Z"


@pytest.mark.parametrize(
    ("freeze", "now", "end"),
    [
        ("", "2026-12-25T00:00Z", None),
        (CHRISTMAS, "2026-12-19T23:59:59Z", None),
        (CHRISTMAS, "2026-12-20T00:00Z", "2027-01-02T00:00Z"),
        (CHRISTMAS, "2027-01-01T23:59Z", "2027-01-02T00:00Z"),
        (CHRISTMAS, "2027-01-02T00:00Z", None),
        ("2026-12-20T09:00+09:00/2026-12-21T09:00+09:00", "2026-12-20T00:00Z", "2026-12-21T00:00Z"),
        (f"{CHRISTMAS}, 2026-12-24T00:00Z/2027-01-05T00:00Z", "2026-12-25T00:00Z", "2027-01-05T00:00Z"),
        (f"{CHRISTMAS},", "2027-03-01T00:00Z", None),
        # Every week, on the clocks of Seoul (UTC+9): Friday 27 November 2026 16:00 there is 07:00 here.
        ("Fri 16:00/Mon 08:00", "2026-11-27T06:59Z", None),
        ("Fri 16:00/Mon 08:00", "2026-11-27T07:00Z", "2026-11-29T23:00Z"),
        ("fri 16:00/mon 08:00", "2026-11-29T22:59Z", "2026-11-29T23:00Z"),
        ("Fri 16:00/Mon 08:00", "2026-11-29T23:00Z", None),
        ("Tue 09:00/Tue 10:00", "2026-11-24T00:30Z", "2026-11-24T01:00Z"),
        ("Tue 10:00/Tue 09:00", "2026-11-24T00:30Z", None),
        ("Tue 10:00/Tue 09:00", "2026-11-24T02:00Z", "2026-12-01T00:00Z"),
        (f"Fri 16:00/Mon 08:00, {CHRISTMAS}", "2026-12-26T00:00Z", "2027-01-02T00:00Z"),
    ],
)
def test_when_it_holds(freeze: str, now: str, end: str | None) -> None:
    assert until(freeze, now) == (at(end) if end else None)


def test_a_weekly_freeze_goes_by_the_clocks_on_the_wall() -> None:
    """Clocks go back on 25 October 2026 in Berlin: Monday 08:00 is an hour later by UTC."""
    assert until("Fri 16:00/Mon 08:00", "2026-10-17T12:00Z", BERLIN) == at("2026-10-19T06:00Z")
    assert until("Fri 16:00/Mon 08:00", "2026-10-24T12:00Z", BERLIN) == at("2026-10-26T07:00Z")


@pytest.mark.parametrize(
    ("freeze", "why"),
    [
        ("2026-12-20", "give start/end"),
        ("a/b/c", "give start/end"),
        ("2026-12-20T00:00/2027-01-02T00:00", "time zone"),
        ("2027-01-02T00:00Z/2026-12-20T00:00Z", "after the start"),
        ("2026-12-20T00:00Z/2026-12-20T00:00Z", "after the start"),
        ("christmas/new year", "two instants"),
        ("Fri 16:00/Someday 08:00", "day and time"),
        ("Fri/Mon", "day and time"),
        ("Fri 16:00Z/Mon 08:00Z", "DIGEST_TIMEZONE"),
        ("Fri 16:00/Fri 16:00", "another moment"),
        (f"{CHRISTMAS}, Fri", "Fri"),
    ],
)
def test_what_cannot_be_meant_says_how_to_write_it(freeze: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_freezes(freeze, SEOUL)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.sampled_from([SEOUL, BERLIN]))  # noqa: DTZ001
def test_a_weekly_freeze_ends_within_its_length_and_then_holds_no_more(moment: datetime, zone: ZoneInfo) -> None:
    now = moment.replace(tzinfo=UTC)
    weekly = parse_freezes("Fri 16:00/Mon 08:00", zone).weekly
    end = frozen_until((), weekly, now)
    if end is not None:
        assert now < end <= now + timedelta(hours=65)  # 64, and an hour where clocks go back
        assert frozen_until((), weekly, end) is None
        assert frozen_until((), weekly, end - timedelta(seconds=1)) == end


@given(st.text(max_size=60))
def test_anything_written_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        parse_freezes(text, SEOUL)
    except ValueError as error:
        assert str(error)
