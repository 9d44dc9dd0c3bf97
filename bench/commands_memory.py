"""Leaks while answering commands: memory of the process after 1,000 and after 100,000 commands, answers included.

`python -m bench.commands_memory [--commands 100000]`. The command is `/lumen help`: acked, parsed, rendered, answered.
"""

import argparse
import asyncio
import gc
import logging
import sys
from pathlib import Path

import structlog

from bench.ack import AT_ONCE, Runner, measuring
from bench.clients import lumen

FIRST = 1_000


def resident_mb() -> float:
    """Memory of this process, MB of 2**20 bytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


async def run(commands: int) -> None:
    async with measuring() as (runner, world), lumen(runner.api_url, world):
        await _answered(runner, FIRST)
        first_mb = resident_mb()
        await _answered(runner, commands - FIRST)
        last_mb = resident_mb()
    grown = last_mb / first_mb - 1
    sys.stdout.write(
        f"memory after {FIRST:,} commands {first_mb:.1f} MB, after {commands:,} {last_mb:.1f} MB ({grown:+.1%})\n"
    )


async def _answered(runner: Runner, commands: int) -> None:
    """Answer commands in portions, for the figures of each travel back over HTTP."""
    for first in range(0, commands, 50 * AT_ONCE):
        count = min(50 * AT_ONCE, commands - first)
        await runner.measure(count=count, at_once=AT_ONCE, answers=True, text="help", pause_seconds=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=100_000)
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(run(parser.parse_args().commands))


if __name__ == "__main__":
    main()
