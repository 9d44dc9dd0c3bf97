"""Cloud Run's metrics through the real client against servers that know little, misbehave, or are not there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.api.distribution_pb2 import Distribution
from google.cloud.monitoring_v3 import ListTimeSeriesRequest, ListTimeSeriesResponse, Point, TimeSeries, TypedValue
from google.cloud.monitoring_v3.types import TimeInterval
from google.protobuf.message import Message

from lumen.adapters.google import monitoring_query as metrics
from lumen.adapters.google.clients import GoogleClients, Patience, open_google
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.model.cost import CostPrices, InstanceShape
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, HourlyHistory, LatencyDistribution, RequestSlice, Traffic, Window
from lumen.model.witnesses import Bounds
from tests.alike import Alike
from tests.foreign_google import ForeignGoogle, Refused

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
CANARY = ServiceId("naeda-genesis", "us-central1", "ion-api-canary")
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window(START, START + timedelta(hours=1))
ONCE = Patience(attempt_seconds=30, retry_seconds=0)
IMPATIENT = Patience(attempt_seconds=0.3, retry_seconds=0)
PRICES = CostPrices(redis_hour=0.0128, api_call=0.01)

Told = Callable[[ListTimeSeriesRequest], Sequence[TimeSeries]]


class Shapes:
    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        return dict.fromkeys(services, InstanceShape(vcpu=1, gib=0.5, min_instances=0))


@pytest.fixture
def source(clients: GoogleClients) -> MonitoringTraffic:
    return of(clients, ONCE)


def of(clients: GoogleClients, patience: Patience) -> MonitoringTraffic:
    queries = MonitoringQueries(clients.metrics, "naeda-genesis", patience)
    return MonitoringTraffic(
        Alike(queries), HourlyCosts(Alike(queries), Alike(PRICES), Shapes(), MonitoringCache({}, {}), {})
    )


def tell(google: ForeignGoogle, told: Mapping[str, Told], asked: list[ListTimeSeriesRequest] | None = None) -> None:
    """Answer each metric that is in `told`; a server knows no other."""

    async def answer(raw: bytes) -> Message:
        request = ListTimeSeriesRequest.deserialize(raw)
        if asked is not None:
            asked.append(request)
        for metric, series in told.items():
            if f'"{metric}"' in request.filter:
                pb: Message = ListTimeSeriesResponse.pb(ListTimeSeriesResponse(time_series=list(series(request))))
                return pb
        raise Refused(grpc.StatusCode.NOT_FOUND, "Cannot find metric(s) that match type")

    google.answers["ListTimeSeries"] = answer


def series(
    values: Mapping[int, Any],
    service: ServiceId = API,
    labels: Mapping[str, str] | None = None,
    *,
    period: timedelta = SLICE,
    width: timedelta | None = None,
) -> TimeSeries:
    """`values`: period -> int, float or Distribution. Newest first, as Google answers."""
    points = [
        Point(
            interval=TimeInterval(
                start_time=START + (index + 1) * period - (width or period), end_time=START + (index + 1) * period
            ),
            value=typed(value),
        )
        for index, value in sorted(values.items(), reverse=True)
    ]
    return TimeSeries(
        resource={"type": "cloud_run_revision", "labels": {"service_name": service.name, "location": service.region}},
        metric={"type": "any", "labels": dict(labels or {})},
        points=points,
    )


def typed(value: Any) -> TypedValue:
    if isinstance(value, int):
        return TypedValue(int64_value=value)
    if isinstance(value, float):
        return TypedValue(double_value=value)
    return TypedValue(distribution_value=value)


def requests(_request: ListTimeSeriesRequest) -> Sequence[TimeSeries]:
    return [
        series(dict.fromkeys(range(12), 90), labels={"response_code_class": "2xx"}),
        series({0: 6, 3: 4}, labels={"response_code_class": "4xx"}),
        series({3: 10}, labels={"response_code_class": "5xx"}),
    ]


async def test_a_server_that_knows_one_metric_gives_that_part_and_says_what_else_is_missing(
    google: ForeignGoogle, source: MonitoringTraffic
) -> None:
    tell(google, {metrics.REQUESTS: requests})
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, Traffic)
    assert (found.requests, found.errors_4xx, found.errors_5xx) == (1100, 10, 10)
    alone = Bounds(least_requests=10, most_requests=104, least_errors=10, most_errors=10)  # one witness is none
    assert found.slices[3] == RequestSlice(START + 3 * SLICE, good=90, errors_4xx=4, errors_5xx=10, doubt=alone)
    for part in (found.latency, found.cold_starts, found.billable_instance_seconds):
        assert isinstance(part, NoData)
        assert part.reason.code == "source.not_found"


async def test_one_query_per_metric_for_all_services(google: ForeignGoogle, source: MonitoringTraffic) -> None:
    asked: list[ListTimeSeriesRequest] = []
    own = series(dict.fromkeys(range(12), 3), CANARY, {"response_code_class": "2xx"})
    tell(google, {metrics.REQUESTS: lambda of: [*requests(of), own]}, asked)
    await source.traffic([API, CANARY], WINDOW)
    assert len(asked) == 4
    assert all('one_of("ion-api","ion-api-canary")' in request.filter for request in asked)


async def test_silence_that_nobody_can_tell_from_sleep_is_no_data(
    google: ForeignGoogle, source: MonitoringTraffic
) -> None:
    tell(google, {metrics.REQUESTS: requests})  # whether anybody was billed or started is not known
    canary = (await source.traffic([API, CANARY], WINDOW))[CANARY]
    assert isinstance(canary, NoData)
    assert canary.reason.code == "source.no_requests"


async def test_absent_series_are_no_data_not_zero(google: ForeignGoogle, source: MonitoringTraffic) -> None:
    names = (metrics.REQUESTS, metrics.LATENCIES, metrics.STARTS, metrics.BILLABLE)
    tell(google, {**dict.fromkeys(names, lambda _: []), metrics.REQUESTS: requests})
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, Traffic)
    assert isinstance(found.cold_starts, NoData)
    assert found.cold_starts.reason.code == "source.no_starts"
    assert isinstance(found.latency, NoData)


async def test_slices_that_are_missing_or_incomplete_are_left_out(
    google: ForeignGoogle, source: MonitoringTraffic
) -> None:
    def holes(_request: ListTimeSeriesRequest) -> Sequence[TimeSeries]:
        return [
            series({1: 10, 2: 20}, labels={"response_code_class": "2xx"}),
            series({11: 5}, labels={"response_code_class": "2xx"}, width=timedelta(minutes=2)),
            series({-1: 7, 12: 7}, labels={"response_code_class": "2xx"}),
        ]

    tell(google, {metrics.REQUESTS: holes})
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, Traffic)
    assert [(s.start, s.total) for s in found.slices] == [(START + SLICE, 10), (START + 2 * SLICE, 20)]


async def test_requests_without_classes_are_no_data(google: ForeignGoogle, source: MonitoringTraffic) -> None:
    tell(google, {metrics.REQUESTS: lambda _: [series({0: 9})]})
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, NoData)
    assert found.reason.code == "source.no_classes"


@pytest.mark.parametrize(
    ("options", "bounds"),
    [
        ({"explicit_buckets": {"bounds": [10, 100, 1000]}}, (10.0, 100.0, 1000.0)),
        ({"linear_buckets": {"num_finite_buckets": 2, "width": 50, "offset": 10}}, (10.0, 60.0, 110.0)),
        ({"exponential_buckets": {"num_finite_buckets": 3, "growth_factor": 2, "scale": 5}}, (5.0, 10.0, 20.0, 40.0)),
    ],
)
async def test_buckets_are_read_at_run_time_and_slices_add_up(
    google: ForeignGoogle, source: MonitoringTraffic, options: Any, bounds: tuple[float, ...]
) -> None:
    whole = Distribution(count=7, bucket_counts=[1, 4, 2], bucket_options=options)
    tell(google, {metrics.REQUESTS: requests, metrics.LATENCIES: lambda _: [series({0: whole, 5: whole})]})
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, Traffic)
    assert isinstance(found.latency, LatencyDistribution)
    assert found.latency.bounds_ms == bounds
    assert found.latency.counts == (2, 8, 4)


async def test_layouts_that_change_within_a_window_are_merged(google: ForeignGoogle, source: MonitoringTraffic) -> None:
    linear = {"linear_buckets": {"num_finite_buckets": 2, "width": 100, "offset": 100}}
    one = Distribution(count=40, bucket_counts=[0, 20, 10, 10], bucket_options=linear)  # 100, 200, 300
    explicit = {"explicit_buckets": {"bounds": [50, 150, 250]}}
    other = Distribution(count=20, bucket_counts=[2, 8, 6, 4], bucket_options=explicit)
    told = [series({0: one, 3: other}), series({3: one}, labels={"response_code_class": "2xx"})]
    tell(google, {metrics.REQUESTS: requests, metrics.LATENCIES: lambda _: told})
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, Traffic)
    assert isinstance(found.latency, LatencyDistribution)
    assert found.latency.bounds_ms == (50.0, 100.0, 150.0, 200.0, 250.0)  # beyond 250 ms one layout tells nothing
    assert found.latency.counts == (2, 4, 24, 23, 13, 34)
    assert found.latency.total == 100


async def test_cold_starts_are_the_samples_and_instance_time_the_sum(
    google: ForeignGoogle, source: MonitoringTraffic
) -> None:
    starts = Distribution(count=3, bucket_counts=[3], bucket_options={"explicit_buckets": {"bounds": [1000]}})
    tell(
        google,
        {
            metrics.REQUESTS: requests,
            metrics.STARTS: lambda _: [series({2: starts, 4: starts})],
            metrics.BILLABLE: lambda _: [series({0: 120.5, 1: 60.0})],
        },
    )
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, Traffic)
    assert (found.cold_starts, found.billable_instance_seconds) == (6, 180.5)


@pytest.mark.parametrize(
    ("code", "detail", "said"),
    [
        (grpc.StatusCode.UNAVAILABLE, "going away", "source.unavailable"),
        (
            grpc.StatusCode.UNAVAILABLE,
            "Getting metadata from plugin failed with error: ('invalid_grant: expired')",
            "source.credentials",
        ),
        (grpc.StatusCode.UNAUTHENTICATED, "no token", "source.credentials"),
        (grpc.StatusCode.PERMISSION_DENIED, "Permission monitoring.timeSeries.list denied", "source.permission_denied"),
        (
            grpc.StatusCode.PERMISSION_DENIED,
            "Cloud Monitoring API has not been used in project 7 before or it is disabled.",
            "source.api_disabled",
        ),
        (grpc.StatusCode.UNIMPLEMENTED, "what?", "source.unimplemented"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", "source.quota"),
        (grpc.StatusCode.INVALID_ARGUMENT, "bad filter", "source.google_error"),
        (grpc.StatusCode.INTERNAL, "oops", "source.google_error"),
    ],
)
async def test_a_refusal_says_what_and_how_to_mend_it(
    google: ForeignGoogle, source: MonitoringTraffic, code: grpc.StatusCode, detail: str, said: str
) -> None:
    google.refuse("ListTimeSeries", code, detail)
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, NoData)
    assert found.reason.code == said
    assert found.remedy.code.startswith("source.")
    history = (await source.history([API], WINDOW))[API]
    assert isinstance(history, NoData)
    assert history.reason.code == said


async def test_a_server_that_hangs_costs_its_time_and_no_more(google: ForeignGoogle, clients: GoogleClients) -> None:
    google.hang("ListTimeSeries")
    found = (await of(clients, IMPATIENT).traffic([API], WINDOW))[API]
    assert isinstance(found, NoData)
    assert found.reason.code == "source.timeout"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with ForeignGoogle() as gone:
        endpoint = gone.endpoint
    clients = await open_google(endpoint)
    found = (await of(clients, IMPATIENT).traffic([API], WINDOW))[API]
    await clients.close()
    assert isinstance(found, NoData)
    assert found.reason.code in ("source.unavailable", "source.timeout")


async def test_a_read_is_tried_again_after_unavailable(google: ForeignGoogle, clients: GoogleClients) -> None:
    tell(google, {metrics.REQUESTS: requests})
    google.refuse("ListTimeSeries", grpc.StatusCode.UNAVAILABLE, times=2)
    found = (await of(clients, Patience(attempt_seconds=2, retry_seconds=5)).traffic([API], WINDOW))[API]
    assert isinstance(found, Traffic)


async def test_pages_are_read_to_the_end_but_not_for_ever(google: ForeignGoogle, source: MonitoringTraffic) -> None:
    async def endless(_raw: bytes) -> Message:
        pb: Message = ListTimeSeriesResponse.pb(ListTimeSeriesResponse(next_page_token="more"))
        return pb

    google.answers["ListTimeSeries"] = endless
    found = (await source.traffic([API], WINDOW))[API]
    assert isinstance(found, NoData)
    assert found.reason.code in ("source.too_much", "source.timeout")


def timed(count: int) -> Distribution:
    options = Distribution.BucketOptions(explicit_buckets=Distribution.BucketOptions.Explicit(bounds=[100]))
    return Distribution(count=count, bucket_options=options, bucket_counts=[count, 0])


async def test_history_costs_what_the_formula_says_and_leaves_gaps(
    google: ForeignGoogle, source: MonitoringTraffic
) -> None:
    hour = timedelta(hours=1)
    tell(
        google,
        {
            metrics.REQUESTS: lambda _: [
                series({0: 1000, 2: 500}, labels={"response_code_class": "2xx"}, period=hour),
                series({2: 5}, labels={"response_code_class": "5xx"}, period=hour),
            ],
            metrics.LATENCIES: lambda _: [
                series({0: timed(1000), 1: timed(7), 2: timed(500)}, labels={"response_code_class": "2xx"}, period=hour)
            ],
            metrics.BILLABLE: lambda _: [series({0: 3600.0}, period=hour)],
        },
    )
    window = Window(START, START + timedelta(hours=3))
    found = (await source.history([API], window))[API]
    assert isinstance(found, HourlyHistory)
    assert found.requests == (1000, None, 505)
    assert found.errors_5xx == (0, None, 5)
    # 3600 s × (1 vCPU × 0.000024 + 0.5 GiB × 0.0000025) + 1000 × 0.40 / 10⁶ + Redis
    assert found.cost_usd[0] == pytest.approx(0.0909 + 0.0004 + 0.0128)
    assert found.cost_usd[1:] == (None, None)


async def test_plaintext_never_leaves_the_machine() -> None:
    for endpoint in ("monitoring.googleapis.com:443", "10.0.0.1:80", "127.0.0.1"):
        with pytest.raises(ValueError, match="loopback"):
            await open_google(endpoint)


async def test_who_only_shares_a_cache_is_asked_for_once_a_window(
    google: ForeignGoogle, clients: GoogleClients
) -> None:
    """And again with the next window, or for its own sake; the parts that each pays stay the same."""
    asked: list[ListTimeSeriesRequest] = []
    counted = {"response_code_class": "2xx"}

    def told(of: ListTimeSeriesRequest) -> Sequence[TimeSeries]:
        both = ((API, 30), (CANARY, 10))
        value: Callable[[int], Any] = timed if metrics.LATENCIES in of.filter else int
        own = [(one, value(count)) for one, count in both if f'"{one.name}"' in of.filter]
        return [series(dict.fromkeys(range(2), count), one, counted, period=HOUR) for one, count in own]

    tell(google, {metrics.REQUESTS: told, metrics.LATENCIES: told, metrics.BILLABLE: told}, asked)
    queries, window = MonitoringQueries(clients.metrics, "naeda-genesis", ONCE), Window(START, START + 2 * HOUR)
    caches = dict.fromkeys((API, CANARY), "cache")
    costs = HourlyCosts(Alike(queries), Alike(PRICES), Shapes(), MonitoringCache({}, {}), caches)
    found = [(await costs.history([one], window))[one] for one in (API, CANARY, API)]
    witnessed = [request.filter for request in asked if metrics.LATENCIES in request.filter]
    assert [('"ion-api"' in one, '"ion-api-canary"' in one) for one in witnessed] == [
        (True, True),
        (False, True),
        (True, False),
    ]
    assert found[0] == found[2]
    cache_usd = 2 * PRICES.redis_hour
    alone = HourlyCosts(Alike(queries), Alike(PRICES), Shapes(), MonitoringCache({}, {}), {})
    without = [(await alone.history([one], window))[one] for one in (API, CANARY)]
    paid, whole = (sum(_usd(one) for one in each) for each in (found[:2], without))
    assert whole - paid == pytest.approx(cache_usd)
    asked.clear()
    await costs.history([CANARY], Window(START, START + HOUR))
    assert any('"ion-api"' in request.filter for request in asked)


def _usd(found: HourlyHistory | NoData) -> float:
    assert isinstance(found, HourlyHistory)
    return sum(cost or 0.0 for cost in found.cost_usd)
