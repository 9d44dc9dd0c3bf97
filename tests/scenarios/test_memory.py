"""The memory of a running bot over a hundred thousand commands: five MiB more at most than at the twenty thousandth.

The Slack is the bench's, which hands out envelopes and waits for acks and answers; all else is as it always is.
"""

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest

from bench.ack import Runner, slack_server
from bench.slack_server import USER
from demo.processes import Child
from demo.world import World
from tests.scenarios.test_loop import QUIET

AT_ONCE = 40
FIRST, LAST = 20_000, 100_000
MOST_MIB = 5.0
#: What people type: help, misspelt, unknown, out of bounds, refused (of somebody who may not) …
OFTEN = ("help", "statsu", "frobnicate 17", "ttl 99999999", "why", "pause 1h", "undo 99", "size lots", "", "resume")
#: … and, one in fifty, what reads much.
SELDOM = ("status", "approvals", "history", "slo", "cache")


def resident_mib(bot: Child) -> float:
    """What the process itself holds now; its numerics worker is another one."""
    pages = int(Path(f"/proc/{bot.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def command(batch: int) -> str:
    return SELDOM[batch // 50 % len(SELDOM)] if batch % 50 == 0 else OFTEN[batch % len(OFTEN)]


@pytest.mark.prove
@pytest.mark.parametrize("world", [6.0], indirect=True)  # an hourly turn in ten minutes
async def test_a_hundred_thousand_commands_leave_no_memory_behind(world: World) -> None:
    figures: dict[int, float] = {}
    with slack_server() as port:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session:
            slack = Runner(port, session)
            bot = world.start_bot(**QUIET, SLACK_API_URL=slack.api_url, APPROVERS=f"W{USER}")
            for batch in range(LAST // AT_ONCE):
                await slack.measure(count=AT_ONCE, at_once=AT_ONCE, answers=True, text=command(batch), pause_seconds=0)
                if (batch + 1) * AT_ONCE % (FIRST // 2) == 0:
                    await asyncio.sleep(2)
                    figures[(batch + 1) * AT_ONCE] = resident_mib(bot)
                    print(f"{(batch + 1) * AT_ONCE:,} commands: {resident_mib(bot):.1f} MiB")  # noqa: T201 - with -s
    assert figures[LAST] - figures[FIRST] <= MOST_MIB, figures
