"""Socket Mode: tickets, connections, envelopes and their acks, as Slack's side speaks it.

A ticket opens one connection once. Envelopes go round over the open connections; whoever acks, acks for the app.
What is not acked within 3 s failed: commands and clicks are lost then, events are sent again.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.slack.connection import Connection
from sandbox.slack.feed import Feed
from sandbox.slack.journal import EnvelopeRecord, Journal
from sandbox.slack.wire import Json

ACK_SECONDS = 3.0
TICKET_SECONDS = 30.0
MAX_CONNECTIONS = 10
PING_SECONDS = 10.0
WARNING_SECONDS = 10.0
# Slack sends an event again at once, after a minute and after five.
EVENT_RETRIES_SECONDS = (0.0, 60.0, 300.0)


@dataclass(frozen=True)
class Delivery:
    """The outcome of an envelope. `error`: None (acked), `operation_timeout`, or `dispatch_failed` (no connection)."""

    envelope_id: str
    acked: bool
    ack_ms: float | None
    payload: Json
    error: str | None

    @property
    def answer(self) -> Json:
        return self.payload


@dataclass
class SocketFaults:
    """Planned faults of the next tickets and envelopes; counts go down as they are used up."""

    reject_tickets: int = 0
    link_disabled: int = 0
    duplicate_envelopes: int = 0
    withhold_hello: int = 0


@dataclass
class SocketHub:
    app_id: str
    journal: Journal
    feed: Feed
    monotonic: Callable[[], float]
    ack_seconds: float = ACK_SECONDS
    event_retries_seconds: tuple[float, ...] = EVENT_RETRIES_SECONDS
    wait_after_warning: Callable[[float], Awaitable[None]] = asyncio.sleep
    faults: SocketFaults = field(default_factory=SocketFaults)
    connections: list[Connection] = field(default_factory=list)
    _tickets: dict[str, float] = field(default_factory=dict)
    _pending: dict[str, "asyncio.Future[Json]"] = field(default_factory=dict)
    _records: dict[str, tuple[EnvelopeRecord, float]] = field(default_factory=dict)
    _turn: int = 0
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    # ---- tickets and connections

    def issue_ticket(self) -> str:
        ticket = secrets.token_urlsafe(24)
        now = self.monotonic()
        self._tickets = {t: at for t, at in self._tickets.items() if now - at <= TICKET_SECONDS}
        self._tickets[ticket] = now
        return ticket

    def _ticket_holds(self, ticket: str) -> bool:
        issued_at = self._tickets.pop(ticket, None)
        if self.faults.reject_tickets > 0:
            self.faults.reject_tickets -= 1
            return False
        return issued_at is not None and self.monotonic() - issued_at <= TICKET_SECONDS

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket route: one connection from hello to its end."""
        if not self._ticket_holds(request.query.get("ticket", "")):
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        socket = web.WebSocketResponse(autoping=False, compress=False)
        await socket.prepare(request)
        connection = Connection(secrets.token_hex(4), socket, request.transport, self.monotonic())
        if len(self.connections) >= MAX_CONNECTIONS:
            await connection.disconnect("too_many_websockets")
            return socket
        if self.faults.link_disabled > 0:
            self.faults.link_disabled -= 1
            await connection.disconnect("link_disabled")
            return socket
        self.connections.append(connection)
        self._tell_page()
        pinger = asyncio.ensure_future(self._ping(connection))
        try:
            if self.faults.withhold_hello > 0:
                self.faults.withhold_hello -= 1
            else:
                await connection.send(self._hello())
            await self._read(connection)
        finally:
            pinger.cancel()
            self.connections.remove(connection)
            self._tell_page()
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18_060},
            "connection_info": {"app_id": self.app_id},
        }

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            await connection.ping()

    async def _read(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if connection.half_open:
                continue
            if frame.type is WSMsgType.PING:
                await connection.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self._acked(frame.data)

    # ---- envelopes

    async def deliver(self, kind: str, payload: Json, *, summary: str = "", retry: tuple[int, str] | None = None,
                      envelope_id: str | None = None) -> Delivery:  # fmt: skip
        """Send one envelope and wait for its ack; never raises for what the app does or fails to do."""
        envelope_id = envelope_id or f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(6)}"
        connection = self._next_connection()
        record = self.journal.envelope(
            envelope_id, kind, summary, connection.id if connection else None, payload, retry[0] if retry else None
        )
        if connection is None:
            record.state = "not_sent"
            self.journal.envelope_changed(record)
            return Delivery(envelope_id, False, None, {}, "dispatch_failed")
        envelope: Json = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0] if retry else 0, "retry_reason": retry[1] if retry else ""}
        return await self._send_and_wait(connection, envelope, record)

    async def _send_and_wait(self, connection: Connection, envelope: Json, record: EnvelopeRecord) -> Delivery:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Json] = loop.create_future()
        self._pending[record.envelope_id] = waiting
        started = time.perf_counter()
        self._records[record.envelope_id] = (record, started)
        deadline = loop.call_later(self.ack_seconds, _give_up, waiting)
        text = json.dumps(envelope)
        try:
            await connection.send_text(text)
            if self.faults.duplicate_envelopes > 0:
                self.faults.duplicate_envelopes -= 1
                record.deliveries += 1
                await (self._next_connection() or connection).send_text(text)
            payload = await waiting
        except TimeoutError:
            record.state = "timed_out"
            self.journal.envelope_changed(record)
            loop.call_later(30.0, self._records.pop, record.envelope_id, None)
            return Delivery(record.envelope_id, False, None, {}, "operation_timeout")
        finally:
            deadline.cancel()
            self._pending.pop(record.envelope_id, None)
        self._records.pop(record.envelope_id, None)
        self.journal.envelope_changed(record)
        return Delivery(record.envelope_id, True, record.ack_ms, payload, None)

    def deliver_event(self, payload: Json, *, summary: str) -> None:
        """An event: sent again until acked, at Slack's intervals, in the background."""
        task = asyncio.ensure_future(self._deliver_event(payload, summary))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_event(self, payload: Json, summary: str) -> None:
        delivery = await self.deliver("events_api", payload, summary=summary)
        for attempt, pause in enumerate(self.event_retries_seconds, start=1):
            if delivery.acked:
                return
            await asyncio.sleep(pause)
            reason = "timeout" if delivery.error == "operation_timeout" else "http_error"
            delivery = await self.deliver("events_api", payload, summary=summary, retry=(attempt, reason))

    def _acked(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        known = self._records.get(str(answer.get("envelope_id"))) if isinstance(answer, dict) else None
        if known is None:
            return
        record, started = known
        if record.ack_ms is None:
            record.ack_ms = round((time.perf_counter() - started) * 1000, 3)
        payload = answer.get("payload")
        record.ack_payload = payload if isinstance(payload, dict) else None
        waiting = self._pending.get(record.envelope_id)
        if waiting is not None and not waiting.done():
            record.state = "acked"
            waiting.set_result(record.ack_payload or {})
        elif record.state == "timed_out":
            record.state = "late"
            self.journal.envelope_changed(record)

    def _next_connection(self) -> Connection | None:
        usable = [c for c in self.connections if c.takes_envelopes]
        if not usable:
            return None
        self._turn += 1
        return usable[self._turn % len(usable)]

    # ---- what Slack does to connections

    async def warn_and_refresh(self, connections: list[Connection]) -> None:
        """The polite end: a warning, about ten seconds later refresh_requested and the close."""
        for connection in connections:
            await connection.send({"type": "disconnect", "reason": "warning", "debug_info": {"host": "sandbox"}})

        async def later() -> None:
            await self.wait_after_warning(WARNING_SECONDS)
            for connection in connections:
                await connection.disconnect("refresh_requested")

        self._later(later())

    async def ask_to_leave(self, connections: list[Connection], reason: str, seconds: float) -> None:
        """A disconnect frame, and the close `seconds` later; until then a connection still brings envelopes."""
        for connection in connections:
            await connection.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})

        async def later() -> None:
            await asyncio.sleep(seconds)
            for connection in connections:
                await connection.close()

        self._later(later())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        for connection in tuple(self.connections):
            await connection.close()

    def _tell_page(self) -> None:
        self.feed.publish({"type": "connections", "count": len(self.connections)})


def _give_up(waiting: "asyncio.Future[Json]") -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())
