"""What comes out of a Socket Mode connection: acked on the connection that brought it, handled once, given to Bolt.

A slash command or an event is acked before anything else: whatever it starts may take its time. A click is acked after
Bolt's listener is through, because that listener decides (handlers.buttons).
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.socket import Envelope, Socket
from bot.tracing import span
from handlers.people import LATE
from handlers.replies import Background

_log = structlog.get_logger(__name__)

#: Envelope ids that are remembered, so that memory stays bounded however long Lumen runs.
REMEMBERED = 5_000
#: Clicks whose ack is remembered, for a second delivery gets the same one.
REMEMBERED_CLICKS = 500
#: A process that was stopped for so long does nothing that people asked for meanwhile: Slack has told them after 3 s
#: that it failed.
LATE_SECONDS = 60.0
#: What comes so soon after it goes on may have come meanwhile.
AFTERWARDS_SECONDS = 5.0
BEAT_SECONDS = 1.0
_ACK_AT_ONCE = frozenset({"slash_commands", "events_api"})


def _seconds() -> float:
    """Monotonic, with the time for which the machine slept where the platform counts it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Beat:
    """Notices that this process was stopped: what is read then may have waited in a buffer. Slack dates no envelope."""

    def __init__(self, seconds: Callable[[], float] = _seconds) -> None:
        self._seconds = seconds
        self._beat_at = self._woke_at = seconds()
        self._stopped_seconds = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.late_seconds()
            await asyncio.sleep(BEAT_SECONDS)

    def late_seconds(self) -> float:
        """For how long what is read now may have waited; 0 where that is not long."""
        now = self._seconds()
        if now - self._beat_at >= LATE_SECONDS:
            self._woke_at, self._stopped_seconds = now, now - self._beat_at
        self._beat_at = now
        return self._stopped_seconds if now - self._woke_at < AFTERWARDS_SECONDS else 0.0


class Envelopes:
    """Shared by all connections, so that a second delivery on another one is recognised."""

    def __init__(self, app: AsyncApp, background: Background, beat: Beat | None = None) -> None:
        self._app = app
        self.beat = beat or Beat()
        self._background = background
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._clicks: OrderedDict[str, asyncio.Task[BoltResponse]] = OrderedDict()
        self.received = 0
        self.duplicates = 0
        self.unsent_acks = 0

    async def handle(self, connection: Socket, envelope: Envelope) -> None:
        """Ack and start; returns before the work is done."""
        envelope_id = str(envelope["envelope_id"])
        self.received += 1
        if envelope.get("type") in _ACK_AT_ONCE:
            await self._acknowledge(connection, envelope_id, None)
            if self._is_new(envelope_id):
                self._dispatch(envelope)
            return
        decided = self._decide_once(envelope_id, envelope)
        self._background.start(self._acknowledge_when_done(connection, envelope, decided))

    def _is_new(self, envelope_id: str) -> bool:
        if envelope_id in self._seen:
            self.duplicates += 1
            return False
        self._seen[envelope_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def _decide_once(self, envelope_id: str, envelope: Envelope) -> "asyncio.Task[BoltResponse]":
        """Dispatch, or join the dispatch that the same envelope started before."""
        known = self._clicks.get(envelope_id)
        if known is not None:
            self.duplicates += 1
            return known
        started = self._dispatch(envelope)
        self._clicks[envelope_id] = started
        if len(self._clicks) > REMEMBERED_CLICKS:
            self._clicks.popitem(last=False)
        return started

    def _dispatch(self, envelope: Envelope) -> "asyncio.Task[BoltResponse]":
        late_seconds = self.beat.late_seconds()
        return self._background.start(self._traced(envelope, _request(envelope, late_seconds)))

    async def _traced(self, envelope: Envelope, request: AsyncBoltRequest) -> BoltResponse:
        with span("click" if envelope.get("type") == "interactive" else str(envelope.get("type"))):
            return await self._app.async_dispatch(request)

    async def _acknowledge_when_done(
        self, connection: Socket, envelope: Envelope, answered: "asyncio.Task[BoltResponse]"
    ) -> None:
        response = await asyncio.shield(answered)
        if response.status != 200:
            # Not acked: Slack shows its own error, and the button still works.
            _log.error("not_acknowledged", status=response.status, type=envelope.get("type"))
            return
        payload = _payload(response) if envelope.get("accepts_response_payload") else None
        await self._acknowledge(connection, str(envelope["envelope_id"]), payload)

    async def _acknowledge(self, connection: Socket, envelope_id: str, payload: Mapping[str, Any] | None) -> None:
        if not await connection.acknowledge(envelope_id, payload):
            self.unsent_acks += 1


def _request(envelope: Envelope, late_seconds: float) -> AsyncBoltRequest:
    headers: dict[str, str | Sequence[str]] = {}
    if envelope.get("retry_attempt") is not None:
        headers["x-slack-retry-num"] = str(envelope["retry_attempt"])
    if envelope.get("retry_reason") is not None:
        headers["x-slack-retry-reason"] = str(envelope["retry_reason"])
    late = {LATE: late_seconds} if late_seconds else {}
    return AsyncBoltRequest(mode="socket_mode", body={**envelope["payload"], **late}, headers=headers or None)


def _payload(response: BoltResponse) -> Mapping[str, Any] | None:
    if not response.body:
        return None
    if response.headers.get("content-type", [""])[0].startswith("application/json"):
        found: Mapping[str, Any] = json.loads(response.body)
        return found
    return {"text": response.body}
