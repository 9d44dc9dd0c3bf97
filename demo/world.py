"""The processes of the demo and of scenario tests: two embedded servers, the sandbox, and the unmodified bot.

The bot is configured by its environment alone, as a real installation is. Nothing of a person's own environment
reaches it (a real token, say), nor does a `.env` of the folder that the demo was started in.
"""

import json
import os
import shutil
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from demo.locks import polls
from demo.ports import free_port, says_ok
from demo.processes import Child, ProcessFailed, end_all
from demo.valkey import EmbeddedValkey, Kind

READY_SECONDS = 30.0
MANIFEST = Path(__file__).parents[1] / "manifest.yaml"
#: Names without which an interpreter or a library may not work on some machine; none says anything about Lumen.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


@dataclass(frozen=True, slots=True)
class Clock:
    """Service time: equal to the wall's at `origin` (ISO 8601, UTC), and `scale` times as fast."""

    scale: float
    origin: str


@dataclass(frozen=True, slots=True)
class SandboxAddresses:
    """The line that the sandbox prints when it is ready, as fields."""

    page: str
    slack_api_url: str
    gcp_endpoint: str
    control: str
    bot_token: str
    app_token: str
    channel: str
    team_id: str
    app_id: str
    approver: str
    approver_group: str
    bystander: str
    project: str
    region: str
    service: str
    redis_instance: str
    billing_account: str

    @classmethod
    def parse(cls, line: str) -> Self:
        """Fields that are not known here are left aside."""
        said = json.loads(line)
        return cls(**{each.name: said[each.name] for each in fields(cls)})


@dataclass(slots=True)
class World:
    """Everything in one directory (mode 0700): the servers' data, the children's records, their logs.

    Use it as a context manager. Leaving it ends what it started; entering it ends first what a killed one left.
    """

    directory: Path
    clock: Clock
    page_port: int = 0
    seed: int = 1
    #: The app's manifest: its scopes and events. Lumen's own unless another app is tried.
    manifest: Path = MANIFEST
    #: The steps of the page's first minute, if it shows one.
    guide: Path | None = None
    #: Of metrics before the start; as many as Google keeps (42) make error budgets of 30 days at once.
    history_days: int = 14
    #: So many more services, with metrics and nothing else.
    fleet: int = 0
    #: Of their metrics before the start.
    fleet_days: float = 14.0
    #: Of ION's users; at a fast clock they cost the sandbox most of its time.
    requests_per_second: float = 6.0
    #: A month, of the budget that exists and as the bot is told.
    budget_usd: int = 200
    #: What the world pays, and the bot is told: its model is cheap and its users are many; a Memorystore of 1 GB.
    call_usd: float = 0.00003
    cache_mb_usd: float = 0.14
    state: EmbeddedValkey = field(init=False)
    cache: EmbeddedValkey = field(init=False)
    sandbox: Child = field(init=False)
    addresses: SandboxAddresses = field(init=False)

    def __post_init__(self) -> None:
        self.state = EmbeddedValkey(self.directory / "state", Kind.STATE)
        self.cache = EmbeddedValkey(self.directory / "cache", Kind.CACHE)
        self.sandbox = self.child("sandbox")

    @property
    def children(self) -> Path:
        """The folder of the children's records and logs."""
        return self.directory / "children"

    def child(self, name: str) -> Child:
        """A child of this world, not yet started."""
        self.children.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Child(self.children, name)

    def __enter__(self) -> Self:
        self.clear()
        try:
            self.state.start()
            self.cache.start()
            self.start_sandbox()
        except BaseException:
            self.stop()
            # A server whose start was interrupted was not ours to stop yet: clearing adopts it first.
            self.clear()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def clear(self) -> None:
        """End what an earlier, killed one left running here, and forget what it remembered."""
        end_all(self.children)
        for server, data in ((self.state, "state"), (self.cache, "cache")):
            if (self.directory / data).exists():
                server.start()
                server.stop()
                shutil.rmtree(self.directory / data)

    def stop(self) -> None:
        """Children before servers, so that none of them sees its store go."""
        end_all(self.children)
        self.cache.stop()
        self.state.stop()

    def start_sandbox(self) -> None:
        """Start it and wait for its line. Raises ProcessFailed with the tail of its log."""
        command = [sys.executable, "-m", "sandbox", "--http-port", str(self.page_port), "--seed", str(self.seed)]
        command += ["--clock-scale", str(self.clock.scale), "--clock-origin", self.clock.origin]
        command += ["--cache-url", self.cache.socket_url, "--history-days", str(self.history_days)]
        command += ["--fleet", str(self.fleet), "--fleet-days", str(self.fleet_days)]
        command += ["--requests-per-second", str(self.requests_per_second)]
        command += self.prices()
        command += ["--guide", str(self.guide)] if self.guide else []
        if self.manifest.is_file():
            command += ["--manifest", str(self.manifest.absolute())]
        self.sandbox.start(command, base_environment(), self.directory)
        for _ in polls(READY_SECONDS):
            said = self.sandbox.output_path.read_text()
            if said.endswith("\n"):
                self.addresses = SandboxAddresses.parse(said.splitlines()[0])
                return
            raise_if_ended(self.sandbox)
        raise ProcessFailed(f"The sandbox was not ready within {READY_SECONDS:.0f} s:\n{self.sandbox.tail()}")

    def prices(self) -> list[str]:
        """What the sandbox is told of money: the same as the bot."""
        prices = {"budget": self.budget_usd, "vertex": f"{self.call_usd:.6f}", "cache-mb": self.cache_mb_usd}
        return [word for name, usd in prices.items() for word in (f"--{name}-usd", str(usd))]

    def bot_environment(self, port: int, **more: str) -> dict[str, str]:
        """All that the bot is told, and at `port` where it answers for its health."""
        return {**base_environment(), **self.settings(), "PORT": str(port), **more}

    def settings(self) -> dict[str, str]:
        """Lumen's settings for this world: where it may go, and whom it obeys."""
        of = self.addresses
        return {
            "PROJECT_ID": of.project,
            "REGION": of.region,
            "SERVICE_NAME": of.service,
            "CACHE_REDIS_URL": self.cache.socket_url,
            "CACHE_INSTANCE": of.redis_instance,
            "BILLING_ACCOUNT": of.billing_account,
            "STATE_REDIS_URL": self.state.socket_url,
            "SLACK_API_URL": of.slack_api_url,
            "SLACK_BOT_TOKEN": of.bot_token,
            "SLACK_APP_TOKEN": of.app_token,
            "SLACK_CHANNEL": of.channel,
            "APPROVERS": f"{of.approver},{of.approver_group}",
            "LUMEN_GCP_ENDPOINT": of.gcp_endpoint,
            "LUMEN_CLOCK_SCALE": str(self.clock.scale),
            "LUMEN_CLOCK_ORIGIN": self.clock.origin,
            "TTL_ACTUATOR": "both",
            "API_COST_PER_CALL": f"{self.call_usd:.6f}",
            "CACHE_COST_PER_MB": str(self.cache_mb_usd),
            "BUDGET_USD": str(self.budget_usd),
            # A real installation watches for a week before it proposes anything of its own; here that would be dull.
            "OBSERVE_ONLY": "0",
        }

    def start_bot(self, name: str = "bot", **more: str) -> Child:
        """`lumen run`, as it is, ready: connected to Slack, its store at hand. Raises ProcessFailed with its log."""
        port = free_port()
        bot = self.child(name)
        bot.start([*LUMEN, "run"], self.bot_environment(port, **more), self.directory)
        for _ in polls(READY_SECONDS):
            raise_if_ended(bot)
            if says_ok(port, "/readyz"):
                return bot
        raise ProcessFailed(f"The {name} was not ready within {READY_SECONDS:.0f} s. Its last words:\n{bot.tail()}")

    def initialise_state(self) -> None:
        """`lumen state init`, as a person does it once. Raises ProcessFailed with what it said."""
        init = self.child("state-init")
        init.start([*LUMEN, "state", "init"], self.bot_environment(port=0), self.directory)
        if init.wait(READY_SECONDS) != 0:
            raise ProcessFailed(f"lumen state init failed:\n{init.tail()}")


#: The console script, whether or not the environment that it was installed into is on PATH.
LUMEN = (sys.executable, "-m", "bot")


def base_environment() -> dict[str, str]:
    """The part of our own environment that a child inherits."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONUNBUFFERED": "1",
    }


def raise_if_ended(child: Child) -> None:
    """Raises ProcessFailed, with the tail of its log, when `child` runs no more."""
    code = child.exit_code()
    if code is not None:
        raise ProcessFailed(f"The {child.name} ended by itself (exit code {code}). Its last words:\n{child.tail()}")
