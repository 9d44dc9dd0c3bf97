"""The whole watch of a service: levels, silence of data, spending, replay."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from lumen.alerts.lifecycle import is_silenced, leader_of
from lumen.alerts.spending import DailyCosts
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.model.alert import Alert, AlertChange, AlertEvent, AlertKind, Observation, Severity
from lumen.model.incident import Silence
from lumen.model.messages import message
from lumen.model.service import Person

START = datetime(2026, 11, 2, tzinfo=UTC)
SLICE = timedelta(minutes=5)
DAY = 288
TARGETS = AlertTargets(budget_usd=1e9)


def healthy(slices: int, seed: int = 1) -> Iterator[Observation]:
    """A service with a pulse, 85 % hits at 120 ms, without errors."""
    dice = random.Random(seed)
    for index in range(slices):
        pulse = 1 + 0.4 * math.cos(2 * math.pi * index / DAY)
        requests = round(2000 * pulse)
        hits = round(requests * (0.85 + dice.gauss(0, 0.005)))
        p95 = 120 * pulse * math.exp(dice.gauss(0, 0.03))
        yield Observation(
            START + index * SLICE, requests, 0, 5, p95 / 3, p95, 2 * p95, hits, requests - hits, 0, 190.0, 0.02, "r1"
        )


def told(observations: Iterator[Observation] | list[Observation], targets: AlertTargets = TARGETS) -> list[AlertEvent]:
    watch = ServiceWatch("svc", targets)
    return [event for seen in observations for event in watch.feed(seen)]


def from_day(day: int, slices: int, **changes: object) -> list[Observation]:
    """Ten days, of which `slices` from `day` on are changed; a callable gets the observation."""
    found = list(healthy(10 * DAY))
    for index in range(day * DAY, day * DAY + slices):
        given = {name: value(found[index]) if callable(value) else value for name, value in changes.items()}
        found[index] = replace(found[index], **given)  # type: ignore[arg-type]
    return found


def kinds(events: list[AlertEvent]) -> list[tuple[AlertKind, AlertChange]]:
    return [(event.alert.kind, event.change) for event in events]


def test_a_healthy_service_is_quiet() -> None:
    assert told(healthy(10 * DAY)) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (
            {"hits": lambda o: round(o.hits * 0.75), "misses": lambda o: o.requests - round(o.hits * 0.75)},
            AlertKind.CACHE,
        ),
        ({"p95_ms": lambda o: o.p95_ms * 1.8}, AlertKind.LATENCY),
        ({"p99_ms": lambda o: o.p99_ms * 8}, AlertKind.LATENCY),
        ({"errors_5xx": lambda o: o.requests // 20}, AlertKind.AVAILABILITY),
        ({"hits": 0, "misses": lambda o: o.requests}, AlertKind.CACHE),
    ],
)
def test_an_incident_of_an_hour_is_one_alert(changes: dict[str, object], kind: AlertKind) -> None:
    events = [event for event in told(from_day(6, 12, **changes)) if event.alert.kind is kind]
    assert [event.change for event in events] == [AlertChange.OPENED, AlertChange.CLOSED]
    begun = START + 6 * DAY * SLICE
    assert begun < events[0].alert.opened_at <= begun + timedelta(minutes=20)


def test_a_return_that_breaks_down_is_told() -> None:
    events = told(from_day(6, DAY + 12, hits=0, misses=lambda o: o.requests))
    assert (AlertKind.ROI, AlertChange.OPENED) in kinds(events)


def test_a_lasting_new_level_is_accepted_after_a_day() -> None:
    events = told(from_day(6, 4 * DAY, p95_ms=lambda o: o.p95_ms * 1.8))
    assert kinds(events) == [(AlertKind.LATENCY, AlertChange.OPENED), (AlertKind.LATENCY, AlertChange.CLOSED)]
    reason = events[1].alert.close_reason
    assert reason is not None
    assert reason.code == "alert.new_normal"


def test_silence_is_a_state_of_its_own_after_three_misses() -> None:
    seen = list(healthy(2 * DAY))
    events = told(seen[:300] + seen[310:])
    assert kinds(events) == [(AlertKind.NO_DATA, AlertChange.OPENED), (AlertKind.NO_DATA, AlertChange.CLOSED)]
    assert events[0].alert.severity is Severity.NOTICE
    assert events[0].alert.opened_at == seen[302].end
    assert told(seen[:300] + seen[302:]) == []


def test_one_missing_signal_is_named() -> None:
    events = told(from_day(6, 12, hits=None, misses=None))
    assert [(event.alert.kind, event.alert.signal) for event in events] == [(AlertKind.NO_DATA, "cache")] * 2


def test_costs_are_missed_after_three_hours_and_not_beside_the_cache_that_they_are_made_of() -> None:
    found = [(event.alert.kind, event.alert.signal) for event in told(from_day(6, 40, cost_usd=None))]
    assert found == [(AlertKind.NO_DATA, "cost")] * 2
    assert told(from_day(6, 35, cost_usd=None)) == []
    together = told(from_day(6, 60, cost_usd=None, hits=None, misses=None))
    assert {event.alert.signal for event in together} == {"cache"}


def test_signals_that_never_came_are_not_missed() -> None:
    assert told([Observation(one.start, one.requests, 0) for one in healthy(DAY)]) == []


def test_missing_data_triggers_nothing_but_its_own_alert() -> None:
    dice = random.Random(3)
    seen = [one if dice.random() > 0.3 else Observation(one.start) for one in healthy(10 * DAY)]
    assert {event.alert.kind for event in told(seen)} <= {AlertKind.NO_DATA}


def test_the_budget_is_told_at_its_thresholds() -> None:
    events = told(healthy(10 * DAY), replace(TARGETS, budget_usd=50.0))
    opened = [event for event in events if event.change is AlertChange.OPENED]
    assert [event.alert.kind for event in opened] == [AlertKind.BUDGET] * 3


def test_a_replay_finds_the_same_alerts_open() -> None:
    seen = from_day(9, DAY, errors_5xx=lambda o: o.requests // 20)
    first, second = ServiceWatch("svc", TARGETS), ServiceWatch("svc", TARGETS)
    for one in seen:
        first.feed(one)
    for one in seen[5 * DAY :]:
        second.feed(one)
    assert [alert.id for alert in first.open_alerts()] == [alert.id for alert in second.open_alerts()] != []


def test_order_is_required() -> None:
    watch = ServiceWatch("svc", TARGETS)
    watch.feed(Observation(START))
    with pytest.raises(ValueError, match="is not after"):
        watch.feed(Observation(START))


def test_low_traffic_is_said() -> None:
    watch = ServiceWatch("svc", TARGETS)
    for index in range(12):
        watch.feed(Observation(START + index * SLICE, 10, 0))
    low = watch.traffic.low()
    assert low is not None
    assert low.code == "alert.low_traffic"


def test_a_day_that_stands_out() -> None:
    costs = DailyCosts()
    first = date(2026, 10, 5)
    for index in range(28):
        weekend = 0.6 if index % 7 >= 5 else 1.0
        assert costs.add(first + timedelta(days=index), 40 * weekend * (1 + 0.02 * (index % 3))) is None
    assert costs.add(first + timedelta(days=28), 49.0) is None
    found = costs.add(first + timedelta(days=29), 70.0)
    assert found is not None
    assert found.usual_usd == pytest.approx(41, abs=2)


def alert(name: str, kind: AlertKind, minute: int, severity: Severity = Severity.TICKET) -> Alert:
    return Alert(name, "svc", kind, "", severity, START + timedelta(minutes=minute), message("alert.recovered"))


def test_one_incident_is_one_message() -> None:
    page = alert("p", AlertKind.AVAILABILITY, 10, Severity.PAGE)
    slow = alert("l", AlertKind.LATENCY, 0)
    cold = alert("c", AlertKind.CACHE, 200)
    assert leader_of(slow, [slow]) is slow
    assert leader_of(slow, [slow, page]) is page
    assert leader_of(page, [slow, page]) is page
    assert leader_of(cold, [slow, cold]) is cold
    assert leader_of(cold, [page, cold]) is page


def test_silences_end_and_are_of_one_kind() -> None:
    silence = Silence(AlertKind.LATENCY, START + timedelta(hours=1), Person("U1", "Kim", "T1"), START)
    slow = alert("l", AlertKind.LATENCY, 0)
    assert is_silenced(slow, [silence], START)
    assert not is_silenced(slow, [silence], START + timedelta(hours=1))
    assert not is_silenced(alert("c", AlertKind.CACHE, 0), [silence], START)
