"""The hourly report: the worst first, one thing to do with its button, four figures, one curve, and why; no more."""

import html
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from handlers.blocks.card import Shown
from handlers.blocks.hourly import DETAILS, WHY, hourly
from handlers.blocks.incident import ON_IT
from handlers.blocks.proposal import APPROVE, REJECT, UNDO
from handlers.blocks.report import undoable_card
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.answers import ChangeOfLate, StatusReadout
from lumen.model.incident import Pause, Pinned, Silence, StoredAlert
from lumen.model.messages import message
from lumen.model.proposal import Change, Expectation, Knob, State
from lumen.model.service import Person
from lumen.model.snapshot import Spend
from lumen.model.turn import Missing, Occasion, Turn
from lumen.policies.priorities import priorities
from lumen.policies.ttl import TtlLimits, recommend_ttl
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.proposals import applied
from tests.snapshots import NOW, SERVICE, cache, snapshot
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_explained import GONE

EN = Catalogue("en")
HOUR = timedelta(hours=1)
ANN = Person("U1", "ann", "T1")
UP = Change(Knob.TTL, 300, 420, "s")


def turn_at(at: datetime, **changes: object) -> Turn:
    """The turn of that time, with what `changes` says of its snapshot."""
    taken = snapshot(taken_at=at, **changes)
    window = replace(taken.window, start=taken.window.start + (at - NOW), end=taken.window.end + (at - NOW))
    seen = replace(taken, window=window)
    judged, wanted = assess(seen, AssessmentSettings()), recommend_ttl(seen, TtlLimits())
    return Turn(at.strftime("%Y%m%dT%H"), Occasion.SLOT, at, at, seen, judged, wanted, (), (), ())


def readout(hours: int = 25, **changes: object) -> StatusReadout:
    """A day that grew better and dearer by the hour; `changes` are of the readout."""
    day = tuple(
        turn_at(NOW - ago * HOUR, cache=cache(0.725 - 0.01 * ago), spend=Spend(100.0 - ago / 4, False, 200.0, NOW))
        for ago in range(hours)
    )
    base = StatusReadout(SERVICE, day[0], (), (), NOW + HOUR, now=NOW, day=day, priorities=priorities(day[0]))
    return replace(base, **changes)  # type: ignore[arg-type]


def alert(severity: Severity) -> StoredAlert:
    reason = message("alert.hit_rate_low", limit=0.7, minutes=10, hit_rate=0.52)
    return StoredAlert(Alert("a-1", "ion-api", AlertKind.CACHE, "", severity, NOW, reason), "a-1")


def pressed(shown: Shown) -> list[str]:
    return [one["action_id"] for block in shown.blocks if block["type"] == "actions" for one in block["elements"]]


ASKED = replace(applied("P7", UP, state=State.PENDING), finished_at=None)
EXPECTED = Expectation((0.01, 0.021, 0.03), (-5.0, -3.1, -1.0), 0.8, 0.725)
HARMFUL = ChangeOfLate(applied("P3", UP, state=State.HARMFUL), 0.7, 0.6)
PAUSED = Pause(ANN, NOW, NOW + HOUR, "a load test")
#: Whatever may stand there at once.
STATES = {
    "calm": readout(),
    "first day": readout(hours=1),
    "asked": readout(open_proposals=(ASKED,)),
    "expected": readout(open_proposals=(replace(ASKED, draft=replace(ASKED.draft, expected=EXPECTED)), ASKED)),
    "harmful": readout(changes=(HARMFUL,)),
    "page": readout(alerts=(alert(Severity.PAGE),), open_proposals=(ASKED,)),
    "ticket": readout(alerts=(alert(Severity.TICKET),)),
    "blind": readout(
        turn=replace(turn_at(NOW, traffic=GONE, cache=GONE, spend=GONE), missing=(Missing("cache", GONE),)), day=()
    ),
    "held": readout(
        pause=PAUSED,
        frozen_until=NOW + HOUR,
        disabled=True,
        alerts=(alert(Severity.PAGE), alert(Severity.TICKET), alert(Severity.NOTICE)),
        silences=(Silence(AlertKind.COST, NOW + HOUR, ANN, NOW),),
    ),
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", STATES)
def test_within_slacks_limits_in_both_languages_with_one_thing_to_do(name: str, locale: str) -> None:
    words, readout = Catalogue(locale), STATES[name]
    shown = hourly(words, readout)
    validated(shown)
    assert pressed(shown)[-2:] == [WHY, DETAILS]
    assert said(shown).count(words.say(message("views.do_now"))) == 1
    assert sum(block["type"] == "data_visualization" for block in shown.blocks) <= 1


@pytest.mark.parametrize(
    ("name", "buttons"),
    [
        ("calm", []),
        ("asked", [APPROVE, REJECT]),
        ("harmful", [UNDO]),
        ("page", [ON_IT]),
        ("ticket", []),
    ],
)
def test_the_most_urgent_thing_has_its_button_and_nothing_else_has(name: str, buttons: list[str]) -> None:
    assert pressed(hourly(EN, STATES[name])) == [*buttons, WHY, DETAILS]


def test_four_figures_with_sign_target_and_the_change_of_a_day() -> None:
    lines = html.unescape(said(hourly(EN, STATES["calm"]))).split("\n")
    assert [line for line in lines if line.startswith(("✅", "⚠️", "❌", "⚪"))] == [
        "⚠️ *Hit rate* 72.5% (> 80%) · +24.0 points",
        "✅ *Latency P95* 60 ms (< 200 ms) · +0 ms",
        "✅ *Errors* 0% (< 0.1%) · +0.00 points",
        "✅ *Spent this month* $100.00 (of $200.00) · +$6.00",
    ]


def test_a_figure_that_is_missing_is_no_figure_and_has_no_change() -> None:
    text = said(hourly(EN, STATES["blind"]))
    assert text.count("⚪ ") == 6  # the header, four figures, and how to mend what is missing
    assert EN.say(GONE.remedy) in text
    assert not re.search(r"[+−]\d", text)


def test_the_same_advice_never_stands_twice() -> None:
    for name, seen in STATES.items():
        text = said(hourly(EN, seen))
        assert text.count("300 → 420") <= 1, name
        lines = [line for line in text.split("\n") if len(line) > 20]
        assert len(lines) == len(set(lines)), name


def test_the_score_on_the_button_is_the_one_in_the_header() -> None:
    shown = hourly(EN, STATES["calm"])
    score = STATES["calm"].turn.assessment.gate.score.value  # type: ignore[union-attr]
    assert f"{score:.1f}" in shown.blocks[0]["text"]["text"]
    why = next(one for block in shown.blocks if block["type"] == "actions" for one in block["elements"])
    assert why["text"]["text"] == f"Why {score:.0f}?"


def test_before_the_first_turn_it_says_when_that_comes() -> None:
    shown = hourly(EN, StatusReadout(SERVICE, None, (), (), NOW + HOUR))
    assert "the first measurement comes at" in said(shown)


def test_what_to_do_now_is_true_after_a_click() -> None:
    """What is being carried out; what was done, with its way back; what holds the next; what a pin makes useless."""
    going = replace(ASKED, state=State.APPLYING)
    assert "being applied" in said(hourly(EN, readout(open_proposals=(going,))))
    done = ChangeOfLate(replace(applied("P7", UP), finished_at=NOW), 0.71, 0.78)
    shown = hourly(EN, readout(changes=(done,)))
    assert "hit rate 71% before, 78% now" in said(shown)
    assert UNDO in str(shown.blocks)
    earlier = ChangeOfLate(replace(applied("P8", Change(Knob.TTL, 300, 360, "s")), finished_at=NOW - HOUR), 0.7, 0.7)
    assert said(hourly(EN, readout(changes=(earlier, done)))) == said(shown)
    assert "*Do now*: TTL 300 → 420 s" not in said(shown)
    held = replace(turn_at(NOW), held_back=(message("policy.held_gaps", slices=7, wanted=12, minutes=5),))
    assert "*Do now*: nothing yet. " in said(hourly(EN, readout(turn=held)))
    pinned = Pinned("ion-api-00041-qhm", NOW)
    waits = replace(ASKED, draft=replace(ASKED.draft, deploys=True))
    for proposal, is_offered in ((ASKED, True), (waits, False)):
        offered = hourly(EN, readout(open_proposals=(proposal,), pinned=pinned))
        assert (APPROVE in pressed(offered)) == is_offered
        assert ("first `/lumen unpin`" in said(offered)) != is_offered


def test_undo_alone_lists_what_can_be_taken_back() -> None:
    done = ChangeOfLate(applied("P7", UP), 0.71, 0.78)
    listed = undoable_card(EN, readout(changes=(done, HARMFUL)))
    validated(listed)
    assert str(listed.blocks).count(f"'{UNDO}'") == 2
    assert "Nothing of late can be taken back" in said(undoable_card(EN, readout()))
