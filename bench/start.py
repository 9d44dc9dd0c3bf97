"""Processor time (user and system) until a command has answered, and until the bot is ready. `python -m bench.start`

The least of some runs, for other processes on the machine only add to it, and the first may have to compile. Beside it
stand the interpreter alone, and the libraries that the bot is made of: what no code of Lumen's can be faster or smaller
than. Of memory, what is its own stands apart from what is mapped of libraries' files, which others share and the kernel
drops when it must. Behind a figure stands its bar.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
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
RESIDENT = "; print(open('/proc/self/status').read())"
#: A process that runs on does not take apart what it has imported.
RUNNING_ON = "; gc.freeze()"
#: In hundredths of a second (USER_HZ).
TICKS = 100
NO_DATA = 3
HELP, ARITHMETIC, READY = "≤ 0.2 s", "≤ 0.5 s", "≤ 1.2 s, 110 MiB"


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


def memory(status: str) -> str:
    """Of a process, from its /proc/PID/status: all, and what is its own."""
    kib = {
        line.partition(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith(("VmRSS", "RssA"))
    }
    return f"{int(kib['VmRSS']) / 1024:.0f} MiB, {int(kib['RssAnon']) / 1024:.0f} of them its own"


def imported(modules: str) -> str:
    """Processor time and memory of a process that imports `modules` and nothing else."""
    code = IMPORTING + modules + RUNNING_ON
    printed = subprocess.run([sys.executable, "-c", code + RESIDENT], capture_output=True, text=True, check=True)
    return f"{least_seconds('-c', code):5.2f} s, {memory(printed.stdout)}"


def told(what: str, figure: str, bar: str = "") -> None:
    """A line."""
    print(f"{what:<60.60} {figure}{f'   bar: {bar}' * bool(bar)}")


def seconds_of(*words: str, environment: dict[str, str] | None = None) -> str:
    """Of a command of Lumen's."""
    return f"{least_seconds('-m', 'bot', *words, environment=environment):5.2f} s"


def wait_for_a_turn(environment: dict[str, str]) -> None:
    """Until `lumen gate` has something to judge."""
    for _ in range(60):
        gate = subprocess.run([sys.executable, "-m", "bot", "gate"], capture_output=True, env=environment, check=False)
        if gate.returncode != NO_DATA:
            return
        time.sleep(0.5)
    raise SystemExit("The bot made no turn within half a minute.")


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation is compiled
    told("python -c pass", f"{least_seconds('-c', 'pass'):5.2f} s")
    for words, bar in (
        (["--version"], HELP),
        (["--help"], HELP),
        (TTL, ARITHMETIC),
        ((*TTL, "--json"), ARITHMETIC),
        (SIZE, ARITHMETIC),
    ):
        told(f"lumen {' '.join(words)}", seconds_of(*words), bar)
    clock = Clock(60.0, datetime.now(UTC).isoformat())
    with tempfile.TemporaryDirectory(prefix="lumen-") as directory, World(Path(directory) / "world", clock) as world:
        world.initialise_state()
        environment = world.bot_environment(port=0)
        told("lumen gate, no turn yet", seconds_of("gate", environment=environment), ARITHMETIC)
        told("the bot's libraries alone", imported(LIBRARIES))
        told("bot.run imported", imported("bot.run"))
        for start in range(STARTS):
            bot = world.start_bot(f"bot-{start}", OBSERVE_ONLY="7d")
            status = Path(f"/proc/{bot.pid}/status").read_text()
            told("bot ready", f"{of_process_seconds(bot.pid):5.2f} s, {memory(status)}", READY)
            told("its children", ", ".join(f"{resident_mib(pid):.0f} MiB" for pid in children_of(bot.pid)) or "none")
            if start == STARTS - 1:
                wait_for_a_turn(environment)
            bot.stop()
        told("lumen gate, after a turn", seconds_of("gate", environment=environment), ARITHMETIC)


if __name__ == "__main__":
    main()
