"""A job that runs when it is kicked, and at the latest every so often; a failure is logged and it goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()


class Worker:
    """One job at a time. Kicks while it runs make it run once more; none is lost."""

    def __init__(self, name: str, at_least_every_seconds: float) -> None:
        self._name = name
        self._every_seconds = at_least_every_seconds
        self._kicked = asyncio.Event()

    def kick(self) -> None:
        """Run soon. Returns at once."""
        self._kicked.set()

    async def run(self, job: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled."""
        while True:
            self._kicked.clear()
            try:
                await job()
            except Exception as error:
                log.warning("worker_failed", worker=self._name, error=repr(error))
            try:
                async with asyncio.timeout(self._every_seconds):  # `wait_for` may lose a cancellation on 3.11
                    await self._kicked.wait()
            except TimeoutError:
                continue
