"""google.logging.v2.LoggingServiceV2: entries can be listed; nobody writes any over the API."""

from collections.abc import Callable, Mapping, Set
from typing import Any
from urllib.parse import quote

from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient

from sandbox.google.extra.logfilter import parse
from sandbox.google.logs import Entry, Logs
from sandbox.google.paging import page
from sandbox.google.refusal import invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn
from sandbox.google.times import put

USUAL_PAGE, MAX_PAGE = 50, 1000


class Logging:
    """The entries of one project; others that are here have none."""

    def __init__(self, project: str, others: Set[str], logs: Logs, now: Callable[[], float]) -> None:
        self._parent = f"projects/{project}"
        self._others = others
        self._logs = logs
        self._now = now
        self.rpcs: Mapping[str, Rpc] = learn(LoggingServiceV2AsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {"ListLogEntries": self.list}

    def list(self, request: Any) -> Any:
        if not request.resource_names:
            raise invalid_argument("The request must name at least one resource.")
        for name in request.resource_names:
            if name != self._parent and name.removeprefix("projects/") not in self._others:
                raise not_found(f"Resource '{name}' was not found; this sandbox has '{self._parent}'.")
        if not 0 <= request.page_size <= MAX_PAGE:
            raise invalid_argument(f"page_size must be at most {MAX_PAGE}.")
        if request.order_by not in ("", "timestamp asc", "timestamp desc"):
            raise invalid_argument(f"order_by '{request.order_by}' must be 'timestamp asc' or 'timestamp desc'.")
        passes = parse(request.filter)
        is_own = self._parent in request.resource_names
        found = [entry for entry in self._logs.until(self._now()) if is_own and passes(entry)]
        if request.order_by == "timestamp desc":
            found.reverse()
        mark = f"{request.filter} {request.order_by}".encode()
        shown, token = page(found, request.page_size or USUAL_PAGE, request.page_token, mark, MAX_PAGE)
        response = self.rpcs["ListLogEntries"].response(next_page_token=token)
        for entry in shown:
            self._tell(entry, response.entries.add())
        return response

    def _tell(self, entry: Entry, told: Any) -> None:
        told.log_name = f"{self._parent}/logs/{quote(entry.log_id, safe='')}"
        told.insert_id = f"lumen{entry.number:012d}"
        told.severity = entry.severity
        told.resource.type = entry.resource_type
        told.resource.labels.update(entry.labels)
        put(told.timestamp, entry.at)
        put(told.receive_timestamp, entry.at)
        if entry.fields is None:
            told.text_payload = entry.text
        else:
            told.json_payload.update(entry.fields)
