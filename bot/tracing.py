"""Traces: one a turn, a click and a change, sent where OTEL_EXPORTER_OTLP_ENDPOINT says (extra `otel`); else nothing.

OpenTelemetry is imported when tracing begins, so an installation without it pays nothing.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, urlsplit

import structlog

from lumen.model.messages import NotPossible, with_remedy
from lumen.model.turn import Turn

log = structlog.get_logger()

#: Where Google takes traces: only there are Google's credentials sent along.
GOOGLE = "telemetry.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/trace.append"
#: Of one span on the wall.
SEND_SECONDS = 10.0
_TRACER: list[Any] = []


@contextmanager
def span(name: str, **attributes: str) -> Iterator[None]:
    """A span around the block, and what is raised in it; nothing where nobody listens."""
    if not _TRACER:
        yield
        return
    with _TRACER[-1].start_as_current_span(name, attributes=attributes):
        yield


def record(name: str, seconds: float, **attributes: str) -> None:
    """A span of what has just ended and took so long."""
    if _TRACER:
        began_at = time.time_ns() - round(seconds * 1e9)
        _TRACER[-1].start_span(name, start_time=began_at, attributes=attributes).end()


def turn_made(turn: Turn, seconds: float) -> None:
    """Log and record a turn that has just been made, with others perhaps, in so long."""
    record("turn", seconds, turn=turn.id, service=turn.snapshot.service.key, occasion=turn.occasion.value)
    log.info("turn_made", turn=turn.id, service=turn.snapshot.service.key, missing=len(turn.missing))


def begin_tracing(endpoint: str, project: str) -> Callable[[], None]:
    """Send spans to `endpoint` (OTLP over gRPC); returns what sends the rest and ends it. Raises NotPossible."""
    with _extra():
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = _provider(project)
    url = urlsplit(endpoint)
    exporter = OTLPSpanExporter(
        _place(url),
        insecure=url.scheme == "http",
        credentials=_of_google() if url.hostname == GOOGLE else None,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _TRACER.append(provider.get_tracer("lumen"))

    def end() -> None:
        _TRACER.pop()
        provider.shutdown()

    return end


def send_one(endpoint: str, project: str) -> None:
    """Send a span called `doctor`; blocks until it is taken.

    Raises grpc.RpcError where it is not, GoogleAuthError without credentials, NotPossible without the extra.
    """
    with _extra():
        import grpc
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

        one = _provider(project).get_tracer("lumen").start_span("doctor")
    one.end()
    url = urlsplit(endpoint)
    if url.scheme == "http":
        channel = grpc.insecure_channel(_place(url))
    else:
        by_whom = _of_google() if url.hostname == GOOGLE else grpc.ssl_channel_credentials()
        channel = grpc.secure_channel(_place(url), by_whom)
    with channel:
        stub: Any = TraceServiceStub(channel)  # type: ignore[no-untyped-call]
        stub.Export(encode_spans([one]), timeout=SEND_SECONDS)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise NotPossible(*with_remedy("trace.not_installed", error=str(error))) from error


def _provider(project: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    of = Resource.create({"service.name": "lumen", "gcp.project_id": project})
    return TracerProvider(resource=of, shutdown_on_exit=False)


def _place(url: SplitResult) -> str:
    return url.netloc if url.port else f"{url.hostname}:443"


def _of_google() -> Any:
    """The channel credentials of this machine's Google account."""
    import google.auth
    import grpc
    from google.auth.transport.grpc import AuthMetadataPlugin
    from google.auth.transport.requests import Request

    account, _ = google.auth.default(scopes=[SCOPE])
    calls = grpc.metadata_call_credentials(AuthMetadataPlugin(account, Request()))  # type: ignore[no-untyped-call]
    return grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), calls)
