"""What stands around a wish, put together from what is stored."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import Pause, StoredAlert
from lumen.model.messages import message
from lumen.model.proposal import Change, Knob, Measured, MeasuredEffect, Origin, Proposal, State, Verdict
from lumen.model.service import Person
from lumen.policies.guard import Situation
from lumen.use_cases.evaluate import Stored, situation_of
from tests.proposals import applied
from tests.snapshots import GONE, NOW, deployment

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UP = Change(Knob.TTL, 420, 540, "s")
DOWN = Change(Knob.TTL, 420, 360, "s")
FIRST = Change(Knob.TTL, 300, 420, "s")


def around(
    *recent: Proposal,
    change: Change = UP,
    unfinished: tuple[Proposal, ...] = (),
    alerts: tuple[StoredAlert, ...] = (),
    pause: Pause | None = None,
) -> Situation:
    return situation_of(change, Stored(recent, unfinished, alerts, pause), deployment(3, 10), NOW)


def test_nothing_stands_around_a_fresh_installation() -> None:
    assert around() == Situation(last_deployment_at=NOW - 3 * DAY)
    assert situation_of(UP, Stored((), (), (), None), GONE, NOW) == Situation()


def test_a_change_without_a_verdict_is_being_measured_whatever_its_knob() -> None:
    size = Change(Knob.CACHE_SIZE, 256, 384, "MB")
    found = around(applied("P1", size, at=NOW - 30 * HOUR))
    assert (found.measuring, found.last_change_at) == (True, NOW - 30 * HOUR)
    kept = around(applied("P1", size, at=NOW - 30 * HOUR, state=State.KEPT))
    assert (kept.measuring, kept.last_change_at) == (False, NOW - 30 * HOUR)


@pytest.mark.parametrize("knob", Knob)
def test_an_open_proposal_of_any_knob_stands_in_the_way(knob: Knob) -> None:
    waiting = applied("P7", replace(UP, knob=knob), state=State.PENDING)
    assert around(unfinished=(waiting,)).open_proposal == "P7"


@pytest.mark.parametrize(("change", "known"), [(UP, True), (DOWN, False)])
def test_what_was_taken_back_is_known_in_its_direction(change: Change, known: bool) -> None:
    made = applied("P1", FIRST, at=NOW - 4 * DAY, state=State.UNDONE)
    back = Change(Knob.TTL, 420, 300, "s")
    undo = applied("P2", back, at=NOW - 2 * DAY, origin=Origin.UNDO, undo_of="P1")
    taken_back_at = NOW - 2 * DAY if known else None
    assert around(undo, made, change=change).taken_back_at == taken_back_at
    # Also when the change itself is so old that it is not among the newest.
    assert around(undo, change=change).taken_back_at == taken_back_at
    assert around(undo, made, change=change).measuring is False


@pytest.mark.parametrize(
    ("change", "state", "known"),
    [
        (UP, State.REJECTED, True),
        (DOWN, State.REJECTED, False),
        (UP, State.EXPIRED, False),
        (UP, State.WITHDRAWN, False),
    ],
)
def test_a_no_is_known_in_its_direction(change: Change, state: State, known: bool) -> None:
    refused = replace(applied("P1", FIRST, state=state), decided_at=NOW - 2 * HOUR)
    assert around(refused, change=change).rejected_at == (NOW - 2 * HOUR if known else None)


def test_harm_that_stayed_is_remembered() -> None:
    measured = Measured(24, NOW - DAY, Verdict.HARMFUL, message("effect.too_little", hours=24), (), True)
    harmful = replace(applied("P1", FIRST, at=NOW - 2 * DAY, state=State.HARMFUL), measured=measured)
    assert around(harmful).harmed_at == NOW - DAY
    assert around(harmful, change=DOWN).harmed_at is None


@pytest.mark.parametrize(
    ("change", "verdict", "controlled", "known"),
    [
        (UP, Verdict.INCONCLUSIVE, True, True),
        (DOWN, Verdict.INCONCLUSIVE, True, False),
        (UP, Verdict.INCONCLUSIVE, False, False),
        (UP, Verdict.KEPT, True, False),
    ],
)
def test_what_was_measured_without_a_clear_effect_is_an_answer(
    change: Change, verdict: Verdict, controlled: bool, known: bool
) -> None:
    effects = (MeasuredEffect("hit_rate_points", 0.01, -0.01, 0.03),)
    why = message("effect.too_little", hours=72)
    measured = Measured(72, NOW - DAY, verdict, why, effects, controlled=controlled)
    past = replace(applied("P1", FIRST, at=NOW - 4 * DAY, state=State(verdict)), measured=measured)
    assert around(past, change=change).no_effect_at == (NOW - DAY if known else None)


def test_pages_and_pauses() -> None:
    page = Alert("a1", "ion-api", AlertKind.AVAILABILITY, "", Severity.PAGE, NOW, message("alert.recovered"))
    ticket = replace(page, id="a2", severity=Severity.TICKET)
    pause = Pause(Person("U1", "Kim", "T1"), NOW, NOW + HOUR)
    found = around(alerts=(StoredAlert(ticket, "a2"), StoredAlert(page, "a1")), pause=pause)
    assert (found.page_open, found.paused, found.paused_until) == ("a1", True, NOW + HOUR)
