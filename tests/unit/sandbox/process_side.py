"""The sandbox as a process, its control API, and waiting for service time; for contract tests."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import grpc.aio

Client = TypeVar("Client")
SCALE = 240.0  # four minutes a second


@dataclass
class Running:
    """The process, its ready line, and an HTTP session for the control API."""

    process: subprocess.Popen[str]
    ready: dict[str, str]
    http: aiohttp.ClientSession
    started_in_seconds: float

    async def state(self) -> Any:
        return await self.get("state")

    async def get(self, path: str) -> Any:
        async with self.http.get(f"{self.ready['control']}world/{path}") as answer:
            return await answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        async with self.http.post(f"{self.ready['control']}world/{path}", json=body) as answer:
            return await answer.json()

    def client(self, kind: Callable[..., Client]) -> Client:
        transport: Any = kind.get_transport_class("grpc_asyncio")  # type: ignore[attr-defined]
        return kind(transport=transport(channel=grpc.aio.insecure_channel(self.ready["gcp_endpoint"])))


def start(cache_url: str, *more: str) -> tuple[subprocess.Popen[str], dict[str, str], float]:
    """Raises AssertionError with what it said when it does not get ready."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--cache-url", cache_url, "--clock-scale", str(SCALE), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return process, json.loads(line), time.monotonic() - began


def process_seconds(pid: int) -> float:
    """Processor time that a running process has used; 0.0 where the machine has no /proc."""
    statistics = Path(f"/proc/{pid}/stat")
    if not statistics.exists():
        return 0.0
    fields = statistics.read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until(what: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
    """What `what` gives as soon as it is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (found := await what()):  # noqa: ASYNC110 - another process is watched
            await asyncio.sleep(0.05)
        return found


async def minutes_go_by(running: Running, minutes: float) -> None:
    """Wait for service time, and until ION has lived it: on a busy machine it is behind its clock."""
    target = datetime.fromisoformat((await running.state())["now"]).timestamp() + minutes * 60

    async def there() -> bool:
        state = await running.state()
        lived = state["now"] if state["ion"] is None else state["ion"]["lived_until"]
        return datetime.fromisoformat(lived).timestamp() >= target

    await until(there)


@asynccontextmanager
async def sandbox_process(cache_url: str, *more: str) -> AsyncIterator[Running]:
    """Start it, and see that it ends cleanly."""
    process, ready, seconds = start(cache_url, *more)
    async with aiohttp.ClientSession() as http:
        yield Running(process, ready, http, seconds)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
