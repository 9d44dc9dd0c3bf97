"""Processor time (user and system) until a command has answered, and until the bot is ready. `python -m bench.start`

The least of some runs, for other processes on the machine only add to it; the interpreter alone stands beside it.
"""

import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.footprint import children_of, resident_mib
from demo.world import Clock, World

RUNS = 7
TTL = ("ttl", "--current-ttl", "300", "--hit-rate", "72.5", "--memory", "72.3")
SIZE = ("size", "--current-size", "256", "--usage", "240", "--hit-rate", "70", "--evictions", "150")
#: In hundredths of a second (USER_HZ).
TICKS = 100


def of_children_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def least_seconds(*command: str, environment: dict[str, str] | None = None) -> float:
    """Of one command that ends by itself."""
    found = []
    for _ in range(RUNS):
        before = of_children_seconds()
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, env=environment, check=False)
        found.append(of_children_seconds() - before)
    return min(found)


def of_process_seconds(pid: int) -> float:
    """Of a process that runs, its children not counted. On Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    print(f"python -c pass         {least_seconds('-c', 'pass'):5.2f} s")
    for words in (("--version",), ("--help",), TTL, (*TTL, "--json"), SIZE):
        print(f"lumen {' '.join(words):<60.60} {least_seconds('-m', 'bot', *words):5.2f} s")
    clock = Clock(60.0, datetime.now(UTC).isoformat())
    with tempfile.TemporaryDirectory(prefix="lumen-") as directory, World(Path(directory) / "world", clock) as world:
        world.initialise_state()
        environment = world.bot_environment(port=0)
        print(f"lumen gate (no turn yet) {least_seconds('-m', 'bot', 'gate', environment=environment):5.2f} s")
        bot = world.start_bot(OBSERVE_ONLY="7d")
        print(f"bot ready: {of_process_seconds(bot.pid):5.2f} s, {resident_mib(bot.pid):.0f} MiB")
        print(f"its children: {', '.join(f'{resident_mib(pid):.0f} MiB' for pid in children_of(bot.pid)) or 'none'}")


if __name__ == "__main__":
    main()
