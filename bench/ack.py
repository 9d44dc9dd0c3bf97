"""The time until an envelope is acked: the SDK alone, Bolt with its defaults, and Lumen's whole way; in one run.

`python -m bench.ack [--rounds 5]` prints medians over interleaved rounds. The clients take turns in this process; the
Slack that times them is a process of its own; the store is a real Valkey that keeps what it acknowledges.

    one at a time   a command, its ack and (Lumen gives one) its answer, a pause of 10 ms, the next command
    200 at once     200 commands in one go; the rate is of acks
    approve         a click on Approve of a fresh proposal, one at a time
    script          the same decision on the store alone, one at a time, with the same pause
"""

import argparse
import asyncio
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from bench.clients import bare_bolt, floor, lumen
from bench.world import PERSON, World
from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.store.connection import open_store
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.proposal import Choice
from lumen.model.service import Permit
from lumen.model.turn import Occasion, Turn
from lumen.policies.ttl import TtlLimits, recommend_ttl
from lumen.wording.catalogue import value_of
from tests.snapshots import NOW, snapshot

WARM_UP = 50
ONE_BY_ONE = 300
AT_ONCE = 200
BATCHES = 5
CLICKS = 100
#: The same for everybody: no client is woken from a longer sleep than another.
PAUSE_SECONDS = 0.01


@dataclass
class Measured:
    """All rounds of one client: the medians of each round, and every single time."""

    name: str
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    a_second: list[float] = field(default_factory=list)

    def add(self, took_ms: Sequence[float], seconds: float) -> None:
        ordered = sorted(took_ms)
        self.p50_ms.append(statistics.median(ordered))
        self.p99_ms.append(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))])
        self.a_second.append(len(ordered) / seconds)

    def row(self, floor_ms: float | None = None) -> str:
        p50, p99, rate = (statistics.median(one) for one in (self.p50_ms, self.p99_ms, self.a_second))
        ratio = f"{p50 / floor_ms:7.2f}x" if floor_ms else " " * 8
        return f"  {self.name:<12} p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   {rate:8.0f}/s {ratio}"


class Runner:
    """Asks the timing Slack to send envelopes to whoever is connected."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.api_url = f"http://127.0.0.1:{port}/api/"
        self._url = f"http://127.0.0.1:{port}/measure"
        self._session = session

    async def measure(self, **asked: Any) -> tuple[list[float], float]:
        async with self._session.post(self._url, json={"pause_seconds": PAUSE_SECONDS, **asked}) as response:
            answer = await response.json()
        return answer["took_ms"], answer["seconds"]

    async def commands(self, alone: Measured, crowd: Measured, *, answers: bool) -> None:
        await self.measure(count=WARM_UP, at_once=1, answers=answers)
        alone.add(*await self.measure(count=ONE_BY_ONE, at_once=1, answers=answers))
        crowd.add(*await self.measure(count=AT_ONCE * BATCHES, at_once=AT_ONCE, answers=answers))


@asynccontextmanager
async def measuring() -> AsyncIterator[tuple[Runner, World]]:
    """The timing Slack, and an empty world over a server of its own."""
    with (
        slack_server() as port,
        tempfile.TemporaryDirectory() as folder,
        EmbeddedValkey(Path(folder), Kind.STATE) as valkey,
    ):
        redis = open_store(valkey.url, answer_seconds=10.0)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3600)) as session:
            yield Runner(port, session), World(redis)
        await redis.aclose()


async def run(rounds: int) -> None:
    names = ("slack_sdk", "bare Bolt", "Lumen")
    alone, crowd = {n: Measured(n) for n in names}, {n: Measured(n) for n in names}
    approve, script = Measured("approve"), Measured("script")
    async with measuring() as (runner, world):
        await world.fill(some_turn())
        for number in range(rounds):
            async with floor(runner.api_url):
                await runner.commands(alone["slack_sdk"], crowd["slack_sdk"], answers=False)
            async with bare_bolt(runner.api_url):
                await runner.commands(alone["bare Bolt"], crowd["bare Bolt"], answers=False)
            async with lumen(runner.api_url, world):
                await runner.commands(alone["Lumen"], crowd["Lumen"], answers=True)
                await _clicks(runner, world, approve, number)
            await _script(world, script, number)
    _print(names, alone, crowd, approve, script)


async def _clicks(runner: Runner, world: World, approve: Measured, number: int) -> None:
    made = await world.proposals_to_decide(CLICKS + 10, f"click-{number}")
    values = [value_of(proposal) for proposal in made]
    await runner.measure(count=10, at_once=1, answers=True, values=values[CLICKS:])
    approve.add(*await runner.measure(count=CLICKS, at_once=1, answers=True, values=values[:CLICKS]))


async def _script(world: World, script: Measured, number: int) -> None:
    """A bare client of the store that decides the same way."""
    took_ms = []
    for proposal in await world.proposals_to_decide(CLICKS, f"script-{number}"):
        sent = time.perf_counter()
        service = proposal.draft.service
        click_id = f"bench:{proposal.id}:{service.key}"
        await world.approvals.decide(service, proposal.id, Choice.APPROVE, Permit(PERSON), click_id)
        took_ms.append((time.perf_counter() - sent) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    script.add(took_ms, sum(took_ms) / 1000)


def _print(
    names: Sequence[str], alone: dict[str, Measured], crowd: dict[str, Measured], approve: Measured, script: Measured
) -> None:
    lines = []
    for title, measured in (("one at a time", alone), (f"{AT_ONCE} at once", crowd)):
        floor_ms = statistics.median(measured["slack_sdk"].p50_ms)
        lines += [f"ack of /lumen status, {title}", *(measured[name].row(floor_ms) for name in names)]
    together = statistics.median(alone["slack_sdk"].p50_ms) + statistics.median(script.p50_ms)
    lines += ["ack of Approve, one at a time (ratio to slack_sdk + script)", script.row(), approve.row(together)]
    sys.stdout.write("\n".join(lines) + "\n")


def some_turn() -> Turn:
    """A turn that a status shows."""
    seen = snapshot()
    judged = assess(seen, AssessmentSettings())
    limits = TtlLimits(60, 3600)
    return Turn("bench", Occasion.SLOT, NOW, NOW, seen, judged, recommend_ttl(seen, limits), (), (), ())


class slack_server:  # noqa: N801 - reads as the function that it is used as
    """The timing Slack in its own process; gives its port."""

    def __enter__(self) -> int:
        command = [sys.executable, "-m", "bench.slack_server"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
