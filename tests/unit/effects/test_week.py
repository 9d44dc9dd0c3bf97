"""The week that is drawn: what is not known is a gap, the gate stands at the hour that it measured."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lumen.effects.hours import Hours
from lumen.effects.trends import week_before
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Observation
from lumen.model.messages import NoData
from lumen.model.proposal import Change, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.snapshot import SLICE, Window
from lumen.model.turn import Occasion, Turn
from lumen.model.week import HOURS_A_WEEK, Curve, Week
from tests.snapshots import GONE, SERVICE, snapshot

SEOUL = ZoneInfo("Asia/Seoul")
END = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
START = END - timedelta(days=7)
HOUR = timedelta(hours=1)


def slices(hours: range, known: int = 12) -> Hours:
    """`known` of the twelve slices of each hour."""
    starts = [START + hour * HOUR + nth * SLICE for hour in hours for nth in range(12)]
    found = Hours()
    for start in starts:
        one = Observation(start, 100, 0, p95_ms=150.0, hits=70, misses=30, cost_usd=0.02)
        found.add(one if start.minute // 5 < known else Observation(start))
    return found


def turn(hour: int, **changes: object) -> Turn:
    """Of the hour-th hour of the week."""
    start = START + hour * HOUR
    seen = replace(snapshot(**changes), window=Window(start, start + HOUR))
    at = start + HOUR + timedelta(minutes=4)
    judged = assess(seen, AssessmentSettings())
    return Turn(f"t{hour}", Occasion.SLOT, start + HOUR, at, seen, judged, GONE, (), (), ())


def proposal(state: State, at: datetime | None) -> Proposal:
    change = Change(Knob.TTL, 300, 420, "s")
    draft = Draft(SERVICE, change, "1", Origin.PERSON, None, (), GONE, Priority.LOW, None, "r")
    return Proposal("P1", draft, state, START, END, None, None, None, at, 1)


def week(*, seen: Hours | None = None, turns: tuple[Turn, ...] = (), end: datetime = END) -> Week:
    return week_before(end, SEOUL, slices(range(HOURS_A_WEEK)) if seen is None else seen, turns, ())


def curve(found: Week, name: str) -> Curve:
    return next(one for one in found.curves if one.name == name)


def test_every_hour_of_seven_days_in_the_readers_zone() -> None:
    found = week(end=END + timedelta(minutes=17))
    assert found.start == START
    assert (found.start.hour, found.end) == (9, END.astimezone(SEOUL))
    assert [one.name for one in found.curves] == ["gate", "hit_rate", "p95_ms", "cost_usd_per_day"]
    assert {one.name: len(one.known) for one in found.curves} == {
        "gate": 0,
        "hit_rate": HOURS_A_WEEK,
        "p95_ms": HOURS_A_WEEK,
        "cost_usd_per_day": HOURS_A_WEEK,
    }
    assert curve(found, "hit_rate").values[0] == pytest.approx(0.7)
    assert curve(found, "cost_usd_per_day").values[0] == pytest.approx(0.02 * 288)


@pytest.mark.parametrize(
    ("seen", "known"),
    [(Hours(), []), (slices(range(3, 5)), [3, 4]), (slices(range(3, 5), known=8), []), (slices(range(-2, 1)), [0])],
    ids=["nothing", "two hours", "too few slices", "older ones"],
)
def test_what_is_not_known_is_a_gap(seen: Hours, known: list[int]) -> None:
    for name in ("hit_rate", "p95_ms", "cost_usd_per_day"):
        values = curve(week(seen=seen), name).values
        assert [hour for hour, value in enumerate(values) if value is not None] == known


def test_the_gate_of_a_turn_stands_at_the_hour_that_it_measured_and_the_newest_holds() -> None:
    good, worse = turn(5), turn(5, deployment=GONE)
    gate = curve(week(turns=(turn(HOURS_A_WEEK), good, worse, turn(-1))), "gate")
    assert [hour for hour, value in enumerate(gate.values) if value is not None] == [5]
    assert gate.values[5] == good.assessment.gate.score.value
    assert gate.most == ()


def test_a_partial_gate_tells_both_bounds_and_none_is_a_gap() -> None:
    partial, none = turn(5, deployment=GONE), turn(6, deployment=GONE, cache=GONE)
    score = partial.assessment.gate.score
    assert isinstance(none.assessment.gate.score.value, NoData)
    gate = curve(week(turns=(none, partial)), "gate")
    assert (gate.values[5], gate.values[6]) == (score.value, None)
    assert gate.most == ((5, score.most),)


@pytest.mark.parametrize(
    ("state", "at", "marked"),
    [
        (State.APPLIED, START, True),
        (State.KEPT, END - HOUR, True),
        (State.HARMFUL, END - HOUR, True),
        (State.APPLIED, END, False),
        (State.APPLIED, START - HOUR, False),
        (State.FAILED, END - HOUR, False),
        (State.PENDING, None, False),
    ],
)
def test_changes_that_were_applied_in_the_week_are_marked(state: State, at: datetime | None, marked: bool) -> None:
    found = week_before(END, SEOUL, Hours(), (), (proposal(state, at),))
    assert [mark.state for mark in found.changes] == ([state] if marked else [])


@pytest.mark.parametrize(("hours", "shows"), [(range(0), False), (range(1), False), (range(2), True)])
def test_one_hour_is_no_curve(hours: range, shows: bool) -> None:
    assert week(seen=slices(hours)).shows_something is shows


def test_a_week_with_a_change_of_summer_time_has_its_hours() -> None:
    end = datetime(2026, 10, 27, 8, 0, tzinfo=UTC)
    found = week_before(end, ZoneInfo("Europe/Berlin"), Hours(), (), ())
    assert (found.start.hour, found.end.hour) == (10, 9)
    assert found.end == end
