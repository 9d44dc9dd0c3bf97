"""The state store: the cost of a durable transition, and a client's own retries (docs/adr/0003, 0004)."""

import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from demo.valkey import EmbeddedValkey
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import StoreClient, open_store
from lumen.adapters.store.proposals import RedisProposals
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Choice, Decision, Draft, Knob, Origin, Priority
from lumen.model.service import Person, ServiceId

SERVICE = ServiceId("project", "region", "service")
KIM = Person("U1", "Kim", "T1")
WHY = NoData(message("bench.none"), message("bench.none"))
DRAFT = Draft(
    SERVICE, Change(Knob.TTL, 300, 420, "s"), "1", Origin.POLICY, None, (), WHY, Priority.MEDIUM, None, "request"
)
DAY = timedelta(days=1)
ROUNDS = 400


async def times_ms(rounds: int, work: Callable[[int], Awaitable[object]]) -> list[float]:
    taken = []
    for n in range(rounds):
        started = time.perf_counter()
        await work(n)
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)


def shown(name: str, taken: list[float]) -> None:
    p99 = taken[int(len(taken) * 0.99)]
    print(f"{name:<52} p50 {statistics.median(taken):6.2f} ms   p99 {p99:6.2f} ms")


async def decisions(redis: StoreClient) -> None:
    """Decide under all settings in turns, so that whatever else the machine does hits every one alike."""
    proposals = RedisProposals(redis, SystemClock())
    taken: dict[str, list[float]] = {"always": [], "everysec": [], "no": []}
    for n in range(ROUNDS):
        for fsync, each in taken.items():
            await redis.config_set("appendfsync", fsync)
            made = await proposals.propose(replace(DRAFT, request_id=f"{fsync} {n}"), DAY)
            started = time.perf_counter()
            await proposals.decide(SERVICE, made.id, Decision(Choice.REJECT, KIM, f"{fsync} {n}"))
            each.append((time.perf_counter() - started) * 1000)
    for fsync, each in taken.items():
        shown(f"decide, appendfsync {fsync}", sorted(each))
    await redis.config_set("appendfsync", "always")


async def storm(redis: StoreClient) -> None:
    proposals = RedisProposals(redis, SystemClock())

    async def two_hundred(n: int) -> None:
        made = await proposals.propose(replace(DRAFT, request_id=f"storm {n}"), DAY)
        clicks = [Decision(Choice.REJECT, KIM, f"storm {n} {m}") for m in range(200)]
        answers = await asyncio.gather(*(proposals.decide(SERVICE, made.id, each) for each in clicks))
        assert sum(answer.won for answer in answers) == 1

    shown("200 clicks at once on one proposal, all answered", await times_ms(20, two_hundred))


async def slow_server(server: EmbeddedValkey) -> None:
    """A server that hangs for 0.7 s under a client that waits 0.5 s: how often does it run what was sent once?"""
    loop = asyncio.get_running_loop()
    for name, client in (("redis-py's defaults", _by_default(server)), ("open_store", _ours(server))):
        await client.set("runs", 0)
        os.kill(server.pid, signal.SIGSTOP)
        loop.call_later(0.7, os.kill, server.pid, signal.SIGCONT)
        started = time.perf_counter()
        try:
            await client.eval("return redis.call('INCR', KEYS[1])", 1, "runs")
            end = "an answer"
        except RedisError as error:
            end = type(error).__name__
        waited = time.perf_counter() - started
        await asyncio.sleep(max(0.0, 0.8 - waited))
        runs = int(await client.get("runs"))
        print(f"{name:<36} {end} after {waited:.2f} s, ran {runs}×")
        await client.aclose()


def _by_default(server: EmbeddedValkey) -> Any:
    return Redis(unix_socket_path=server.socket_url[7:].partition("?")[0], socket_timeout=0.5)


def _ours(server: EmbeddedValkey) -> Any:
    return open_store(server.url, answer_seconds=0.5)


async def main(server: EmbeddedValkey) -> None:
    redis = open_store(server.url)
    await epoch.init(redis, (SERVICE,), SystemClock())
    proposals = RedisProposals(redis, SystemClock())
    await proposals.propose(DRAFT, DAY)
    client: Any = redis
    shown("PING (the floor)", await times_ms(ROUNDS, lambda _: client.ping()))
    shown("read a proposal", await times_ms(ROUNDS, lambda _: proposals.get(SERVICE, "P1")))
    await decisions(redis)
    await storm(redis)
    await redis.aclose()
    await slow_server(server)


if __name__ == "__main__":
    # Not under /tmp, which may be memory: what is measured is the disk.
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory, EmbeddedValkey(Path(directory)) as running:
        asyncio.run(main(running))
