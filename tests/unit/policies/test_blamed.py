"""The release that an incident is put down to: which one is, and that it stays so once the traffic has left it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lumen.model.course import RevisionsSeen
from lumen.model.incident import RevisionCount
from lumen.model.snapshot import SLICE
from lumen.policies.blamed import blames, still_blamed

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def count(revision: str, requests: int, errors: int, start: datetime = NOON) -> RevisionCount:
    return RevisionCount(start, revision, requests, errors)


FAILING = RevisionsSeen(NOON, count("42", 1000, 80), count("41", 30000, 10))
LATER = NOON + 2 * SLICE
SERVES = (count("41", 900, 1, NOON), count("41", 1100, 1, NOON + SLICE), count("42", 3, 3, NOON))


@pytest.mark.parametrize(
    ("blamed", "before", "is_blamed"),
    [
        (count("42", 1000, 80), count("41", 30000, 10), True),
        (count("42", 1000, 80), None, True),
        (count("42", 1000, 0), None, False),
        (None, count("41", 30000, 10), False),
        (count("42", 1000, 80), count("41", 30000, 2400), False),
        (count("42", 2000, 3), count("41", 2000, 2), False),
    ],
)
def test_a_release_is_blamed_for_more_failures_than_chance(
    blamed: RevisionCount | None, before: RevisionCount | None, is_blamed: bool
) -> None:
    assert (blames(RevisionsSeen(NOON, blamed, before)) is not None) is is_blamed


#: What the next look finds where 42 was blamed, and which is named then; "" for what serves since.
NEXT = {
    "it serves still": (replace(FAILING, at=LATER), "42", ""),
    "rolled back, and 41 served for long": (RevisionsSeen(LATER, None, None, SERVES), "42", "41"),
    "rolled back to a younger one": (
        RevisionsSeen(LATER, count("41", 2000, 2), count("40", 9000, 8), SERVES), "42", "41"
    ),
    "mended by another release": (
        RevisionsSeen(LATER, count("43", 500, 0), count("42", 1000, 80), (count("43", 500, 0),)), "42", "43"
    ),
    "another release is as ill": (
        RevisionsSeen(LATER, count("43", 500, 41), count("42", 1000, 80), (count("43", 500, 41),)), "42", "43"
    ),
    "another release is worse": (RevisionsSeen(LATER, count("43", 500, 400), count("42", 1000, 80)), "43", ""),
    "nobody tells of the revisions": (RevisionsSeen(LATER, None, None), "42", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", NEXT)
def test_it_stays_blamed_once_the_traffic_has_left_it(case: str) -> None:
    now, blamed, after = NEXT[case]
    found = still_blamed(FAILING, now)
    assert found.blamed is not None
    assert (found.blamed.revision, found.after.revision if found.after else "") == (blamed, after)
    assert (found.at, found.hour) == (now.at, now.hour)
    later = still_blamed(found, replace(now, at=LATER + SLICE))
    assert later.blamed == found.blamed
    assert later.blamed_until == found.blamed_until, "the time that it is of stays"


def test_what_was_not_blamed_is_not_kept() -> None:
    now = RevisionsSeen(LATER, None, None)
    assert still_blamed(None, now) == now
    assert still_blamed(RevisionsSeen(NOON, count("42", 1000, 0), count("41", 1000, 0)), now) == now
