"""A network between Lumen and its store that can lose a request, lose an answer, or keep a request for later."""

import asyncio
import contextlib
from enum import Enum
from pathlib import Path


class Fault(Enum):
    """What happens to the next script that is sent."""

    NONE = "none"
    LOSE_REQUEST = "lose request"
    LOSE_ANSWER = "lose answer"
    KEEP_REQUEST = "keep request"
    SILENCE = "silence"


class Proxy:
    """Listens on loopback, forwards to the server's Unix socket. `fault` strikes once.

    `only`: what a script must contain for that. After `shut` nothing that contains it comes through any more.
    """

    def __init__(self, upstream: Path) -> None:
        self._upstream = upstream
        self._tasks: set[asyncio.Task[None]] = set()
        self.fault = Fault.NONE
        self.only = b""
        self.shut = b""
        self.kept: list[bytes] = []
        self.scripts_seen = 0

    async def start(self) -> str:
        """Returns the URL to connect to."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def deliver(self) -> list[bytes]:
        """Send what was kept, as a network would that was only slow; returns the server's answers."""
        answers = []
        for request in self.kept:
            reader, writer = await asyncio.open_unix_connection(str(self._upstream))
            writer.write(request)
            answers.append(await asyncio.wait_for(reader.read(65536), 5))
            writer.close()
            await writer.wait_closed()
        self.kept.clear()
        return answers

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(str(self._upstream))
            with contextlib.suppress(OSError, asyncio.CancelledError):
                while request := await reader.read(65536):
                    if not await self._pass_on(request, up_reader, up_writer, writer):
                        break
            up_writer.close()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass_on(
        self,
        request: bytes,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Whether the connection is to be kept. One request is in flight at a time on a connection."""
        fault = Fault.NONE
        if b"EVAL" in request and self.only in request:
            self.scripts_seen += 1
            fault, self.fault = self.fault, Fault.NONE
        if self.shut and self.shut in request and fault is Fault.NONE:
            return False
        if fault is Fault.KEEP_REQUEST:
            self.kept.append(request)
        if fault is Fault.SILENCE:
            await asyncio.sleep(3600)
        if fault in (Fault.KEEP_REQUEST, Fault.LOSE_REQUEST):
            return False
        up_writer.write(request)
        answer = await up_reader.read(1 << 20)
        if not answer or fault is Fault.LOSE_ANSWER:
            return False
        writer.write(answer)
        await writer.drain()
        return True
