"""`python -m demo` (also `make demo` and `lumen demo`): Lumen at work in a world of its own, behind one address."""

import argparse
import http
import http.client
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from demo.processes import Child, ProcessFailed, claim, polls
from demo.valkey import ValkeyFailed
from demo.world import READY_SECONDS, Clock, World, free_port, is_free, raise_if_ended

WATCH_SECONDS = 0.5

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
  Google, as gRPC   {gcp_endpoint}

Logs are in {logs}. Ctrl-C stops everything."""


class Stopped(BaseException):
    """Somebody asked us to stop; no `except Exception` on the way may swallow it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until somebody stops it. 0 after that; 1, with one sentence on standard error, when it cannot go on."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        _run(options)
    except Stopped:
        return 0
    except (ProcessFailed, ValkeyFailed) as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - this is what a person reads
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lumen demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8765, help="of the page, on 127.0.0.1 (default: 8765)")
    parser.add_argument("--scale", type=float, default=60.0, help="how many times faster time runs (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated users")
    parser.add_argument("--directory", type=Path, default=None, help="for data and logs (default: one per user)")
    parser.add_argument("--sandbox-only", action="store_true", help="the Slack workspace and the cloud, without Lumen")
    return parser


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    # Stopping is bounded; a second Ctrl-C must not cut it short and leave something behind.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def _run(options: argparse.Namespace) -> None:
    directory = _private(options.directory or Path(tempfile.gettempdir()) / f"lumen-demo-{os.getuid()}")
    ours = claim(directory / "demo.lock")
    if ours is None:
        pid = (directory / "demo.lock").read_text()
        raise ProcessFailed(f"A demo is running already (process {pid}). Stop it first, or give --directory.")
    world = World(directory, _clock(options.scale), options.port, options.seed)
    # What a killed demo left behind may hold the port.
    world.clear()
    if options.port and not is_free(options.port):
        raise ProcessFailed(
            f"Port {options.port} on 127.0.0.1 is taken: stop what uses it, or choose another one "
            f"(make demo PORT={options.port + 1}, or lumen demo --port {options.port + 1})."
        )
    with world:
        watched = [world.sandbox]
        if not options.sandbox_only:
            watched.append(_start_bot(world))
        welcome = SANDBOX_WELCOME if options.sandbox_only else WELCOME
        said = {name: getattr(world.addresses, name) for name in world.addresses.__slots__}
        print(welcome.format(**said, hour=3600 / options.scale, logs=world.children), flush=True)  # noqa: T201
        _watch(watched)


def _clock(scale: float) -> Clock:
    # The one instant at which service time and the wall agree; everything after it asks a clock that is told of it.
    return Clock(scale, datetime.now(UTC).isoformat())  # noqa: TID251


def _private(directory: Path) -> Path:
    """Make it with mode 0700; one that belongs to somebody else is refused."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ProcessFailed(f"{directory} belongs to somebody else: remove it, or give another one with --directory.")
    directory.chmod(0o700)
    return directory.absolute()


def _start_bot(world: World) -> Child:
    """The bot, ready: connected to Slack and with its store at hand."""
    port = free_port()
    environment = world.bot_environment(port)
    world.initialise_state(environment)
    bot = world.start_bot(environment)
    for _ in polls(READY_SECONDS):
        raise_if_ended(bot)
        if _is_ready(port):
            return bot
    raise ProcessFailed(f"The bot was not ready within {READY_SECONDS:.0f} s. Its last words:\n{bot.tail()}")


def _is_ready(port: int) -> bool:
    # http.client knows no proxy, which a person's environment may name.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _watch(children: Sequence[Child]) -> None:
    """Until somebody stops us. Raises ProcessFailed when one of them ends by itself."""
    while True:
        for child in children:
            raise_if_ended(child)
        time.sleep(WATCH_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
