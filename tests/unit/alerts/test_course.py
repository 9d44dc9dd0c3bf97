"""The course of an incident: since when, how much, better or worse, and what is not known of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.alerts.course import course_of, failing_of, newest_figures
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.course import OF_NOW, Course, Trend
from lumen.model.incident import Incident, StoredAlert
from lumen.model.messages import message
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.model.witnesses import Bounds

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
#: One per mille may fail, so that twice as much is no failure that an incident is made of.
BURN = message("alert.burn", burn=20.0, minutes=15, bad=60, valid=3000, share=0.02)


def page(opened_at: datetime, closed_at: datetime | None = None) -> Alert:
    return Alert("a", "ion-api", AlertKind.AVAILABILITY, "", Severity.PAGE, opened_at, BURN, closed_at=closed_at)


def slices(*errors: int | None, requests: int = 1000, cost_usd: float | None = 0.01) -> list[Observation]:
    """From noon on; None: nothing is known."""
    return [
        Observation(NOON + nth * SLICE, cost_usd=cost_usd)
        if failed is None
        else Observation(NOON + nth * SLICE, requests, failed, cost_usd=cost_usd)
        for nth, failed in enumerate(errors)
    ]


def course(alert: Alert, stored: Sequence[Observation], now: datetime) -> Course:
    found = course_of(alert, stored, now)
    assert found is not None
    return found


def test_it_began_with_the_first_of_the_slices_that_failed_without_a_break() -> None:
    found = course(page(NOON + 5 * SLICE), slices(90, 0, 2, 40, 60, 80), NOON + 5 * SLICE)
    assert found.began == NOON + 3 * SLICE
    assert (found.errors_5xx, found.requests, found.slices) == (100, 2000, 2)
    assert course(page(NOON + 2 * SLICE), slices(None, None), NOON + 3 * SLICE).began == NOON + 2 * SLICE


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(40, 80, Trend.WORSE), (80, 40, Trend.BETTER), (60, 62, Trend.SAME), (0, 0, Trend.SAME), (1000, 1000, Trend.SAME)],
)
def test_better_and_worse_are_more_than_chance(before: int, now: int, expected: Trend) -> None:
    assert course(page(NOON), slices(before, now), NOON + 2 * SLICE).trend is expected


def test_figures_are_of_now_for_two_looks_and_a_hole_gives_none() -> None:
    found = course(page(NOON + SLICE), slices(50, None, None), NOON + 3 * SLICE)
    assert found.newest is not None
    assert found.newest.at == NOON + SLICE
    assert found.newest.is_of(found.newest.at + OF_NOW)
    assert not found.newest.is_of(found.newest.at + OF_NOW + timedelta(seconds=1))
    assert (found.slices, found.unknown_slices) == (3, 2)
    in_doubt = replace(slices(50)[0], doubt=Bounds(500, 1500, 0, 900))
    assert newest_figures([in_doubt]) is None
    assert newest_figures([*slices(50), in_doubt]) == found.newest


def test_a_closed_one_ended_with_its_last_failure_and_its_cost_is_known_or_not() -> None:
    closed = page(NOON + SLICE, closed_at=NOON + 8 * SLICE)
    found = course(closed, slices(50, 70, 0, 0, 0, 0, 0, 0), NOON + 9 * SLICE)
    assert (found.began, found.ended) == (NOON, NOON + 2 * SLICE)
    assert found.cost_usd == pytest.approx(0.02)
    assert course(closed, slices(50, 70, 0, cost_usd=None), NOON + 9 * SLICE).cost_usd is None


def test_it_goes_well_since_the_last_failure_and_only_while_nothing_fails() -> None:
    assert course(page(NOON + SLICE), slices(50, 0, 0), NOON + 3 * SLICE).well_since == NOON + SLICE
    assert course(page(NOON + SLICE), slices(50, 0, 40), NOON + 3 * SLICE).well_since is None


def test_what_is_no_failure_of_requests_has_no_course() -> None:
    assert course_of(replace(page(NOON), kind=AlertKind.LATENCY), slices(50), NOON) is None
    assert course_of(replace(page(NOON), reason=message("alert.forgotten")), slices(50), NOON) is None


@given(st.lists(st.one_of(st.none(), st.integers(0, 1000)), max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_whatever_is_stored_it_counts_no_more_than_that(errors: list[int | None], opened: int, later: int) -> None:
    at = NOON + opened * SLICE
    found = course(page(at), slices(*errors), at + later * SLICE)
    assert found.began <= at
    assert found.errors_5xx <= sum(filter(None, errors))
    assert found.requests <= 1000 * sum(one is not None for one in errors)
    assert 0 <= found.unknown_slices <= found.slices


FIRST, AGAIN = page(NOON, NOON + SLICE), replace(page(NOON + 3 * SLICE, NOON + 5 * SLICE), id="b")
SLOW = replace(page(NOON), id="c", kind=AlertKind.LATENCY)


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ((page(NOON),), page(NOON)),
        ((FIRST, SLOW), None),
        ((FIRST, SLOW, replace(AGAIN, closed_at=None)), replace(AGAIN, closed_at=None)),
        ((FIRST, replace(SLOW, closed_at=NOON + SLICE)), FIRST),
        ((FIRST, AGAIN, replace(SLOW, closed_at=NOON + 6 * SLICE)), replace(FIRST, closed_at=NOON + 5 * SLICE)),
        ((SLOW,), None),
    ],
)
def test_an_incident_fails_while_its_alert_is_open_and_once_over_from_the_first_to_the_last(
    alerts: tuple[Alert, ...], expected: Alert | None
) -> None:
    service = ServiceId("naeda-genesis", "us-central1", "ion-api")
    assert failing_of(Incident(service, "a", tuple(StoredAlert(one, "a") for one in alerts))) == expected
