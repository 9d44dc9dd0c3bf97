"""The cost of the bot: start-up, memory, the time of a turn and the calls that it makes. `python -m bench.footprint`

Everything runs as in the demo, on loopback: the real clients against the sandbox's Slack and Google.
"""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from demo.world import Clock, World
from sandbox.client import SandboxClient

TURNS = 5


def resident_mib(pid: int) -> float:
    """Memory of one process; `ps` prints KiB on Linux and macOS alike."""
    printed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(printed.stdout) / 1024


def children_of(pid: int) -> list[int]:
    """The numerics worker and whatever else it started."""
    printed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in printed.stdout.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


async def measure(world: World) -> None:
    began = time.monotonic()
    bot = world.start_bot(OBSERVE_ONLY="7d")
    print(f"start to ready (/readyz says ok)   {time.monotonic() - began:6.2f} s")
    async with SandboxClient(world.addresses.control) as slack:
        await slack.wait_for_message(lambda m: "gate" in m.text, within_seconds=30)
        print(f"start to the first report in Slack {time.monotonic() - began:6.2f} s")
        seconds = []
        for _ in range(TURNS):
            before = Counter(await slack.get("world/calls"))
            answers = sum(m.ephemeral_to is not None for m in await slack.messages())
            asked = time.monotonic()
            await slack.command("/lumen run")
            while sum(m.ephemeral_to is not None for m in await slack.messages()) == answers:
                await asyncio.sleep(0.02)
            seconds.append(time.monotonic() - asked)
            made = Counter(await slack.get("world/calls")) - before
        print(f"a turn, from /lumen run to answer  {statistics.median(seconds):6.2f} s (median of {TURNS})")
        print(f"Google calls in a turn             {made.total():6d}")
        for method, count in sorted(made.items()):
            print(f"    {count:3d}  {method}")
    pid = bot.pid
    workers = children_of(pid)
    print(f"memory of the bot                  {resident_mib(pid):6.0f} MiB")
    for worker in workers:
        print(f"memory of a child of it            {resident_mib(worker):6.0f} MiB")


def main() -> None:
    clock = Clock(60.0, datetime.now(UTC).isoformat())
    with tempfile.TemporaryDirectory(prefix="lumen-") as directory, World(Path(directory) / "world", clock) as world:
        world.initialise_state()
        asyncio.run(measure(world))


if __name__ == "__main__":
    main()
