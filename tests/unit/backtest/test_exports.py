"""A team's own months from its monitoring: what an export tells, and how each fault of it is named."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.backtest.exports import Export
from lumen.backtest.history import Oddity, Problem, SliceHistory
from lumen.backtest.imported import read_exports
from lumen.backtest.located import Located
from lumen.model.messages import Message
from lumen.wording.catalogue import Catalogue

EXPORTS = Path(__file__).parent / "exports"
BASE = 1764547200
AT = datetime.fromtimestamp(BASE, UTC)


def read(name: str, figure: str = "", service: str = "") -> SliceHistory:
    return read_exports([Export(name, (EXPORTS / name).read_text(), figure, service)])


def told(problems: Sequence[Problem]) -> list[tuple[int, Oddity, str]]:
    """Line, kind, and the code of what is inside of the place."""
    found = []
    for one in problems:
        inner = one.says.params.get("problem")
        found.append((one.line, one.oddity, (inner if isinstance(inner, Message) else one.says).code))
    return found


def matrix(values: object, figure: str = "requests", labels: object = None) -> SliceHistory:
    result = [{"metric": {"service": "api"} if labels is None else labels, "values": values}]
    text = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}, indent=1)
    return read_exports([Export("answer.json", text, figure)])


def page(points: object, metric: str = "run.googleapis.com/request_count", figure: str = "") -> SliceHistory:
    series = {
        "metric": {"type": metric, "labels": {"response_code_class": "5xx"}},
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "api", "revision_name": "api-2"}},
        "metricKind": "DELTA",
        "points": points,
    }
    return read_exports([Export("page.json", json.dumps({"timeSeries": [series]}, indent=1), figure)])


def point(minute: int, value: object, start: int | None = None) -> dict[str, object]:
    begun = AT + timedelta(minutes=minute - 5 if start is None else start)
    end = AT + timedelta(minutes=minute)
    return {"interval": {"startTime": begun.isoformat(), "endTime": end.isoformat()}, "value": value}


def test_prometheus_answers_are_of_the_time_before_them_and_have_the_unit_in_their_name() -> None:
    rate = Export("rate", (EXPORTS / "prometheus_rate.json").read_text(), "requests_per_second")
    p95 = Export("p95", (EXPORTS / "prometheus_p95.json").read_text(), "p95_seconds")
    history = read_exports([rate, p95])
    assert history.problems == ()
    seen = list(history.services["checkout"])
    assert [one.start for one in seen] == [AT + nth * timedelta(minutes=5) for nth in range(4)]
    assert [one.requests for one in seen] == [811, 810, 854, 777]
    # A quantile of no requests is NaN, and no latency.
    assert [one.p95_ms and round(one.p95_ms, 1) for one in seen] == [237.5, None, 241.1, 475.0]
    assert seen[0].errors_5xx is None


def test_a_prometheus_server_s_own_answers_give_its_eight_hours() -> None:
    """Answers of Prometheus 2.42 to the queries of docs/backtest.md, over counters that began anew once, of which many
    failed from 03:20 to 04:00, and that nobody scraped from 06:40 to 07:05."""
    figures = {"requests": "requests", "errors": "errors_5xx", "p95": "p95_seconds"}
    read = {name: (EXPORTS / f"prometheus_server_{name}.json").read_text() for name in figures}
    history = read_exports([Export(name, text, figures[name]) for name, text in read.items()])
    assert told(history.problems) == [(0, Oddity.GAP, "backtest.gap")]
    seen = {f"{one.start:%H:%M}": one for one in history.services["checkout"]}
    assert len(seen) == 91
    assert [f"06:{minute}" in seen for minute in (35, 40, 45, 50, 55)] == [True, *[False] * 4]
    assert all(400 <= (one.requests or 0) <= 800 and one.errors_5xx is not None and one.p95_ms for one in seen.values())
    failed = {at for at, one in seen.items() if (one.errors_5xx or 0) > 0.05 * (one.requests or 0)}
    assert {"03:25", "03:55"} <= failed <= {at for at in seen if "03:15" <= at <= "04:00"}
    assert (seen["03:30"].p95_ms or 0) > 1.9 * (seen["02:30"].p95_ms or 0)


def test_cloud_run_s_own_metrics_name_themselves() -> None:
    names = ("run_request_count.json", "run_request_latencies.json")
    history = read_exports([Export(name, (EXPORTS / name).read_text()) for name in names])
    assert history.problems == ()
    document = json.loads((EXPORTS / names[0]).read_text())
    for service, slices in history.services.items():
        counted = [
            int(point["value"]["int64Value"])
            for series in document["timeSeries"]
            if series["resource"]["labels"]["service_name"] == service
            for point in series["points"]
        ]
        assert sum(one.requests or 0 for one in slices) == sum(counted)
        assert {one.revision for one in slices} == {f"{service}-00001-abc"}
        assert all(one.errors_5xx is not None and one.p95_ms and one.p50_ms for one in slices)
        assert all((one.p50_ms or 0) <= (one.p95_ms or 0) <= (one.p99_ms or 0) for one in slices)


def test_a_class_that_is_not_told_where_another_is_has_none() -> None:
    (seen,) = page([point(5, {"int64Value": "7"})]).services["api"]
    assert (seen.requests, seen.errors_5xx, seen.errors_4xx, seen.revision) == (7, 7, 0, "api-2")


def test_the_order_and_the_step_of_points_play_no_part() -> None:
    minutes = [point(minute, {"int64Value": "2"}, minute - 1) for minute in (3, 1, 2, 5, 4)]
    assert [one.requests for one in page(minutes).services["api"]] == [10]
    hour = page([point(60, {"int64Value": "1200"}, 0)]).services["api"]
    assert [one.requests for one in hour] == [100] * 12


def test_a_count_of_less_than_a_slice_is_not_that_of_the_slice() -> None:
    every_minute = [[BASE + 60 * nth, "3"] for nth in range(1, 11) if nth != 7]
    assert [one.requests for one in matrix(every_minute).services["api"]] == [15, None]


@pytest.mark.parametrize(
    ("values", "line", "oddity", "code"),
    [
        ([[BASE, "1"], [BASE + 300, "many"]], 15, Oddity.FIELD, "backtest.export_value"),
        ([[BASE, "1"], [BASE + 300, "-1"]], 15, Oddity.FIELD, "backtest.export_value"),
        ([[BASE, "1"], [BASE + 300, "+Inf"]], 15, Oddity.FIELD, "backtest.export_value"),
        ([[BASE, "1"], [BASE + 300, None]], 15, Oddity.FIELD, "backtest.export_value"),
        ([[BASE, "1"], [BASE * 1000, "1"]], 15, Oddity.FIELD, "backtest.export_pair"),
        ([[BASE, "1"], "1"], 15, Oddity.FIELD, "backtest.export_pair"),
        ([[BASE, "1"], [BASE, "2"]], 15, Oddity.DUPLICATE, "backtest.export_twice"),
        ([[BASE, "1"], [BASE + 300, "2"], [BASE + 1200, "2"]], 0, Oddity.GAP, "backtest.gap"),
        ("none", 6, Oddity.GARBAGE, "backtest.export_shape"),
    ],
)
def test_faults_of_a_prometheus_answer_are_named_by_line(values: object, line: int, oddity: Oddity, code: str) -> None:
    assert told(matrix(values).problems) == [(line, oddity, code)]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"status": "error", "errorType": "bad_data", "error": "parse error"}, "backtest.prometheus_error"),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, "backtest.prometheus_matrix"),
        ({"status": "success"}, "backtest.prometheus_matrix"),
        ({"hits": 3}, "backtest.export_shape"),
        ([], "backtest.export_shape"),
        ({"timeSeries": 3}, "backtest.export_shape"),
    ],
)
def test_an_answer_that_is_no_export_is_named(document: object, code: str) -> None:
    assert [one[2] for one in told(read_exports([Export("a", json.dumps(document), "requests")]).problems)] == [code]


def test_broken_json_is_named_by_line_and_column() -> None:
    (problem,) = read_exports([Export("a.json", '{"status": "success",\n "data": {', "requests")]).problems
    assert (problem.name, problem.line, problem.oddity) == ("a.json", 2, Oddity.GARBAGE)


@pytest.mark.parametrize(
    ("points", "oddity", "code"),
    [
        ([point(5, {"int64Value": "many"})], Oddity.FIELD, "backtest.export_value"),
        ([point(5, {"boolValue": True})], Oddity.FIELD, "backtest.monitoring_distribution"),
        ([point(5, None)], Oddity.FIELD, "backtest.export_value"),
        ([point(5, {"distributionValue": {"bucketCounts": ["1"]}})], Oddity.FIELD, "backtest.monitoring_distribution"),
        ([point(5, {"int64Value": "1"}, 9)], Oddity.FIELD, "backtest.monitoring_interval"),
        ([{"value": {"int64Value": "1"}}], Oddity.FIELD, "backtest.monitoring_interval"),
        ([point(5, {"int64Value": "1"}), point(5, {"int64Value": "2"})], Oddity.DUPLICATE, "backtest.export_twice_at"),
        (None, Oddity.GARBAGE, "backtest.export_shape"),
    ],
)
def test_faults_of_a_monitoring_page_are_named_by_line(points: object, oddity: Oddity, code: str) -> None:
    problems = page(points).problems
    assert [(one[1], one[2]) for one in told(problems)][:1] == [(oddity, code)]
    assert problems[0].line > 1


def test_another_metric_needs_its_figure_and_one_page_of_several_says_so() -> None:
    hits = "redis.googleapis.com/stats/keyspace_hits"
    assert told(page([point(5, {"int64Value": "4"})], hits).problems)[0][2] == "backtest.monitoring_which"
    (seen,) = page([point(5, {"int64Value": "4"})], hits, "hits").services["api"]
    assert (seen.hits, seen.requests) == (4, None)
    text = json.dumps({"timeSeries": [], "nextPageToken": "more"})
    assert told(read_exports([Export("a", text)]).problems) == [(1, Oddity.GAP, "backtest.monitoring_page")]


def test_two_levels_are_not_added_and_a_series_without_a_service_is_named() -> None:
    one = {"metric": {"service": "api", "pod": "a"}, "values": [[BASE + 300, "0.2"]]}
    two = {"metric": {"service": "api", "pod": "b"}, "values": [[BASE + 300, "0.4"]]}
    none = {"metric": {"pod": "b"}, "values": [[BASE + 300, "0.4"]]}
    text = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [one, two, none]}})
    history = read_exports([Export("a", text, "p95_seconds")])
    assert [code for _, _, code in told(history.problems)] == ["backtest.export_level_twice", "backtest.export_service"]
    assert [seen.p95_ms for seen in history.services["api"]] == [200.0]
    pods = read_exports([Export("a", text, "requests", "all")])
    assert [seen.requests for seen in pods.services["all"]] == [1]


def test_more_errors_than_requests_are_none() -> None:
    errors = Export("e", json.dumps(_answer([[BASE, "9"]])), "errors_5xx")
    requests = Export("r", json.dumps(_answer([[BASE, "4"]])), "requests")
    history = read_exports([errors, requests])
    assert [one.errors_5xx for one in history.services["api"]] == [None]
    assert told(history.problems) == [(0, Oddity.FIELD, "backtest.export_more_errors")]


def _answer(values: object) -> object:
    result = [{"metric": {"job": "api"}, "values": values}]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _counted(service: str, minutes: Sequence[int], project: str = "shop") -> object:
    """A series of Cloud Run with a point every five minutes that end then."""
    return {
        "metric": {"type": "run.googleapis.com/request_count", "labels": {"response_code_class": "2xx"}},
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": service, "project_id": project}},
        "metricKind": "DELTA",
        "points": [point(minute, {"int64Value": "60"}) for minute in minutes],
    }


def _requests(history: SliceHistory, service: str = "api") -> Sequence[tuple[int, int | None, int | None]]:
    """Minute of its end, requests, and failures of each slice."""
    own = history.services[service]
    return [(round((one.end - AT) / timedelta(minutes=1)), one.requests, one.errors_5xx) for one in own]


AWAKE = [10, 25]
ASLEEP = [(10, 60, 0), (15, 0, 0), (20, 0, 0), (25, 60, 0), (30, 0, 0)]
UNKNOWN = [(10, 60, 0), (25, 60, 0)]


@pytest.mark.parametrize(
    ("beside", "more", "expected"),
    [
        pytest.param([_counted("other", range(5, 35, 5))], {}, ASLEEP, id="another one answered meanwhile"),
        pytest.param([_counted("other", [5, 10, 15, 25])], {}, [ASLEEP[0], ASLEEP[1], ASLEEP[3]], id="both silent"),
        pytest.param([_counted("other", range(4, 34, 5))], {}, UNKNOWN, id="not up to the last minute"),
        pytest.param([_counted("other", range(5, 35, 5), "else")], {}, UNKNOWN, id="another project"),
        pytest.param([_counted("other", range(5, 35, 5))], {"nextPageToken": "x"}, UNKNOWN, id="pages are missing"),
    ],
)
def test_a_service_of_cloud_run_is_asleep_where_another_of_its_project_tells(
    beside: Sequence[object], more: dict[str, object], expected: object
) -> None:
    text = json.dumps({"timeSeries": [_counted("api", AWAKE), *beside], **more})
    history = read_exports([Export("page.json", text)])
    assert _requests(history) == expected


def test_nothing_is_asleep_where_a_file_cannot_be_read() -> None:
    text = json.dumps({"timeSeries": [_counted("api", AWAKE), _counted("other", range(5, 35, 5))]})
    assert _requests(read_exports([Export("page.json", text), Export("broken.json", text[:-1])])) == UNKNOWN


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_every_fault_has_its_sentence(locale: str) -> None:
    words = Catalogue(locale)
    faults = [*matrix([[BASE, "x"], 3]).problems, *page(None).problems, *page([point(5, {})]).problems]
    assert all("{" not in words.plain(one.says).split(": ", 1)[0] for one in faults)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_an_export_or_a_named_fault(document: object) -> None:
    for figure in ("", "requests", "p95_ms"):
        for given_document in (document, {"timeSeries": document}, {"status": "success", "data": document}):
            assert read_exports([Export("a", json.dumps(given_document), figure)]).problems


@given(JSON, st.sampled_from([None, 1]))
def test_the_line_of_a_place_is_that_in_the_text(document: object, indent: int | None) -> None:
    text = json.dumps({"a": document, "b": [document, "here"]}, indent=indent)
    assert Located(text).line(("b", 1)) == text[: text.rindex('"here"')].count("\n") + 1
