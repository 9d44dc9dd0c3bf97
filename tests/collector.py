"""A collector of traces (OTLP over gRPC) on loopback, with a thread of its own: whoever sends may block the loop."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


@dataclass
class Collector:
    """`spans` in the order in which they came; `resources` of each batch."""

    port: int = 0
    spans: list[Any] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)
    #: Said to all that is sent, instead of taking it.
    refuses: grpc.StatusCode | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def named(self, name: str) -> list[dict[str, str]]:
        """The attributes of each span of this name."""
        return [attributes(span) for span in self.spans if span.name == name]

    def export(self, request: ExportTraceServiceRequest, call: Any) -> ExportTraceServiceResponse:
        if self.refuses:
            call.abort(self.refuses, "The caller does not have permission")
        for of_one in request.resource_spans:
            self.resources.append(attributes(of_one.resource))
            self.spans += [span for scope in of_one.scope_spans for span in scope.spans]
        return ExportTraceServiceResponse()


def attributes(of: Any) -> dict[str, str]:
    """Of a span or a resource."""
    return {each.key: each.value.string_value for each in of.attributes}


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens."""
    found, server = Collector(), grpc.server(ThreadPoolExecutor(1))
    method = grpc.unary_unary_rpc_method_handler(
        found.export,
        request_deserializer=ExportTraceServiceRequest.FromString,
        response_serializer=ExportTraceServiceResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": method}),))
    found.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield found
    finally:
        server.stop(None)
