"""How far from the usual is far, rule by rule: what repeats, what was missed before, what stays, what is unknown."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.alerts.hit_rate import HitRateAlert
from lumen.alerts.latency import LatencyAlert
from lumen.alerts.usual import LATER, LEARNT, LONG, SHORT, SINGLE, TOLD, UsualLevel
from lumen.model.alert import AlertChange, AlertEvent

START = datetime(2026, 11, 2, tzinfo=UTC)
SLICE = timedelta(minutes=5)
DAY = 288


def openings(usual: float, drops: list[float], lookups: int) -> int:
    """Alerts about `drops`, slice by slice, after three days at `usual` with as many lookups a slice."""
    dice = random.Random(11)
    alert = HitRateAlert("svc", 0.70)
    found = 0
    for index, drop in enumerate([*[0.0] * (3 * DAY), *drops, *[0.0] * 24]):
        at = START + index * SLICE
        rate = usual - drop
        hits = round(lookups * rate + dice.gauss(0, math.sqrt(lookups * rate * (1 - rate))))
        event = alert.step(at, at + SLICE, hits, lookups)
        found += event is not None and event.change is AlertChange.OPENED
    return found


@pytest.mark.parametrize(
    ("usual", "drops", "lookups", "alerts"),
    [
        (0.85, [0.0], 90, 0),
        (0.85, [0.15] * 18, 90, 1),  # four spreads of a slice, and fifteen of an hour's mean
        (0.85, [0.03] * 18, 90, 0),
        (0.85, [0.25, 0.25], 900, 1),  # Cache_HitRate_Low: ten minutes below the limit
        (0.60, [0.10, 0.06], 900, 0),  # always below it: a cold cache after a deployment is no news
        (0.60, [0.15] * 4, 900, 1),
    ],
)
def test_a_hit_rate_that_drops(usual: float, drops: list[float], lookups: int, alerts: int) -> None:
    assert openings(usual, drops, lookups) == alerts


Times = Callable[[int], float | None]


def told(times: Times, days: float, requests: int = 1000) -> list[AlertEvent]:
    """What is told of a latency that is so many times what it was, by slice; None is no data."""
    dice = random.Random(7)
    alert = LatencyAlert("svc", 1000.0)
    events = []
    for index in range(round(days * DAY)):
        now, chance, at = times(index), math.exp(dice.gauss(0, 0.03)), START + index * SLICE
        event = None if now is None else alert.step(at, at + SLICE, requests, 100 * now * chance, None)
        if event is not None:
            events.append(event)
    return events


def opened(events: list[AlertEvent]) -> list[float]:
    """Days after the start."""
    return [(e.alert.opened_at - START) / timedelta(days=1) for e in events if e.change is AlertChange.OPENED]


def during(first: int, slices: int, times: float) -> Times:
    return lambda index: times if first <= index < first + slices else 1.0


@pytest.mark.parametrize(
    ("slices", "times", "alerts"),
    [(3, 1.3, 0), (3, 1.6, 1), (2, 1.6, 0), (12, 1.25, 0), (14, 1.42, 1), (400, 1.0, 0)],
)
def test_a_latency_that_rises_on_the_fourth_day(slices: int, times: float, alerts: int) -> None:
    assert len(opened(told(during(3 * DAY + 100, slices, times), 4.5))) == alerts


def test_nothing_is_judged_before_half_a_day_of_misses_is_known() -> None:
    assert opened(told(during(DAY + 130, 12, 3.0), 2)) == []
    assert len(opened(told(during(DAY + 160, 12, 3.0), 2))) == 1


def every_day(index: int) -> float:
    return 2.5 if index % DAY in range(30, 42) and index >= 2 * DAY else 1.0


def test_what_came_at_this_time_on_three_days_is_no_news_and_what_is_higher_is() -> None:
    assert [round(day) for day in opened(told(every_day, 9))] == [2, 3, 4]
    higher = opened(told(lambda index: every_day(index) ** (3 if index // DAY == 8 else 1), 9))
    assert [math.floor(day) for day in higher] == [2, 3, 4, 8]


def test_what_came_weekly_twice_is_no_news() -> None:
    weekly = opened(told(lambda index: 2.5 if index % (7 * DAY) in range(1180, 1192) else 1.0, 27))
    assert [math.floor(day) for day in weekly] == [4, 11]


def test_what_comes_by_the_hour_is_no_news_after_four_times() -> None:
    cron = opened(told(lambda index: 3.0 if index >= 3 * DAY and index % 12 in (4, 5) else 1.0, 5))
    assert len(cron) <= 4
    assert max(cron, default=0.0) < 3.5


def test_a_level_that_stays_is_told_once() -> None:
    events = told(lambda index: 1.6 if index >= 4 * DAY + 77 else 1.0, 9)
    assert [event.change for event in events] == [AlertChange.OPENED, AlertChange.CLOSED]
    assert events[1].alert.close_reason is not None
    assert events[1].alert.close_reason.code == "alert.new_normal"


def test_the_end_of_a_quiet_spell_is_no_news() -> None:
    assert opened(told(lambda index: 0.6 if 5 * DAY <= index < 8 * DAY else 1.0, 10)) == []


def test_a_service_that_alerts_all_day_raises_its_own_bar() -> None:
    dice = random.Random(3)
    restless = [3.0 if dice.random() < 0.25 else 1.0 for _ in range(12 * 24)]
    alerts = opened(told(lambda index: restless[index // 12 % len(restless)] if index >= 2 * DAY else 1.0, 12))
    assert len([day for day in alerts if day < 5]) > len([day for day in alerts if 9 <= day < 12])


def test_a_rise_that_lasts_is_told_after_noisy_days() -> None:
    dice = random.Random(5)
    noisy = {2 * DAY + dice.randrange(5 * DAY) + i for _ in range(14) for i in range(6)}
    times: Times = lambda index: 3.0 if index in noisy or index >= 9 * DAY else 1.0  # noqa: E731
    assert any(9 <= day < 9.5 for day in opened(told(times, 10)))


def test_an_alert_counts_for_half_an_hour_among_the_misses() -> None:
    level = UsualLevel((SINGLE, SHORT, LONG))
    dice = random.Random(1)
    for index in range(3 * DAY):
        at = START + index * SLICE
        away = index >= 2 * DAY + 100
        mark = LEARNT if not away else TOLD if index < 2 * DAY + 106 else LATER
        level.learn(at, dice.gauss(0, 0.01) + (1.0 if away and index < 2 * DAY + 250 else 0.0), 100, mark)
    usual = level.usual(START + 3 * DAY * SLICE, 100)
    assert usual is not None
    assert usual.missed[SHORT] < 0.1


MISSING = st.sets(st.integers(0, 4 * DAY - 1), max_size=300)


@settings(max_examples=8, deadline=None)
@given(MISSING, st.integers(0, 3 * DAY), st.integers(0, DAY))
def test_missing_slices_never_open_an_alert(missing: set[int], gap_from: int, gap: int) -> None:
    lost = missing | set(range(gap_from, gap_from + gap))
    assert told(lambda index: None if index in lost else 1.0, 4) == []


def test_thin_slices_are_passed_over() -> None:
    assert told(during(3 * DAY, 100, 5.0), 4, requests=19) == []


def test_after_a_long_absence_everything_is_learnt_anew() -> None:
    known = range(20 * DAY, 30 * DAY)
    assert opened(told(lambda index: None if 5 * DAY <= index < 20 * DAY else 1.0 + (index in known), 22)) == []


@pytest.mark.parametrize(("to", "hours"), [(2.0, 12), (2.0, 24), (3.0, 24)])
def test_what_rises_slowly_does_not_raise_its_own_bar(to: float, hours: int) -> None:
    def rising(index: int) -> float:
        return float(to ** min(1.0, max(0, index - 7 * DAY) / (12 * hours)))

    events = told(rising, 7 + hours / 24)
    assert [event.change for event in events] == [AlertChange.OPENED]
