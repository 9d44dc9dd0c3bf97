"""The price of many services: processor time, calls to Google, commands to the store, memory. `python -m bench.fleet`

Each size runs in a process of its own, against the sandbox's Google, its metrics and a Valkey that keeps what it says:
the first look (everything that Monitoring remembers), looks, one at a full hour (which reads a day again), a turn, and
a round in which nothing is due. Services of the fleet have metrics and nothing else; they share the sandbox's cache.
Beside it stand the bare client's questions, decoded. `--days`: of metrics; few of them make a first look short.
`--copied`: one service of each curve is looked at for the first time, and the others begin with what the store holds of
it then. It says every ten seconds how far it is, gives up after `--minutes`, and ends what it started however it is
ended.
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.commands_memory import resident_mb
from bot.config import Settings, WithoutSlack, load_settings
from bot.run import init_state
from bot.wiring.assembly import assemble
from bot.wiring.parts import Lumen
from demo.world import Clock, World
from lumen.adapters.google.clients import GoogleClients, open_google
from lumen.adapters.google.monitoring_query import BILLABLE, LATENCIES, Query, by_revision, by_service
from lumen.adapters.google.monitoring_slices import PIECE
from lumen.adapters.store.scripts import key
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.use_cases.collect import window_before
from lumen.use_cases.watch import FRESH_AT_ONCE, REMEMBERED
from sandbox.client import SandboxClient

SIZES = (1, 50, 500, 2000)
#: Service time to the wall's, by services: so fast that a slot is short, so slow that a look ends within its own.
SCALES = ((1, 60.0), (10, 30.0), (50, 15.0), (500, 5.0), (2000, 2.0))
LOOKS = 3
#: Curves that the fleet's services share (sandbox/ion/fleet.py).
SHAPES = 12
SAYS_SECONDS = 10.0
#: For a size that is asked to end to end what it started.
ENDING_SECONDS = 60.0
HOUR = timedelta(hours=1)
#: Processor time of the bot, ms a service.
BARS_MS = {"first look": 300.0, "look": 4.0, "turn": 16.0}
#: As many times what the bare client takes for the same answers.
AIMS = {"look": 2.0}
HELD_UP_MS = 50.0
BOT_MIB, BOT_MIB_A_SERVICE, STORE_MIB_A_SERVICE = 200.0, 0.15, 1.0
#: Processor time a service, from the second largest size to the largest.
SUPER_LINEAR = 1.1


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step took; `held_up_ms`: the longest time (of this thread's processor) between turns of the event loop."""

    name: str
    ms_each: float
    seconds: float
    calls: Mapping[str, int]
    scripts: int
    held_up_ms: float
    mib: float


@dataclass(slots=True)
class Blocked:
    """The longest time (s of this thread's processor) between two turns of the event loop."""

    longest: float = 0.0
    _task: "asyncio.Task[None] | None" = field(default=None, init=False)

    def begin(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def end(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.002)
            self.longest = max(self.longest, time.thread_time() - before)


class Meter:
    """A row for each step of the rounds."""

    def __init__(self, lumen: Lumen, google: SandboxClient, services: int) -> None:
        self._lumen, self._google, self._services = lumen, google, services
        self.costs: list[Cost] = []
        self.looked = 0
        #: Services, or turns of them.
        self.known = set[object]()

    def seen(self, of: object) -> None:
        """Count a service that was looked at."""
        self.looked += 1
        if isinstance(of, ServiceId):
            self.known.add(of)

    async def of(self, name: str, step: Callable[[], Awaitable[object]]) -> None:
        """Print what `step` cost."""
        calls, scripts = Counter(await self._google.get("world/calls")), await self._scripts()
        blocked, used, began = Blocked(), time.process_time(), time.monotonic()
        blocked.begin()
        async with self._telling(name):
            await step()
        used, took = time.process_time() - used, time.monotonic() - began
        await blocked.end()
        made = Counter(await self._google.get("world/calls")) - calls
        sent = await self._scripts() - scripts
        cost = Cost(name, 1000 * used / self._services, took, made, sent, 1000 * blocked.longest, resident_mb())
        self.costs.append(cost)
        sys.stdout.write(f"{self._services:4} services {_row(cost)}\n")
        sys.stdout.flush()

    @asynccontextmanager
    async def _telling(self, name: str) -> AsyncIterator[None]:
        """Say meanwhile how far it is."""
        used, began, looked = time.process_time(), time.monotonic(), self.looked

        async def tell() -> None:
            while True:
                await asyncio.sleep(SAYS_SECONDS)
                took, cpu = time.monotonic() - began, time.process_time() - used
                sys.stderr.write(f"{name}: {took:.0f} s, {cpu:.1f} s of CPU, {self.looked - looked} looked at\n")

        telling = asyncio.create_task(tell())
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _scripts(self) -> int:
        stats = await self._lumen.store.redis.info("commandstats")
        return sum(int(stats[one]["calls"]) for one in ("cmdstat_evalsha", "cmdstat_eval") if one in stats)

    async def stored_mib(self) -> float:
        """The memory that the store holds."""
        return float((await self._lumen.store.redis.info("memory"))["used_memory"]) / 2**20


def _row(cost: Cost) -> str:
    bar = f" (bar {BARS_MS[cost.name]:g})" if cost.name in BARS_MS else ""
    calls = ", ".join(f"{count} {name.partition('/')[2]}" for name, count in sorted(cost.calls.items())) or "none"
    return (
        f"{cost.name:12} {cost.ms_each:7.1f} ms of CPU each{bar}; {cost.seconds:6.1f} s; to Google: {calls}; "
        f"{cost.scripts:6} scripts; loop held up {cost.held_up_ms:4.0f} ms (bar {HELD_UP_MS:g}); {cost.mib:4.0f} MiB"
    )


async def measure(count: int, google: SandboxClient, *, copied: bool) -> Sequence[Cost]:
    settings = load_settings(WithoutSlack)
    async with assemble(settings) as lumen:
        await lumen.store.redis.config_set("maxmemory", 0)  # the demo's limit is for a few services
        gc.freeze()  # as the command line does before it begins
        meter, services, clock = Meter(lumen, google, count), settings.services, lumen.store.clock
        rounds, empty_mib = lumen.rounds, await meter.stored_mib()

        async def look() -> None:
            await rounds.watch.due(services, meter.seen)

        async def next_slot(after: datetime) -> datetime:
            while (slot := window_before(clock.now(), SLICE).end) == after:
                await asyncio.sleep(0.05)
            return slot

        if copied:
            await meter.of("copied", lambda: until_all_copied(rounds.watch.due, meter, lumen, services))
        await meter.of("first look", lambda: until_all_known(look, lumen, services))
        if not copied:
            past = await bare(
                meter, settings, "past asked", _pieces(window_before(clock.now(), REMEMBERED)), FRESH_AT_ONCE
            )
            beside_bare(count, meter.costs, "first look", past)
        slot, looks, hours = window_before(clock.now(), SLICE).end, 0, 0
        await look()  # the slots that went by meanwhile
        while looks < LOOKS or not hours:
            slot = await next_slot(slot)
            if slot.minute == 0:
                await meter.of("hour's look", look)
                hours += 1
            elif looks < LOOKS:
                await meter.of("look", look)
                looks += 1
            else:
                await look()
        asked = await bare(meter, settings, "only asked", [window_before(clock.now(), HOUR)], count)
        await meter.of("turn", lambda: rounds.turn_runner.due(services, meter.seen))
        await meter.of("idle", look)
        summary(count, meter.costs, asked, (await meter.stored_mib() - empty_mib) / count)
        return meter.costs


async def bare(meter: Meter, settings: Settings, name: str, windows: Sequence[Window], at_once: int) -> Cost:
    """The bare client asks what a look asks, of so many services at once, and decodes the answers."""
    google = await open_google(settings.lumen_gcp_endpoint, memorystore=False, subscriber=False)

    async def ask() -> None:
        for first in range(0, len(settings.services), at_once):
            services = settings.services[first : first + at_once]
            for window in windows:
                whole = Window(window.start - HOUR, window.end)
                await _decoded(google, settings.project_id, by_revision(services, SLICE), whole)
                await _decoded(google, settings.project_id, by_revision(services, SLICE, LATENCIES), whole)
                await _decoded(google, settings.project_id, by_service(BILLABLE, services, SLICE), window)

    try:
        await meter.of(name, ask)
    finally:
        await google.close()
    return meter.costs[-1]


def _pieces(window: Window) -> Sequence[Window]:
    """Those in which a past is asked for."""
    count = round((window.end - window.start) / PIECE)
    return [Window(window.start + nth * PIECE, window.start + (nth + 1) * PIECE) for nth in range(count)]


async def _decoded(google: GoogleClients, project: str, query: Query, window: Window) -> int:
    samples = 0
    pager = await google.metrics.list_time_series(query.request(project, window))
    async for page in pager.pages:
        for series in type(page).pb(page).time_series:
            for point in series.points:
                value = point.value
                samples += point.interval.end_time.seconds > 0
                samples += value.int64_value or round(value.double_value) or sum(value.distribution_value.bucket_counts)
    return samples


async def until_all_copied(
    due: Callable[[Sequence[ServiceId], Callable[[object], None]], Awaitable[None]],
    meter: Meter,
    lumen: Lumen,
    services: Sequence[ServiceId],
) -> None:
    """Look at one service of each curve; what the store holds of it then, the others of its curve begin with."""
    first, redis = services[:SHAPES], lumen.store.redis
    await until_all_known(lambda: due(first, meter.seen), lumen, first)
    for nth, other in enumerate(services[SHAPES:]):
        of = first[nth % SHAPES]
        slices: list[Any] = await redis.lrange(key(of, "observations"), 0, -1)  # texts: the client decodes
        await redis.rpush(key(other, "observations"), *(text.replace(of.name, other.name) for text in slices))
        for name in ("standing", "days"):
            kept: Any = await redis.hgetall(key(of, name))
            await redis.hset(key(other, name), mapping=kept)
    while not meter.known.issuperset(services):
        await due(services, meter.seen)


async def until_all_known(look: Callable[[], Awaitable[None]], lumen: Lumen, services: Sequence[ServiceId]) -> None:
    """A slot's time may end before all are known."""
    for _ in range(1000):
        await look()
        known = await lumen.store.alerts.standings(list(services))
        if all(one.newest is not None for one in known.values()):
            return
    raise SystemExit("some services were never looked at")


def beside_bare(count: int, costs: Sequence[Cost], name: str, asked: Cost) -> None:
    """How many times what the bare client takes."""
    best = min(one.ms_each for one in costs if one.name == name)
    times, aim = best / asked.ms_each, f" (aim {AIMS[name]:g})" if name in AIMS else ""
    sys.stdout.write(f"{count:4} services {name} {best:.1f} ms, {times:.1f} times the bare client{aim}\n")


def summary(count: int, costs: Sequence[Cost], asked: Cost, store_mib: float) -> None:
    """What stands beside the bars."""
    beside_bare(count, costs, "look", asked)
    bot = max(one.mib for one in costs)
    most = BOT_MIB + BOT_MIB_A_SERVICE * count
    sys.stdout.write(
        f"{count:4} services bot {bot:.0f} MiB (bar {most:.0f}); "
        f"store {store_mib:.2f} MiB a service (bar {STORE_MIB_A_SERVICE:g})\n"
    )


def compared(smaller: Sequence[Mapping[str, Any]], larger: Sequence[Mapping[str, Any]]) -> None:
    """Processor time a service at the two largest sizes."""
    for name in BARS_MS:
        before, now = (min(one["ms_each"] for one in each if one["name"] == name) for each in (smaller, larger))
        sys.stdout.write(
            f"{name}: {now / before:.2f} times as much a service at the larger size (bar {SUPER_LINEAR:g})\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--days", type=float, default=14.0, help="of metrics before the start")
    parser.add_argument("--scale", type=float, help="service time to the wall's (default: by the size)")
    parser.add_argument("--minutes", type=float, default=30.0, help="after which a size is given up")
    parser.add_argument("--copied", action="store_true", help="what the store holds of a service of each curve")
    parser.add_argument("--figures", type=Path, help="a file for them, JSON")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if len(asked.sizes) > 1:
        one_by_one(asked)
        return
    count = asked.sizes[0]
    scale = asked.scale or next((scale for most, scale in SCALES if count <= most), SCALES[-1][1])
    clock = Clock(scale, datetime.now(UTC).isoformat())
    with (
        tempfile.TemporaryDirectory(prefix="lumen-") as directory,
        World(Path(directory) / "world", clock, fleet=count, fleet_days=asked.days, requests_per_second=0.5) as world,
    ):
        names = ",".join(f"svc-{number:03d}" for number in range(1, count + 1))
        os.environ.update(world.bot_environment(0, SERVICE_NAME=names))
        gc.freeze()  # as the command line does after its imports
        costs = asyncio.run(prepared(count, world, 60 * asked.minutes, copied=asked.copied))
        if asked.figures is not None:
            asked.figures.write_text(json.dumps([asdict(one) for one in costs]))


def one_by_one(asked: argparse.Namespace) -> None:
    """Each size in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="lumen-") as directory:
        files = [Path(directory, f"{size}.json") for size in asked.sizes]
        for size, file in zip(asked.sizes, files, strict=True):
            command = [sys.executable, "-m", "bench.fleet", str(size), "--figures", str(file)]
            command += ["--days", str(asked.days), "--minutes", str(asked.minutes)]
            command += ["--scale", str(asked.scale)] if asked.scale else []
            command += ["--copied"] if asked.copied else []
            run_to_its_end(command)
        compared(*(json.loads(file.read_text()) for file in files[-2:]))


def run_to_its_end(command: Sequence[str]) -> None:
    """Also where this process is ended before. Raises CalledProcessError."""
    with subprocess.Popen(command) as child:
        try:
            if child.wait() != 0:
                raise subprocess.CalledProcessError(child.returncode, command)
        finally:
            child.terminate()
            child.wait(ENDING_SECONDS)


async def prepared(count: int, world: World, most_seconds: float, *, copied: bool) -> Sequence[Cost]:
    """Raises TimeoutError."""
    await init_state(load_settings(WithoutSlack))
    async with asyncio.timeout(most_seconds), SandboxClient(world.addresses.control) as google:
        return await measure(count, google, copied=copied)


if __name__ == "__main__":
    main()
