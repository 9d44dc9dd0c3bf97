"""The end of a process that runs on: it is told by a signal, and has ended before the platform would kill it."""

import asyncio
import os
import signal

import structlog

log = structlog.get_logger()

#: Platforms kill a process ten seconds after SIGTERM.
STOP_WITHIN_SECONDS = 8


def when_told_to_stop() -> asyncio.Event:
    """Set at SIGTERM or SIGINT; a stop that takes too long is cut short."""
    stop = asyncio.Event()

    def begin_to_stop() -> None:
        signal.alarm(STOP_WITHIN_SECONDS)
        stop.set()

    signal.signal(signal.SIGALRM, _cut_short)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, begin_to_stop)
    return stop


def _cut_short(*_: object) -> None:
    """All is stored as it happens, and the next process goes on from there."""
    log.warning("stop_cut_short", seconds=STOP_WITHIN_SECONDS)
    os._exit(0)
