"""The memory of a running bot over a hundred thousand commands: five MiB more at most than at the twenty thousandth."""

import asyncio
import os
from pathlib import Path

import pytest

from demo.processes import Child
from demo.world import World
from sandbox.client import SandboxClient
from tests.scenarios.test_loop import QUIET, is_report

pytestmark = pytest.mark.prove

AT_ONCE = 40
FIRST, LAST = int(os.environ.get("FIRST", "20000")), int(os.environ.get("COMMANDS", "100000"))
MOST_MIB = 5.0
#: What people type: help, misspelt, unknown, out of bounds, refused (of somebody who may not) …
OFTEN = ("help", "statsu", "frobnicate 17", "ttl 99999999", "", "pause 1h", "undo 99", "size lots", "why", "resume")
#: … and, one in fifty, what reads much.
SELDOM = ("status", "approvals", "history", "slo", "cache")


def command(n: int) -> str:
    return SELDOM[n // 50 % len(SELDOM)] if n % 50 == 0 else OFTEN[n % len(OFTEN)]


def resident_mib(bot: Child) -> float:
    """The highest that it ever needed is none of it: what it holds now."""
    pages = int(Path(f"/proc/{bot.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def typed(slack: SandboxClient, who: str, first: int, count: int) -> int:
    """So many commands, some at once; how many were acked."""

    async def one_after_another(lane: int) -> int:
        acked = 0
        for n in range(first + lane, first + count, AT_ONCE):
            acked += (await slack.command(f"/lumen {command(n)}", user=who)).acked
        return acked

    return sum(await asyncio.gather(*(one_after_another(lane) for lane in range(AT_ONCE))))


@pytest.mark.parametrize("world", [6.0], indirect=True)  # an hourly turn in ten minutes
async def test_a_hundred_thousand_commands_leave_no_memory_behind(world: World, slack: SandboxClient) -> None:
    bot = world.start_bot(**QUIET)
    await slack.wait_for_connections(2)
    await slack.rate_limits(False)
    await slack.wait_for_message(is_report, within_seconds=60)
    figures = []
    for first in range(0, LAST, FIRST):
        acked = await typed(slack, world.addresses.bystander, first, FIRST)
        assert acked == FIRST
        await asyncio.sleep(2)
        figures.append(resident_mib(bot))
        print(f"{first + FIRST:,} commands: {figures[-1]:.1f} MiB")  # noqa: T201 - shown with -s
    assert figures[-1] - figures[0] <= MOST_MIB, figures
