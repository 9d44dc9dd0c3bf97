"""Burn rate: windows, evidence, closing with the told errors dropped, one message an incident."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.alerts.burn_rate import AvailabilityAlert
from lumen.alerts.evidence import RecentCounts, at_least, at_most
from lumen.model.alert import AlertChange, AlertEvent, Severity
from lumen.model.witnesses import exactly

START = datetime(2026, 11, 1, tzinfo=UTC)
SLICE = timedelta(minutes=5)
Points = list[tuple[int | None, int | None]]


def fed(points: Sequence[tuple[int | None, int | None]], target: float = 0.999) -> list[AlertEvent]:
    alert = AvailabilityAlert("svc", target)
    events = [
        alert.step(START + (i + 1) * SLICE, None if valid is None or bad is None else exactly(valid, bad))
        for i, (valid, bad) in enumerate(points)
    ]
    return [event for event in events if event]


def calm(slices: int) -> Points:
    return [(3000, 0)] * slices


@pytest.mark.parametrize(("count", "mean"), [(0, 1.0), (3, 1.0), (10, 1.0), (2, 5.0), (200, 100.0), (80, 100.0)])
def test_poisson_tails(count: int, mean: float) -> None:
    below = sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count))
    assert at_least(count, mean) == pytest.approx(1 - below, rel=1e-6, abs=1e-12)
    assert at_most(count - 1, mean) == pytest.approx(below, rel=1e-6, abs=1e-12)


def test_a_strong_incident_opens_within_a_quarter_of_an_hour_and_is_told_once() -> None:
    events = fed(calm(50) + [(3000, 90)] * 12 + calm(100))
    assert [e.change for e in events] == [AlertChange.OPENED, AlertChange.CLOSED]
    opened = events[0].alert
    assert opened.severity is Severity.PAGE
    assert opened.opened_at - (START + 50 * SLICE) <= timedelta(minutes=15)
    assert events[1].alert.closed_at == START + (50 + 12 + 7) * SLICE


def test_told_errors_do_not_open_it_again_while_long_windows_still_hold_them() -> None:
    events = fed(calm(300) + [(3000, 600)] * 24 + calm(12) + [(3000, 4)] + calm(300))
    assert [e.change for e in events] == [AlertChange.OPENED, AlertChange.CLOSED]


def test_a_weak_burn_is_found_over_hours() -> None:
    events = fed(calm(300) + [(3000, 9)] * 72 + calm(200))
    assert events[0].change is AlertChange.OPENED


def test_a_blip_of_two_slices_is_no_incident() -> None:
    assert fed([*calm(300), (3000, 25), (3000, 20), *calm(300)]) == []


@pytest.mark.parametrize(
    ("bad", "severity"),
    [
        ([180], None),  # 6 % in one slice (burn 60): it may be a blip
        ([3, 400, 2], None),
        ([600], Severity.PAGE),  # two per cent of a month's budget in one slice
        ([90, 180], Severity.PAGE),
        ([180, 0, 180], Severity.PAGE),
        ([12, 12, 12], Severity.TICKET),  # burn 4: weak, and in three slices
        ([18, 18], None),  # burn 6 in two slices
        ([2, 3, 2, 3, 2, 3], None),  # within the budget
    ],
)
def test_what_is_told_of_a_short_burn(bad: list[int], severity: Severity | None) -> None:
    events = fed([*calm(300), *((3000, count) for count in bad), *calm(30)])
    opened = [e.alert.severity for e in events if e.change is AlertChange.OPENED]
    assert opened == ([] if severity is None else [severity])


def test_a_blip_after_a_gap_took_no_more_of_the_budget_than_it_did() -> None:
    gone: Points = [(None, None)] * 200
    assert fed([*calm(100), *gone, (3000, 150), *calm(30)]) == []


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_a_few_errors_on_thin_traffic_are_no_page(bad: int) -> None:
    assert fed([(30, 0)] * 300 + [(30, bad)] + [(30, 0)] * 100) == []


def test_thin_traffic_keeps_the_alert_open_until_it_is_known_to_be_over() -> None:
    # 0.1 requests/s at burn 60: some slices have no failure by chance, and still it is one incident.
    dice = random.Random(4)
    points = [(30, sum(dice.random() < 0.06 for _ in range(30))) for _ in range(72)]
    events = fed([(30, 0)] * 300 + points + [(30, 0)] * 200)
    assert [e.change for e in events if e.change is not AlertChange.RAISED] == [AlertChange.OPENED, AlertChange.CLOSED]


@pytest.mark.parametrize("requests", [10, 60, 95])
@pytest.mark.parametrize("failing", [[0.3], [0.9], [0.15, 0.25], [0.5, 0.1], [0.07, 0.07]])
def test_a_burst_of_errors_on_thin_traffic_pages_nobody(requests: int, failing: list[float]) -> None:
    thin: Points = [(requests, 0)] * 300
    assert fed([*thin, *((requests, round(share * requests)) for share in failing), *thin]) == []


@pytest.mark.parametrize(("requests", "bad"), [(10, 3), (60, 2), (60, 6), (95, 10)])
def test_errors_that_last_on_thin_traffic_page_within_a_quarter_of_an_hour(requests: int, bad: int) -> None:
    events = fed([*[(requests, 0)] * 300, *[(requests, bad)] * 6])
    (opened,) = [e.alert for e in events if e.change is AlertChange.OPENED]
    assert opened.severity is Severity.PAGE
    assert opened.opened_at - (START + 300 * SLICE) <= timedelta(minutes=15)


@pytest.mark.parametrize("requests", [15, 30, 60])
def test_a_page_of_four_failures_closes_within_an_hour(requests: int) -> None:
    events = fed([*[(requests, 0)] * 300, (requests, 2), (requests, 1), (requests, 1), *[(requests, 0)] * 80])
    assert [e.change for e in events] == [AlertChange.OPENED, AlertChange.CLOSED]
    closed, opened = events[1].alert.closed_at, events[0].alert
    assert opened.severity is Severity.PAGE
    assert closed is not None
    assert closed - opened.opened_at <= timedelta(hours=1)


def test_missing_slices_open_and_close_nothing() -> None:
    gone: Points = [(None, None)] * 20
    events = fed(calm(50) + [(3000, 300)] * 6 + gone + calm(2))
    assert [e.change for e in events] == [AlertChange.OPENED]
    assert fed(gone + calm(5) + gone) == []


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 50)), max_size=200))
def test_events_alternate(points: list[tuple[int, int]]) -> None:
    changes = [e.change for e in fed(points) if e.change is not AlertChange.RAISED]
    assert changes == ([AlertChange.OPENED, AlertChange.CLOSED] * len(changes))[: len(changes)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60), st.integers(1, 20))
def test_recent_counts_are_plain_sums(slices: list[tuple[int, int]], last: int) -> None:
    counts = RecentCounts(20)
    for bad, valid in slices:
        counts.add(bad, valid)
    window = slices[-last:]
    assert counts.last(last) == (sum(b for b, _ in window), sum(v for _, v in window))
    counts.forgive(3)
    kept = [(0 if i >= len(slices) - 3 else b, v) for i, (b, v) in enumerate(slices)][-last:]
    assert counts.last(last) == (sum(b for b, _ in kept), sum(v for _, v in kept))
