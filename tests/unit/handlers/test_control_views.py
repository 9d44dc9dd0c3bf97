"""Lines of controls and reminders: in both languages, within Slack's limits, and who is mentioned."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks.control import CONFIRMED, END, control_card, note_card, reminder_card
from handlers.blocks.digest import digest
from handlers.blocks.hourly import hourly
from handlers.blocks.report import report
from handlers.clicks import read_value
from lumen.model.alert import AlertKind
from lumen.model.control import ControlEnd, ControlKind, ControlLine
from lumen.model.digest import DigestReadout
from lumen.model.incident import Pause, Pinned, Silence, SizeLock, TtlOverride
from lumen.model.messages import message
from lumen.model.proposal import State
from lumen.model.service import Person
from lumen.ports.store import Surface
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import NOW, SERVICE
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_hourly import readout
from tests.unit.handlers.test_views import KIM, proposal

EN = Catalogue("en")
LEE = Person("U0LEE", "Lee", "T1")
LATER = NOW + timedelta(hours=2)
ENDS = {
    "by somebody": ControlEnd(LATER, LEE),
    "by time": ControlEnd(LATER),
    "replaced": ControlEnd(LATER, LEE, replaced=True),
}


def line(kind: ControlKind, why: str = "deploy", **more: object) -> ControlLine:
    made = ControlLine(kind, KIM, NOW, None if kind is ControlKind.SERVICE else LATER, why, names=("cache", "latency"))
    about = {ControlKind.OVERRIDE: "600", ControlKind.SERVICE: "ion-api-canary"}.get(kind, "")
    return replace(made, about=about, channel="C0IONALERT", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(ControlKind))
def test_a_line_says_who_until_when_and_why_and_has_the_button_that_ends_it(kind: ControlKind, locale: str) -> None:
    words = Catalogue(locale)
    shown = control_card(words, SERVICE, line(kind))
    validated(shown)
    [section] = shown.blocks
    for part in (f"<@{KIM.user_id}>", "“deploy”", *([] if kind is ControlKind.SERVICE else [words.instant(LATER)])):
        assert part in said(shown)
        assert part in shown.text
    pressed = section["accessory"]
    assert pressed["action_id"] == END
    assert read_value(pressed["value"]) == (SERVICE, line(kind).id, "", "")
    assert ("confirm" in pressed) == (kind in CONFIRMED)
    assert shown.under is None


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("kind", list(ControlKind))
def test_a_line_that_has_ended_says_how_and_has_no_button(kind: ControlKind, end: str, locale: str) -> None:
    words = Catalogue(locale)
    shown = control_card(words, SERVICE, line(kind, ended=ENDS[end]))
    validated(shown)
    assert END not in str(shown.blocks)
    assert words.instant(LATER) in said(shown)
    assert (f"<@{LEE.user_id}>" in said(shown)) == (end == "by somebody")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(ControlKind))
def test_the_longest_names_make_a_valid_line(kind: ControlKind, locale: str) -> None:
    service, words = replace(SERVICE, name="s" * 63), Catalogue(locale)
    names = tuple(f"no_data/{'n' * 20}{at}" for at in range(40))
    for ended in (None, *ENDS.values()):
        made = replace(line(kind, why="<&>" * 1200, ended=ended), names=names, about="9" * 63)
        validated(control_card(words, service, made, ends_soon=True))


@pytest.mark.parametrize("locale", LOCALES)
def test_its_thread_is_told_before_the_end_and_at_the_end(locale: str) -> None:
    """And nothing of what is not so any more."""
    words, held = Catalogue(locale), line(ControlKind.PAUSE)
    over = replace(held, ended=ENDS["by somebody"])
    before, after = note_card(words, SERVICE, held, ended=False), note_card(words, SERVICE, over, ended=True)
    assert before is not None
    assert after is not None
    assert f"<@{KIM.user_id}>" in before.text
    assert f"<@{LEE.user_id}>" in after.text
    assert before.under == after.under == Surface(SERVICE, "control", held.id)
    assert note_card(words, SERVICE, held, ended=True) is None
    assert note_card(words, SERVICE, over, ended=False) is None


def test_what_is_about_an_incident_stands_in_its_thread() -> None:
    held = line(ControlKind.SILENCE, incident="ion-api:cache:1")
    note = note_card(EN, SERVICE, held, ended=False)
    assert note is not None
    assert control_card(EN, SERVICE, held).under == note.under == Surface(SERVICE, "alert", "ion-api:cache:1")
    assert note_card(EN, SERVICE, replace(held, ended=ENDS["by time"]), ended=True) is not None
    assert note_card(EN, SERVICE, replace(held, ended=ENDS["by somebody"]), ended=True) is None  # its thread says so
    in_incident = reminder_card(EN, replace(proposal(State.PENDING), shown_in="ion-api:cache:1"))
    assert in_incident is not None
    assert in_incident.under == note.under


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", sorted(State))
def test_a_reminder_mentions_nobody_but_who_asked_and_only_what_waits(state: State, locale: str) -> None:
    words, made = Catalogue(locale), proposal(state)
    asked = reminder_card(words, made)
    unasked = reminder_card(words, replace(made, draft=replace(made.draft, asked_by=None)))
    assert (asked is None, unasked is None) == (state is not State.PENDING,) * 2
    if asked is not None and unasked is not None:
        validated(asked)
        assert asked.text.count("<@") == asked.text.count(f"<@{KIM.user_id}>") == 1
        assert "<@" not in unasked.text
        assert words.instant(made.expires_at) in asked.text
        assert "TTL 300" in unasked.text
        assert asked.under == Surface(SERVICE, "proposal", made.id)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_report_and_digest_names_what_people_set_and_until_when(locale: str) -> None:
    """The hourly one in one line, whatever else there is to heed."""
    words = Catalogue(locale)
    seen = readout(
        pause=Pause(KIM, NOW, LATER),
        override=TtlOverride(600, KIM, NOW, LATER),
        size_lock=SizeLock(KIM, NOW, LATER),
        silences=(Silence(AlertKind.COST, LATER, KIM, NOW), Silence(AlertKind.CACHE, LATER, KIM, NOW)),
        pinned=Pinned("ion-api-00041", NOW, (message("command.ttl_hint"),) * 3),
        frozen_until=LATER,
        disabled=True,
    )
    until = message("control.until", until_at=LATER.isoformat())
    told = [
        message("restraint.short_frozen", until=until),
        message("restraint.short_pause", until=until),
        message("restraint.short_disabled"),
        message("restraint.short_pin", ttl_seconds=600, until=until),
        message("restraint.short_lock", until=until),
        message("restraint.short_silence", names="cost, cache", until=until),
    ]
    assert " · ".join(words.say(one) for one in told) in said(hourly(words, seen))
    for shown in (report(words, seen), digest(words, DigestReadout(seen, NOW))):
        for sign in "⏸📍🔒🔇":
            assert sign in said(shown), sign
