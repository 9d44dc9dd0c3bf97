"""Traces over OTLP, to a receiver of the test's own; and nothing at all where nobody asked for them."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from bot.tracing import begin_tracing, record, span

ROOT = Path(__file__).parents[3]


@dataclass
class Receiver:
    """Takes spans as a collector does."""

    port: int = 0
    spans: list[Any] = field(default_factory=list)
    resources: list[Any] = field(default_factory=list)

    async def export(self, request: ExportTraceServiceRequest, _: Any) -> ExportTraceServiceResponse:
        for of_one in request.resource_spans:
            self.resources.append({each.key: each.value.string_value for each in of_one.resource.attributes})
            self.spans += [each for scope in of_one.scope_spans for each in scope.spans]
        return ExportTraceServiceResponse()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found, server = Receiver(), grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(
        found.export,
        request_deserializer=ExportTraceServiceRequest.FromString,
        response_serializer=ExportTraceServiceResponse.SerializeToString,
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    found.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield found
    await server.stop(None)


async def test_a_turn_a_click_and_a_change_are_a_trace_each(receiver: Receiver) -> None:
    import asyncio

    end = begin_tracing(f"http://127.0.0.1:{receiver.port}", "naeda-genesis")
    with span("click"):
        pass
    with pytest.raises(ValueError, match="x"), span("change", proposal="P1", knob="ttl"):
        raise ValueError("x")
    record("turn", 2.5, turn="20260101T000000.000000Z")
    await asyncio.to_thread(end)
    assert [one.name for one in receiver.spans] == ["click", "change", "turn"]
    assert len({one.trace_id for one in receiver.spans}) == 3
    turn = receiver.spans[2]
    assert turn.end_time_unix_nano - turn.start_time_unix_nano == pytest.approx(2.5e9, rel=0.2)
    assert {each.key: each.value.string_value for each in receiver.spans[1].attributes} == {
        "proposal": "P1",
        "knob": "ttl",
    }
    assert receiver.resources[0]["service.name"] == "lumen"
    assert receiver.resources[0]["gcp.project_id"] == "naeda-genesis"
    with span("click"):
        record("turn", 1.0)  # nobody listens any more


@pytest.mark.parametrize(
    ("module", "nothing_of"),
    [
        ("bot.tracing", ("opentelemetry", "grpc", "google")),
        # What Google's and Redis's clients look for by themselves, where it is installed, is theirs.
        ("bot.run", ("opentelemetry.exporter", "opentelemetry.proto", "opentelemetry.sdk.trace.export")),
    ],
)
def test_without_the_setting_lumen_loads_nothing_of_opentelemetry(module: str, nothing_of: tuple[str, ...]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [name for name in run.stdout.split() if any(f"{name}.".startswith(f"{one}.") for one in nothing_of)]
    assert found == []
