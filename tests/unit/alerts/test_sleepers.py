"""Services that sleep: silence is told where it is unusual at that hour, and sleep opens and closes nothing."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from lumen.alerts.no_data import NoRequestsAlert
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.backtest.pipeline import BacktestSettings, Pipeline
from lumen.model.alert import AlertChange, AlertKind, Observation, corrected
from lumen.model.snapshot import SLICE
from lumen.model.witnesses import Bounds

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
A_DAY = 288
#: How many requests come in the slice from `at`.
Shape = Callable[[random.Random, datetime], int]


def arrivals(dice: random.Random, an_hour: float) -> int:
    """Of users who know nothing of each other."""
    at, count = dice.expovariate(an_hour), 0
    while at < 1 / 12:
        at, count = at + dice.expovariate(an_hour), count + 1
    return count


@cache
def moved(day: int, by_minutes: int, which: str = "") -> timedelta:
    """No two days begin and end at the same minute."""
    return timedelta(minutes=random.Random(f"{day} {which}").uniform(-by_minutes, by_minutes))


def office_hours(dice: random.Random, at: datetime) -> int:
    begin, end = (moved(at.toordinal(), 15, which) + timedelta(hours=hour) for which, hour in (("from", 9), ("to", 18)))
    of_day = timedelta(hours=at.hour, minutes=at.minute)
    return arrivals(dice, 700) if at.weekday() < 5 and begin <= of_day < end else 0


def nightly(_: random.Random, at: datetime) -> int:
    begin = timedelta(hours=2, minutes=30) + moved(at.toordinal(), 30)
    return 500 * int(begin <= timedelta(hours=at.hour, minutes=at.minute) < begin + timedelta(hours=1))


SHAPES: dict[str, Shape] = {
    "one an hour": lambda _, at: int(at.minute == 0),
    "about one an hour": lambda dice, _: arrivals(dice, 1),
    "every 20 minutes": lambda _, at: int(at.minute % 20 == 0),
    "about every 20 minutes": lambda dice, _: arrivals(dice, 3),
    "office hours": office_hours,
    "nightly": nightly,
}


def history(shape: Shape, days: int, seed: int, *, is_known: bool = True) -> Iterator[Observation]:
    """`is_known`: a slice without requests is known to be one; else nobody tells anything of it."""
    dice = random.Random(seed)
    for at in (START + index * SLICE for index in range(days * A_DAY)):
        requests = shape(dice, at)
        if requests or is_known:
            p95_ms = 80.0 if requests else None
            hits = round(0.8 * requests)
            yield Observation(at, requests, 0, 0, p95_ms=p95_ms, hits=hits, misses=requests - hits, cost_usd=0.002)


def told(seen: list[Observation]) -> list[datetime]:
    alert = NoRequestsAlert("s")
    events = [alert.step(one, one.end) for one in seen]
    return [e.alert.opened_at for e in events if e is not None and e.change is AlertChange.OPENED]


def most_in_a_fortnight(at: list[datetime]) -> int:
    return max((sum(one <= other < one + timedelta(days=14) for other in at) for one in at), default=0)


@pytest.mark.parametrize("name", SHAPES)
def test_a_service_that_sleeps_is_told_at_most_once_in_a_fortnight(name: str) -> None:
    assert most_in_a_fortnight(told(list(history(SHAPES[name], 22, 1)))) <= 1


@pytest.mark.prove
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("name", SHAPES)
def test_all_alerts_and_turns_over_a_service_that_sleeps_tell_at_most_one_thing_in_a_fortnight(
    name: str, is_known: bool
) -> None:
    pipeline = Pipeline("s", BacktestSettings())
    outcomes = [pipeline.feed(one) for one in history(SHAPES[name], 30, 7, is_known=is_known)]
    opened = [e.alert for of in outcomes for e in of.events if e.change is AlertChange.OPENED]
    assert most_in_a_fortnight([alert.opened_at for alert in opened]) <= 1, [(a.kind, a.signal) for a in opened]


@pytest.mark.parametrize(
    ("name", "hours"), [("one an hour", 12.5), ("every 20 minutes", 4), ("office hours", 1.25), ("nightly", 24)]
)
def test_a_service_that_does_not_come_back_is_told(name: str, hours: float) -> None:
    gone = START + timedelta(days=22, hours=9, minutes=30)  # a Tuesday
    seen = [one if one.start < gone else Observation(one.start, 0, 0, 0) for one in history(SHAPES[name], 24, 3)]
    (at,) = [at for at in told(seen) if at > gone]
    assert at - gone <= timedelta(hours=hours)


def test_a_service_that_never_sleeps_is_told_after_three_slices_and_whoever_cannot_be_asked_too() -> None:
    busy = list(history(lambda _, __: 300, 3, 0))
    silent = [*busy[:600], *(Observation(one.start, 0, 0, 0) for one in busy[600:])]
    assert told(silent) == [busy[602].end]
    night = list(history(SHAPES["nightly"], 3, 0))
    refused = [*night[:600], *(Observation(one.start, is_refused=True) for one in night[600:606]), *night[606:]]
    assert told(refused) == [night[602].end]
    assert told([*night[:600], *(Observation(one.start) for one in night[600:606]), *night[606:]]) == []


def test_a_refusal_is_over_when_the_question_is_answered_again() -> None:
    night, alert = list(history(SHAPES["nightly"], 3, 0)), NoRequestsAlert("s")
    for one in night[:600]:
        alert.step(one, one.end)
    for one in night[600:604]:
        alert.step(Observation(one.start, is_refused=True), one.end)
    assert alert.lifecycle.open is not None
    alert.step(night[604], night[604].end)
    assert alert.lifecycle.open is None


def test_sleep_closes_no_page_and_opens_nothing() -> None:
    watch = ServiceWatch("s", AlertTargets())
    for one in history(lambda _, at: 300 if at.hour >= 1 else 0, 3, 0):
        watch.feed(one)
    at = START + timedelta(days=3)
    for index in range(12, 24):
        watch.feed(Observation(at + index * SLICE, 300, 30, 0))
    (page,) = [alert for alert in watch.open_alerts() if alert.kind is AlertKind.AVAILABILITY]
    for index in range(24, 24 + A_DAY):
        watch.feed(Observation(at + index * SLICE, 0, 0, 0, hits=0, misses=0))
    open_now = {alert.kind: alert for alert in watch.open_alerts()}
    assert open_now.pop(AlertKind.AVAILABILITY).id == page.id
    assert set(open_now) <= {AlertKind.NO_DATA}


@pytest.mark.parametrize("doubt", [None, Bounds(50, 90, 1, 20)])
def test_what_was_seen_did_not_sleep_and_what_slept_may_have_been_late(doubt: Bounds | None) -> None:
    seen = Observation(START, 80, 3, 0, cost_usd=0.1, doubt=doubt)
    slept = Observation(START, 0, 0, 0, cost_usd=0.01)
    assert corrected(seen, slept) == seen
    assert corrected(slept, seen).requests == (80 if doubt is None else 0)
    assert corrected(Observation(START, is_refused=True), slept) == slept
