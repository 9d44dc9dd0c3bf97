"""What people's labels change, and what they never do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import IncidentLabel
from lumen.model.messages import message
from lumen.model.service import Person
from lumen.policies.labels import COUNTS_FOR, LEARNT_FROM, WAIT, precision, told_late, waits

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PERSON = Person("U0000000001", "kim", "T0000000001")


def labels(*real: bool, name: str = "latency", until: datetime = NOW) -> list[IncidentLabel]:
    """Oldest first, a day apart."""
    count = len(real)
    return [
        IncidentLabel(f"i{nth}", (name,), one, PERSON, until - (count - 1 - nth) * timedelta(days=1))
        for nth, one in enumerate(real)
    ]


def alert(kind: AlertKind, severity: Severity = Severity.TICKET, minutes: float = 5.0, signal: str = "") -> Alert:
    return Alert("id", "api", kind, signal, severity, NOW - timedelta(minutes=minutes), message("alert.data_back"))


@pytest.mark.parametrize(
    ("said", "late"),
    [
        (labels(*[False] * (LEARNT_FROM - 1)), set()),
        (labels(*[False] * LEARNT_FROM), {"latency"}),
        (labels(True, *[False] * LEARNT_FROM), {"latency"}),
        (labels(*[False] * LEARNT_FROM, True), set()),
        (labels(*[False] * 5, True, *[False] * 9), set()),
        (labels(*[False] * LEARNT_FROM, name="no_data/cache"), {"no_data/cache"}),
        (labels(*[False] * LEARNT_FROM, name="availability"), set()),
        (labels(*[False] * LEARNT_FROM, name="budget"), set()),
        (labels(*[False] * LEARNT_FROM, until=NOW - COUNTS_FOR), set()),
        ([*labels(*[False] * 5), *labels(*[False] * 5, name="cache")], set()),
    ],
)
def test_ten_false_alarms_of_one_kind_make_it_wait_and_one_real_ends_that(
    said: Sequence[IncidentLabel], late: set[str]
) -> None:
    assert told_late(said, NOW) == late


def test_what_lasts_an_hour_is_told_whatever_the_labels_say() -> None:
    late = frozenset({"latency"})
    assert waits(alert(AlertKind.LATENCY, minutes=59), late, NOW)
    assert not waits(alert(AlertKind.LATENCY, minutes=WAIT / timedelta(minutes=1)), late, NOW)
    assert not waits(alert(AlertKind.CACHE), late, NOW)
    assert not waits(alert(AlertKind.NO_DATA, signal="cost"), frozenset({"no_data/cache"}), NOW)


@given(st.lists(st.tuples(st.sampled_from(AlertKind), st.booleans()), max_size=60), st.sampled_from(AlertKind))
def test_no_labels_hold_back_a_page_or_failing_requests(said: list[tuple[AlertKind, bool]], kind: AlertKind) -> None:
    late = told_late([one for name, real in said for one in labels(real, name=str(name))], NOW)
    assert not waits(alert(kind, Severity.PAGE), late, NOW)
    assert not waits(alert(AlertKind.AVAILABILITY), late, NOW)
    assert not waits(alert(kind, minutes=60), late, NOW)


def test_precision_is_of_what_was_labelled_since() -> None:
    said = labels(True, False, True, False)
    assert precision(said, NOW - timedelta(days=2)) == (1, 3)
    assert precision([], NOW) == (0, 0)


def test_names_are_those_that_people_type() -> None:
    assert alert(AlertKind.NO_DATA, signal="cost").name == "no_data/cost"
    assert alert(AlertKind.LATENCY).name == "latency"
