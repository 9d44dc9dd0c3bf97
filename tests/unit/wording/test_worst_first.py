"""Whatever is true at once: each surface begins with the worst of it, all agree, and no old figure lacks its time."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.advice_answers import Last
from bot.cli.cache_text import print_cache, print_gate
from bot.cli.report_text import print_report
from bot.reports.markdown import markdown
from handlers.blocks.app_home import home
from handlers.blocks.digest import digest
from handlers.blocks.explain_scores import explained
from handlers.blocks.home import all_card
from handlers.blocks.incident import incident_card
from handlers.blocks.report import report
from handlers.command_types import Subject
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.answers import Glance, IncidentReadout, StatusReadout, TurnReadout
from lumen.model.assessment import HealthLevel
from lumen.model.digest import DigestReadout
from lumen.model.incident import Incident, Pause, Pinned, Silence, SizeLock, StoredAlert, TtlOverride
from lumen.model.messages import message
from lumen.model.proposal import State
from lumen.model.service import Person
from lumen.model.turn import Turn
from lumen.use_cases.advice import TurnNow
from lumen.wording.catalogue import Catalogue
from tests.snapshots import NOW, SERVICE, as_now, cache, traffic
from tests.unit.handlers.test_explained import GONE, PULSE
from tests.unit.handlers.test_views import proposal
from tests.unit.handlers.test_why import MONTH, turn

EN = Catalogue("en")
KIM = Person("U0KIM", "Kim", "T1")
TURNS = (
    turn(MONTH, history=PULSE, cache=cache(0.9, 0.8, 0)),
    turn(MONTH, cache=cache(0.5)),
    turn(MONTH, cache=cache(0.1)),
    turn(MONTH, cache=GONE),
    turn(MONTH, traffic=traffic(bad_slices=3), cache=GONE),
    turn(traffic=GONE, cache=GONE, history=GONE),
)
SIGNS = {"🔴": 0, "🟠": 1, "🟡": 1, "⚪": 2, "🟢": 3}
BAD = {Severity.PAGE: 0, Severity.TICKET: 1, Severity.NOTICE: 2}
HEALTH = {
    HealthLevel.CRITICAL: 0,
    HealthLevel.WARNING: 1,
    HealthLevel.NO_DATA: 2,
    HealthLevel.GOOD: 3,
    HealthLevel.EXCELLENT: 3,
}
CODES = {0: 2, 1: 1, 2: 3, 3: 0}
MINUTES = st.integers(1, 90).map(lambda minutes: NOW - timedelta(minutes=minutes))


def alert(kind: AlertKind, severity: Severity, opened_at: datetime, found: bool, clear: bool) -> StoredAlert:
    burn = message("alert.burn", burn=34.4, minutes=15, bad=122, valid=3547, share=0.0344)
    looked_at = opened_at + timedelta(minutes=5) if found else None
    one = Alert(f"a:{kind}", "ion-api", kind, "", severity, opened_at, burn, looked_at=looked_at)
    return StoredAlert(replace(one, clear_at=NOW) if clear else one, f"a:{kind}")


ALERTS = st.lists(
    st.builds(alert, st.sampled_from(AlertKind), st.sampled_from(Severity), MINUTES, st.booleans(), st.booleans()),
    max_size=3,
    unique_by=lambda one: one.alert.kind,
).map(tuple)
READOUTS = st.builds(
    StatusReadout,
    service=st.just(SERVICE),
    turn=st.none() | st.sampled_from(TURNS),
    open_proposals=st.lists(st.sampled_from([proposal(state) for state in State]), max_size=2).map(tuple),
    changes=st.just(()),
    next_turn_at=st.just(NOW + timedelta(hours=1)),
    pinned=st.none() | st.just(Pinned("ion-api-00041", NOW)),
    pause=st.none() | st.just(Pause(KIM, NOW, None)),
    alerts=ALERTS,
    override=st.none() | st.just(TtlOverride(600, KIM, NOW)),
    size_lock=st.none() | st.just(SizeLock(KIM, NOW)),
    frozen_until=st.none() | st.just(NOW + timedelta(hours=3)),
    silences=st.sampled_from([(), (Silence(AlertKind.AVAILABILITY, NOW + timedelta(hours=1), KIM, NOW),)]),
    now=st.sampled_from([NOW, NOW + timedelta(hours=3)]),
)


def worst(readout: StatusReadout) -> int:
    """0 the worst, 3 good: by the open alerts and the turn, which tells nothing once it is old."""
    found, now = readout.turn, readout.now or NOW
    is_old = found is None or now - found.snapshot.window.end > timedelta(hours=2)
    known = 2 if found is None or is_old else HEALTH[found.assessment.gate.health]
    return min([known, *(BAD[one.alert.severity] for one in readout.alerts)])


def printed(readout: StatusReadout, made: Turn) -> Iterator[tuple[str, str]]:
    found = TurnNow(made, as_now(made).size, readout.alerts)
    last = Last([found], 1, readout.now or NOW)
    assert last.health_code() == CODES[worst(readout)]
    yield "markdown", markdown(EN, [found], now=readout.now)
    with patch.dict(os.environ, COLUMNS="500"):
        shows: dict[str, Callable[[], None]] = {
            "report": lambda: print_report(last, "en", summary_only=True, detailed=False),
            "gate": lambda: print_gate(last, "en"),
            "cache": lambda: print_cache(found, last.now, "en", detailed=False),
        }
        for name, show in shows.items():
            with contextlib.redirect_stdout(io.StringIO()) as out:
                show()
            yield name, out.getvalue()


def posted(readout: StatusReadout) -> Iterator[tuple[str, str]]:
    """Of the surfaces in Slack: the name and what a reader without blocks is told."""
    now = readout.now or NOW
    last = TurnReadout(SERVICE, readout.turn, now, NOW, readout.alerts)
    glance = Glance(last, 0, readout.alerts, readout.pause, readout.pinned)
    yield "status", report(EN, readout).text
    yield "report", report(EN, readout).text
    yield "digest", digest(EN, DigestReadout(readout, now)).text
    yield "all", all_card(EN, [glance], lambda service: service.name).text
    view = home(EN, [readout])
    yield "home", view["blocks"][0]["text"]["text"]
    other = replace(readout, alerts=(), turn=TURNS[0])
    yield "home of two", home(EN, [other, readout], [glance])["blocks"][0]["text"]["text"]


@settings(max_examples=40, deadline=None)
@given(READOUTS)
def test_the_worst_that_is_true_is_the_first_line_of_every_surface(readout: StatusReadout) -> None:
    expected = worst(readout)
    for name, text in posted(readout):
        first = text.splitlines()[0]
        assert SIGNS[first[0]] == expected, (name, first)
        for one in readout.alerts:
            if BAD[one.alert.severity] == expected:
                assert EN.plain(message(f"incident.kind_{one.alert.kind}")) in first, (name, first)


@settings(max_examples=30, deadline=None)
@given(READOUTS.filter(lambda one: one.turn is not None))
def test_no_surface_is_green_while_another_is_red(readout: StatusReadout) -> None:
    assert readout.turn is not None
    assert readout.now is not None
    page = any(one.alert.severity is Severity.PAGE for one in readout.alerts)
    for subject in (None, *Subject):
        last = TurnReadout(SERVICE, readout.turn, readout.now, NOW, readout.alerts)
        first = explained(EN, subject, last).text.splitlines()[0]
        assert first.startswith("🔴") or not page, (subject, first)
    for name, text in printed(readout, readout.turn):
        told = [line for line in text.splitlines() if line.strip("─ ") and "naeda" not in line]
        if page and name != "gate":
            assert told[0].lstrip("*─ ").startswith("🔴"), (name, told[:3])
        if page and name == "gate":
            assert "FAIL" in text


@settings(max_examples=30, deadline=None)
@given(READOUTS.filter(lambda one: one.turn is not None))
def test_no_figure_of_an_old_look_or_turn_stands_without_its_time(readout: StatusReadout) -> None:
    assert readout.turn is not None
    end = EN.instant(readout.turn.snapshot.window.end)
    status = report(EN, readout).text
    assert end in status
    for stored in readout.alerts:
        one = stored.alert
        at = EN.instant(one.looked_at or one.opened_at)
        line = next(line for line in status.splitlines() if EN.say(message(f"incident.kind_{one.kind}")) + ": " in line)
        assert at in line
        assert one.clear_at is None or EN.instant(one.clear_at) in line
        card = incident_card(
            EN, IncidentReadout(Incident(SERVICE, one.id, (stored,)), readout.now or one.opened_at)
        ).text
        assert EN.say(one.reason) + " (As of " + at in card


@pytest.mark.parametrize("over", [AlertKind.AVAILABILITY, AlertKind.CACHE])
def test_an_incident_is_as_bad_as_what_is_still_open(over: AlertKind) -> None:
    page = alert(AlertKind.AVAILABILITY, Severity.PAGE, NOW, found=False, clear=False)
    ticket = alert(AlertKind.CACHE, Severity.TICKET, NOW, found=False, clear=False)
    both = tuple(
        replace(one, alert=replace(one.alert, closed_at=NOW)) if one.alert.kind is over else one
        for one in (page, ticket)
    )
    sign = "🟠" if over is AlertKind.AVAILABILITY else "🔴"
    assert incident_card(EN, IncidentReadout(Incident(SERVICE, page.incident, both), NOW)).text.startswith(sign)
