"""Slices in which the uptime check fails are bad, whatever was counted; one that is answered makes none good."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.model.alert import AlertChange, AlertKind, Observation, Severity, corrected, in_doubt_of, lost
from lumen.model.history import folded
from lumen.model.snapshot import SLICE, RequestSlice
from lumen.model.witnesses import exactly

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
DAY = 288


def slices(first: int, count: int, requests: int | None, *, fails: bool = False) -> list[Observation]:
    doubt = exactly(max(6, requests or 0), max(6, requests or 0)) if fails else None
    return [
        Observation(START + (first + i) * SLICE, requests, None if requests is None else 0, 0, doubt=doubt)
        for i in range(count)
    ]


def opened(fed: Iterable[Observation]) -> list[tuple[AlertChange, Severity, int]]:
    """Changes of the alert on availability, and after how many slices."""
    watch = ServiceWatch("ion-api", AlertTargets(), days=False)
    return [
        (event.change, event.alert.severity, round((one.end - START) / SLICE))
        for one in fed
        for event in watch.feed(one)
        if event.alert.kind is AlertKind.AVAILABILITY
    ]


@pytest.mark.parametrize("usual", [0, 20, 1800])
@pytest.mark.parametrize("then", [None, 0])
def test_a_service_that_nobody_reaches_pages_within_a_quarter_of_an_hour(usual: int, then: int | None) -> None:
    """Also where no requests come any more, which without the check would look like sleep, or like missing data."""
    before = slices(0, 2 * DAY, usual)
    (change, severity, at), *_ = opened([*before, *slices(2 * DAY, 12, then, fails=True)])
    assert (change, severity) == (AlertChange.OPENED, Severity.PAGE)
    assert at - 2 * DAY <= 3
    assert opened([*before, *slices(2 * DAY, 12, then)]) == []


def test_it_closes_when_the_check_is_answered_again_also_while_nobody_else_asks() -> None:
    quiet = [replace(one, doubt=exactly(6, 0)) for one in slices(DAY + 12, 12, 0)]
    changes = opened([*slices(0, DAY, 0), *slices(DAY, 12, 0, fails=True), *quiet])
    assert [change for change, _, _ in changes] == [AlertChange.OPENED, AlertChange.CLOSED]


def test_one_such_slice_is_a_bad_one_of_its_day_and_its_requests_are_as_counted() -> None:
    (day,) = folded([*slices(0, 2, 100), *slices(2, 1, 100, fails=True), *slices(3, 1, None, fails=True)])
    assert (day.known_slices, day.good_slices, day.bad_slices) == (4, 2, 2)
    assert (day.requests, day.errors_5xx) == (300, 0)


def test_what_the_check_says_later_counts_and_is_not_forgotten() -> None:
    (fine,), (failed,), (more,) = slices(0, 1, 100), slices(0, 1, 100, fails=True), slices(0, 1, 130)
    assert corrected(fine, failed).is_unreachable
    assert corrected(failed, fine).is_unreachable
    assert corrected(fine, more).requests == 130
    assert lost(fine, failed) == lost(failed, fine) == (0, 0)
    assert in_doubt_of(more, [(failed, fine)]) == more


def test_a_turns_slice_that_failed_so_is_no_good_one() -> None:
    piece = RequestSlice(START, 100, 0, 0)
    assert not piece.is_unreachable
    assert replace(piece, doubt=exactly(100, 100)).is_unreachable
    assert not replace(piece, doubt=exactly(6, 0)).is_unreachable
