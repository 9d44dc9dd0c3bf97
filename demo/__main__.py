"""`python -m demo` (also `make demo` and `lumen demo`): Lumen at work in a world of its own, behind one address."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from demo.ports import port_is_free
from demo.processes import Child, ProcessFailed, claim
from demo.valkey import ValkeyFailed, make_private
from demo.world import MANIFEST, Clock, World, raise_if_ended

WATCH_SECONDS = 0.5
PORT = 8765
#: About $360 a month is what its users cost, so that a demo does not begin in the red.
BUDGET_USD = 500

#: The page's first minute.
GUIDE = Path(__file__).parent / "guide.json"

WELCOME = """
Open {page}

  /lumen status     what Lumen measured, and how good it is
  /lumen ttl 420    proposes a longer cache TTL: watch the card appear
  Approve           applies it; a later report shows what it did to the hit rate

An hour takes {hour:.0f} s here. Logs are in {logs}. Ctrl-C stops everything."""

SANDBOX_WELCOME = """
Open {page}

  SLACK_API_URL     {slack_api_url}
  SLACK_BOT_TOKEN   {bot_token}
  SLACK_APP_TOKEN   {app_token}
  channel           {channel}
  Google, as gRPC   {gcp_endpoint}
  control API       {control}

The app has the commands and scopes of {manifest} (MANIFEST=...). An hour takes {hour:.0f} s here.
Lumen's settings for it: cp {settings} .env
Logs are in {logs}. Ctrl-C stops everything."""


class Stopped(BaseException):
    """Somebody asked us to stop; no `except Exception` on the way may swallow it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m demo` with its flags; a flag that is not given has the default of `run_demo`."""
    return run_demo(**vars(_parser().parse_args(arguments)))


def run_demo(
    *,
    port: int = PORT,
    scale: float = 60.0,
    seed: int = 1,
    directory: Path | None = None,
    sandbox_only: bool = False,
    manifest: Path = MANIFEST,
) -> int:
    """Run until somebody stops it. 0 after that; 1, with one sentence on standard error, when it cannot go on."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        own = directory or directory_of(port)
        make_private(own)
        if not manifest.is_file() and manifest is not MANIFEST:
            raise ProcessFailed(f"There is no manifest {manifest}: name your app's (make sandbox MANIFEST=...).")
        guide = None if sandbox_only else GUIDE
        world = World(
            own.absolute(), _clock(scale), port, seed, manifest, guide, history_days=42, budget_usd=BUDGET_USD
        )
        _run(world, sandbox_only)
    except Stopped:
        return 0
    except (ProcessFailed, ValkeyFailed) as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - this is what a person reads
        return 1
    return 0


def met(world: World) -> dict[str, str]:
    """What Lumen is told beside `world.settings()`, so that a person can meet all of it: half an hour before a rollback
    (half a minute of the wall), somebody on call, the clock of those who read, and a TTL that needs no deployment."""
    return {
        "ROLLBACK_TIMEOUT_SECONDS": "1800",
        "ONCALL_GROUP": world.addresses.approver_group,
        "DIGEST_TIMEZONE": "Asia/Seoul",
        "TTL_ACTUATOR": "redis",
    }


def directory_of(port: int) -> Path:
    """One per user and port, so that demos on other ports run beside each other."""
    name = f"lumen-demo-{os.getuid()}" if port == PORT else f"lumen-demo-{os.getuid()}-{port}"
    return Path(tempfile.gettempdir()) / name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__, argument_default=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help="of the page, on 127.0.0.1 (default: 8765)")
    parser.add_argument("--scale", type=float, help="how many times faster time runs (default: 60)")
    parser.add_argument("--seed", type=int, help="of the simulated users")
    parser.add_argument("--directory", type=Path, help="for data and logs (default: one per user)")
    parser.add_argument("--sandbox-only", action="store_true", help="the Slack workspace and the cloud, without Lumen")
    parser.add_argument("--manifest", type=Path, help="of the Slack app that is tried (default: Lumen's)")
    return parser


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    # Stopping is bounded; a second Ctrl-C must not cut it short and leave something behind.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def _run(world: World, sandbox_only: bool) -> None:
    record = world.directory / "demo.lock"
    if claim(record) is None:
        raise ProcessFailed(_running(world, record.read_text()))
    # Before the port is looked at: what a killed demo left behind may hold it.
    world.clear()
    if world.page_port and not port_is_free(world.page_port):
        other = world.page_port + 1
        raise ProcessFailed(
            f"Port {world.page_port} on 127.0.0.1 is taken: stop what uses it, or choose another one "
            f"(make demo PORT={other}, or lumen demo --port {other})."
        )
    page = _page_of(world)
    page.unlink(missing_ok=True)
    with world:
        page.write_text(world.addresses.page)
        watched = [world.sandbox]
        if not sandbox_only:
            world.initialise_state()
            watched.append(world.start_bot(**met(world)))
        welcome = SANDBOX_WELCOME if sandbox_only else WELCOME
        settings = _write_settings(world)
        said = asdict(world.addresses) | {"logs": world.children, "manifest": world.manifest, "settings": settings}
        print(welcome.format(**said, hour=3600 / world.clock.scale), flush=True)  # noqa: T201
        _watch(watched)


def _write_settings(world: World) -> Path:
    """As a `.env`, for a Lumen that is started by hand (docs/integration.md)."""
    file = world.directory / "lumen.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in world.settings().items()), encoding="utf-8")
    return file


def _page_of(world: World) -> Path:
    return world.directory / "demo.page"


def _running(world: World, pid: str) -> str:
    """Where the demo is that runs already, and how to have another one."""
    page, port = _page_of(world), world.page_port or PORT
    where = f" at {page.read_text()}" if page.exists() else ", and not up yet"
    return (
        f"A demo is running already{where} (process {pid}, in {world.directory}): open its page, stop it, or run "
        f"another one beside it (make demo PORT={port + 1}, or lumen demo --port {port + 1})."
    )


def _clock(scale: float) -> Clock:
    # The one instant at which service time and the wall agree; everything after it asks a clock that is told of it.
    return Clock(scale, datetime.now(UTC).isoformat())  # noqa: TID251


def _watch(children: Sequence[Child]) -> None:
    """Until somebody stops us. Raises ProcessFailed when one of them ends by itself."""
    while True:
        for child in children:
            raise_if_ended(child)
        time.sleep(WATCH_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
