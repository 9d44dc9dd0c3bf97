"""Error lines of a revision in Cloud Logging: entries of its own output, and of Cloud Run's about its containers.

The client is made at the first read: its package takes a second to load, and few hours have an incident.
"""

import asyncio
import json
from datetime import datetime
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

from google.protobuf.json_format import MessageToDict

from lumen.adapters.google.clients import Patience, client_maker
from lumen.adapters.google.errors import LOGGING, reading
from lumen.model.error_lines import LogRead
from lumen.model.messages import SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import Window

WHAT = "Cloud Logging"
CONSOLE = "https://console.cloud.google.com/logs/query;query={query}?project={project}"
#: At most a page a read: a project may list entries 60 times a minute.
MOST_ENTRIES = 1000
#: One attempt: the next look asks again.
PATIENCE = Patience(attempt_seconds=10.0, retry_seconds=0)
#: Fields of a structured entry that say what is wrong, the first that is there.
_SAYING = ("message", "msg", "error", "exception", "stack_trace", "event")
#: Cloud Run gives plain text of stderr no severity. Lines of requests say no more than that one failed.
_ERRORS = (
    'NOT log_id("run.googleapis.com/requests")\n'
    '(severity>=ERROR OR (severity=DEFAULT AND textPayload=~"(?i)error|exception|fatal|panic|traceback"))'
)


class CloudLogging:
    """Reads; changes nothing. `endpoint`: as of the other clients, "" for Google itself."""

    def __init__(self, endpoint: str = "", patience: Patience = PATIENCE) -> None:
        self._endpoint = endpoint
        self._patience = patience
        self._client: Any = None

    async def read(self, service: ServiceId, revision: str, window: Window) -> LogRead:
        """The newest entries. Raises SourceUnavailable, also where the extra `logging` is not installed."""
        where = service.project
        client = await self._connected()
        request = {
            "resource_names": [f"projects/{where}"],
            "filter": query(service, revision, window.start, window.end),
            "order_by": "timestamp desc",
            "page_size": MOST_ENTRIES,
        }
        with reading(LOGGING, WHAT, where):
            async with asyncio.timeout(self._patience.whole_seconds):
                pages = await client.list_log_entries(request, **self._patience.options)
                page = await anext(aiter(pages.pages), None)
        entries = () if page is None else page.entries
        return LogRead(tuple(map(_text, entries)), page is None or not page.next_page_token)

    async def close(self) -> None:
        """Close the channel, if there is one."""
        if self._client is not None:
            await self._client.transport.close()

    async def _connected(self) -> Any:
        if self._client is None:
            try:
                client = await asyncio.to_thread(_client_class)
            except ImportError as error:
                raise SourceUnavailable(*with_remedy("source.no_logging")) from error
            self._client = (await client_maker(self._endpoint))(client)
        return self._client


def query(service: ServiceId, revision: str, since: datetime, until: datetime) -> str:
    """In the language of Cloud Logging; half-open."""
    return "\n".join(
        (
            'resource.type="cloud_run_revision"',
            f'resource.labels.service_name="{service.name}"',
            f'resource.labels.location="{service.region}"',
            f'resource.labels.revision_name="{revision}"',
            f'timestamp>="{since.isoformat()}"',
            f'timestamp<"{until.isoformat()}"',
            _ERRORS,
        )
    )


def link(service: ServiceId, revision: str, since: datetime, until: datetime) -> str:
    """To the same entries in the Logs Explorer."""
    return CONSOLE.format(query=quote(query(service, revision, since, until), safe=""), project=service.project)


def is_installed() -> bool:
    """The extra `logging` is there; tells without loading it."""
    return find_spec("google.cloud.logging_v2") is not None


def _client_class() -> Any:
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient

    return LoggingServiceV2AsyncClient


def _text(entry: Any) -> str:
    """What an entry says; "" where it says nothing that can be read (audit logs)."""
    if entry.text_payload:
        return str(entry.text_payload)
    raw = type(entry).pb(entry)
    if not raw.HasField("json_payload"):
        return ""
    fields = MessageToDict(raw.json_payload)
    said = next((fields[name] for name in _SAYING if fields.get(name)), fields)
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
