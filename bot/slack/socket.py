"""One Socket Mode connection: one SDK client object for one WebSocket, which it never replaces by itself.

The SDK's client reconnects on its own, with the same ticket for ever, and closes the old socket first (docs/adr/0012).
Here it only connects once, tells what comes, and tells when it is over; the supervisor does the rest.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from logging import Logger
from typing import Any

import aiohttp
import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

_log = structlog.get_logger(__name__)

Envelope = Mapping[str, Any]

#: Slack says hello right after the handshake.
HELLO_SECONDS = 5.0
CLOSE_SECONDS = 2.0
CONNECT_SECONDS = 10.0


class Leave(StrEnum):
    """Why Slack asks to leave a connection (the `reason` of its `disconnect`)."""

    WARNING = "warning"
    REFRESH = "refresh_requested"
    LINK_DISABLED = "link_disabled"
    TOO_MANY = "too_many_websockets"

    @property
    def may_overlap(self) -> bool:
        """Whether a new connection can be made before this one is closed."""
        return self in (Leave.WARNING, Leave.REFRESH)


class NoHello(Exception):
    """The WebSocket stands, but Slack did not say hello on it."""


class Socket(SocketModeClient):
    """Opened once, closed once. After `ping_seconds` of silence a ping is sent, whose answer must come in half of that.

    `on_envelope` is called in the order of arrival and must not wait for the work."""

    def __init__(
        self,
        web_client: AsyncWebClient,
        on_envelope: "Callable[[Socket, Envelope], Awaitable[None]]",
        ping_seconds: float,
        logger: Logger | None = None,
    ) -> None:
        super().__init__(
            app_token="",  # tickets are not asked for here
            logger=logger,
            web_client=web_client,
            auto_reconnect_enabled=False,
            ping_interval=ping_seconds,
        )
        self.proxy = web_client.proxy
        self._on_envelope = on_envelope
        self._hello: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.app_id = ""
        #: When Slack last brought something (monotonic seconds); pongs do not count.
        self.heard_at = time.monotonic()
        #: Envelopes.
        self.brought = 0
        self.leave: Leave | None = None
        self.over: str | None = None

    async def open(self, url: str) -> None:
        """Connect and wait for hello. Raises aiohttp.ClientError, OSError, TimeoutError, NoHello; then it is closed."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self.current_session = await self.aiohttp_client_session.ws_connect(
                    url,
                    heartbeat=self.ping_interval,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                    proxy=self.proxy,
                    ssl=self.web_client.ssl if self.web_client.ssl is not None else True,
                )
            self._reader = asyncio.create_task(self._read(self.current_session))
            done, _ = await asyncio.wait({self._hello}, timeout=HELLO_SECONDS)
            if not done:
                raise NoHello(f"no hello in {HELLO_SECONDS:.0f} s")
            hello = self._hello.result()
            told = hello.get("connection_info")
            self.app_id = str(told.get("app_id", "")) if isinstance(told, dict) else ""
        except BaseException:
            await self.close()
            raise

    async def acknowledge(self, envelope_id: str, payload: Mapping[str, Any] | None = None) -> bool:
        """Send the ack on this very connection; False when it is gone."""
        session = self.current_session
        if session is None or session.closed:
            return False
        answer: dict[str, Any] = {"envelope_id": envelope_id}
        if payload:
            answer["payload"] = payload
        try:
            await session.send_str(json.dumps(answer))
        except (ConnectionError, aiohttp.ClientError, RuntimeError):
            return False
        return True

    def doubt(self) -> None:
        """It is to be left, although Slack did not ask for that and it has not ended."""
        self._changed.set()

    async def left_or_over(self) -> None:
        """Returns when Slack asks to leave this connection, or when it has ended."""
        await self._changed.wait()

    async def wait_over(self) -> None:
        """Returns when the connection has ended."""
        if self._reader is not None:
            await asyncio.wait({self._reader})

    async def close(self) -> None:
        """Also releases what the SDK's client holds. Quiet when it is closed already."""
        with contextlib.suppress(Exception):
            await super().close()  # type: ignore[no-untyped-call]  # the SDK gives it no types
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._end("closed by Lumen")

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the SDK's signature
        """The SDK's hook: tell the supervisor instead."""
        self._changed.set()

    async def _read(self, session: aiohttp.ClientWebSocketResponse) -> None:
        why = "ended"
        try:
            while True:
                frame = await session.receive()
                if frame.type is aiohttp.WSMsgType.TEXT:
                    await self._take(_envelope(frame.data))
                elif frame.type is not aiohttp.WSMsgType.BINARY:
                    why = _ending(session, frame)
                    break
        except (aiohttp.ClientError, OSError) as error:
            why = type(error).__name__
        finally:
            self._end(why)

    async def _take(self, envelope: Envelope) -> None:
        kind = envelope.get("type")
        self.heard_at = time.monotonic()
        if kind == "hello":
            if not self._hello.done():
                self._hello.set_result(envelope)
        elif kind == "disconnect":
            reason = str(envelope.get("reason", ""))
            self.leave = Leave(reason) if reason in set(Leave) else Leave.REFRESH
            self._changed.set()
        elif isinstance(envelope.get("envelope_id"), str) and isinstance(envelope.get("payload"), dict):
            await self._on_envelope(self, envelope)
        else:
            _log.warning("odd_frame", type=str(kind)[:80])

    def _end(self, why: str) -> None:
        if self.over is None:
            self.over = why
        if not self._hello.done():
            self._hello.set_exception(NoHello(f"the connection ended before hello: {why}"))
            self._hello.exception()  # looked at: an open that was cancelled leaves nobody to await it
        self._changed.set()


def _envelope(text: str) -> Envelope:
    """Empty for a frame that is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ending(session: aiohttp.ClientWebSocketResponse, frame: aiohttp.WSMessage) -> str:
    error = session.exception()
    if error is not None:
        return type(error).__name__
    return f"{frame.type.name.lower()} {session.close_code or ''}".strip()
