"""One Socket Mode connection, and the ways in which it can end or go silent."""

import asyncio
import socket as sockets
import struct
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.slack.wire import Json


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(eq=False)
class Connection:
    """`half_open` = our side has gone silent: nothing is read, answered or noticed, but the TCP connection stands.

    `mute` = pings are answered, and nothing comes any more. `stalled` is cleared while nothing moves on it.
    """

    id: str
    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    opened_at: float
    half_open: bool = False
    mute: bool = False
    stalled: asyncio.Event = field(default_factory=_set)
    ending: bool = False
    sent: int = 0

    @property
    def takes_envelopes(self) -> bool:
        # A half-open one still gets them: nobody on Slack's side knows yet that it is dead.
        return not self.socket.closed and not self.ending

    async def send(self, message: Json) -> None:
        if self.half_open:
            return
        try:
            await self.socket.send_json(message)
        except (ConnectionError, RuntimeError):
            self.ending = True

    async def send_text(self, text: str) -> None:
        self.sent += 1
        if self.half_open or self.mute:
            return
        await self.stalled.wait()
        try:
            await self.socket.send_str(text)
        except (ConnectionError, RuntimeError):
            self.ending = True

    async def ping(self) -> None:
        if self.half_open or self.socket.closed:
            return
        try:
            await self.socket.ping(b"Ping from sandbox")
        except (ConnectionError, RuntimeError):
            self.ending = True

    def stall(self, seconds: float) -> None:
        """Nothing is sent for so long; then all of it."""
        self.stalled.clear()
        asyncio.get_running_loop().call_later(seconds, self.stalled.set)

    async def pong(self, data: bytes) -> None:
        await self.stalled.wait()
        try:
            await self.socket.pong(data)
        except (ConnectionError, RuntimeError):
            self.ending = True

    async def disconnect(self, reason: str) -> None:
        """A disconnect frame with its reason, then the close."""
        await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
        await self.close()

    async def close(self) -> None:
        """A proper close frame."""
        self.ending = True
        # The peer may be slow to answer the close; nobody here has to wait for it.
        await self.socket.close(code=1000, drain=False)

    def reset(self) -> None:
        """RST: the connection is torn off without a word."""
        self.ending = True
        if self.transport is not None:
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def finish(self) -> None:
        """FIN without a close frame: the network went away politely."""
        self.ending = True
        if self.transport is not None:
            self.transport.close()
