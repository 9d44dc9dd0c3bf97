"""Which call is due, by the table: what stands, who is on it, how often they were called, and how long ago."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import (
    CALLS_END,
    CALLS_ROUND,
    MOST_REPEATS,
    Acknowledged,
    Incident,
    Mentions,
    Silence,
    StoredAlert,
)
from lumen.model.messages import message
from lumen.model.service import Person, ServiceId
from lumen.policies.calling import Call, next_call

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVERY = 10 * MINUTE
KIM = Person("U1", "Kim", "T1")
PAGE = Alert("a", "ion-api", AlertKind.AVAILABILITY, "", Severity.PAGE, NOW - MINUTE, message("alert.data_back"))
CALLED = Incident(ServiceId("p", "r", "ion-api"), "a", (StoredAlert(PAGE, "a", called=True),))
RAISED = replace(CALLED, alerts=(StoredAlert(PAGE, "a"),))
TICKET = replace(CALLED, alerts=(StoredAlert(replace(PAGE, severity=Severity.TICKET), "a"),))
OVER = replace(CALLED, alerts=(StoredAlert(replace(PAGE, closed_at=NOW), "a"),))
HUSHED = Silence(AlertKind.AVAILABILITY, NOW + EVERY, KIM, NOW)


def after(number: int, ago: timedelta = EVERY) -> Incident:
    return replace(CALLED, mentions=Mentions(number, NOW - ago))


@pytest.mark.parametrize(
    ("incident", "every", "expected"),
    [
        (CALLED, EVERY, Call(0, say=False)),
        (RAISED, EVERY, Call(0)),
        (RAISED, timedelta(0), Call(0)),
        (TICKET, EVERY, None),
        (OVER, EVERY, None),
        (replace(CALLED, acknowledged=Acknowledged(KIM, NOW)), EVERY, None),
        (replace(CALLED, silences=(HUSHED,)), EVERY, None),
        (after(0, EVERY - MINUTE), EVERY, None),
        (after(0), EVERY, Call(1)),
        (after(0), timedelta(0), None),
        (after(MOST_REPEATS - 1), EVERY, Call(MOST_REPEATS)),
        (after(MOST_REPEATS, EVERY - MINUTE), EVERY, None),
        (after(MOST_REPEATS), EVERY, Call(CALLS_END)),
        (after(MOST_REPEATS), timedelta(0), None),
        (replace(after(MOST_REPEATS), acknowledged=Acknowledged(KIM, NOW)), EVERY, None),
        (replace(after(MOST_REPEATS), silences=(HUSHED,)), EVERY, None),
        (replace(after(MOST_REPEATS), alerts=OVER.alerts), EVERY, None),
        (after(CALLS_END), EVERY, None),
        (after(CALLS_END, 100 * EVERY), EVERY, None),
        (after(CALLS_ROUND), EVERY, Call(CALLS_ROUND + 1)),  # somebody gave it back
        (after(CALLS_ROUND + CALLS_END), EVERY, None),
    ],
)
def test_the_next_call_is_what_the_table_says(incident: Incident, every: timedelta, expected: Call | None) -> None:
    assert next_call(incident, NOW, every) == expected


@pytest.mark.parametrize("number", range(2 * CALLS_ROUND))
def test_it_is_unanswered_once_the_calls_have_ended_and_until_somebody_is_on_it(number: int) -> None:
    assert after(number).is_unanswered == (number in (CALLS_END, CALLS_ROUND + CALLS_END))
    assert not replace(after(number), acknowledged=Acknowledged(KIM, NOW)).is_unanswered
