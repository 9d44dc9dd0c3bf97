"""Work that goes on after the ack: kept alive, logged when it fails, waited for when the process stops."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Background:
    """Holds on to its tasks: asyncio itself only keeps weak references to them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work`; a failure that nobody awaits is logged, never lost."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    @property
    def running(self) -> int:
        """How many pieces of work are under way."""
        return len(self._tasks)

    async def drain(self, timeout_seconds: float) -> None:
        """Let everything finish; what has not by then is cancelled."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_seconds)
        left = set(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background_work_failed", kind=type(error).__name__, exc_info=error)
