"""Somebody's own history: everything odd is named with its line, and nothing odd counts as a value."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.backtest.history import File, Oddity, read_history
from lumen.backtest.score import read_labels

WHOLE = {
    "t": "2026-11-01T00:00:00Z",
    "service": "ion-api",
    "requests": 812,
    "errors_5xx": 1,
    "errors_4xx": 9,
    "latency_ms": {"p50": 41, "p95": 160, "p99": 320},
    "hits": 600,
    "misses": 200,
    "evictions": 3,
    "memory_mb": 190,
    "cost_usd": 0.021,
    "revision": "ion-api-00041",
}


def line(t: str = "2026-11-01T00:00:00Z", **changes: object) -> str:
    return json.dumps({**WHOLE, "t": t, **changes})


def oddities(*lines: str) -> list[tuple[int, Oddity]]:
    return [(problem.line, problem.oddity) for problem in read_history(lines).problems]


def test_the_documented_line() -> None:
    history = read_history([line()])
    (seen,) = history.services["ion-api"]
    assert (seen.requests, seen.errors_5xx, seen.p95_ms, seen.hits, seen.memory_mb) == (812, 1, 160, 600, 190)
    assert seen.revision == "ion-api-00041"
    assert history.problems == ()


def test_any_field_may_be_missing_or_null() -> None:
    bare = json.dumps({"t": WHOLE["t"], "service": "ion-api", "requests": None, "latency_ms": {"p95": None}})
    history = read_history([bare, ""])
    (seen,) = history.services["ion-api"]
    assert seen.requests is None
    assert seen.p95_ms is None
    assert history.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[1]",
        "3",
        "null",
        "[" * 100_000,
        json.dumps({"t": WHOLE["t"]}),
        json.dumps({"service": "a"}),
        line(t="yesterday"),
        line(t="2026-11-01T00:00:00"),
        json.dumps({"t": 5, "service": "a"}),
        json.dumps({"t": WHOLE["t"], "service": ""}),
    ],
)
def test_garbage_is_named_and_left_out(text: str) -> None:
    history = read_history([line(), text])
    assert [(p.line, p.oddity) for p in history.problems] == [(2, Oddity.GARBAGE)]
    assert len(history.services["ion-api"]) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requests", -1),
        ("requests", 1.5),
        ("requests", "many"),
        ("requests", True),
        ("cost_usd", float("nan")),
        ("cost_usd", float("inf")),
        ("latency_ms", 5),
        ("revision", 7),
        ("errors_5xx", 813),
        ("errors_4xx", 813),
        ("hits", 10**400),
        ("cost_usd", 1e308),
    ],
)
def test_a_bad_field_counts_as_missing(field: str, value: object) -> None:
    history = read_history([json.dumps({**WHOLE, field: value})])
    assert [(p.line, p.oddity) for p in history.problems] == [(1, Oddity.FIELD)]
    (seen,) = history.services["ion-api"]
    assert getattr(seen, "p95_ms" if field == "latency_ms" else field) is None


def test_gaps_duplicates_disorder_and_clocks() -> None:
    found = oddities(
        line("2026-11-01T00:00:00Z"),
        line("2026-11-01T00:05:00Z"),
        line("2026-11-01T00:05:00Z", requests=20),
        line("2026-11-01T00:20:00Z"),
        line("2026-11-01T00:15:00Z"),
        line("2026-11-01T09:25:00+09:00"),
        line("2026-11-01T00:31:10Z"),
    )
    assert found == [
        (3, Oddity.DUPLICATE),
        (5, Oddity.DISORDER),
        (5, Oddity.GAP),
        (6, Oddity.CLOCK),
        (7, Oddity.CLOCK),
        (7, Oddity.CLOCK),
    ]


def test_services_do_not_disturb_each_other() -> None:
    other = line("2026-11-01T00:10:00Z", service="b")
    history = read_history([line(), other, line("2026-11-01T00:05:00Z")])
    assert history.problems == ()
    assert [len(own) for own in history.services.values()] == [1, 2]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=80) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_nothing_in_a_file_makes_it_fail(lines: list[str]) -> None:
    history = read_history(lines)
    assert all(1 <= problem.line <= max(1, len(lines)) for problem in history.problems)


def label(**changes: object) -> str:
    whole = {"service": "ion-api", "start": "2026-11-01T00:00:00Z", "end": "2026-11-01T01:00:00Z", "kind": "cost"}
    return json.dumps(whole | changes)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "backtest.no_json"),
        ("[]", "backtest.no_object"),
        (label(service=None), "backtest.no_service"),
        (label(service="ion-apy"), "backtest.label_service"),
        (label(kind="outage"), "backtest.label_kind"),
        (label(kind=["cost"]), "backtest.label_kind"),
        (label(start="2026-11-01T00:00:00"), "backtest.label_time"),
        (label(end=None), "backtest.label_time"),
        (label(end="2026-11-01T00:00:00Z"), "backtest.label_backwards"),
        (label(start="2026-10-01T00:00:00Z", end="2026-10-02T00:00:00Z"), "backtest.label_outside"),
        (label(), "backtest.label_twice"),
        (label(end="2026-11-01T02:00:00Z"), None),
    ],
)
def test_labels(text: str, code: str | None) -> None:
    services = read_history([line()]).services
    labels, problems = read_labels([label(), text], services)
    assert [(one.file, one.line, one.says.code) for one in problems] == (
        [] if code is None else [(File.LABELS, 2, code)]
    )
    assert len(labels) == (2 if code is None else 1)


def test_a_field_that_nobody_knows_is_named_once() -> None:
    problems = read_history([line(requets=1), line("2026-11-01T00:05:00Z", requets=2)]).problems
    assert [(one.line, one.says.code) for one in problems] == [(1, "backtest.unknown_field")]


@pytest.mark.parametrize("t", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-05:00", 1772323200])
def test_an_instant_that_no_calendar_can_reckon_with_is_garbage(t: object) -> None:
    (problem,) = read_history([json.dumps({**WHOLE, "t": t})]).problems
    assert problem.says.code == "backtest.no_time"
