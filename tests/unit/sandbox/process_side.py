"""The sandbox as a process, its control API, and waiting for service time; for contract tests."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import grpc.aio

from tests.service_time import origin_of_a_quiet_hour

Client = TypeVar("Client")
SCALE = 240.0  # four minutes a second


@dataclass
class Running:
    """The process, its ready line, and an HTTP session for the control API."""

    process: subprocess.Popen[str]
    ready: dict[str, str]
    http: aiohttp.ClientSession

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


def start(cache_url: str, *more: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Raises AssertionError with what it said when it does not get ready."""
    clock = ("--clock-scale", str(SCALE), "--clock-origin", origin_of_a_quiet_hour(SCALE))
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--cache-url", cache_url, *clock, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return process, json.loads(line)


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
    """Wait until the service has lived through so much service time: on a busy machine it is behind its clock."""
    target = await served_until(running) + minutes * 60

    async def there() -> bool:
        return await served_until(running) >= target

    await until(there, seconds=60.0)


async def served_until(running: Running) -> float:
    """Seconds since the epoch of service time up to which ION has lived; the clock where there is none."""
    state = await running.state()
    return datetime.fromisoformat(state["now"] if state["ion"] is None else state["ion"]["lived_until"]).timestamp()


@asynccontextmanager
async def sandbox_process(cache_url: str, *more: str) -> AsyncIterator[Running]:
    """Start it, and see that it ends cleanly."""
    process, ready = start(cache_url, *more)
    async with aiohttp.ClientSession() as http:
        yield Running(process, ready, http)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
