"""Error lines of Cloud Logging: against the sandbox's, and against one that refuses, hangs, or does not exist."""

import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import grpc
import pytest

from lumen.adapters.google.clients import Patience
from lumen.adapters.google.error_log import CloudLogging, link, query
from lumen.alerts.error_lines import commonest
from lumen.alerts.masking import MARK
from lumen.model.error_lines import ErrorLine
from lumen.model.messages import SourceUnavailable
from lumen.model.service import ServiceId
from lumen.model.snapshot import Window
from sandbox.google.faults import MethodFault
from sandbox.google.logs import DEFAULT, ERROR, INFO
from sandbox.ion.behaviour import GOOD, Behaviour
from sandbox.ion.errorlog import ErrorLog
from tests.foreign_google import ForeignGoogle
from tests.unit.sandbox.google_side import PROJECT, START, GoogleSide, google_side

API = ServiceId(PROJECT, "us-central1", "ion-api")
REVISION = "ion-api-00042-dvt"
NOW = datetime.fromtimestamp(START, UTC)
WINDOW = Window(NOW - timedelta(minutes=15), NOW)
REQUESTS = "run.googleapis.com/requests"


def labels(revision: str = REVISION, service: str = "ion-api", region: str = "us-central1") -> Mapping[str, str]:
    return {"project_id": PROJECT, "service_name": service, "revision_name": revision, "location": region}


@dataclass
class Side:
    google: GoogleSide
    log: CloudLogging

    def write(self, said: Any, severity: int = ERROR, of: Mapping[str, str] = labels(), **rest: Any) -> None:
        self.google.cloud.logs.write(START - rest.pop("ago", 60.0), severity, of, said, **rest)


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    async with google_side() as google:
        log = CloudLogging(google.target, Patience(attempt_seconds=5, retry_seconds=0))
        yield Side(google, log)
        await log.close()


async def test_the_errors_of_one_revision_are_read_and_nothing_else(side: Side) -> None:
    side.write("too old", ago=901.0)
    side.write({"message": "first", "other": "x"}, ago=800.0)
    side.write("of another revision", of=labels("ion-api-00041-qhm"))
    side.write("of another service", of=labels(service="ion-api-canary"))
    side.write("of another region", of=labels(region="europe-west1"))
    side.write("Listening on port 8080", INFO)
    side.write("a plain line", DEFAULT)
    side.write("Traceback (most recent call last):\n  File x\nKeyError: 'plan'", DEFAULT)
    side.write("GET /v1/mentors 500", log_id=REQUESTS)
    side.write("Memory limit of 512 MiB exceeded.", log_id="run.googleapis.com/varlog/system")
    side.write("just now", ago=0.0)
    found = await side.log.read(API, REVISION, WINDOW)
    assert found.is_whole
    assert [text.splitlines()[-1] for text in found.texts] == [
        "Memory limit of 512 MiB exceeded.",
        "KeyError: 'plan'",
        "first",
    ]
    assert (await side.log.read(API, "ion-api-00001-abc", WINDOW)).texts == ()


async def test_more_than_a_page_are_the_newest_and_it_says_so(side: Side) -> None:
    for number in range(1100):
        side.write(f"error {number}", ago=500 - number / 10)
    found = await side.log.read(API, REVISION, WINDOW)
    assert (len(found.texts), found.texts[0], found.is_whole) == (1000, "error 1099", False)
    assert side.google.cloud.server.calls["LoggingServiceV2/ListLogEntries"] == 1


async def test_a_bad_release_of_the_sandbox_tells_its_three_lines_and_no_secret(side: Side) -> None:
    from random import Random

    log = ErrorLog(side.google.cloud.logs, Random(1))
    log.failed(300, int(START // 60) - 5, labels(), Behaviour(error_share=0.08))
    log.failed(200, int(START // 60) - 4, labels("ion-api-00041-qhm"), GOOD)
    read = await side.log.read(API, REVISION, WINDOW)
    assert sum("ya29." in text for text in read.texts) > 20
    lines = commonest(read.texts)
    assert [line.text for line in lines] == [
        "KeyError: 'mentor_profile'",
        f"Vertex AI refused the call: 401, Authorization: {MARK}",
        f"ValidationError: no plan for {MARK} ({MARK})",
    ]
    assert lines[0].count > lines[1].count > lines[2].count > 0
    other = commonest((await side.log.read(API, "ion-api-00041-qhm", WINDOW)).texts)
    said = f"DeadlineExceeded: 504 no answer of Vertex AI within 30 s for request {MARK}"
    assert other == (ErrorLine(said, 200),)


async def test_no_permission_names_the_role_and_the_command_that_grants_it(side: Side) -> None:
    side.google.cloud.faults.denied.add("logging.logEntries.list")
    with pytest.raises(SourceUnavailable) as denied:
        await side.log.read(API, REVISION, WINDOW)
    assert denied.value.reason.code == "source.permission_denied"
    command = f"gcloud projects add-iam-policy-binding {PROJECT} --member=serviceAccount:LUMEN_ACCOUNT "
    assert denied.value.remedy.params["command"] == command + "--role=roles/logging.viewer"


async def test_every_failure_is_one_error_with_a_sentence(side: Side, google: ForeignGoogle) -> None:
    for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL):
        side.google.cloud.faults.methods.append(MethodFault("LoggingServiceV2/*", code, remaining=1))
        with pytest.raises(SourceUnavailable):
            await side.log.read(API, REVISION, WINDOW)
    google.hang("ListLogEntries")
    hanging = CloudLogging(google.endpoint, Patience(attempt_seconds=0.1, retry_seconds=0))
    with pytest.raises(SourceUnavailable) as late:
        await hanging.read(API, REVISION, WINDOW)
    assert late.value.reason.code == "source.timeout"
    await hanging.close()


async def test_without_the_extra_it_says_which_one(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.logging_v2.services.logging_service_v2", None)
    with pytest.raises(SourceUnavailable) as missing:
        await side.log.read(API, REVISION, WINDOW)
    assert missing.value.reason.code == "source.no_logging"


def test_the_link_opens_the_same_query() -> None:
    url = urlsplit(link(API, REVISION, WINDOW.start, WINDOW.end))
    assert (url.hostname, parse_qs(url.query)) == ("console.cloud.google.com", {"project": [PROJECT]})
    assert unquote(url.path) == f"/logs/query;query={query(API, REVISION, WINDOW.start, WINDOW.end)}"
