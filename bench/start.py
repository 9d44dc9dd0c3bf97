"""Processor time (user and system) until a command has answered, and until the bot is ready. `python -m bench.start`

The least of some runs, for other processes on the machine only add to it, and the first may have to compile. Beside it
stand the interpreter alone, and the libraries that the bot is made of: what no code of Lumen's can be faster than.
"""

import os
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.footprint import children_of, resident_mib
from demo.world import Clock, World

RUNS = 7
STARTS = 3
TTL = ("ttl", "--current-ttl", "300", "--hit-rate", "72.5", "--memory", "72.3")
SIZE = ("size", "--current-size", "256", "--usage", "240", "--hit-rate", "70", "--evictions", "150")
#: What `lumen run` needs for Slack, Google, Redis, HTTP, settings, logs and the usual values.
LIBRARIES = (
    "slack_bolt.async_app, aiohttp.web, redis.asyncio, structlog, pydantic, prometheus_client, numpy, "
    "google.cloud.monitoring_v3, google.cloud.run_v2, google.cloud.billing.budgets_v1"
)
IMPORTING = "import gc; gc.disable(); import "
RESIDENT = "; import os; os.system(f'ps -o rss= -p {os.getpid()}')"
#: A process that runs on does not take apart what it has imported.
RUNNING_ON = "; gc.freeze()"
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
        quiet = subprocess.DEVNULL
        subprocess.run([sys.executable, *command], stdout=quiet, stderr=quiet, env=environment, check=False)
        found.append(of_children_seconds() - before)
    return min(found)


def of_process_seconds(pid: int) -> float:
    """Of a process that runs, its children not counted. On Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def imported(modules: str) -> str:
    """Processor time and memory of a process that imports `modules` and nothing else."""
    code = IMPORTING + modules + RUNNING_ON
    printed = subprocess.run([sys.executable, "-c", code + RESIDENT], capture_output=True, text=True, check=True)
    return f"{least_seconds('-c', code):5.2f} s, {int(printed.stdout) / 1024:.0f} MiB"


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation is compiled
    print(f"python -c pass         {least_seconds('-c', 'pass'):5.2f} s")
    for words in (("--version",), ("--help",), TTL, (*TTL, "--json"), SIZE):
        print(f"lumen {' '.join(words):<60.60} {least_seconds('-m', 'bot', *words):5.2f} s")
    clock = Clock(60.0, datetime.now(UTC).isoformat())
    with tempfile.TemporaryDirectory(prefix="lumen-") as directory, World(Path(directory) / "world", clock) as world:
        world.initialise_state()
        environment = world.bot_environment(port=0)
        print(f"lumen gate (no turn yet) {least_seconds('-m', 'bot', 'gate', environment=environment):5.2f} s")
        print(f"its libraries alone      {imported(LIBRARIES)}")
        print(f"bot.run imported         {imported('bot.run')}")
        for start in range(STARTS):
            bot = world.start_bot(f"bot-{start}", OBSERVE_ONLY="7d")
            print(f"bot ready                {of_process_seconds(bot.pid):5.2f} s, {resident_mib(bot.pid):.0f} MiB")
            print(
                f"its children: {', '.join(f'{resident_mib(pid):.0f} MiB' for pid in children_of(bot.pid)) or 'none'}"
            )
            bot.stop()


if __name__ == "__main__":
    main()
