"""The uptime check as a witness: what its places say of each slice, and that its silence says nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from google.cloud.monitoring_v3 import UptimeCheckServiceAsyncClient
from google.protobuf.duration_pb2 import Duration

from lumen.adapters.google.clients import GoogleClients, Patience, open_google
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_slices import MonitoringSlices
from lumen.adapters.google.monitoring_uptime import Probes, UptimeCheck
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.model.witnesses import exactly
from sandbox.google.monitoring.catalogue import REQUEST_COUNT
from sandbox.google.monitoring.series import Labels, Point
from tests.alike import Alike
from tests.unit.sandbox.google_side import PROJECT, START, GoogleSide, google_side

API = ServiceId(PROJECT, "us-central1", "ion-api")
HOST = "ion-api.example.com"
FROM = datetime.fromtimestamp(START, UTC)
HOUR = Window(FROM, FROM + 12 * SLICE)


@dataclass
class Side:
    google: GoogleSide
    clients: GoogleClients

    @property
    def queries(self) -> MonitoringQueries:
        return MonitoringQueries(self.clients.metrics, PROJECT, Patience(attempt_seconds=5, retry_seconds=0))

    @property
    def check(self) -> UptimeCheck:
        return UptimeCheck(self.queries, API, HOST)

    async def make(self) -> None:
        checks = self.google.client(UptimeCheckServiceAsyncClient)
        body = {
            "display_name": "Lumen",
            "monitored_resource": {"type": "uptime_url", "labels": {"project_id": PROJECT, "host": HOST}},
            "http_check": {"path": "/healthz", "port": 443, "use_ssl": True},
            "period": Duration(seconds=300),
            "timeout": Duration(seconds=10),
        }
        await checks.create_uptime_check_config({"parent": f"projects/{PROJECT}", "uptime_check_config": body})

    def pass_time(self, slices: int, fails: float = 0.0) -> None:
        self.google.cloud.uptime.fails = lambda: fails
        self.google.clock.at += slices * SLICE.total_seconds()
        self.google.cloud.advance()


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    async with google_side(ingest_delay_seconds=0.0) as google:
        clients = await open_google(google.target)
        yield Side(google, clients)
        await clients.close()


async def test_a_check_that_is_not_there_says_nothing(side: Side) -> None:
    side.pass_time(12)
    assert await side.check.slices(HOUR) == {}
    await side.make()
    assert await UptimeCheck(side.queries, API, "another.example.com").slices(HOUR) == {}


async def test_each_slice_has_the_places_that_failed_and_those_that_were_answered(side: Side) -> None:
    await side.make()
    side.pass_time(6)
    side.pass_time(6, fails=1.0)
    found = await side.check.slices(HOUR)
    assert found == {at: Probes(0, 6) for at in range(6)} | {at: Probes(6, 0) for at in range(6, 12)}
    side.google.cloud.faults.denied.add("monitoring.timeSeries.list")
    assert await side.check.slices(HOUR) == {}


@pytest.mark.parametrize(
    ("probes", "requests", "says"),
    [
        (Probes(6, 0), 1800, exactly(1800, 1800)),
        (Probes(6, 0), 0, exactly(6, 6)),
        (Probes(2, 4), 100, exactly(100, 100)),
        (Probes(1, 5), 100, None),
        (Probes(1, 1), 0, None),
        (Probes(0, 6), 100, None),
        (Probes(0, 6), 0, exactly(6, 0)),
        (Probes(0, 0), 0, None),
    ],
)
def test_what_it_makes_of_a_slice(probes: Probes, requests: int, says: object) -> None:
    assert probes.says(requests) == says


async def test_slices_in_which_nobody_gets_through_are_bad_whatever_was_counted(side: Side) -> None:
    await side.make()
    side.pass_time(6)
    side.pass_time(6, fails=1.0)
    run = {"project_id": PROJECT, "service_name": "ion-api", "location": "us-central1", "revision_name": "a"}
    of = Labels("cloud_run_revision", run, {"response_code": "200", "response_code_class": "2xx"})
    series = side.google.cloud.series.open_written(REQUEST_COUNT, of)
    for minute in range(45):  # then nothing is counted any more, and nobody knows why
        series.put(Point(START + 60 * minute, START + 60 * (minute + 1), 10))
    slices = MonitoringSlices(Alike(side.queries), MonitoringCache({}, {}), {}, side.check)
    found = (await slices.counts((API,), HOUR))[API]
    assert not isinstance(found, NoData)
    assert [one.is_unreachable for one in found] == [False] * 6 + [True] * 6
    assert [one.requests for one in found][:9] == [50] * 9
    assert {one.bounds for one in found[:6]} == {exactly(50, 0)}
    assert {one.bounds for one in found[6:9]} == {exactly(50, 50)}
    other = ServiceId(PROJECT, "us-central1", "ion-api-canary")
    slept = (await slices.counts((other,), HOUR))[other]
    assert not isinstance(slept, NoData)
    assert not [one for one in slept if one.is_checked]  # the address is that of the first service
