"""`lumen work`: three real processes share a fleet's turns over the sandbox's Pub/Sub, and one is killed.

A third of the messages comes twice, all in any order, and one is of somebody else: it is named in Slack.
"""

import asyncio
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import grpc.aio
import redis
from aiohttp import web
from google import pubsub_v1

from demo.ports import free_port, says_ok
from demo.processes import Child
from demo.world import LUMEN, Clock, World
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import open_store
from lumen.model.service import ServiceId
from lumen.model.shard import PULLED, PUSHED, subscription_of, topic_of
from sandbox.client import SandboxClient
from tests.scenarios.test_loop import QUIET, until
from tests.service_time import origin_of_a_quiet_hour

#: An hour lasts 100 seconds of the wall: long enough for a busy machine.
SCALE = 36.0
SERVICES = 90
#: A worker makes eight shards of an hour, of which the largest has three times as many services as the smallest: the
#: shares of several hours are what its work is.
HOURS = 2
#: No worker looks: a turn asks for its own window alone.
FLEET_DAYS = 0.3
#: As deploy/work.service.yaml has it.
CONCURRENCY = 2
CALLER = "lumen-caller@naeda-genesis.iam.gserviceaccount.com"
HOUR = timedelta(hours=1)
_TURNS = re.compile(r"^lumen_turns_total\{[^}]*\} ([0-9.]+)$", re.MULTILINE)


@dataclass
class Balancer:
    """One address for all workers, as Cloud Run has it: each call goes to the one that has the fewest, or waits."""

    port: int = field(default_factory=free_port)
    calls: dict[int, int] = field(default_factory=dict)
    given: Counter[int] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def forward(self, request: web.Request) -> web.Response:
        body = await request.read()
        while not (free := [one for one, n in self.calls.items() if n < CONCURRENCY]):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
        port = min(free, key=lambda one: (self.calls[one], self.given[one]))
        self.calls[port] += 1
        self.given[port] += 1
        try:
            headers = {"Authorization": request.headers.get("Authorization", "")}
            where = f"http://127.0.0.1:{port}{request.path}"
            async with aiohttp.ClientSession() as session, session.post(where, data=body, headers=headers) as answer:
                return web.Response(status=answer.status, body=await answer.read())
        except aiohttp.ClientError:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        finally:
            if port in self.calls:
                self.calls[port] -= 1


@dataclass
class Fleet:
    """A world of so many services, and the workers in it."""

    world: World
    slack: SandboxClient
    kind: str
    balancer: Balancer
    services: int = SERVICES
    workers: dict[str, tuple[Child, int]] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[str]:
        return [self.world.addresses.service, *(f"svc-{number:03d}" for number in range(1, self.services))]

    @property
    def settings(self) -> Mapping[str, str]:
        push = {"PUBLIC_URL": self.balancer.url, "OIDC_SERVICE_ACCOUNT": CALLER}
        return {
            **QUIET,
            "SERVICE_NAME": ",".join(self.names),
            "PUBLISH_METRICS": "false",
            "WORKERS": self.kind,
            "LUMEN_CERTS_URL": f"{self.world.addresses.control}world/certs",
            **(push if self.kind == "push" else {}),
        }

    @property
    def subscription(self) -> str:
        return subscription_of(self.world.addresses.project, PUSHED if self.kind == "push" else PULLED)

    async def run(self, *command: str) -> None:
        """A command of `lumen`, to its end."""
        child = self.world.child("-".join(command[:2]))
        child.start([*LUMEN, *command], self.world.bot_environment(0, **self.settings), self.world.directory)
        code = await asyncio.to_thread(child.wait, 240.0)
        assert code == 0, child.tail() + child.output_path.read_text()

    async def start(self, name: str) -> None:
        port = free_port()
        given = self.world.bot_environment(port, **self.settings)
        worker = self.world.child(name)
        worker.start([*LUMEN, "work"], {k: v for k, v in given.items() if "TOKEN" not in k}, self.world.directory)
        self.workers[name] = worker, port

        async def ready() -> bool:
            assert worker.exit_code() is None, worker.tail()
            return await asyncio.to_thread(says_ok, port, "/readyz")

        await until(ready, 120, f"{name} is ready")
        self.balancer.calls[port] = 0

    async def kill(self, name: str) -> None:
        worker, port = self.workers.pop(name)
        await asyncio.to_thread(worker.kill)
        del self.balancer.calls[port]

    async def made(self) -> Mapping[str, int]:
        """So many turns has each living worker made."""
        found = {}
        async with aiohttp.ClientSession() as session:
            for name, (_, port) in self.workers.items():
                async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    found[name] = round(sum(map(float, _TURNS.findall(await answer.text()))))
        return found

    def turns(self, slot: datetime) -> list[int]:
        """Of each service, so many turns of that hour are remembered."""
        mark = f'"slot":"{slot.isoformat().replace("+00:00", "Z")}"'
        with redis.Redis.from_url(self.world.state.socket_url, decode_responses=True) as store:
            keys = sorted(store.scan_iter("*turns", count=1000))
            return [sum(mark in text for text in store.hvals(key)) for key in keys]

    async def an_hour(self, after: datetime | None = None) -> datetime:
        """An hour of service time later than `after` of which most is still to come."""

        async def early() -> bool:
            now = (await self.slack.world.clock()).now
            return now.minute < 20 and (after is None or now >= after + HOUR)

        await until(early, 400, "an hour begins")
        return (await self.slack.world.clock()).now.replace(minute=0, second=0, microsecond=0)

    async def begun_hour(self, after: datetime | None) -> datetime:
        """The same, whose turn the workers are asked for."""
        slot = await self.an_hour(after)
        await self.run("dispatch", "--schedule", "turn")
        return slot

    async def more_than(self, before: Mapping[str, int]) -> Mapping[str, int]:
        """So many turns has each living worker made since."""
        return {name: count - before[name] for name, count in (await self.made()).items()}

    async def all_done(self, slot: datetime) -> None:
        async def done() -> bool:
            return self.turns(slot) == [1] * self.services

        await until(done, 170, "each service's slot is done, once")


@asynccontextmanager
async def a_fleet(
    kind: str, memory_directory: Path, services: int = SERVICES, scale: float = SCALE
) -> AsyncIterator[Fleet]:
    """With everything but its workers, on a prepared store."""
    clock = Clock(scale, origin_of_a_quiet_hour(scale))
    with (
        TemporaryDirectory(dir=memory_directory) as directory,
        World(Path(directory), clock, fleet=services - 1, fleet_days=FLEET_DAYS) as world,
    ):
        async with SandboxClient(world.addresses.control) as slack, balanced() as balancer:
            made = Fleet(world, slack, kind, balancer, services)
            of, store = world.addresses, open_store(world.state.url)
            known = [ServiceId(of.project, of.region, name) for name in made.names]
            await epoch.init(store, known, SystemClock())
            await store.aclose()
            try:
                yield made
            finally:
                for log in sorted(world.children.glob("*.log")):
                    print(f"-- {log.stem}:", *log.read_text(errors="replace").splitlines()[-30:], sep="\n")  # noqa: T201


@asynccontextmanager
async def balanced() -> AsyncIterator[Balancer]:
    balancer, app = Balancer(), web.Application()
    app.add_routes([web.post("/pubsub/push", balancer.forward)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", balancer.port).start()
    yield balancer
    await runner.cleanup()


def client(kind: Any, endpoint: str) -> Any:
    transport = kind.get_transport_class("grpc_asyncio")
    return kind(transport=transport(channel=grpc.aio.insecure_channel(endpoint)))


async def impatient(fleet: Fleet) -> None:
    """What `lumen setup` made, with a patience that a test can wait for; and a message that nobody can read."""
    endpoint = fleet.world.addresses.gcp_endpoint
    subscriber = client(pubsub_v1.SubscriberAsyncClient, endpoint)
    made = await subscriber.get_subscription(subscription=fleet.subscription)
    made.retry_policy = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 2}}
    made.dead_letter_policy.max_delivery_attempts = 20
    paths = ["retry_policy", "dead_letter_policy.max_delivery_attempts"]
    await subscriber.update_subscription({"subscription": made, "update_mask": {"paths": paths}})
    publisher = client(pubsub_v1.PublisherAsyncClient, endpoint)
    await publisher.publish(topic=topic_of(fleet.world.addresses.project), messages=[{"data": b"good morning"}])


def shares(made: Mapping[str, int]) -> Mapping[str, int]:
    """In percent."""
    return {name: round(100 * count / sum(made.values())) for name, count in made.items()}


async def workers_share(fleet: Fleet) -> None:
    """Three share some hours; in the next one is killed, and two go on; what nobody can read is named in Slack."""
    await fleet.run("setup", "apply", "--yes")
    await impatient(fleet)
    await fleet.slack.post("world/pubsub", duplicates=0.34, disorder=True)
    await asyncio.gather(*(fleet.start(f"worker-{number}") for number in range(3)))
    slot = None
    for _ in range(HOURS):
        slot = await fleet.begun_hour(slot)
        await fleet.all_done(slot)
    before = await fleet.made()
    sys.stdout.write(f"{fleet.kind}: three workers {shares(before)} %\n")
    assert sum(before.values()) == HOURS * SERVICES
    assert all(25 <= share <= 42 for share in shares(before).values()), before

    slot = await fleet.begun_hour(slot)

    async def begun() -> bool:
        return any(self_made > before[name] for name, self_made in (await fleet.made()).items())

    await until(begun, 60, "somebody has begun")
    await fleet.kill("worker-1")
    await fleet.all_done(slot)
    by_dead = SERVICES - sum((await fleet.more_than(before)).values())
    for _ in range(HOURS - 1):
        slot = await fleet.begun_hour(slot)
        await fleet.all_done(slot)
    more = await fleet.more_than(before)
    sys.stdout.write(f"{fleet.kind}: after one was killed {shares(more)} %, which made {by_dead}\n")
    assert sum(more.values()) == HOURS * SERVICES - by_dead
    assert all(40 <= share <= 60 for share in shares(more).values()), more

    fleet.world.start_bot(**fleet.settings)
    named = await fleet.slack.wait_for_message(lambda message: "good morning" in message.text, within_seconds=90)
    assert "after 20 attempts" in named.text
    for worker, _ in fleet.workers.values():
        worker.signal(signal.SIGTERM)
    codes = [await asyncio.to_thread(worker.wait, 10.0) for worker, _ in fleet.workers.values()]
    assert codes == [0, 0]
