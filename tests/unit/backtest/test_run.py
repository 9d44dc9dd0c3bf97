"""A back-test goes through the same alerts and policies as live, and is scored against labels."""

import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from lumen.alerts.budget import ProjectSlices
from lumen.alerts.watch import AlertTargets
from lumen.backtest.history import read_history
from lumen.backtest.pipeline import BacktestSettings, Pipeline
from lumen.backtest.report import as_json
from lumen.backtest.run import BacktestResult, run_backtest
from lumen.backtest.score import Label, score
from lumen.backtest.snapshot import Assumptions, SnapshotBuilder
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId

START = datetime(2026, 11, 2, tzinfo=UTC)
SLICE = timedelta(minutes=5)
DAY = 288
BEGUN = START + 8 * DAY * SLICE


def lines(days: int = 9) -> list[str]:
    """A week of a service with 72 % hits and a pulse, then an outage of an hour."""
    dice = random.Random(5)
    found = []
    for index in range(days * DAY):
        at = START + index * SLICE
        requests = round(1500 * (1 + 0.4 * math.cos(2 * math.pi * index / DAY)))
        hits = round(requests * (0.76 + dice.gauss(0, 0.005)))
        errors = requests // 20 if BEGUN <= at < BEGUN + timedelta(hours=1) else 0
        found.append(
            json.dumps(
                {
                    "t": at.isoformat(),
                    "service": "ion-api",
                    "requests": requests,
                    "errors_5xx": errors,
                    "latency_ms": {"p50": 40, "p95": 120 + dice.gauss(0, 2), "p99": 300},
                    "hits": hits,
                    "misses": requests - hits,
                    "evictions": 1,
                    "memory_mb": 180,
                    "cost_usd": requests * 2e-5,
                }
            )
        )
    return found


LABELS = [Label("ion-api", BEGUN, BEGUN + timedelta(hours=1), AlertKind.AVAILABILITY)]


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    return run_backtest(read_history(lines()), BacktestSettings(), LABELS)


def test_the_outage_is_found_and_scored(result: BacktestResult) -> None:
    judged = result.score
    assert judged is not None
    own = judged.by_kind[AlertKind.AVAILABILITY]
    assert (own.precision, own.recall) == (1.0, 1.0)
    assert own.ttd_p90_minutes is not None
    assert own.ttd_p90_minutes <= 15
    assert judged.overall.precision == 1.0


def test_the_ttl_is_proposed_once_a_day(result: BacktestResult) -> None:
    changes = [proposal.recommendation.change for proposal in result.proposals]
    assert all(change is not None and (change.old, change.new) == (300, 420) for change in changes)
    times = [proposal.at for proposal in result.proposals]
    assert times
    assert all(later - earlier >= timedelta(hours=24) for earlier, later in pairwise(times))


def test_what_was_rejected_is_not_proposed_again_the_next_day() -> None:
    seen = read_history(lines(8)).services["ion-api"]
    pipeline, asked = Pipeline("ion-api", BacktestSettings()), 0
    for one in seen[: 6 * DAY]:
        pipeline.remember(one)
    for one in seen[6 * DAY :]:
        turn = pipeline.feed(one).turn
        if turn is not None and turn.proposed:
            asked += 1
            assert not isinstance(turn.wanted, NoData)
            assert turn.wanted.change is not None
            pipeline.rejected(turn.wanted.change, turn.at)
    assert asked == 1


def test_the_documented_shape(result: BacktestResult) -> None:
    shape = json.loads(json.dumps(as_json(result, lambda said: said.code)))
    assert set(shape) == {"slices", "judged_by", "alerts", "proposals", "score", "problems"}
    assert {"service", "kind", "opened", "closed", "reason"} <= set(shape["alerts"][0])
    assert {"precision", "recall", "ttd_p90_minutes", "by_kind"} <= set(shape["score"])
    assert set(shape["score"]["by_kind"]) == {"availability", "latency", "cache", "cost"}


#: The last of the days are enough for whatever remembers but a day.
LAST = slice(6 * DAY, None)


def with_releases(bad: str) -> BacktestResult:
    """A release an hour before the outage; its name sorts before that of the one that it replaced."""
    released = BEGUN - timedelta(hours=1)
    found = []
    for text in lines()[LAST]:
        line = json.loads(text)
        line["revision"] = bad if datetime.fromisoformat(line["t"]) >= released else "ion-api-spring"
        found.append(json.dumps(line))
    return run_backtest(read_history(found), BacktestSettings(), LABELS)


def test_a_release_that_fails_would_have_been_rolled_back_once_a_page() -> None:
    back = [
        p.recommendation for p in with_releases("ion-api-autumn").proposals if p.recommendation.strategy == "ROLLBACK"
    ]
    assert [one.change for one in back] == [Change(Knob.TRAFFIC, "ion-api-autumn", "ion-api-spring", "")]
    assert "rollback.reason_worse" in {reason.code for reason in back[0].reasons}


def test_an_outage_without_a_release_is_nobodys() -> None:
    assert all(p.recommendation.strategy != "ROLLBACK" for p in with_releases("ion-api-spring").proposals)


def test_a_cache_that_is_larger_than_assumed_has_no_known_limit() -> None:
    budget = ProjectSlices(("ion-api",), 200.0)
    past = SnapshotBuilder(ServiceId("backtest", "history", "ion-api"), Assumptions(cache_mb=190.0), budget.months)
    for nth, (used_mb, limit) in enumerate(((180.0, 190.0), (190.0, 190.0), (191.0, "backtest.cache_larger"))):
        past.add(Observation(START + nth * SLICE, requests=100, errors_5xx=0, hits=70, misses=30, memory_mb=used_mb))
        cache = past.snapshot(START + timedelta(hours=1)).cache
        assert not isinstance(cache, NoData)
        assert (cache.max_mb.reason.code if isinstance(cache.max_mb, NoData) else cache.max_mb) == limit


def test_the_objective_of_whoever_asks() -> None:
    """5 % of errors within an objective of 95 % are no incident."""
    alerts = replace(AlertTargets(), error_free_share=0.95)
    loose = run_backtest(read_history(lines()[LAST]), replace(BacktestSettings(), alerts=alerts), LABELS)
    assert all(alert.kind is not AlertKind.AVAILABILITY for alert in loose.alerts)


def test_the_order_of_lines_does_not_matter(result: BacktestResult) -> None:
    mixed = lines()
    random.Random(1).shuffle(mixed)
    again = run_backtest(read_history(mixed), BacktestSettings(), LABELS)
    assert (again.alerts, again.proposals, again.score) == (result.alerts, result.proposals, result.score)


def test_without_labels_there_is_no_score() -> None:
    assert run_backtest(read_history(lines(1)), BacktestSettings()).score is None
    assert run_backtest(read_history([]), BacktestSettings(), []).score is not None


def alert(kind: AlertKind, opened: int, closed: int | None) -> Alert:
    """Minutes after the start of the outage."""
    at = BEGUN + timedelta(minutes=opened)
    end = None if closed is None else BEGUN + timedelta(minutes=closed)
    return Alert(f"{kind}{opened}", "ion-api", kind, "", Severity.PAGE, at, message("alert.burn"), end)


@pytest.mark.parametrize(
    ("alerts", "precision", "recall"),
    [
        ([], None, 0.0),
        ([alert(AlertKind.AVAILABILITY, 10, 90)], 1.0, 1.0),
        ([alert(AlertKind.AVAILABILITY, 74, 90)], 1.0, 1.0),
        ([alert(AlertKind.AVAILABILITY, 75, 90)], 0.0, 0.0),
        ([alert(AlertKind.AVAILABILITY, -90, -10)], 0.0, 0.0),
        ([alert(AlertKind.AVAILABILITY, -90, None)], 1.0, 1.0),
        ([alert(AlertKind.LATENCY, 10, 90)], 1.0, 0.0),
        ([alert(AlertKind.NO_DATA, -90, -10)], None, 0.0),
    ],
)
def test_what_counts(alerts: list[Alert], precision: float | None, recall: float) -> None:
    overall = score(alerts, LABELS, BEGUN + timedelta(days=1)).overall
    assert (overall.precision, overall.recall) == (precision, recall)
