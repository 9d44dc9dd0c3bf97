"""Cost alerts of days: what is spent, what the month will come to, days that stand out; however they are fed."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.alerts.budget import MonthlyBudget, of_days
from lumen.alerts.spending import DailyCosts, SpendingAlerts
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.model.alert import Alert, AlertChange, AlertEvent, AlertKind, Observation
from lumen.model.billing import Billed
from lumen.model.day_cost import DayCost
from lumen.model.history import SLICES_A_DAY, Day
from lumen.model.snapshot import SLICE
from lumen.wording.catalogue import Catalogue

FIRST = date(2026, 11, 1)
DAY = timedelta(days=1)


def days(costs: Sequence[float], first: date = FIRST) -> list[DayCost]:
    return [DayCost(first + index * DAY, SLICES_A_DAY, usd) for index, usd in enumerate(costs)]


def budget_events(costs: Sequence[float], usd: float) -> list[tuple[str, AlertChange, str]]:
    budget = MonthlyBudget("svc", usd)
    events = [event for day in days(costs) for event in budget.closed(day.date, {"svc": day})]
    return [(event.alert.id, event.change, event.alert.reason.code) for event in events]


def test_the_month_is_forecast_before_anything_is_spent_and_gives_way_to_the_thresholds() -> None:
    found = budget_events([10.0] * 30, 200.0)
    assert found == [
        ("svc:budget:forecast:2026-11", AlertChange.OPENED, "alert.budget_forecast"),
        ("svc:budget:forecast:2026-11", AlertChange.CLOSED, "alert.budget_forecast"),
        ("svc:budget:2026-11:80", AlertChange.OPENED, "alert.budget"),
        ("svc:budget:2026-11:80", AlertChange.CLOSED, "alert.budget"),
        ("svc:budget:2026-11:90", AlertChange.OPENED, "alert.budget"),
        ("svc:budget:2026-11:90", AlertChange.CLOSED, "alert.budget"),
        ("svc:budget:2026-11:100", AlertChange.OPENED, "alert.budget"),
    ]


@pytest.mark.parametrize(
    ("costs", "opened"),
    [
        ([6.0] * 30, 0),  # 180 of 200
        ([6.0] * 12 + [40.0] + [6.0] * 10, 1),  # one dear day is in the mean of seven, and is spent for good
        ([6.0] * 12 + [12.0] + [6.0] * 17, 0),
    ],
)
def test_a_forecast_needs_more_than_a_whim(costs: list[float], opened: int) -> None:
    found = budget_events(costs, 200.0)
    assert [change for name, change, _ in found if "forecast" in name].count(AlertChange.OPENED) == opened


def test_a_forecast_that_comes_right_closes() -> None:
    found = budget_events([8.0] * 9 + [3.0] * 14, 200.0)
    assert [change for name, change, _ in found if "forecast" in name] == [AlertChange.OPENED, AlertChange.CLOSED]


def test_a_new_month_begins_at_nothing() -> None:
    found = budget_events([7.0] * 30 + [0.1], 200.0)
    assert found[-1][:2] == ("svc:budget:2026-11:100", AlertChange.CLOSED)
    assert not any(name.startswith("svc:budget:2026-12") for name, _, _ in found)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60), st.data())
def test_what_is_missing_never_raises_the_budget(costs: list[float], data: st.DataObject) -> None:
    """A day of which less is known is no dearer, and nothing opens that would not have opened with all of it."""
    whole = days(costs)
    less = [
        replace(day, known=known, usd=day.usd * known / SLICES_A_DAY)
        for day in whole
        for known in [data.draw(st.integers(0, SLICES_A_DAY) | st.just(SLICES_A_DAY))]
    ]

    def least(of: Iterable[DayCost]) -> float:
        budget = MonthlyBudget("svc", 100.0)
        for day in of:
            list(budget.closed(day.date, {"svc": day}))
        return sum(month.amount.low_usd for month in budget.closed_months.values())

    assert least(less) <= least(whole) * (1 + 1e-9)


HOUR_SHARES = [1 + 0.5 * (hour % 12) / 12 for hour in range(24)]


def with_holes(of: date, usd: float, lost: Iterable[int]) -> DayCost:
    """A day with a daily wave, without some of its slices."""
    start, gone, found = datetime.combine(of, time(), UTC), set(lost), DayCost(of, 0, 0.0)
    for index in range(SLICES_A_DAY):
        if index not in gone:
            share = HOUR_SHARES[index // 12] / sum(HOUR_SHARES) / 12
            found = found.plus(start + index * SLICE, usd * share)
    return found


LOST = [range(29), range(259, 288), range(100, 129), range(0, 288, 10), range(43), range(44), range(288)]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(("usd", "code"), [(40.0, ""), (120.0, "alert.estimated")])
def test_a_day_with_a_tenth_of_its_slices_missing_is_judged_all_the_same(lost: range, usd: float, code: str) -> None:
    """At 85 % known; the sentence says what is estimated, and between what."""
    alerts = SpendingAlerts("svc")
    fed(alerts, [with_holes(FIRST + index * DAY, 40.0, ()) for index in range(30)])
    events = fed(alerts, [with_holes(FIRST + 30 * DAY, usd, lost)])
    if len(lost) > 43 or not code:
        assert events == []
        return
    (event,) = events
    params = event.alert.reason.params
    assert (event.alert.reason.code, params["slices"]) == (code, len(lost))
    assert float(str(params["low_usd"])) <= 120.0 + 1e-9
    assert float(str(params["high_usd"])) >= 120.0 - 1e-9
    for locale, words in (("en", f"{len(lost)} slices of five minutes estimated"), ("ko", f"{len(lost)}개는 추정")):
        assert words in Catalogue(locale).say(event.alert.reason)
        assert "≈ $1" in Catalogue(locale).say(event.alert.reason)


def test_an_alert_on_cost_needs_the_lower_end() -> None:
    """The same estimate, with and without certainty: what is missing was cheap on one day and dear on others."""
    alerts = DailyCosts()
    for day in days([40.0] * 30):
        assert alerts.add(day.date, day.usd) is None
    last = FIRST + 30 * DAY
    assert alerts.add(last, 60.0, 48.0) is None
    assert alerts.add(last + DAY, 60.0, 59.0) is not None


@pytest.mark.parametrize(
    ("costs", "opened", "closing"),
    [
        ([100.0] * 60 + [200.0] * 60, 1, "alert.cost_new_level"),  # a level that stays is told once
        ([100.0] * 60 + [40.0] * 21 + [100.0] * 40, 0, ""),  # a quiet spell is none, nor is its end
        ([100.0] * 60 + [200.0] + [100.0] * 30, 1, "alert.cost_normal"),
        ([100.0] * 60 + [200.0, 145.0, 200.0] + [100.0] * 30, 1, "alert.cost_normal"),  # nearly as dear ends nothing
        ([100.0] * 60 + [200.0, 110.0, 200.0] + [100.0] * 30, 2, "alert.cost_normal"),
    ],
)
def test_a_level_is_told_once_and_a_quiet_spell_never(costs: list[float], opened: int, closing: str) -> None:
    events = fed(SpendingAlerts("svc"), days(costs))
    assert [event.change for event in events].count(AlertChange.OPENED) == opened
    assert {event.alert.close_reason.code for event in events if event.alert.close_reason} == ({closing} - {""})


@pytest.mark.parametrize("on", [1, 15, 0])
def test_what_a_month_charges_is_told_twice_and_known_then(on: int) -> None:
    """On the 1st, the 15th and the last day of eight months."""
    all_days = [FIRST + index * DAY for index in range(243)]
    costs = [50.0 + (100.0 if (day + DAY if on == 0 else day).day == (on or 1) else 0.0) for day in all_days]
    events = fed(SpendingAlerts("svc"), days(costs))
    assert [event.change for event in events].count(AlertChange.OPENED) <= 2


def test_the_forecast_knows_what_a_month_charges_once() -> None:
    """$100 on the 1st and $3 else: 200 are never reached, and never forecast."""
    all_days = [FIRST + index * DAY for index in range(151)]
    costs = [100.0 if day.day == 1 else 3.0 for day in all_days]
    assert [name for name, _, _ in budget_events(costs, 200.0) if "forecast" in name] == []


def test_a_dear_last_week_is_no_trend() -> None:
    costs = [5.5] * 30 + [5.5] * 24 + [9.2] * 7  # $196.40 in December
    assert [name for name, _, _ in budget_events(costs, 200.0) if "forecast" in name] == []


def fed(alerts: SpendingAlerts, of: Iterable[DayCost]) -> list[AlertEvent]:
    return [event for day in of for event in alerts.closed(day)]


@settings(max_examples=12)
@given(st.integers(30, 70), st.integers(0, 2**16))
def test_a_restart_with_the_days_that_are_kept_finds_the_same_alerts(forgotten: int, seed: int) -> None:
    """The store keeps a hundred days; a process that runs on has seen more of them."""
    dice = random.Random(seed)
    usual = [5.0 * dice.lognormvariate(0, 0.15) for _ in range(100 + forgotten)]
    costs = [usd * (6.0 if dice.random() < 0.03 else 1.0) for usd in usual]
    all_days = days(costs)
    running, restarted = SpendingAlerts("svc"), SpendingAlerts("svc")
    fed(running, all_days)
    fed(restarted, all_days[forgotten:])
    assert _ids(running.open_alerts()) == _ids(restarted.open_alerts())


def _ids(alerts: Iterable[Alert]) -> list[tuple[str, datetime]]:
    return [(alert.id, alert.opened_at) for alert in alerts]


def stored(costs: Mapping[str, Sequence[float | None]], usd: float, billed: Billed | None = None) -> list[AlertEvent]:
    """What the running watch makes of whole days of several services; of a day None nothing is known."""
    kept = {
        name: [
            Day(
                FIRST + index * DAY,
                slices=SLICES_A_DAY,
                cost_slices=0 if one is None else SLICES_A_DAY,
                cost_usd=one or 0,
            )
            for index, one in enumerate(of)
        ]
        for name, of in costs.items()
    }
    last = max(of[-1].date for of in kept.values())
    return list(of_days("svc", usd, kept, datetime.combine(last + DAY, time(), UTC), billed)[1])


def opened(events: Iterable[AlertEvent]) -> list[tuple[str, str]]:
    return [(e.alert.id, e.alert.reason.code) for e in events if e.change is AlertChange.OPENED]


UNKNOWN: list[float | None] = [None] * 30


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        # Each alone is far from the budget; together they are not.
        (
            {"svc": [5.0] * 30, "canary": [3.5] * 30},
            [
                ("svc:budget:forecast:2026-11", "alert.budget_forecast"),
                ("svc:budget:2026-11:80", "alert.budget_of_all"),
                ("svc:budget:2026-11:90", "alert.budget_of_all"),
                ("svc:budget:2026-11:100", "alert.budget_of_all"),
            ],
        ),
        ({"svc": [2.0] * 30, "canary": [1.0] * 30}, []),
        # One whose cost is unknown: at least so much, and no forecast.
        (
            {"svc": [6.0] * 30, "canary": UNKNOWN},
            [("svc:budget:2026-11:80", "alert.budget_at_least"), ("svc:budget:2026-11:90", "alert.budget_at_least")],
        ),
        ({"svc": [12.0] * 8, "canary": UNKNOWN[:8]}, []),
        # Unknown for two of twelve days is known well enough; for three it is not.
        (
            {"svc": [6.0] * 12, "canary": [4.0] * 10 + UNKNOWN[:2]},
            [("svc:budget:forecast:2026-11", "alert.budget_forecast")],
        ),
        ({"svc": [6.0] * 9, "canary": [4.0] * 2 + UNKNOWN[:3] + [4.0] * 4}, []),
        # Before its first day there was no service, and afterwards its month is known.
        (
            {"svc": [5.0] * 30, "canary": UNKNOWN[:15] + [5.0] * 15},
            [
                ("svc:budget:2026-11:80", "alert.budget_of_all"),
                ("svc:budget:2026-11:90", "alert.budget_of_all"),
                ("svc:budget:2026-11:100", "alert.budget_of_all"),
            ],
        ),
    ],
)
def test_the_budget_is_that_of_all_services(
    costs: Mapping[str, list[float | None]], told: list[tuple[str, str]]
) -> None:
    assert opened(stored(costs, 200.0)) == told


FORECAST = ("svc:budget:forecast:2026-11", "")


def at_the_end(of_days: int) -> datetime:
    return datetime.combine(FIRST + (of_days - 1) * DAY, time(12), UTC)


@pytest.mark.parametrize(
    ("costs", "usd", "is_fresh", "told"),
    [
        # Google counts more than was estimated: services that nobody watches.
        (
            [5.0] * 10,
            165.0,
            True,
            [FORECAST, ("svc:budget:2026-11:80", "alert.budget_billed")],
        ),
        # Google counts less: what the estimate would have told is not told.
        ([18.0] * 10, 100.0, True, [FORECAST]),
        ([18.0] * 10, 60.0, True, []),
        ([18.0] * 10, 0.0, True, []),
        # Nothing could be estimated, and what is billed counts all the same.
        ([None] * 10, 185.0, True, [("svc:budget:2026-11:90", "alert.budget_billed")]),
        # Long ago it was so much, so it is at least that by now; no forecast comes of it.
        ([5.0] * 10, 165.0, False, [("svc:budget:2026-11:80", "alert.budget_billed")]),
        ([5.0] * 10, 110.0, False, []),
        ([17.0] * 10, 100.0, False, [FORECAST, ("svc:budget:2026-11:80", "alert.budget")]),
    ],
)
def test_what_google_bills_goes_before_the_estimate(
    costs: list[float | None], usd: float, *, is_fresh: bool, told: list[tuple[str, str]]
) -> None:
    found = opened(stored({"svc": costs}, 200.0, Billed(usd, at_the_end(len(costs)), is_fresh)))
    assert [(name, "" if "forecast" in name else code) for name, code in found] == told


def test_a_bill_of_another_month_counts_for_nothing() -> None:
    old = Billed(500.0, at_the_end(1) - 2 * DAY)
    assert opened(stored({"svc": [5.0] * 10}, 200.0, old)) == []


@given(st.lists(st.tuples(st.floats(0, 15), st.floats(0, 15) | st.none()), min_size=1, max_size=45))
def test_one_more_service_never_hides_what_is_known(costs: list[tuple[float, float | None]]) -> None:
    """Every threshold that one service reaches alone is reached beside another, and none twice."""
    alone = opened(stored({"svc": [one for one, _ in costs]}, 200.0))
    both = opened(stored({"svc": [one for one, _ in costs], "canary": [two for _, two in costs]}, 200.0))
    spent = [one for one in both if "forecast" not in one[1]]
    assert len(spent) == len(set(spent))

    def highest(found: list[tuple[str, str]]) -> dict[str, int]:
        thresholds = [name.rsplit(":", 2)[1:] for name, code in found if "forecast" not in code]
        return {month: max(int(t) for m, t in thresholds if m == month) for month, _ in thresholds}

    reached = highest(both)
    assert all(reached.get(month, 0) >= threshold for month, threshold in highest(alone).items())


def test_slices_and_days_come_to_the_same_alerts() -> None:
    """A back-test is fed with slices, the running watch with the days of the store."""
    costs = [6.0 + 0.1 * (index % 7) for index in range(40)] + [40.0, 6.2, 6.3]
    start = datetime.combine(FIRST, time(), UTC)
    watch = ServiceWatch("svc", AlertTargets(budget_usd=200.0))
    by_slices = [
        event
        for index in range(len(costs) * SLICES_A_DAY)
        for event in watch.feed(
            Observation(start + index * SLICE, cost_usd=costs[index // SLICES_A_DAY] / SLICES_A_DAY)
        )
    ]
    by_days = fed(SpendingAlerts("svc"), days(costs)[:-1]) + stored({"svc": costs}, 200.0)
    assert {event.alert.id for event in by_days} == {event.alert.id for event in by_slices}

    def of_days(events: Iterable[AlertEvent]) -> list[tuple[AlertChange, str, datetime | None]]:
        cost = [event for event in events if event.alert.kind is AlertKind.COST]
        return [(event.change, event.alert.id, event.alert.closed_at) for event in cost]

    assert of_days(by_slices) == of_days(by_days)
    assert [change for change, _, _ in of_days(by_days)] == [AlertChange.OPENED, AlertChange.CLOSED]
