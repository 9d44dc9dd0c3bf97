"""The time until a command is acked while turns are made, and when nothing else happens; interleaved rounds, one run.

`python -m bench.ack_during_turns [--rounds 5]`. A turn here is what one does besides waiting for Google: its numerics
in the worker process of the bot, then the policy, the store and the report's mark in the bot's own process. Turns
follow each other without a pause, where the bot makes one an hour: this is the worst that it can be.

    idle          /lumen status, one at a time, with a pause of 10 ms
    turns         the same while turns are made
    numerics      the same while only the worker computes
"""

import argparse
import asyncio
import logging
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from bench.ack import ONE_BY_ONE, WARM_UP, Measured, Runner, measuring, some_turn
from bench.clients import lumen
from bench.world import World
from bot.numerics import ProcessNumerics
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.policies.ttl import TtlLimits, recommend_ttl


class Busy:
    """Makes turns, or only their numerics, one after the other."""

    def __init__(self, world: World, numerics: ProcessNumerics) -> None:
        self._world = world
        self._numerics = numerics
        self._turn = some_turn()
        self.done = 0

    async def turn(self) -> None:
        judged = await self._numerics.run(assess, self._turn.snapshot, AssessmentSettings())
        wanted = recommend_ttl(self._turn.snapshot, TtlLimits(60, 3600))
        await self._world.turns.save(replace(self._turn, assessment=judged, ttl=wanted), None, self._turn.id)
        self.done += 1

    async def only_numerics(self) -> None:
        await self._numerics.run(_many, 200)
        self.done += 1

    @asynccontextmanager
    async def meanwhile(self, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Again and again while the block runs."""
        stop = asyncio.Event()

        async def again() -> None:
            while not stop.is_set():
                await work()

        await work()  # the worker has started
        working = asyncio.create_task(again())
        try:
            yield
        finally:
            stop.set()
            await working


def _many(times: int) -> None:
    """Compute in the worker, so much that the process is never idle."""
    turn = some_turn()
    for _ in range(times):
        assess(turn.snapshot, AssessmentSettings())


async def run(rounds: int) -> None:
    idle, turns, numerics = Measured("idle"), Measured("turns"), Measured("numerics")
    made = 0.0
    worker = ProcessNumerics()
    async with measuring() as (runner, world):
        await world.fill(some_turn())
        async with lumen(runner.api_url, world):
            await runner.measure(count=WARM_UP, at_once=1, answers=True)
            for _ in range(rounds):
                busy = Busy(world, worker)
                await _measure(runner, idle)
                async with busy.meanwhile(busy.turn):
                    began = asyncio.get_running_loop().time()
                    await _measure(runner, turns)
                    made += busy.done / (asyncio.get_running_loop().time() - began) / rounds
                async with busy.meanwhile(busy.only_numerics):
                    await _measure(runner, numerics)
    worker.close()
    still = statistics.median(idle.p50_ms)
    lines = [f"ack of /lumen status, one at a time ({made:.0f} turns a second where turns are made)", idle.row()]
    lines += [turns.row(still), numerics.row(still)]
    sys.stdout.write("\n".join(lines) + "\n")


async def _measure(runner: Runner, into: Measured) -> None:
    into.add(*await runner.measure(count=ONE_BY_ONE, at_once=1, answers=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
