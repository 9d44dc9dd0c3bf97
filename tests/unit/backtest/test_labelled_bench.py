"""The judging of `bench.histories`: which alerts are true, which windows are incidents, what a baseline may know."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.histories import error_lines, latency_lines, spans
from bench.labelled import BASELINES, HOUR, Baseline, Series, Span, judged, read_series, told

START = datetime(2026, 3, 2, tzinfo=UTC)


def _series(values: NDArray[np.float64], *labelled: range) -> Series:
    starts = [START + index * HOUR for index in range(len(values))]
    return Series("api", starts, values, [any(i in one for one in labelled) for i in range(len(values))], HOUR)


def _span(start: float, end: float) -> Span:
    return Span(START + start * HOUR, START + end * HOUR)


def test_windows_within_two_hours_are_one_and_only_those_that_go_up_from_the_third_day_on_are_incidents() -> None:
    values = np.full(240, 100.0)
    values[[20, 80, 83]], values[120] = 300.0, 30.0
    series = _series(values, range(20, 21), range(80, 81), range(83, 84), range(120, 121))
    assert list(series.labelled) == [_span(20, 21), _span(80, 84), _span(120, 121)]
    assert list(series.incidents) == [_span(80, 84)]


@pytest.mark.parametrize(
    ("alert", "is_true", "minutes"),
    [
        (_span(80.25, 81), True, 15.0),
        (_span(70, 79.1), True, 0.0),
        (_span(70, 79), False, None),
        (_span(84.9, 86), True, 294.0),
        (_span(85, 86), False, None),
        (_span(120.5, 121), True, None),
    ],
)
def test_an_alert_is_true_within_an_hour_of_a_labelled_window(
    alert: Span, is_true: bool, minutes: float | None
) -> None:
    values = np.full(240, 100.0)
    values[80:84], values[120] = 300.0, 30.0
    found = judged(_series(values, range(80, 84), range(120, 121)), [alert])
    assert (found.alerts, found.true_alerts, found.incidents) == (1, int(is_true), 1)
    assert found.minutes == (() if minutes is None else (minutes,))


def test_an_alert_of_the_first_two_days_is_not_counted() -> None:
    assert judged(_series(np.full(240, 100.0)), [_span(47, 60)]).alerts == 0


@pytest.mark.parametrize("baseline", BASELINES.values())
def test_a_baseline_knows_only_earlier_points_and_finds_what_leaps_up(baseline: Baseline) -> None:
    values = 100 * np.exp(np.random.default_rng(5).normal(0, 0.05, 600))
    leapt = values.copy()
    leapt[500:505] *= 4
    before, after = (baseline(_series(one)) for one in (values, leapt))
    assert np.array_equal(before[:500], after[:500])
    assert [one.start for one in told(_series(leapt), after, 10)] == [START + 500 * HOUR + timedelta(minutes=15)]


def test_an_hour_becomes_twelve_slices_and_no_latency_is_no_value(tmp_path: Path) -> None:
    path = tmp_path / "api.csv"
    path.write_text('TimeStamp,Value,Label\n"2026-03-02T00:00:00Z",90,0\n"2026-03-02T01:00:00Z",0,1\n')
    series = read_series(path)
    lines = list(latency_lines(series))
    assert len(lines) == 24
    assert '"latency_ms"' in lines[11]
    assert '"latency_ms"' not in lines[12]
    assert len(list(error_lines(series, 5))) == 2


def test_only_latency_alerts_of_the_series_itself_count() -> None:
    alerts = [
        {"service": service, "kind": kind, "opened": START.isoformat(), "closed": ""}
        for service, kind in (("api", "latency"), ("api", "no_data"), ("other", "latency"))
    ]
    assert spans(alerts, _series(np.full(3, 1.0))) == [_span(0, 3)]
