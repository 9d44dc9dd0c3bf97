"""Which changes are measured, when they are looked at, what disturbs that, and what is learnt of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lumen.effects.disturbance import (
    PageAfter,
    Surroundings,
    culprit,
    disturbed,
    interruption,
    judge_pages,
    spoiled,
)
from lumen.effects.experiment import MEASURED_KNOBS, Experiment, begins_too_late, experiment_of, measuring
from lumen.effects.hours import Hour, Hours
from lumen.effects.track_record import TrackRecord, record_of
from lumen.effects.verdict import GUARDRAIL, EffectVerdict
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.messages import message
from lumen.model.proposal import Change, Knob, Measured, MeasuredEffect, Origin, Proposal, State, Verdict, direction
from lumen.model.snapshot import SLICE
from lumen.verification.incidents import SimulatedIncident, Trouble
from lumen.verification.lumen_in_world import SimulatedLumen, settings_for
from lumen.verification.traffic import Demand, draw_profile
from lumen.verification.world import ORIGIN, World
from tests.proposals import applied
from tests.snapshots import NOW

HOUR = timedelta(hours=1)
UP = Change(Knob.TTL, 300, 420, "s")
EXPERIMENT = Experiment(UP, NOW)
HELD = Experiment(replace(UP, held_permille=100), NOW)
EFFECT = (MeasuredEffect("hit_rate_points", 0.1, 0.05, 0.15),)


def judged(
    verdict: Verdict | None,
    change: Change = UP,
    effects: tuple[MeasuredEffect, ...] = EFFECT,
    *,
    controlled: bool = True,
) -> Proposal:
    measured = Measured(24, NOW, verdict, message("effect.too_little", hours=24), effects, controlled=controlled)
    return replace(applied("P1", change), measured=measured)


@pytest.mark.parametrize("knob", Knob)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("origin", Origin)
def test_what_is_measured(knob: Knob, state: State, origin: Origin) -> None:
    made = applied("P1", replace(UP, knob=knob), state=state, origin=origin)
    wanted = state is State.APPLIED and origin is not Origin.UNDO and knob is not Knob.TRAFFIC
    assert (experiment_of(made, NOW) is not None) == wanted == measuring([made], NOW)
    assert (knob in MEASURED_KNOBS) == (knob is not Knob.TRAFFIC)


def test_what_was_applied_long_ago_holds_nothing_up() -> None:
    made = applied("P1", UP)
    assert measuring([made], NOW + timedelta(days=7))
    assert not measuring([made], NOW + timedelta(days=7, seconds=1))


@pytest.mark.parametrize(
    ("hours", "done", "look"),
    [
        (5.9, 0, None),
        (6, 0, 6),
        (23.9, 6, None),
        (24, 0, 24),
        (24.5, 24, None),
        (47.9, 24, None),
        (48, 24, 48),
        (50, 0, 48),
        (72, 48, 72),
        (100, 24, 72),
        (100, 72, None),
    ],
)
def test_looks_are_made_once_and_late_ones_too(hours: float, done: int, look: int | None) -> None:
    assert HELD.overdue(NOW + hours * HOUR, done) == look


@pytest.mark.parametrize(("hours", "done", "look"), [(23.9, 0, None), (24, 0, 24), (100, 0, 24), (72, 24, None)])
def test_without_a_control_one_look_says_what_coincides(hours: float, done: int, look: int | None) -> None:
    assert EXPERIMENT.overdue(NOW + hours * HOUR, done) == look
    assert EXPERIMENT.due(NOW + hours * HOUR) == (24 if hours == 24 else None)


def test_with_a_control_a_look_takes_just_its_hours_from_when_old_entries_are_gone() -> None:
    assert HELD.end_of(24, NOW + 30 * HOUR) == NOW + 24 * HOUR
    assert HELD.hold_back().window(NOW + 24 * HOUR) == (NOW + timedelta(seconds=420), NOW + 24 * HOUR)
    _, until = HELD.hold_back().window(NOW + 72 * HOUR)
    assert until == NOW + 72 * HOUR - timedelta(minutes=5)  # the service ends it by itself a little sooner
    assert HELD.hold_back(NOW + 5 * HOUR).window(NOW + 24 * HOUR)[0] == NOW + 5 * HOUR + timedelta(seconds=420)


@pytest.mark.parametrize(("look", "hours", "late"), [(6, 0.1, True), (24, 17, False), (24, 18, True), (72, 60, False)])
def test_a_look_that_begins_anew_needs_six_hours(look: int, hours: float, late: bool) -> None:
    assert begins_too_late(HELD, look, NOW + hours * HOUR) is late
    assert not begins_too_late(HELD, look, None)


@pytest.mark.parametrize(("late", "end"), [(0, 25), (2, 25), (0.5, 25)])
def test_a_late_look_takes_the_same_hours(late: float, end: int) -> None:
    whole = NOW.replace(minute=0)
    assert EXPERIMENT.end_of(24, whole + (25 + late) * HOUR) == whole + end * HOUR
    assert EXPERIMENT.end_of(24, whole + 24.5 * HOUR) == whole + 24 * HOUR


def around(*others: Proposal, deployed: tuple[datetime, ...] = (), drift: str = "") -> Surroundings:
    told = (message("drift.set_again", proposal_id=drift),) if drift else ()
    return Surroundings(others, deployed, told)


@pytest.mark.parametrize(
    ("surroundings", "code"),
    [
        (around(), None),
        (around(applied("P1", UP)), None),
        (around(deployed=(NOW - 25 * HOUR,)), None),
        (around(deployed=(NOW - 23 * HOUR,)), "effect.deployed"),
        (around(deployed=(NOW + HOUR,)), "effect.deployed"),
        (around(deployed=(NOW + 25 * HOUR,)), None),
        (around(applied("P2", UP, at=NOW + HOUR)), "effect.other_change"),
        (around(applied("P2", UP, at=NOW - HOUR)), "effect.other_change"),
        (around(applied("P2", UP, at=NOW - 25 * HOUR)), None),
        (around(applied("P2", replace(UP, knob=Knob.TRAFFIC), at=NOW + HOUR)), "effect.other_change"),
        (around(applied("P2", UP, at=NOW + HOUR, origin=Origin.UNDO)), "effect.other_change"),
        (around(applied("P2", UP, at=NOW + HOUR, state=State.ABANDONED)), None),
        (around(applied("P2", UP, at=NOW + HOUR, state=State.FAILED)), "effect.other_change"),
        (around(drift="P1"), "effect.drifted"),
        (around(drift="P2"), None),
    ],
)
def test_what_disturbs(surroundings: Surroundings, code: str | None) -> None:
    found = disturbed("P1", EXPERIMENT, surroundings, NOW + 24 * HOUR)
    assert (found.code if found else None) == code


def page(opened: float, closed: float | None = None) -> Alert:
    """Opened, and closed, so many hours after the change."""
    until = None if closed is None else NOW + closed * HOUR
    why = message("alert.recovered", minutes=5)
    return Alert("a", "svc", AlertKind.AVAILABILITY, "", Severity.PAGE, NOW + opened * HOUR, why, until)


@pytest.mark.parametrize(
    ("surroundings", "spoilt", "anew"),
    [
        (around(), None, None),
        # Before the change it reaches all keys alike, whatever their TTL.
        (around(deployed=(NOW - HOUR,)), None, None),
        (around(deployed=(NOW + HOUR, NOW + 3 * HOUR)), None, (3.0, "effect.waits_deployed")),
        (around(deployed=(NOW + 25 * HOUR,)), None, None),
        (around(applied("P2", replace(UP, knob=Knob.MEMORY), at=NOW + HOUR)), None, (1.0, "effect.waits_change")),
        (around(applied("P2", replace(UP, knob=Knob.TRAFFIC), at=NOW + HOUR)), None, (1.0, "effect.waits_change")),
        (around(applied("P2", UP, at=NOW + HOUR, state=State.ABANDONED)), None, None),
        # Another TTL holds back other keys, and so does a value that was lost.
        (around(applied("P2", UP, at=NOW + HOUR)), "effect.other_change", (1.0, "effect.waits_change")),
        (around(drift="P1"), "effect.drifted", None),
        (around(drift="P2"), None, None),
        (replace(around(), pages=(page(-3, -1),)), None, None),
        (replace(around(), pages=(page(2, 5),)), None, (5.0, "effect.waits_page")),
        (replace(around(), pages=(page(-3, 5),)), None, (5.0, "effect.waits_page")),
        (replace(around(), pages=(page(2),)), None, (24.0, "effect.waits_page")),
        (replace(around(), pages=(page(30),)), None, None),
        (replace(around(deployed=(NOW + 8 * HOUR,)), pages=(page(2, 5),)), None, (8.0, "effect.waits_deployed")),
    ],
)
def test_what_else_happened_with_a_control(
    surroundings: Surroundings, spoilt: str | None, anew: tuple[float, str] | None
) -> None:
    until = NOW + 24 * HOUR
    found = spoiled("P1", HELD, surroundings, until)
    assert (found.code if found else None) == spoilt
    other = interruption("P1", HELD, surroundings, until)
    assert (other and ((other.at - NOW) / HOUR, other.said(24).code)) == anew


@pytest.mark.parametrize(
    ("surroundings", "elsewhere"),
    [
        (around(), False),
        (around(deployed=(NOW - HOUR,)), False),
        (around(deployed=(NOW + HOUR / 4,)), True),
        (around(deployed=(NOW + HOUR,)), False),
        (around(applied("P2", UP, at=NOW + HOUR / 4)), True),
        (around(applied("P2", UP, at=NOW - HOUR / 4)), False),
    ],
)
def test_who_is_nearer_to_a_page(surroundings: Surroundings, elsewhere: bool) -> None:
    found = culprit("P1", EXPERIMENT, surroundings, PageAfter(NOW + HOUR / 2))
    assert (found is not None) is elsewhere


@pytest.mark.parametrize(
    ("deployed", "page", "verdict"),
    [
        ((), {}, EffectVerdict.REVERT),
        ((), {"release_blamed": True}, EffectVerdict.WAIT),
        ((NOW - HOUR,), {"release_blamed": True}, EffectVerdict.WAIT),
        ((NOW + HOUR / 4,), {}, EffectVerdict.WAIT),
        ((NOW - HOUR,), {}, EffectVerdict.REVERT),
        ((NOW - HOUR,), {"is_unsure": True}, None),
        ((), {"is_unsure": True}, EffectVerdict.REVERT),
        ((), {"elsewhere": "other"}, EffectVerdict.WAIT),
    ],
)
@pytest.mark.parametrize("minutes", [30, 119, 120, -1])
def test_a_page_is_a_precaution_only_where_nothing_else_is_to_blame(
    deployed: tuple[datetime, ...], page: dict[str, Any], verdict: EffectVerdict | None, minutes: int
) -> None:
    at = NOW + timedelta(minutes=minutes)
    alert = Alert("a", "svc", AlertKind.AVAILABILITY, "", Severity.PAGE, at, message("alert.recovered", minutes=5))
    found = judge_pages("P1", EXPERIMENT, around(deployed=deployed), [(alert, PageAfter(at, **page))])
    within = 0 <= minutes < 120
    assert (found.verdict if found else None) is (verdict if within else None)
    assert found is None or found.undo == (verdict is EffectVerdict.REVERT)


@pytest.mark.prove
def test_the_simulation_spares_a_change_as_the_product_does() -> None:
    """A change half an hour before a release that fails for everybody: the release is blamed, and the change stays."""
    profile = replace(draw_profile(3), requests_per_second=0.6)
    day, hour = 86_400.0, 3600.0
    release = SimulatedIncident(Trouble.BAD_RELEASE_ERRORS, 3 * day + 5 * hour, 3 * day + 9 * hour, 0.10)
    world = World(profile, (release,), Demand(profile, (release,), 5))
    lumen = SimulatedLumen(settings_for(profile))
    while world.seconds < release.start - hour / 2:
        lumen.remember(world.step())
    changed_at = ORIGIN + timedelta(seconds=world.seconds)
    lumen.applied(Change(Knob.TTL, profile.ttl_seconds, profile.ttl_seconds + 60, "s"), changed_at, measured=True)
    verdicts, seen = [], world.step()
    while world.seconds < release.start + 3 * hour:
        found = lumen.look(seen, ORIGIN + timedelta(seconds=world.seconds))
        seen = world.step()
        verdicts.append(found.verdict)
    pages = [one for one in lumen.alerts.values() if one.severity is Severity.PAGE]
    assert any(changed_at <= one.opened_at < changed_at + GUARDRAIL for one in pages)
    assert verdicts == [None] * len(verdicts)


DOWN = Change(Knob.TTL, 420, 300, "s")
SIZE = Change(Knob.CACHE_SIZE, 256, 384, "MB")


def test_what_is_learnt_is_of_the_same_knob_and_direction() -> None:
    past = [
        judged(Verdict.KEPT),
        judged(Verdict.KEPT, Change(Knob.TTL, 600, 660, "s")),
        judged(Verdict.HARMFUL),
        judged(Verdict.INCONCLUSIVE),
        judged(Verdict.KEPT, effects=(replace(EFFECT[0], effect=-0.02, low=-0.03),)),  # a loss that was announced
        judged(Verdict.KEPT, controlled=False),  # as earlier versions judged: by what coincided
        judged(Verdict.INCONCLUSIVE, effects=(), controlled=False),  # nothing could be measured: no trial
        judged(None),
        judged(Verdict.KEPT, DOWN),
        judged(Verdict.KEPT, SIZE),
        applied("P9", UP),
    ]
    assert record_of(past, direction(UP)) == TrackRecord(2, 5)
    assert record_of(past, direction(DOWN)) == TrackRecord(1, 1)
    assert record_of(past, direction(replace(SIZE, new=200))) == TrackRecord(0, 0)


def test_what_stays_known_when_it_is_taken_back() -> None:
    assert record_of([replace(judged(Verdict.HARMFUL), state=State.UNDONE)], direction(UP)) == TrackRecord(0, 1)


def test_an_hour_knows_each_figure_by_itself() -> None:
    hours = Hours()
    for index in range(12):
        cost = 0.5 if index < 8 else None
        p95 = None if index == 3 else 100.0 + index
        hours.add(
            Observation(NOW.replace(minute=0) + index * SLICE, 100, p95_ms=p95, hits=60, misses=40, cost_usd=cost)
        )
    (hour,) = hours.between(NOW.replace(minute=0), NOW.replace(minute=0) + HOUR)
    assert hour.hit_rate == 0.6
    assert hour.demand == hour.traffic == 1200
    assert hour.p95_ms == pytest.approx((sum(range(12)) - 3) / 11 + 100)
    assert hour.cost_per_request_usd is None
    assert (Hour().hit_rate, Hour().p95_ms, Hour().cost_per_request_usd, Hour().demand) == (None,) * 4
