"""When the report is posted anew: for what somebody would act on, once, and never for a figure that flutters."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import StoredAlert
from lumen.model.messages import Message, message
from lumen.model.past_turn import past
from lumen.model.proposal import Change, Knob, Origin, Priority
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Missing, Occasion, Recommendation, Turn
from lumen.policies.repost import FORGOTTEN_AFTER, LASTS_TURNS, should_repost
from lumen.policies.ttl import TtlLimits, recommend_ttl
from tests.proposals import applied
from tests.snapshots import GONE, NOW, cache, snapshot, traffic

HOUR = timedelta(hours=1)


def turn(seen: Snapshot) -> Turn:
    assessment = assess(seen, AssessmentSettings())
    return Turn("t", Occasion.SLOT, NOW, NOW, seen, assessment, recommend_ttl(seen, TtlLimits()), (), (), ())


CALM = turn(snapshot())
LOW = turn(snapshot(cache=cache(0.55)))  # a warning
DEAD = turn(snapshot(cache=cache(0.2), traffic=traffic(bad_slices=12)))  # critical
MISSING = replace(CALM, missing=(Missing("spend", GONE),))
PAGE = StoredAlert(Alert("p", "s", AlertKind.AVAILABILITY, "", Severity.PAGE, NOW, message("test.gone")), "p")
PAGED = replace(DEAD, alerts=(PAGE,))


@pytest.mark.parametrize(
    ("changes", "acts_at", "is_one"),
    [
        ({}, None, False),
        ({"priority": Priority.LOW}, None, False),
        ({"priority": Priority.HIGH}, None, False),
        ({"origin": Origin.PERSON}, None, True),
        ({"origin": Origin.UNDO}, None, True),
        ({"change": Change(Knob.TRAFFIC, "LATEST", "r-1", "")}, None, True),
        ({}, NOW, True),
    ],
)
def test_only_a_proposal_that_can_wait_has_no_message_of_its_own(
    changes: dict[str, Any], acts_at: datetime | None, is_one: bool
) -> None:
    made = applied("P1", Change(Knob.TTL, 300, 420, "s"))
    assert replace(made, draft=replace(made.draft, **changes), acts_at=acts_at).has_message is is_one


def set_by(value: int) -> Message:
    return message("drift.set_by_others", knob="ttl", proposal_id="p1", present=value, approved=420, unit="s")


def posts(hours: Iterable[Turn]) -> Sequence[int]:
    """The hours (from 0 on) whose report is a new message; the first one always is."""
    made: list[Turn] = []
    anew = []
    posted = ""
    for hour, one in enumerate(hours):
        at = NOW + hour * HOUR
        made.insert(0, replace(one, id=str(hour), slot=at, started_at=at))
        if not posted or should_repost([made[0], *map(past, made[1:100])], posted):
            anew.append(hour)
            posted = str(hour)
    return anew


def test_the_levels_are_as_they_are_named() -> None:
    assert [str(one.assessment.gate.health) for one in (CALM, LOW, DEAD)] == ["GOOD", "WARNING", "CRITICAL"]


@pytest.mark.parametrize("worse", [LOW, DEAD, MISSING])
def test_what_lasts_is_posted_once(worse: Turn) -> None:
    assert posts([CALM] * 5 + [worse] * 100) == [0, 5 + LASTS_TURNS - 1]


def test_what_got_still_worse_is_posted_again_and_what_got_better_is_not() -> None:
    assert posts([CALM] * 5 + [LOW] * 9 + [DEAD] * 9 + [LOW] * 9 + [CALM] * 30) == [0, 7, 16]


def test_what_the_first_report_says_already_is_not_said_again() -> None:
    assert posts([LOW] * 100) == [0]


def test_a_report_is_not_posted_daily() -> None:
    assert posts([CALM] * 200) == [0]


def test_what_has_a_message_of_its_own_needs_no_report() -> None:
    changing = [turn(snapshot(cache=cache(0.85))), CALM] * 20  # another recommendation each hour
    assert posts(changing) == [0]
    assert posts([CALM] * 3 + [PAGED] * 30 + [DEAD] * 9) == [0]


def test_a_setting_that_drifted_is_told_at_once_and_once_whatever_its_value_becomes() -> None:
    drifted = [replace(CALM, drift=(set_by(300 + 60 * nth),)) for nth in range(40)]
    assert posts([CALM, CALM, *drifted]) == [0, 2]


def test_turns_that_people_ask_for_post_nothing_and_settle_nothing() -> None:
    asked = replace(DEAD, occasion=Occasion.ASKED)
    assert posts([CALM, *[asked] * 10, CALM]) == [0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([LOW, DEAD, MISSING]), st.integers(1, LASTS_TURNS - 1)), max_size=20))
def test_a_figure_that_flutters_over_a_limit_posts_nothing(bursts: list[tuple[Turn, int]]) -> None:
    hours = [CALM]
    for worse, lasts in bursts:
        hours += [*[worse] * lasts, CALM]
    assert posts(hours) == [0]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 14)), max_size=6))
def test_what_keeps_coming_back_within_days_is_one_message(bursts: list[tuple[int, int]]) -> None:
    """Rows of bad hours with less than three days between those that lasted."""
    hours, well = [CALM] * 3, 0
    for bad, good in bursts:
        hours += [LOW] * bad + [CALM] * good
        well += good + (bad if bad < LASTS_TURNS else 0)
        if bad >= LASTS_TURNS:
            well = good
        if well + LASTS_TURNS >= FORGOTTEN_AFTER / HOUR:
            return  # forgotten: it may be news again
    assert len(posts(hours)) <= 2


def test_after_three_calm_days_it_is_news_again() -> None:
    assert posts([CALM] * 3 + [LOW] * 9 + [CALM] * 80 + [LOW] * 9) == [0, 5, 94]


def test_for_what_is_urgent_the_report_is_posted_anew() -> None:
    urgent = Recommendation(Change(Knob.TTL, 300, 600, "s"), "AGGRESSIVE", (), Priority.HIGH)
    asks = replace(LOW, wanted=urgent, proposed=("P7",))
    assert posts([CALM, CALM, asks, LOW, LOW, LOW]) == [0, 2]
    assert posts([CALM, CALM, asks, *[CALM] * 24, replace(asks, proposed=("P8",))]) == [0, 2]
    assert posts([CALM, CALM, asks, *[CALM] * 80, replace(asks, proposed=("P8",))]) == [0, 2, 83]
    assert posts([CALM, CALM, replace(asks, wanted=replace(urgent, priority=Priority.MEDIUM))]) == [0]
    assert posts([CALM, CALM, replace(asks, proposed=())]) == [0]
