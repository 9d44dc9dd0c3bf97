"""Measured effects stand on the card, in Details, and beside the change in the report and the digest."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks.details import details
from handlers.blocks.proposal import card
from handlers.blocks.report import change_line
from lumen.model.answers import ChangeOfLate
from lumen.model.messages import message
from lumen.model.proposal import Change, Knob, Measured, MeasuredEffect, Proposal, State, Verdict
from lumen.model.snapshot import Window
from lumen.model.turn import Occasion, Turn
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.proposals import applied
from tests.snapshots import NOW, cache, snapshot
from tests.unit.handlers.blocks import validated

REASON = message("effect.points_kept", points=5.1, low=4.8, high=5.4, hours=24)
WORDS = {"en": "hit rate +5.1 points (+4.8 to +5.4)", "ko": "적중률 +5.1%p (+4.8 \u223c +5.4)"}


def judged(state: State = State.KEPT, verdict: Verdict | None = Verdict.KEPT) -> Proposal:
    made = applied("P3", Change(Knob.TTL, 300, 420, "s"), state=state)
    effects = (MeasuredEffect("hit_rate_points", 0.051, 0.048, 0.054),)
    measured = Measured(24, NOW + timedelta(days=1), verdict, REASON, effects, controlled=True)
    return replace(made, note=REASON, measured=measured)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_effect_with_its_interval_stands_everywhere(locale: str) -> None:
    words, kept = Catalogue(locale), judged()
    assert WORDS[locale] in card(words, kept).text
    assert WORDS[locale] in json.dumps(details(words, kept, ()), ensure_ascii=False)
    line = change_line(words, ChangeOfLate(kept, 0.6, 0.67))
    assert WORDS[locale] in line
    assert words.plain(message(f"word.state_{State.KEPT}")) in line


@pytest.mark.parametrize("locale", LOCALES)
def test_what_only_coincides_is_told_as_that_and_as_no_verdict(locale: str) -> None:
    words, kept = Catalogue(locale), judged(State.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    why = message("effect.no_control_ttl")
    reason = message("effect.coincides", hours=24, why=why, metric="hit_rate", effect=0.12, low=0.08, high=0.16)
    assert kept.measured is not None
    only = replace(kept, note=reason, measured=replace(kept.measured, reason=reason, controlled=False))
    unclear = words.plain(message("views.progress_inconclusive"))
    for shown in (card(words, only).text, json.dumps(details(words, only, ()), ensure_ascii=False)):
        assert words.plain(reason) in shown
        assert unclear not in shown
    assert unclear in card(words, kept).text
    assert words.plain(reason) in change_line(words, ChangeOfLate(only, 0.6, 0.67))


@pytest.mark.parametrize("locale", LOCALES)
def test_a_week_later_the_card_has_both_the_verdict_and_what_lasts(locale: str) -> None:
    words, kept = Catalogue(locale), judged()
    lasting = message("effect.lasting_less", points=2.0, at_first=5.1)
    assert kept.measured is not None
    shown = card(words, replace(kept, note=lasting, measured=replace(kept.measured, lasting=lasting))).text
    assert words.plain(REASON) in shown
    assert words.plain(lasting) in shown


def test_before_the_first_look_the_hit_rates_are_shown_as_they_were_read() -> None:
    line = change_line(Catalogue("en"), ChangeOfLate(replace(judged(State.APPLIED), measured=None), 0.6, 0.67))
    assert "hit rate 60% before, 67% now" in line


def test_what_was_measured_is_told_after_it_was_taken_back_too() -> None:
    line = change_line(Catalogue("en"), ChangeOfLate(judged(State.UNDONE, Verdict.HARMFUL), 0.6, 0.6))
    assert "undone" in line
    assert WORDS["en"] in line


@pytest.mark.parametrize("locale", LOCALES)
def test_the_hit_rate_before_and_after_is_drawn_with_the_time_of_the_change(locale: str) -> None:
    words, kept = Catalogue(locale), judged()
    at = kept.finished_at
    assert at is not None
    base, hour = snapshot(), timedelta(hours=1)
    turns = []
    for ago in range(-24, 24):
        begins = at.replace(minute=0, second=0) + ago * hour
        seen = replace(base, window=Window(begins, begins + hour), cache=cache(0.6 if ago < 0 else 0.7))
        turns.append(Turn("t", Occasion.SLOT, begins, begins, seen, None, None, (), (), ()))  # type: ignore[arg-type]
    shown = card(words, kept, turns=turns)
    (drawn,) = [block for block in shown.blocks if block["type"] == "data_visualization"]
    assert f"TTL 300→420 {at:%m-%d %H:%M}" in drawn["title"]
    (line,) = drawn["chart"]["series"]
    values = [point["value"] for point in line["data"]]
    assert (values[:5], values[6:]) == ([60.0] * 5, [70.0] * 6)
    validated(shown)
    for other in (replace(kept, measured=None), applied("P4", Change(Knob.MIN_INSTANCES, 0, 1, ""))):
        assert not [block for block in card(words, other, turns=turns).blocks if "chart" in block]
