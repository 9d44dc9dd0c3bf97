"""The numerics worker ends with the bot, and only then."""

import asyncio
import multiprocessing
import os
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from bot.numerics import ProcessNumerics


async def test_the_worker_ends_at_once_whatever_it_computes() -> None:
    """The interpreter would wait for it at its own end, longer than a platform waits for the bot."""
    numerics = ProcessNumerics()
    pid = await numerics.run(os.getpid)
    (worker,) = [child for child in multiprocessing.active_children() if child.pid == pid]
    busy = asyncio.create_task(numerics.run(time.sleep, 600))
    await asyncio.sleep(0.1)
    numerics.close()
    await asyncio.to_thread(worker.join, 30)
    assert not worker.is_alive()
    with pytest.raises(BrokenProcessPool):
        await busy
    assert not [child for child in multiprocessing.active_children() if child.pid == pid]


async def test_a_worker_that_died_is_replaced() -> None:
    numerics = ProcessNumerics()
    pid = await numerics.run(os.getpid)
    os.kill(pid, 9)
    assert await numerics.run(os.getpid) != pid
    numerics.close()
