"""What can fail in a run of clicks, as a table: by system and by kind, how it begins and how it ends."""

import asyncio
import shutil
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis

from demo.ports import free_port
from demo.processes import Child
from demo.valkey import EmbeddedValkey
from demo.world import LUMEN, World
from sandbox.client import SandboxClient
from tests.chaos.checks import Click, Setting
from tests.scenarios.test_two_bots import is_stopped

#: So much further than the others' is the clock of a bot that is off.
OFF = timedelta(minutes=5)


@dataclass
class Scene:
    """A run under way: the world, its bots, and what is written down of it."""

    world: World
    slack: SandboxClient
    environment: Mapping[str, str]
    bots: list[Child] = field(default_factory=list)
    born: int = 0
    clicks: list[Click] = field(default_factory=list)
    commands: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[str]] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)
    releases: int = 0
    ended: list[str] = field(default_factory=list)

    async def start(self, **more: str) -> None:
        """One more bot, as soon as it lives; it gets ready when it can."""
        self.born += 1
        bot = self.world.child(f"bot-{self.born}")
        environment = self.world.bot_environment(free_port(), **{**self.environment, **more})
        await asyncio.to_thread(bot.start, [*LUMEN, "run"], environment, self.world.directory)
        self.bots.append(bot)

    async def kill(self, bot: Child, sent: signal.Signals = signal.SIGKILL) -> None:
        self.bots.remove(bot)
        with suppress(ProcessLookupError):
            bot.signal(sent)
        await asyncio.to_thread(bot.wait, 60)


Deed = Callable[[Scene], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`blind`: metrics of requests cannot be read. `cache_lost`: the cache forgets. `first`: told to the first bot.

    `release`: whether it meets a bad release; None: that is left to chance.
    """

    begin: Deed
    end: Deed
    blind: bool = False
    cache_lost: bool = False
    first: Mapping[str, str] = field(default_factory=dict)
    release: bool | None = None


async def nothing(_scene: Scene) -> None:
    """It goes as it comes."""


def told(server: str, *words: str | int) -> Deed:
    """A command to a server of the world, "state" or "cache"."""

    def tell(scene: Scene) -> None:
        of: EmbeddedValkey = getattr(scene.world, server)
        with redis.Redis.from_url(of.socket_url) as client:
            client.execute_command(*words)

    return lambda scene: asyncio.to_thread(tell, scene)


def cut(server: str) -> Deed:
    """Every connection is closed, again and again."""

    async def begin(scene: Scene) -> None:
        for _ in range(20):
            with suppress(redis.RedisError):
                await told(server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")(scene)
            await asyncio.sleep(0.1)

    return begin


async def state_killed(scene: Scene) -> None:
    await asyncio.to_thread(scene.world.state.kill)


async def state_started(scene: Scene) -> None:
    await asyncio.to_thread(scene.world.state.start)


async def state_emptied(scene: Scene) -> None:
    await state_killed(scene)
    (scene.world.directory / "state" / "appendonlydir").rename(scene.world.directory / "kept")
    await state_started(scene)


async def state_restored(scene: Scene) -> None:
    await state_killed(scene)
    shutil.rmtree(scene.world.directory / "state" / "appendonlydir", ignore_errors=True)
    (scene.world.directory / "kept").rename(scene.world.directory / "state" / "appendonlydir")
    await state_started(scene)


def web_api(kind: str, times: int = -1, seconds: float = 1.0) -> Fault:
    """Calls of Slack's that fail in one way."""
    return Fault(lambda s: s.slack.fault("*", kind, times=times, seconds=seconds), lambda s: s.slack.clear_faults())


def sockets(do: str, end: str = "heal", **how: float) -> Fault:
    """What becomes of the connections that clicks come by."""
    return Fault(lambda s: s.slack.post("slack/sockets", do=do, **how), lambda s: s.slack.post("slack/sockets", do=end))


async def google_mended(scene: Scene) -> None:
    await scene.slack.world.mend()
    await scene.slack.world.quota({})
    await scene.slack.post("world/metrics", on=True)


def google(begin: Deed, *, blind: bool = False, release: bool | None = None) -> Fault:
    return Fault(begin, google_mended, blind=blind, release=blind or release)


def one_call(code: str, *, after: bool = False) -> Fault:
    """Of the next update of Cloud Run, whenever that comes."""
    return Fault(
        lambda s: s.slack.world.fault("Services/UpdateService", code=code, times=1, after=after), nothing, release=False
    )


def update(outcome: str, end: Deed = nothing) -> Fault:
    """The same of what becomes of it."""
    return Fault(lambda s: s.slack.world.updates(outcome), end, release=False)


def incident(kind: str) -> Fault:
    return Fault(lambda s: s.slack.world.start_incident(kind), lambda s: s.slack.world.stop_incidents())


def ended(how_many: int, sent: signal.Signals) -> Fault:
    async def begin(scene: Scene) -> None:
        for bot in scene.bots[:how_many]:
            await scene.kill(bot, sent)

    async def end(scene: Scene) -> None:
        for _ in range(how_many):
            await scene.start()

    return Fault(begin, end)


async def frozen(scene: Scene) -> None:
    scene.bots[0].signal(signal.SIGSTOP)


async def woken(scene: Scene) -> None:
    """Or replaced, where it killed itself."""
    first = scene.bots[0]
    if first.exit_code() is not None:
        scene.bots.remove(first)
        await scene.start()
    elif await is_stopped(first):
        first.signal(signal.SIGCONT)


def at_a_point(point: str) -> Fault:
    return Fault(nothing, woken, first={"LUMEN_FAULT_AT": point})


def clocks(*off: timedelta) -> Fault:
    """As many bots are replaced by ones whose clocks are off, and stay so."""

    async def begin(scene: Scene) -> None:
        clock = scene.world.clock
        for by in off:
            await scene.kill(scene.bots[0])
            origin = datetime.fromisoformat(clock.origin) - by / (clock.scale - 1)
            await scene.start(LUMEN_CLOCK_ORIGIN=origin.isoformat())

    return Fault(begin, nothing)


FAULTS: Mapping[str, Mapping[str, Fault]] = {
    "store": {
        "restart": Fault(state_killed, state_started),
        "empty failover": Fault(state_emptied, state_restored),
        "out of memory": Fault(
            told("state", "CONFIG", "SET", "maxmemory", 1), told("state", "CONFIG", "SET", "maxmemory", "256mb")
        ),
        "read only": Fault(told("state", "REPLICAOF", "127.0.0.1", 1), told("state", "REPLICAOF", "NO", "ONE")),
        "paused": Fault(told("state", "CLIENT", "PAUSE", 6000, "ALL"), nothing),
        "slow": Fault(told("state", "CLIENT", "PAUSE", 700, "WRITE"), nothing),
        "cut": Fault(cut("state"), nothing),
    },
    "slack": {
        "http 500": web_api("http_500"),
        "rate limited": web_api("ratelimited", times=20, seconds=2),
        "hangs": web_api("hang", times=12),
        "drops": web_api("drop"),
        "done without an answer": web_api("post_then_timeout", times=12),
        "done late": web_api("late", times=12, seconds=4),
        "slow": web_api("delay", times=60, seconds=2),
        "sockets closed": sockets("close"),
        "sockets reset": sockets("reset"),
        "sockets half open": sockets("half_open"),
        "sockets stall": sockets("stall", seconds=6),
        # Slack ends them here: Lumen takes ten minutes of silence for the end of a connection, longer than a run.
        "sockets mute": sockets("mute", end="close"),
        "asked to reconnect": sockets("refresh_requested", seconds=2),
        "envelopes twice": sockets("duplicate_envelopes", count=60),
    },
    "google": {
        "unavailable": google(lambda s: s.slack.world.fault("*", code="UNAVAILABLE")),
        "slow": google(lambda s: s.slack.world.fault("*", delay_seconds=4)),
        "answer lost": one_call("UNAVAILABLE", after=True),
        "refused before": one_call("UNAVAILABLE"),
        "aborted": one_call("ABORTED"),
        "update fails": update("fails"),
        "update never ready": update("never_ready"),
        "update never ends": update("never_ends", google_mended),
        "may not run": google(lambda s: s.slack.world.deny(["run.*"])),
        "may not read metrics": google(lambda s: s.slack.world.deny(["monitoring.*"]), blind=True),
        "metrics late": google(
            lambda s: s.slack.post("world/metrics", late={"run.googleapis.com/request_count": 7200}), blind=True
        ),
        "errors gone": google(
            lambda s: s.slack.post(
                "world/series",
                metric="run.googleapis.com/request_*",
                label="response_code_class",
                value="5xx",
                gone=True,
            ),
            release=True,
        ),
        "quota used up": google(lambda s: s.slack.world.quota({"*": 3})),
    },
    "cache": {
        "down": incident("redis_down"),
        "emptied": Fault(told("cache", "FLUSHALL"), nothing, cache_lost=True),
        "paused": Fault(told("cache", "CLIENT", "PAUSE", 6000, "ALL"), nothing),
        "slow": Fault(told("cache", "CLIENT", "PAUSE", 900, "WRITE"), nothing),
        "read only": Fault(told("cache", "REPLICAOF", "127.0.0.1", 1), told("cache", "REPLICAOF", "NO", "ONE")),
        "cut": Fault(cut("cache"), nothing),
    },
    "bots": {
        "one killed": ended(1, signal.SIGKILL),
        "both killed": ended(2, signal.SIGKILL),
        "both stopped": ended(2, signal.SIGTERM),
        "one frozen": Fault(frozen, woken),
        "dies once decided": at_a_point("store.decide.after"),
        "dies once set": at_a_point("execute.set.redis"),
        "sleeps before it sets": at_a_point("execute.applying:1:stop"),
        "sleeps once decided": at_a_point("store.decide.after:1:stop"),
    },
    "clocks": {"one ahead": clocks(OFF), "one behind": clocks(-OFF), "apart": clocks(OFF, -OFF)},
}
#: The systems take turns.
TABLE = sorted(
    ((system, kind) for system, kinds in FAULTS.items() for kind in kinds),
    key=lambda each: (list(FAULTS[each[0]]).index(each[1]), list(FAULTS).index(each[0])),
)
