"""An incident's message, and what the status says of pins, pauses and alerts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks import incident as view
from handlers.blocks.card import Shown
from handlers.blocks.emergency import emergency_card, flush_card
from handlers.blocks.incident import alert_lines, learnt_lines, mention_card
from handlers.blocks.proposal import SNOOZE, card, line
from handlers.blocks.report import report
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.answers import IncidentReadout, StatusReadout
from lumen.model.incident import (
    Acknowledged,
    Incident,
    IncidentLabel,
    Learnt,
    PagerState,
    PagerStep,
    Pause,
    Pinned,
    Silence,
    StoredAlert,
)
from lumen.model.messages import message
from lumen.model.proposal import LATEST, Change, Choice, Decision, Knob, State
from lumen.model.service import Person
from lumen.ports.store import Surface
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import SERVICE
from tests.unit.handlers.blocks import button, labels, said, validated
from tests.unit.handlers.test_views import WHEN, proposal, turn

EN = Catalogue("en")
KIM = Person("U0KIM", "Kim", "T1")
BURN = message("alert.burn", burn=34.4, minutes=15, bad=122, valid=3547, share=0.0344)


def alert(kind: AlertKind, severity: Severity) -> Alert:
    return Alert(f"ion-api:{kind}", "ion-api", kind, "", severity, WHEN, BURN)


def incident(*alerts: Alert, notes: tuple[str, ...] = ()) -> Incident:
    stored = tuple(StoredAlert(one, alerts[0].id) for one in alerts)
    return Incident(SERVICE, alerts[0].id, stored, tuple(message(code) for code in notes))


def incident_card(words: Catalogue, one: Incident, oncall: str = "") -> Shown:
    """With nothing known beside it, twelve minutes after it opened."""
    return view.incident_card(words, IncidentReadout(one, WHEN + timedelta(minutes=12)), oncall)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(AlertKind))
@pytest.mark.parametrize("severity", list(Severity))
def test_every_kind_and_severity_has_words(kind: AlertKind, severity: Severity, locale: str) -> None:
    validated(incident_card(Catalogue(locale), incident(alert(kind, severity))))


def test_an_open_page_says_what_since_when_and_what_about_the_release() -> None:
    page, beside = alert(AlertKind.AVAILABILITY, Severity.PAGE), alert(AlertKind.LATENCY, Severity.TICKET)
    words = said(incident_card(EN, incident(page, beside, notes=("rollback.note_none", "policy.rollback_never"))))
    assert "🔴 ion-api: availability, latency for 12 min · page" in words
    assert "*Page, firing* since" in words
    assert "The error budget burns 34.4 times too fast" in words
    assert "No automatic rollback:" in words
    assert "lumen-rollback=never" in words


def test_only_an_open_page_mentions_the_people_on_call() -> None:
    page = alert(AlertKind.AVAILABILITY, Severity.PAGE)
    assert "<!subteam^S1>: please look." in said(incident_card(EN, incident(page), "S1"))
    assert "please look" not in said(incident_card(EN, incident(page)))
    over = replace(page, closed_at=WHEN, close_reason=message("alert.data_back"))
    assert "please look" not in said(incident_card(EN, incident(over), "S1"))
    ticket = alert(AlertKind.LATENCY, Severity.TICKET)
    assert "please look" not in said(incident_card(EN, incident(ticket), "S1"))


def test_somebody_on_it_is_named_and_nobody_is_called_or_asked_any_more() -> None:
    page = incident(alert(AlertKind.AVAILABILITY, Severity.PAGE))
    assert labels(incident_card(EN, page, "S1")) == ["I'm on it"]
    taken = replace(page, acknowledged=Acknowledged(KIM, WHEN))
    words = said(incident_card(EN, taken, "S1"))
    assert "👀 <@U0KIM> is on it since" in words
    assert "please look" not in words
    assert labels(incident_card(EN, taken, "S1")) == []
    assert mention_card(EN, taken, "S1", 1, 6) is None


def test_a_silenced_page_says_so_and_calls_nobody() -> None:
    page = incident(alert(AlertKind.AVAILABILITY, Severity.PAGE))
    silence = Silence(AlertKind.AVAILABILITY, WHEN + timedelta(hours=1), KIM, WHEN)
    hushed = replace(page, silences=(silence,))
    words = said(incident_card(EN, hushed, "S1"))
    assert "🔇 Silenced until" in words
    assert "please look" not in words
    assert mention_card(EN, hushed, "S1", 1, 6) is None
    other = replace(page, silences=(replace(silence, kind=AlertKind.CACHE),))
    assert "please look" in said(incident_card(EN, other, "S1"))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("number", [0, 3])
def test_a_call_stands_under_the_message_of_its_incident(number: int, locale: str) -> None:
    page = incident(alert(AlertKind.AVAILABILITY, Severity.PAGE))
    call = mention_card(Catalogue(locale), page, "S1", number, 6)
    assert call is not None
    validated(call)
    assert "<!subteam^S1>" in said(call)
    assert call.under == Surface(SERVICE, "alert", page.id)


@pytest.mark.parametrize("step", list(PagerStep))
def test_a_pager_that_was_not_reached_is_said(step: PagerStep) -> None:
    page = incident(alert(AlertKind.AVAILABILITY, Severity.PAGE))
    trouble = message("pager.refused", host="events.pagerduty.com", status=400, said="invalid key")
    words = said(incident_card(EN, replace(page, pager=PagerState(None, WHEN, trouble, step))))
    assert "events.pagerduty.com answered 400 (invalid key)." in words


def test_a_closed_one_says_until_when_and_why() -> None:
    over = replace(
        alert(AlertKind.AVAILABILITY, Severity.PAGE),
        closed_at=WHEN + timedelta(hours=1),
        close_reason=message("alert.recovered", minutes=30),
    )
    words = said(incident_card(EN, incident(over)))
    assert "✅ ion-api: over after 1 h 0 min · availability" in words
    assert "Clear for 30 min." in words


def test_a_status_says_what_is_pinned_paused_and_wrong() -> None:
    told = message("rollback.ttl_differs", revision="ion-api-00041", own_seconds=300, set_seconds=420)
    shown = report(
        EN,
        StatusReadout(
            SERVICE,
            turn(),
            (),
            (),
            WHEN,
            pinned=Pinned("ion-api-00041", WHEN, (told,)),
            pause=Pause(KIM, WHEN, None),
            alerts=incident(alert(AlertKind.AVAILABILITY, Severity.PAGE)).alerts,
        ),
    )
    validated(shown)
    words = said(shown)
    assert "Traffic pinned to ion-api-00041 since" in words
    assert "300 s from its environment instead of 420 s" in words
    assert "All automation is paused by <@U0KIM>" in words
    assert "🔴 availability: The error budget burns" in words


def test_before_the_first_turn_a_pin_is_said_too() -> None:
    pinned = StatusReadout(SERVICE, None, (), (), None, pinned=Pinned("ion-api-00041", WHEN))
    assert "Traffic pinned to ion-api-00041" in said(report(EN, pinned))


@pytest.mark.parametrize("locale", LOCALES)
def test_a_countdown_says_when_and_can_be_put_off(locale: str) -> None:
    pending = proposal(State.PENDING)
    change = Change(Knob.TRAFFIC, LATEST, "ion-api-00041", "")
    pending = replace(pending, draft=replace(pending.draft, change=change), acts_at=WHEN)
    shown = card(Catalogue(locale), pending)
    validated(shown)
    assert SNOOZE in str(shown.blocks)
    assert SNOOZE not in str(card(Catalogue(locale), replace(pending, acts_at=None)).blocks)


def test_a_rollback_is_confirmed_in_its_own_words() -> None:
    pending = proposal(State.PENDING)
    change = Change(Knob.TRAFFIC, LATEST, "ion-api-00041", "")
    pending = replace(pending, draft=replace(pending.draft, change=change), acts_at=WHEN)
    confirm = button(card(EN, pending), "proposal.approve")["confirm"]
    assert "All requests to ion-api go to ion-api-00041" in confirm["text"]["text"]
    assert "way back" in confirm["text"]["text"]
    assert "acts by itself at <!date^" in line(EN, pending)
    assert labels(card(EN, pending)) == ["Approve now", "Reject", "Snooze 15 min", "Details"]


def test_why_a_timer_withdrew_is_said() -> None:
    over = proposal(State.WITHDRAWN)
    over = replace(over, decision=Decision(Choice.WITHDRAW, None, "c", message("rollback.recovered")))
    assert "The service has recovered." in said(card(EN, over))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("paused", [True, False])
def test_the_emergency_page_stands(locale: str, paused: bool) -> None:
    pause = Pause(KIM, WHEN, None) if paused else None
    held = StatusReadout(SERVICE, None, (), (), None, pause=pause, dry_run=True, disabled=True, observing_until=WHEN)
    validated(emergency_card(Catalogue(locale), held, 300))
    validated(flush_card(Catalogue(locale), SERVICE, "U1/click-1", 41_000, dry=paused))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("is_real", [None, True, False])
def test_a_closed_incident_asks_what_it_was_and_says_who_said_so(locale: str, is_real: bool | None) -> None:
    over = incident(replace(alert(AlertKind.LATENCY, Severity.TICKET), closed_at=WHEN))
    label = None if is_real is None else IncidentLabel(over.id, ("latency",), is_real, KIM, WHEN)
    shown = incident_card(Catalogue(locale), replace(over, label=label))
    validated(shown)
    assert len(labels(shown)) == (2 if is_real is None else 1)
    assert ("<@U0KIM>" in said(shown)) is (is_real is not None)
    assert labels(incident_card(Catalogue(locale), incident(alert(AlertKind.LATENCY, Severity.TICKET)))) == []


def test_what_is_told_less_says_so_everywhere() -> None:
    ticket = alert(AlertKind.LATENCY, Severity.TICKET)
    late = StoredAlert(ticket, ticket.id, silenced=True, late=True)
    assert "because of your labels" in alert_lines(EN, [late])[0]
    waited = replace(incident(ticket), alerts=(replace(late, silenced=False),))
    assert "Told an hour late, because of your labels" in said(incident_card(EN, waited))
    over = replace(ticket, closed_at=WHEN + timedelta(minutes=20))
    precision, less, untold = learnt_lines(EN, Learnt(9, 12, ("latency",), (over,)))
    assert precision.startswith("9 of 12 incidents")
    assert less.startswith("Told less because of your labels: latency")
    assert untold.startswith("Not told, for it was over sooner: latency")
    assert learnt_lines(EN, Learnt(0, 0)) == []
