"""How the process stands with time: what wakes it, and whether the host's clock and the store's agree with its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.store import StateStore
from lumen.model.answers import Readiness
from lumen.model.messages import Message, message
from lumen.ports.clock import ClockOffsets
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()


async def every(seconds: float, job: Callable[[], Awaitable[None]]) -> None:
    """Run `job` every `seconds`, at once for the first time, never twice at once, until cancelled.

    APScheduler goes by the host's clock: where a step of that clock would keep the job waiting, the monotonic clock
    has it begin anew.
    """
    ran_at = time.monotonic()

    async def run() -> None:
        nonlocal ran_at
        await job()
        ran_at = time.monotonic()

    await run()
    scheduler = AsyncIOScheduler(timezone="UTC")
    added = scheduler.add_job(
        run, IntervalTrigger(seconds=seconds), max_instances=1, coalesce=True, misfire_grace_time=None
    )
    scheduler.start()
    try:
        while True:
            await asyncio.sleep(seconds)
            if time.monotonic() - ran_at > 2 * seconds:
                added.reschedule(IntervalTrigger(seconds=seconds))
                ran_at = time.monotonic()
    finally:
        scheduler.shutdown(wait=False)


@dataclass(slots=True)
class Clocks:
    """`offsets` are those of the last comparison."""

    store: StateStore
    words: Catalogue
    offsets: ClockOffsets = field(default_factory=ClockOffsets)

    async def compare(self) -> None:
        """Compare the clocks, and follow those that agree. Raises StoreUnavailable."""
        before, self.offsets = self.offsets, await self.store.compare_clocks()
        if self.offsets.all_agree != before.all_agree:
            tell = log.info if self.offsets.all_agree else log.error
            host, store = self.offsets.host.total_seconds(), self.offsets.store.total_seconds()
            tell("clocks_agree" if self.offsets.all_agree else "clocks_differ", host_ahead=host, store_ahead=store)

    def readiness(self) -> Readiness:
        """Not ready while the store's clock is wrong: then nothing acts by itself at its time."""
        told = " ".join(self.words.plain(each) for each in _told(self.offsets))
        return Readiness("clocks", not self.offsets.store, told)


def _told(offsets: ClockOffsets) -> Sequence[Message]:
    codes = {
        offsets.host: ("state.clock_of_host_behind", "state.clock_of_host_ahead"),
        offsets.store: ("state.clock_of_store_behind", "state.clock_of_store_ahead"),
    }
    found = [
        Message(behind_ahead[by > timedelta()], {"seconds": abs(round(by.total_seconds()))})
        for by, behind_ahead in codes.items()
        if by
    ]
    return found or (message("state.clocks_agree"),)
