"""Whether what OTEL_EXPORTER_OTLP_ENDPOINT names takes traces, and else what mends it."""

from urllib.parse import urlsplit

import grpc
from google.api_core.exceptions import from_grpc_error

from bot.tracing import GOOGLE, send_one
from lumen.adapters.google.errors import FAILURES, GoogleApi, explain
from lumen.model.messages import NoData, NotPossible, with_remedy

TRACES = GoogleApi(GOOGLE, "roles/cloudtrace.agent")


def untaken(endpoint: str, project: str) -> NoData | None:
    """Send one, and say why it was not taken; None where it was. Blocks."""
    try:
        send_one(endpoint, project)
    except NotPossible as error:
        return NoData(error.reason, error.remedy)
    except FAILURES as error:
        return refused(error, endpoint, project)
    return None


def refused(error: Exception, endpoint: str, project: str) -> NoData:
    """The reason and the remedy, for a collector or for Google."""
    url = urlsplit(endpoint)
    if url.hostname == GOOGLE:
        meant = from_grpc_error(error) if isinstance(error, grpc.RpcError) else error  # type: ignore[no-untyped-call]
        said = explain(meant, TRACES, "traces", project)
        return NoData(said.reason, said.remedy)
    told = error.code().name if isinstance(error, grpc.Call) else type(error).__name__
    return NoData(*with_remedy("doctor.traces_refused", host=url.netloc, error=told))
