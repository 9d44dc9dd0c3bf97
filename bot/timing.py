"""How the process stands with time: what wakes it, and whether the host's clock and the store's agree with its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot.http import Readiness
from bot.store import StateStore
from lumen.model.messages import Message, message
from lumen.ports.clock import ClockOffsets
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()


async def every(seconds: float, job: Callable[[], Awaitable[None]]) -> None:
    """Run `job` every `seconds`, at once for the first time, never twice at once, until cancelled.

    By the monotonic clock alone: no step of the host's clock keeps it from running.
    """
    while True:
        began = time.monotonic()
        await job()
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))


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
