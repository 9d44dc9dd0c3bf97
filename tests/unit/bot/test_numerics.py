"""The numerics worker ends with the bot, and only then."""

import asyncio
import os
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from bot.numerics import ProcessNumerics


async def test_the_worker_ends_at_once_whatever_it_computes() -> None:
    """The interpreter would wait for it at its own end, longer than a platform waits for the bot."""
    numerics = ProcessNumerics()
    pid = await numerics.run(os.getpid)
    busy = asyncio.create_task(numerics.run(time.sleep, 600))
    await asyncio.sleep(0.1)
    numerics.close()
    with pytest.raises(BrokenProcessPool):
        await asyncio.wait_for(busy, 30)
    await asyncio.to_thread(_wait_for_end, pid)


def _wait_for_end(pid: int) -> None:
    """The pool reaps its worker in a thread of its own: a `join` beside that would race with it for the status."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail(f"the worker {pid} still runs")


async def test_a_worker_that_died_is_replaced() -> None:
    numerics = ProcessNumerics()
    pid = await numerics.run(os.getpid)
    os.kill(pid, 9)
    assert await numerics.run(os.getpid) != pid
    numerics.close()
