"""File locks that a process holds for as long as it lives, and waiting with a bound."""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

POLL_SECONDS = 0.01


def take_lock(path: Path) -> int | None:
    """An open descriptor that holds the lock, or None while another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_free(path: Path) -> bool:
    """Whether no process holds the lock."""
    lock = take_lock(path)
    if lock is None:
        return False
    os.close(lock)
    return True


def polls(seconds: float) -> Iterator[None]:
    """One turn at once, then one every few milliseconds until `seconds` have passed."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        yield
