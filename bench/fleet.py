"""The price of many services: processor time, calls to Google, commands to the store, memory. `python -m bench.fleet`

Each size runs in a process of its own, against the sandbox's Google, its metrics and a Valkey that keeps what it says:
the first look (everything that Monitoring remembers), looks, a turn, and a minute in which nothing is due. Services of
the fleet have metrics and nothing else; they share the sandbox's cache. Beside it stand the bare client's questions.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.commands_memory import resident_mb
from bot.config import Settings, WithoutSlack, load_settings
from bot.run import init_state
from bot.wiring.assembly import assemble
from bot.wiring.parts import Lumen
from demo.world import Clock, World
from lumen.adapters.google.clients import open_google
from lumen.adapters.google.monitoring_query import BILLABLE, LATENCIES, REQUESTS, MonitoringQueries, by_service
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.use_cases.collect import window_before
from sandbox.client import SandboxClient

#: So fast that a slot is short, and so slow that a look of the largest fleet ends within its own.
SCALE = 10.0
SIZES = (1, 50, 500)
LOOKS = 3


@dataclass(slots=True)
class Blocked:
    """The longest time (s of this thread's processor) between two turns of the event loop."""

    longest: float = 0.0
    _task: "asyncio.Task[None] | None" = field(default=None, init=False)

    def begin(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.002)
            self.longest = max(self.longest, time.thread_time() - before)


class Meter:
    """One row: what a step of the rounds cost."""

    def __init__(self, lumen: Lumen, google: SandboxClient, services: int) -> None:
        self._lumen, self._google, self._services = lumen, google, services

    async def of(self, name: str, step: Callable[[], Awaitable[object]]) -> None:
        """Print what `step` cost."""
        calls, scripts = Counter(await self._google.get("world/calls")), await self._scripts()
        blocked, used, began = Blocked(), time.process_time(), time.monotonic()
        blocked.begin()
        await step()
        used, took = time.process_time() - used, time.monotonic() - began
        made = Counter(await self._google.get("world/calls")) - calls
        sent = await self._scripts() - scripts
        sys.stdout.write(
            f"{self._services:4} services {name:10} {used:6.2f} s of CPU, {1000 * used / self._services:6.1f} ms each; "
            f"{took:5.1f} s; {made.total():4} calls to Google; {sent:6} scripts; "
            f"loop held up {1000 * blocked.longest:4.0f} ms; {resident_mb():4.0f} MiB\n"
        )
        sys.stdout.flush()

    async def _scripts(self) -> int:
        stats = await self._lumen.store.redis.info("commandstats")
        return sum(int(stats[one]["calls"]) for one in ("cmdstat_evalsha", "cmdstat_eval") if one in stats)


async def measure(count: int, google: SandboxClient) -> None:
    settings = load_settings(WithoutSlack)
    async with assemble(settings) as lumen:
        meter, services, clock = Meter(lumen, google, count), settings.services, lumen.store.clock
        rounds = lumen.rounds

        def seen(_: object) -> None:
            """Nothing is done with it here."""

        async def look() -> None:
            await rounds.watch.due(services, seen)

        async def next_look() -> None:
            slot = window_before(clock.now(), SLICE).end
            while window_before(clock.now(), SLICE).end == slot:
                await asyncio.sleep(0.05)

        await meter.of("first look", lambda: until_all_known(look, lumen, settings.services))
        for _ in range(LOOKS):
            await next_look()
            await meter.of("look", look)
        await meter.of("turn", lambda: rounds.turn_runner.due(services, seen))
        await meter.of("idle", look)
        await bare(meter, settings, window_before(clock.now(), timedelta(hours=1)))


async def bare(meter: Meter, settings: Settings, window: Window) -> None:
    """The bare client asks what a look asks, and decodes the answers."""
    google = await open_google(settings.lumen_gcp_endpoint, memorystore=False, subscriber=False)
    queries = MonitoringQueries(google.metrics, settings.project_id)

    async def ask() -> None:
        for metric in (REQUESTS, LATENCIES, BILLABLE):
            await queries.series(by_service(metric, settings.services, SLICE), window)

    try:
        await meter.of("only asked", ask)
    finally:
        await google.close()


async def until_all_known(look: Callable[[], Awaitable[None]], lumen: Lumen, services: Sequence[ServiceId]) -> None:
    """A slot's time may end before all are known."""
    for _ in range(100):
        await look()
        if all([await lumen.store.alerts.newest(one) is not None for one in services]):
            return
    raise SystemExit("some services were never looked at")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    sizes = parser.parse_args().sizes
    if len(sizes) > 1:
        for size in sizes:
            subprocess.run([sys.executable, "-m", "bench.fleet", str(size)], check=True)
        return
    clock = Clock(SCALE, datetime.now(UTC).isoformat())
    with (
        tempfile.TemporaryDirectory(prefix="lumen-") as directory,
        World(Path(directory) / "world", clock, fleet=sizes[0]) as world,
    ):
        names = ",".join(f"svc-{number:03d}" for number in range(1, sizes[0] + 1))
        os.environ.update(world.bot_environment(0, SERVICE_NAME=names))
        asyncio.run(prepared(sizes[0], world))


async def prepared(count: int, world: World) -> None:
    await init_state(load_settings(WithoutSlack))
    async with SandboxClient(world.addresses.control) as google:
        await measure(count, google)


if __name__ == "__main__":
    main()
