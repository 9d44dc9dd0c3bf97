"""The message of an incident at one glance: what fails, how much, since when, what happens by itself; then its end."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.blocks.card import Shown
from handlers.blocks.incident import MENU, incident_card
from handlers.blocks.proposal import STATE_SIGNS, card
from lumen.model.alert import AlertKind, Severity, short_id
from lumen.model.answers import IncidentReadout
from lumen.model.course import OF_NOW, Course, Failing, RevisionsSeen, Trend
from lumen.model.error_lines import ErrorLine, ErrorLines
from lumen.model.incident import Acknowledged, Incident, Pinned, RevisionCount, Silence
from lumen.model.messages import message
from lumen.model.proposal import LATEST, Change, Choice, Decision, Knob, Proposal, State
from lumen.model.snapshot import SLICE
from lumen.wording.catalogue import LOCALES, Catalogue
from lumen.wording.incident_message import OVER, SILENCED, TAKEN
from lumen.wording.incidents import SEVERITY_SIGNS
from tests.unit.handlers.blocks import button, labels, said, validated
from tests.unit.handlers.test_alert_view import KIM, alert, incident
from tests.unit.handlers.test_views import WHEN, proposal

EN = Catalogue("en")
NOW, MINUTE = WHEN + timedelta(minutes=9), timedelta(minutes=1)
GOOD, BAD = "ion-api-00041-qhm", "ion-api-00042-dvt"
PAGE = incident(alert(AlertKind.AVAILABILITY, Severity.PAGE))
COURSE = Course(WHEN, NOW, 2, 0, 1000, 83, Failing(NOW - 4 * MINUTE, 412, 34), Trend.WORSE)


def seen(at: datetime = NOW - 4 * MINUTE, bad: int = 100) -> RevisionsSeen:
    hour = [RevisionCount(at - nth * SLICE, GOOD, 300, 0) for nth in range(12, 2, -1)]
    hour += [RevisionCount(at - nth * SLICE, BAD, 300, 25) for nth in (2, 1)]
    blamed, before = RevisionCount(at - 2 * SLICE, BAD, 1204, bad), RevisionCount(at - 288 * SLICE, GOOD, 35540, 12)
    return RevisionsSeen(at, blamed, before, tuple(hour))


def rollback(state: State = State.PENDING, *, acts_at: datetime | None = NOW + 5 * MINUTE) -> Proposal:
    made = proposal(state)
    change = Change(Knob.TRAFFIC, LATEST, GOOD, "")
    drafted = replace(made.draft, change=change, incident=PAGE.alerts[0].alert.id, asked_by=None)
    return replace(made, draft=drafted, acts_at=acts_at, shown_in=PAGE.id)


READOUT = IncidentReadout(PAGE, NOW, (rollback(),), COURSE, seen())


def lines(readout: IncidentReadout, words: Catalogue = EN) -> list[str]:
    shown = incident_card(words, readout)
    validated(Shown(shown.text, tuple(b for b in shown.blocks if b["type"] != "data_visualization")))
    return shown.text.splitlines()


def test_the_first_lines_say_what_how_much_how_long_which_release_and_what_happens_when() -> None:
    told = lines(READOUT)
    assert told[0] == "🔴 ion-api: 8.3% of requests fail for 9 min · release 00042-dvt"
    assert told[1].startswith("*Page, firing* since <!date^")
    assert told[2].startswith("⏳ *Rolls back to 00041-qhm at <!date^")
    assert told[2].endswith("(in 5 min) unless somebody stops it.")
    assert told[3].startswith("8.3% of 412 requests failed in the 5 minutes up to <!date^")
    assert told[3].endswith("getting worse.")
    assert told[4].startswith("`00042-dvt` fails 8.3% of 1,204 requests since <!date^")
    assert told[5].startswith("`00041-qhm` before it failed 0.034% of 35,540. (As of <!date^")


def test_its_buttons_are_those_of_the_rollback_in_words_of_what_they_do() -> None:
    shown = incident_card(EN, READOUT)
    assert labels(shown) == ["Roll back now", "Stop the rollback…", "+15 min", "I'm on it"]
    assert button(shown, "proposal.reject")["confirm"]["text"]["text"]
    put_off = incident_card(EN, replace(READOUT, proposals=(replace(rollback(), snoozes=(KIM,)),)))
    assert labels(put_off) == ["Roll back now", "Stop the rollback…", "I'm on it"]
    question = replace(READOUT, proposals=(rollback(acts_at=None),))
    assert labels(incident_card(EN, question)) == ["Roll back now", "Reject…", "I'm on it"]
    assert "*Nothing happens by itself*" in said(incident_card(EN, question))
    decided = rollback(State.REJECTED)
    assert labels(incident_card(EN, replace(READOUT, proposals=(decided,)))) == ["I'm on it"]
    assert [one["value"] for one in button(shown, MENU)["options"]] == ["silence", "details"]


def test_a_rollback_is_charted_by_revision_over_an_hour_and_a_hole_is_left_out_and_named() -> None:
    chart = next(b for b in incident_card(EN, READOUT).blocks if b["type"] == "data_visualization")
    named = {one["name"]: [point["value"] for point in one["data"]] for one in chart["chart"]["series"]}
    assert named == {"00042-dvt": [0] * 10 + [25, 25], "00041-qhm": [0] * 12}
    gone = tuple(one for one in seen().hour if one.start != NOW - 4 * MINUTE - 12 * SLICE)
    holed = incident_card(EN, replace(READOUT, revisions=replace(seen(), hour=gone)))
    assert "without 1" in holed.text
    chart = next(b for b in holed.blocks if b["type"] == "data_visualization")
    assert len(chart["chart"]["axis_config"]["categories"]) == 11


def test_a_release_that_fails_no_more_than_the_one_before_is_not_named_in_the_headline() -> None:
    assert "release" not in lines(replace(READOUT, revisions=seen(bad=0)))[0]
    assert "release" not in lines(replace(READOUT, revisions=None))[0]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("age", [timedelta(0), OF_NOW, OF_NOW + MINUTE, timedelta(hours=3)])
def test_figures_older_than_two_looks_are_never_shown_as_now(age: timedelta, locale: str) -> None:
    words, at = Catalogue(locale), NOW - age
    course = replace(COURSE, newest=Failing(at, 412, 34))
    told = lines(replace(READOUT, course=course, revisions=seen(at)), words)
    figures = next(line for line in told if "412" in line)
    is_old = age > OF_NOW
    assert ("8.3%" in told[0]) is not is_old
    assert words.instant(at) in figures
    assert (("Last known, not of now" in figures) or ("현재 아님" in figures)) is is_old
    shown = incident_card(words, replace(READOUT, course=course, revisions=seen(at)))
    assert any(b["type"] == "data_visualization" for b in shown.blocks) is not is_old
    blamed = next(line for line in told if line.startswith("`00042-dvt`"))
    assert (words.instant(at) in blamed) or not is_old


def test_when_requests_go_well_again_the_headline_says_so_and_that_it_is_not_over() -> None:
    told = lines(replace(READOUT, course=replace(COURSE, well_since=NOW - 7 * MINUTE)))
    assert told[0].startswith("🔴 ion-api: requests go well again for 7 min, not over yet")


STANDS: dict[str, Incident] = {
    "page": PAGE,
    "page taken": replace(PAGE, acknowledged=Acknowledged(KIM, NOW)),
    "page silenced": replace(PAGE, silences=(Silence(AlertKind.AVAILABILITY, NOW + SLICE, KIM, NOW),)),
    "ticket": incident(alert(AlertKind.LATENCY, Severity.TICKET)),
    "ticket silenced": replace(
        incident(alert(AlertKind.LATENCY, Severity.TICKET)),
        silences=(Silence(AlertKind.LATENCY, NOW + SLICE, KIM, NOW),),
    ),
    "notice": incident(alert(AlertKind.NO_DATA, Severity.NOTICE)),
    "over": incident(replace(alert(AlertKind.AVAILABILITY, Severity.PAGE), closed_at=NOW)),
}


@pytest.mark.parametrize("locale", LOCALES)
def test_ticket_and_page_firing_taken_silenced_and_over_are_told_apart_by_sign_and_by_words(locale: str) -> None:
    words = Catalogue(locale)
    told = {name: lines(IncidentReadout(one, NOW), words) for name, one in STANDS.items()}
    signs = {name: first[0].split()[0] for name, first in told.items()}
    assert signs == {
        "page": "🔴", "page taken": TAKEN, "page silenced": SILENCED, "ticket": "🟠", "ticket silenced": SILENCED,
        "notice": "⚪", "over": OVER,
    }  # fmt: skip
    in_words = {name: "\n".join(first[:2]).translate({ord(sign): None for sign in signs.values() if len(sign) == 1})
                for name, first in told.items()}  # fmt: skip
    assert len(set(in_words.values())) == len(in_words), "the words alone tell them apart"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", list(State))
def test_a_tuning_proposal_never_looks_like_an_outage(state: State, locale: str) -> None:
    of_outages = {*(SEVERITY_SIGNS[one] for one in (Severity.PAGE, Severity.TICKET)), TAKEN, SILENCED}
    assert STATE_SIGNS[state] not in of_outages
    assert card(Catalogue(locale), proposal(state)).text.split()[0] not in of_outages


def over(*proposals: Proposal, course: Course = COURSE, **known: object) -> list[str]:
    closed = replace(STANDS["over"], acknowledged=Acknowledged(KIM, NOW))
    return lines(replace(IncidentReadout(closed, NOW + SLICE, proposals, course, seen()), **known))  # type: ignore[arg-type]


def test_when_it_is_over_it_says_how_long_how_much_of_the_budget_what_was_done_and_what_now() -> None:
    timed = replace(rollback(State.APPLIED), decision=Decision(Choice.TIMER, None, "t"), decided_at=NOW)
    told = over(timed, course=replace(COURSE, cost_usd=0.4), budget_events=3320.0, pinned=Pinned(GOOD, NOW))
    assert told[0] == "✅ ion-api: over after 9 min · availability · release 00042-dvt, rolled back"
    assert told[1].startswith("Requests failed for 9 min, <!date^")
    assert told[1].endswith("83 of 1,000 (8.3%).")
    assert told[2] == "That is 2.5% of the error budget of 30 days, in which 3,320 requests may fail."
    assert told[3] == "The service cost $0.40 in that time."
    assert told[4].startswith("Rolled back to 00041-qhm by the timer, since nobody stopped it, <!date^")
    assert told[5] == "<@U0KIM> was on it."
    assert told[6].startswith("*What now*: mend the release, deploy it, then `/lumen unpin`.")
    by_kim = replace(timed, decision=Decision(Choice.APPROVE, KIM, "k"))
    assert any("Traffic moved to 00041-qhm by <@U0KIM>" in line for line in over(by_kim))
    told = over(course=replace(COURSE, unknown_slices=1))
    assert "Nothing is known of 1 of its 2 slices of five minutes, so it was at least so many." in told
    assert "How much of the error budget that is cannot be said yet: too little is known of the last 30 days." in told
    assert "No change was made for it here." in told
    assert any(line.startswith("*What now*: find out what it was") for line in told)


def test_an_incident_of_several_kinds_is_over_after_all_of_it_and_what_did_not_stay_is_not_said_to_be_done() -> None:
    long = replace(alert(AlertKind.LATENCY, Severity.TICKET), closed_at=NOW + 60 * MINUTE)
    both = incident(replace(alert(AlertKind.AVAILABILITY, Severity.PAGE), closed_at=NOW), long)
    told = lines(IncidentReadout(both, NOW + 61 * MINUTE, (), COURSE))
    assert told[0].startswith("✅ ion-api: over after 1 h 9 min")
    assert told[1].startswith("Requests failed for 9 min")
    failed = replace(rollback(State.FAILED), decision=Decision(Choice.TIMER, None, "t"), decided_at=NOW)
    told = over(failed, replace(failed, id="p-6", state=State.UNDONE))
    assert not any(line.startswith("Rolled back") for line in told)
    assert any("was taken back since" in line for line in told)


def test_it_links_to_where_one_looks_further() -> None:
    told = said(incident_card(EN, READOUT, runbook="https://wiki.example.com/lumen#pages"))
    for name in ("revisions", "logs", "dashboards", "runbook"):
        assert re.search(rf"<https://[^|>\s]+\|{name}>", told), name
    assert "00042-dvt%22%0Aseverity%3E%3DERROR" in told, "the log of the release that is blamed"
    assert "|runbook>" not in said(incident_card(EN, READOUT))


def test_the_text_says_all_of_an_incident_with_an_alert_of_every_kind_and_where_it_is_found_again() -> None:
    every = incident(*(alert(kind, Severity.PAGE) for kind in AlertKind))
    logged = ErrorLines(
        BAD, WHEN, NOW, NOW, "https://console.cloud.google.com/" + 300 * "x", (ErrorLine(120 * "e", 9),) * 3
    )
    shown = incident_card(EN, replace(READOUT, incident=every, errors=logged), "S0ONCALL")
    assert f"Incident `{short_id(every.id)}`" in shown.text


def test_what_a_note_says_of_a_proposal_is_not_said_twice() -> None:
    noted = message("rollback.note_countdown", proposal_id="p-7", target=GOOD, acts_at=NOW.isoformat())
    elsewhere = message("rollback.note_ask", proposal_id="P3", target=LATEST)
    told = "\n".join(lines(replace(READOUT, incident=replace(PAGE, notes=(noted, elsewhere)))))
    assert told.count("unless somebody stops it") == 1
    assert "somebody must decide (#3)" in told
    done = message("rollback.note_done", proposal_id="p-7", target=GOOD)
    closed = replace(STANDS["over"], notes=(done, message("rollback.note_none")))
    told = "\n".join(lines(replace(READOUT, incident=closed, proposals=(rollback(State.APPLIED),))))
    assert "It is done once for an incident" not in told
    assert "No automatic rollback:" in told


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=63)


@settings(max_examples=20, deadline=None)
@given(NAMES, NAMES, st.sampled_from(LOCALES), st.sampled_from(list(State)), st.integers(0, 10**9))
def test_no_name_however_long_makes_an_invalid_message(
    revision: str, other: str, locale: str, state: State, requests: int
) -> None:
    blamed = RevisionCount(NOW - SLICE, revision, requests, requests)
    hour = (RevisionCount(NOW - SLICE, revision, requests, requests), RevisionCount(NOW - SLICE, other, 1, 0))
    kinds = [replace(alert(kind, Severity.PAGE), id=f"{kind}{other}" * 4) for kind in AlertKind]
    whole = replace(READOUT, revisions=RevisionsSeen(NOW, blamed, None, hour), proposals=(rollback(state),))
    lines(replace(whole, incident=incident(*kinds)), Catalogue(locale))
