"""What `lumen doctor` says of traces: taken, refused, nobody there, and what Google would have to allow."""

import grpc
import pytest

from bot.config import Settings
from bot.doctor.check import Check
from bot.doctor.traces import trace_checks
from bot.tracing import GOOGLE, send_one
from bot.wiring.traces import refused
from demo.ports import free_port
from demo.world import World
from lumen.wording.catalogue import Catalogue
from tests.collector import Collector, collector
from tests.contract.doctor.test_doctor import settings
from tests.gcloud import fault


async def looked(made: Settings) -> Check:
    (check,) = await trace_checks(made)
    assert all(Catalogue(locale).plain(one) for locale in ("en", "ko") for one in check.sentences)
    return check


async def test_one_is_sent_and_what_becomes_of_it_is_said(sandbox_world: World) -> None:
    assert await trace_checks(settings(sandbox_world)) == ()
    with collector() as receiver:
        made = settings(sandbox_world, otel_exporter_otlp_endpoint=receiver.endpoint)
        assert (await looked(made)).ok
        assert [one.name for one in receiver.spans] == ["doctor"]
        assert receiver.resources[0]["gcp.project_id"] == made.project_id
        receiver.refuses = grpc.StatusCode.UNAUTHENTICATED
        check = await looked(made)
        assert (check.ok, check.says.params["error"]) == (False, "UNAUTHENTICATED")
    nobody = settings(sandbox_world, otel_exporter_otlp_endpoint=f"http://127.0.0.1:{free_port()}")
    check = await looked(nobody)
    assert (check.ok, check.says.code, check.says.params["error"]) == (False, "doctor.traces_refused", "UNAVAILABLE")


def said_by(receiver: Collector, code: grpc.StatusCode) -> grpc.RpcError:
    receiver.refuses = code
    with pytest.raises(grpc.RpcError) as raised:
        send_one(receiver.endpoint, "naeda-genesis")
    return raised.value


def test_the_role_that_google_wants_is_named_with_its_command() -> None:
    with collector() as receiver:
        denied = refused(said_by(receiver, grpc.StatusCode.PERMISSION_DENIED), f"https://{GOOGLE}", "naeda-genesis")
        away = refused(said_by(receiver, grpc.StatusCode.UNAVAILABLE), f"https://{GOOGLE}", "naeda-genesis")
    assert (denied.reason.code, away.reason.code) == ("source.permission_denied", "source.unavailable")
    command = str(denied.remedy.params["command"])
    assert "gcloud projects add-iam-policy-binding naeda-genesis" in command
    assert command.endswith("--role=roles/cloudtrace.agent")
    assert fault(command) == ""
