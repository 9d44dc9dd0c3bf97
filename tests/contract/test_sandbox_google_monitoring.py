"""The sandbox's Monitoring, asked by the real async client: filters, aligners, reducers, paging, writes, refusals."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import monitoring_v3 as m

from sandbox.google.monitoring import catalogue
from sandbox.google.monitoring.metric import Buckets, Histogram
from sandbox.google.monitoring.series import GridHistograms, GridSeries, Labels
from sandbox.google.monitoring.store import LabelFault
from tests.unit.sandbox.google_side import PROJECT, START, GoogleSide, google_side

NAME = f"projects/{PROJECT}"
FIRST = int(START) // 60 - 120  # two hours of history
Align = m.Aggregation.Aligner
Reduce = m.Aggregation.Reducer
COUNTED = "run.googleapis.com/request_count"
COUNT = 'metric.type = "run.googleapis.com/request_count"'


def run_labels(service: str, code: int) -> Labels:
    return Labels(
        "cloud_run_revision",
        {
            "project_id": PROJECT,
            "service_name": service,
            "revision_name": f"{service}-00001-abc",
            "location": "us-central1",
            "configuration_name": service,
        },
        {"response_code": str(code), "response_code_class": f"{code // 100}xx"},
    )


@pytest.fixture(scope="module")
async def side() -> AsyncIterator[GoogleSide]:
    """Three services: 10, 20 and 30 good answers a minute; one failure in each tenth minute of the first one."""
    async with google_side() as side:
        buckets = Buckets.growing(10, 2.0, 10.0)
        for number, service in enumerate(("one", "two", "three"), 1):
            good = GridSeries(catalogue.REQUEST_COUNT, run_labels(service, 200), FIRST)
            good.fill([10 * number] * 121, sparse=False)
            side.cloud.series.add(good)
            latency = GridHistograms(catalogue.REQUEST_LATENCIES, run_labels(service, 200), FIRST, buckets)
            for minute in range(121):
                latency.put(FIRST + minute, Histogram.of_counts(buckets, (0, 0, 5, 4, 1) + (0,) * 7))
            side.cloud.series.add(latency)
        bad = GridSeries(catalogue.REQUEST_COUNT, run_labels("one", 503), FIRST)
        for minute in range(0, 121, 10):
            bad.put(FIRST + minute, 1)
        side.cloud.series.add(bad)
        level = GridSeries(catalogue.INSTANCE_COUNT, Labels("cloud_run_revision", run_labels("one", 200).resource,
                                                            {"state": "active"}), FIRST)  # fmt: skip
        level.fill([minute % 4 for minute in range(121)], sparse=False)
        side.cloud.series.add(level)
        yield side


@pytest.fixture(scope="module")
async def metrics(side: GoogleSide) -> m.MetricServiceAsyncClient:
    return side.client(m.MetricServiceAsyncClient)


async def listed(metrics: m.MetricServiceAsyncClient, text: str, start: float, end: float, **how: Any) -> list[Any]:
    """All pages' series; `how`: aligner, reducer, group_by, period, page_size, view."""
    request = m.ListTimeSeriesRequest(
        name=NAME,
        filter=text,
        interval={"start_time": {"seconds": int(start)}, "end_time": {"seconds": int(end)}},
        page_size=how.get("page_size", 0),
        view=how.get("view", 0),
    )
    if "aligner" in how:
        request.aggregation = m.Aggregation(
            alignment_period={"seconds": how.get("period", 300)},
            per_series_aligner=how["aligner"],
            cross_series_reducer=how.get("reducer", 0),
            group_by_fields=how.get("group_by", []),
        )
    return [series async for series in await metrics.list_time_series(request=request)]


def numbers(series: Any) -> list[float]:
    """Points as they came, newest first."""
    return [p.value.int64_value or p.value.double_value for p in series.points]


class TestRawPoints:
    async def test_come_newest_first_with_both_ends(self, metrics: m.MetricServiceAsyncClient) -> None:
        found = await listed(metrics, f'{COUNT} AND resource.labels.service_name = "two"', START - 600, START - 300)
        assert [numbers(s) for s in found] == [[20] * 5]
        first = found[0].points[0].interval
        assert (first.start_time.timestamp(), first.end_time.timestamp()) == (START - 360, START - 300)
        assert found[0].metric_kind == 2
        assert found[0].unit == "1"

    async def test_are_not_visible_before_the_ingest_delay(self, metrics: m.MetricServiceAsyncClient) -> None:
        found = await listed(metrics, f'{COUNT} resource.label.service_name = "two"', START - 600, START)
        assert found[0].points[0].interval.end_time.timestamp() == START - 120

    async def test_an_absent_minute_has_no_point(self, metrics: m.MetricServiceAsyncClient) -> None:
        found = await listed(metrics, f'{COUNT} AND metric.labels.response_code_class = "5xx"', START - 1800, START)
        assert numbers(found[0]) == [1, 1, 1]

    async def test_headers_only(self, metrics: m.MetricServiceAsyncClient) -> None:
        found = await listed(metrics, COUNT, START - 600, START, view=m.ListTimeSeriesRequest.TimeSeriesView.HEADERS)
        assert len(found) == 4
        assert not any(s.points for s in found)


FILTERS = [
    ('resource.type = "cloud_run_revision"', 4),
    ('resource.labels.service_name = one_of("one", "two")', 3),
    ('resource.labels.service_name = starts_with("t")', 2),
    ('resource.labels.service_name = ends_with("o")', 1),
    ('resource.labels.service_name = has_substring("hre")', 1),
    ('resource.labels.service_name = monitoring.regex.full_match("o.e")', 2),
    ('resource.labels.service_name != "one"', 2),
    ('NOT resource.labels.service_name = "one"', 2),
    ('-resource.labels.service_name = "one"', 2),
    ('resource.labels.service_name : "WO"', 1),
    ('(resource.labels.service_name = "one" OR resource.labels.service_name = "two")', 3),
    ('(resource.labels.service_name = "one" AND metric.labels.response_code = 503)', 1),
    ("metric.labels.response_code >= 500", 1),
    ('project = "naeda-genesis"', 4),
]


@pytest.mark.parametrize(("term", "count"), FILTERS)
async def test_filters(metrics: m.MetricServiceAsyncClient, term: str, count: int) -> None:
    assert len(await listed(metrics, f"{COUNT} AND {term}", START - 1800, START)) == count


ALIGNERS = [
    (Align.ALIGN_DELTA, COUNT, 50),
    (Align.ALIGN_SUM, COUNT, 50),
    (Align.ALIGN_RATE, COUNT, 50 / 300),
    (Align.ALIGN_MEAN, COUNT, 10),
    (Align.ALIGN_COUNT, COUNT, 5),
    (Align.ALIGN_STDDEV, COUNT, 0),
    (Align.ALIGN_PERCENT_CHANGE, COUNT, 0),
    # Levels 0 1 2 3 0 1 2 3 …; the five minutes are the 110th to the 114th: 2 3 0 1 2.
    (Align.ALIGN_MAX, 'metric.type = "run.googleapis.com/container/instance_count"', 3),
    (Align.ALIGN_MIN, 'metric.type = "run.googleapis.com/container/instance_count"', 0),
    (Align.ALIGN_MEAN, 'metric.type = "run.googleapis.com/container/instance_count"', 1.6),
    (Align.ALIGN_NEXT_OLDER, 'metric.type = "run.googleapis.com/container/instance_count"', 2),
    (Align.ALIGN_INTERPOLATE, 'metric.type = "run.googleapis.com/container/instance_count"', 2),
    # 5 of 10 in [20, 40), 4 in [40, 80), 1 in [80, 160).
    (Align.ALIGN_PERCENTILE_50, 'metric.type = "run.googleapis.com/request_latencies"', 40),
    (Align.ALIGN_PERCENTILE_95, 'metric.type = "run.googleapis.com/request_latencies"', 120),
    (Align.ALIGN_PERCENTILE_99, 'metric.type = "run.googleapis.com/request_latencies"', 152),
    (Align.ALIGN_PERCENTILE_05, 'metric.type = "run.googleapis.com/request_latencies"', 22),
]


@pytest.mark.parametrize(("aligner", "text", "value"), ALIGNERS)
async def test_aligners(metrics: m.MetricServiceAsyncClient, aligner: Any, text: str, value: float) -> None:
    found = await listed(
        metrics, f'{text} AND resource.labels.service_name = "one"', START - 900, START - 300, aligner=aligner
    )
    one = next(s for s in found if s.metric.labels.get("response_code") != "503")
    assert numbers(one)[0] == pytest.approx(value)
    assert [p.interval.end_time.timestamp() for p in one.points] == [START - 300, START - 600]


REDUCERS = [
    (Reduce.REDUCE_SUM, 50 + 100 + 150),
    (Reduce.REDUCE_MEAN, 100),
    (Reduce.REDUCE_MIN, 50),
    (Reduce.REDUCE_MAX, 150),
    (Reduce.REDUCE_COUNT, 3),
    (Reduce.REDUCE_PERCENTILE_50, 100),
    (Reduce.REDUCE_PERCENTILE_95, 145),
    (Reduce.REDUCE_STDDEV, (5000 / 3) ** 0.5),
]


@pytest.mark.parametrize(("reducer", "value"), REDUCERS)
async def test_reducers(metrics: m.MetricServiceAsyncClient, reducer: Any, value: float) -> None:
    found = await listed(
        metrics, f'{COUNT} AND metric.labels.response_code = "200"', START - 900, START - 300,
        aligner=Align.ALIGN_DELTA, reducer=reducer,
    )  # fmt: skip
    assert [numbers(s) for s in found] == [[pytest.approx(value)] * 2]


async def test_one_grouped_query_serves_all_services(metrics: m.MetricServiceAsyncClient) -> None:
    found = await listed(
        metrics, COUNT, START - 3900, START - 300, aligner=Align.ALIGN_DELTA, reducer=Reduce.REDUCE_SUM,
        group_by=["resource.labels.service_name", "metric.labels.response_code_class"],
    )  # fmt: skip
    by_group = {(s.resource.labels["service_name"], s.metric.labels["response_code_class"]): numbers(s) for s in found}
    assert by_group[("three", "2xx")] == [150] * 12
    # The failing minutes end at :01, :11, … of each hour: six five-minute slices have one, the others no point.
    assert by_group[("one", "5xx")] == [1] * 6
    assert set(by_group) == {("one", "2xx"), ("two", "2xx"), ("three", "2xx"), ("one", "5xx")}
    assert "revision_name" not in found[0].resource.labels


async def test_summed_distributions_keep_their_buckets(metrics: m.MetricServiceAsyncClient) -> None:
    found = await listed(
        metrics, 'metric.type = "run.googleapis.com/request_latencies"', START - 3900, START - 300,
        aligner=Align.ALIGN_DELTA, reducer=Reduce.REDUCE_SUM, period=3600,
    )  # fmt: skip
    value = found[0].points[0].value.distribution_value
    assert value.count == 3 * 60 * 10
    assert list(value.bucket_counts) == [0, 0, 900, 720, 180]
    assert value.bucket_options.exponential_buckets.growth_factor == 2.0
    assert value.mean == pytest.approx(0.5 * 30 + 0.4 * 60 + 0.1 * 120)


async def test_pages_cut_anywhere_add_up(metrics: m.MetricServiceAsyncClient) -> None:
    whole = await listed(metrics, COUNT, START - 1800, START)
    pages = await listed(metrics, COUNT, START - 1800, START, page_size=7)
    joined: dict[tuple[str, str], list[float]] = {}
    for series in pages:
        key = (series.resource.labels["service_name"], series.metric.labels["response_code"])
        joined.setdefault(key, []).extend(numbers(series))
    assert list(joined.values()) == [numbers(s) for s in whole]


REFUSED = [
    ("metric.type = ", {}, "could not parse"),
    ('metric.kind = "x"', {}, "unknown field"),
    ('resource.type = "cloud_run_revision"', {}, "must specify a metric type"),
    (f'{COUNT} AND resource.type = "redis_instance"', {}, "valid combination"),
    (f'{COUNT} AND metric.labels.colour = "red"', {}, "valid combination"),
    (COUNT, {"aligner": Align.ALIGN_DELTA, "period": 30}, "at least 60 seconds"),
    (COUNT, {"aligner": Align.ALIGN_NONE, "reducer": Reduce.REDUCE_SUM}, "ALIGN_NONE"),
    (COUNT, {"aligner": Align.ALIGN_NEXT_OLDER}, "ALIGN_NEXT_OLDER"),
    (COUNT, {"aligner": Align.ALIGN_PERCENTILE_95}, "ALIGN_PERCENTILE_95"),
    (COUNT, {"aligner": Align.ALIGN_DELTA, "reducer": Reduce.REDUCE_COUNT_TRUE}, "REDUCE_COUNT_TRUE"),
    (COUNT, {"aligner": Align.ALIGN_DELTA, "reducer": Reduce.REDUCE_SUM, "group_by": ["zone"]}, "groupByFields"),
]


@pytest.mark.parametrize(("text", "how", "words"), REFUSED)
async def test_refused_queries(metrics: m.MetricServiceAsyncClient, text: str, how: dict[str, Any], words: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=words):
        await listed(metrics, text, START - 900, START, **how)


async def test_an_interval_that_ends_before_it_starts_is_refused(metrics: m.MetricServiceAsyncClient) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="interval"):
        await listed(metrics, COUNT, START, START - 900)


async def test_an_unknown_metric_is_not_found(metrics: m.MetricServiceAsyncClient) -> None:
    with pytest.raises(exceptions.NotFound, match="Cannot find metric"):
        await listed(metrics, 'metric.type = "custom.googleapis.com/nobody_wrote_this"', START - 900, START)


async def test_another_project_is_not_found(metrics: m.MetricServiceAsyncClient) -> None:
    with pytest.raises(exceptions.NotFound):
        await metrics.list_time_series(name="projects/other", filter=COUNT, interval=m.TimeInterval())


async def test_an_outage_of_the_metrics_is_absence_and_heals(
    side: GoogleSide, metrics: m.MetricServiceAsyncClient
) -> None:
    side.cloud.series.outages.clear()
    side.clock.at = START - 600
    side.cloud.series.start_outage("run.googleapis.com/*")
    side.clock.at = START
    try:
        found = await listed(
            metrics, f'{COUNT} AND resource.labels.service_name = "two"', START - 1200, START, aligner=Align.ALIGN_DELTA
        )
        assert [p.interval.end_time.timestamp() for p in found[0].points] == [START - 600, START - 900]
    finally:
        side.cloud.series.outages.clear()


@pytest.mark.parametrize(
    ("fault", "failed", "well"),
    [
        ({}, [1, 1], [80, 100]),
        ({"value": "5xx"}, [], [80, 100]),  # gone
        ({"value": "5xx", "late_seconds": 900.0}, [1], [80, 100]),
        ({"value": "2xx", "times": 10.0}, [1, 1], [800, 1000]),
    ],
)
async def test_one_label_value_is_gone_late_or_too_large_while_the_others_go_on(
    side: GoogleSide, metrics: m.MetricServiceAsyncClient, fault: dict[str, Any], failed: list[int], well: list[int]
) -> None:
    store = side.cloud.series
    if fault:
        store.label_faults.append(LabelFault(COUNTED, "response_code_class", since=START - 1800, **fault))
    try:
        found = await listed(
            metrics, f'{COUNT} AND resource.labels.service_name = "one"', START - 1200, START,
            aligner=Align.ALIGN_DELTA, period=600, reducer=Reduce.REDUCE_SUM,
            group_by=["metric.labels.response_code_class"],
        )  # fmt: skip
        told = {one.metric.labels["response_code_class"]: [p.value.int64_value for p in one.points] for one in found}
        assert (told.get("5xx", []), told["2xx"]) == (failed, well)
    finally:
        store.label_faults.clear()


# Writes


def written(metric: str, value: float, end: float, **labels: str) -> m.TimeSeries:
    """A series with one point on a generic_task."""
    return m.TimeSeries(
        metric={"type": f"custom.googleapis.com/{metric}", "labels": labels},
        resource={
            "type": "generic_task",
            "labels": {
                "project_id": PROJECT,
                "location": "us-central1",
                "namespace": "lumen",
                "job": "ion-api",
                "task_id": "0",
            },
        },
        points=[m.Point(interval={"end_time": {"seconds": int(end)}}, value={"double_value": value})],
    )


async def write(metrics: m.MetricServiceAsyncClient, *series: m.TimeSeries) -> None:
    await metrics.create_time_series(name=NAME, time_series=list(series))


async def test_a_custom_metric_is_read_back_at_once(metrics: m.MetricServiceAsyncClient) -> None:
    await write(metrics, written("hit_rate", 71.5, START - 60))
    await write(metrics, written("hit_rate", 72.5, START - 55))
    found = await listed(metrics, 'metric.type = "custom.googleapis.com/hit_rate"', START - 300, START)
    assert numbers(found[0]) == [72.5, 71.5]
    descriptor = await metrics.get_metric_descriptor(name=f"{NAME}/metricDescriptors/custom.googleapis.com/hit_rate")
    assert descriptor.value_type == 3


WRITES_REFUSED = [
    ("older", START - 65, "written in order"),
    ("same", START - 60, "written in order"),
    ("soon", START - 56, "more frequently"),
    ("old", START - 90_000, "24h in the past"),
    ("future", START + 400, "in the future"),
]


@pytest.mark.parametrize(("case", "end", "words"), WRITES_REFUSED)
async def test_refused_writes(metrics: m.MetricServiceAsyncClient, case: str, end: float, words: str) -> None:
    await write(metrics, written(f"refused_{case}", 1.0, START - 60))
    with pytest.raises(exceptions.InvalidArgument, match=words):
        await write(metrics, written(f"refused_{case}", 2.0, end))


async def test_what_can_be_written_is_written_and_the_rest_is_counted(metrics: m.MetricServiceAsyncClient) -> None:
    good, bad = written("partly", 1.0, START, part="a"), written("partly", 1.0, START, part="b")
    bad.resource.type = "cloud_run_revision"
    with pytest.raises(exceptions.InvalidArgument, match="cloud_run_revision") as refused:
        await write(metrics, good, bad)
    summary = m.CreateTimeSeriesSummary.pb(m.CreateTimeSeriesSummary())
    assert refused.value.details[0].Unpack(summary)
    assert (summary.total_point_count, summary.success_point_count) == (2, 1)
    assert summary.errors[0].point_count == 1
    assert len(await listed(metrics, 'metric.type = "custom.googleapis.com/partly"', START - 60, START)) == 1


async def test_at_most_200_series_a_call(metrics: m.MetricServiceAsyncClient) -> None:
    series = [written("many", 1.0, START, number=str(n)) for n in range(201)]
    with pytest.raises(exceptions.InvalidArgument, match="200"):
        await write(metrics, *series)
    await write(metrics, *series[:200])
    with pytest.raises(exceptions.InvalidArgument, match="written in order") as refused:  # however many there are
        await write(metrics, *series[:200])
    summary = m.CreateTimeSeriesSummary.pb(m.CreateTimeSeriesSummary())
    assert refused.value.details[0].Unpack(summary)
    assert [error.point_count for error in summary.errors] == [200]


async def test_a_series_stands_once_in_a_call_with_one_point(metrics: m.MetricServiceAsyncClient) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="Duplicate"):
        await write(metrics, written("twice", 1.0, START - 60), written("twice", 1.0, START))
    two_points = written("points", 1.0, START - 60)
    two_points.points.append(written("points", 2.0, START).points[0])
    with pytest.raises(exceptions.InvalidArgument, match="one point"):
        await write(metrics, two_points)


async def test_kind_and_value_type_stay(metrics: m.MetricServiceAsyncClient) -> None:
    await write(metrics, written("typed", 1.0, START - 60))
    whole = written("typed", 1.0, START)
    whole.points[0].value = m.TypedValue(int64_value=1)
    with pytest.raises(exceptions.InvalidArgument, match="must be DOUBLE"):
        await write(metrics, whole)


@pytest.mark.parametrize("metric", ["run.googleapis.com/request_count", "lumen/score"])
async def test_only_custom_metrics_are_written(metrics: m.MetricServiceAsyncClient, metric: str) -> None:
    series = written("x", 1.0, START)
    series.metric.type = metric
    with pytest.raises(exceptions.InvalidArgument, match="cannot be written"):
        await write(metrics, series)


async def test_labels_of_the_resource_are_checked(metrics: m.MetricServiceAsyncClient) -> None:
    series = written("labels", 1.0, START)
    del series.resource.labels["job"]
    with pytest.raises(exceptions.InvalidArgument, match="job"):
        await write(metrics, series)
    series = written("labels", 1.0, START)
    series.resource.labels["colour"] = "red"
    with pytest.raises(exceptions.InvalidArgument, match="colour"):
        await write(metrics, series)


# Descriptors


async def test_descriptors_are_listed_made_and_deleted(metrics: m.MetricServiceAsyncClient) -> None:
    made = await metrics.create_metric_descriptor(
        name=NAME,
        metric_descriptor={"type": "custom.googleapis.com/made", "metric_kind": 1, "value_type": 2, "unit": "1"},
    )
    assert made.name == f"{NAME}/metricDescriptors/custom.googleapis.com/made"
    pager = await metrics.list_metric_descriptors(
        request={"name": NAME, "filter": 'metric.type = starts_with("custom.googleapis.com/ma")', "page_size": 1}
    )
    assert "custom.googleapis.com/made" in [d.type async for d in pager]
    await metrics.delete_metric_descriptor(name=made.name)
    with pytest.raises(exceptions.NotFound):
        await metrics.get_metric_descriptor(name=made.name)


async def test_googles_own_descriptors_stay(metrics: m.MetricServiceAsyncClient) -> None:
    name = f"{NAME}/metricDescriptors/run.googleapis.com/request_count"
    assert (await metrics.get_metric_descriptor(name=name)).metric_kind == 2
    with pytest.raises(exceptions.InvalidArgument, match="not user-defined"):
        await metrics.delete_metric_descriptor(name=name)
    with pytest.raises(exceptions.InvalidArgument, match="must begin with"):
        await metrics.create_metric_descriptor(
            name=NAME, metric_descriptor={"type": "run.googleapis.com/mine", "metric_kind": 1, "value_type": 2}
        )


async def test_resource_descriptors(metrics: m.MetricServiceAsyncClient) -> None:
    pager = await metrics.list_monitored_resource_descriptors(name=NAME)
    found = {d.type: [label.key for label in d.labels] async for d in pager}
    assert "task_id" in found["generic_task"]
    assert "revision_name" in found["cloud_run_revision"]
