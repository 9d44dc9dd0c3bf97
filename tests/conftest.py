"""Fixtures of every test: a real embedded Valkey per session (and so per worker), flushed before each test."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

# One thread for linear algebra, as in the bot's worker: the workers of the tests share two cores. Before numpy comes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
import redis
import structlog
from hypothesis import settings

from demo.locks import take_lock
from demo.processes import end_all
from demo.valkey import EmbeddedValkey, Kind
from tests.chromium import find_chromium

# The same examples everywhere, and no deadline: how long one takes is the machine's business.
settings.register_profile("lumen", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("lumen")

SHARED_MEMORY = Path("/dev/shm")
PREFIX = "lumen-tests-"


#: Real processes and browsers take longest: begun first, none of them is waited for at the end.
LONGEST = ("scenarios", "browser", "install")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser its tests are skipped, and say so; never in CI, where that would hide a missing package."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)
    if find_chromium() or os.environ.get("CI"):
        return
    reason = pytest.mark.skip(reason="no Chromium: install Debian's package, or set CHROMIUM to its path")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """A command that a test runs in this process routes its logs, to a stream that ends with the test: not the next
    one's."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        return (yield)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    found = find_chromium()
    assert found, "there is no Chromium, although CI is set: .ci/run installs it"
    return found


@pytest.fixture(scope="session")
def memory_directory() -> Iterator[Path]:
    """A directory for servers' files: in memory where the machine has such a place, for then no test waits for a disk
    that others keep busy. A file in memory survives kill -9 of a server as one on a disk does."""
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _clear_away_killed_runs(place)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as directory:
        alive = take_lock(Path(directory) / "alive.lock")
        yield Path(directory)
        assert alive is not None
        os.close(alive)


def _clear_away_killed_runs(place: Path) -> None:
    """A run that was killed could not stop what it started; the next one does. Runs that are alive hold their lock."""
    for lock in place.glob(f"{PREFIX}*/alive.lock"):
        alive = take_lock(lock)
        if alive is None:
            continue
        for children in lock.parent.rglob("children"):
            end_all(children)
        for owner in lock.parent.rglob("owner.lock"):
            EmbeddedValkey(owner.parent).stop_orphan()
        shutil.rmtree(lock.parent, ignore_errors=True)
        os.close(alive)


@pytest.fixture(scope="session")
def state_valkey(memory_directory: Path) -> Iterator[EmbeddedValkey]:
    """The server of the state store: durable, noeviction."""
    with EmbeddedValkey(memory_directory / "state", Kind.STATE) as server:
        yield server


@pytest.fixture(scope="session")
def cache_valkey(memory_directory: Path) -> Iterator[EmbeddedValkey]:
    """The server of the cache that Lumen tunes: nothing is kept."""
    with EmbeddedValkey(memory_directory / "cache", Kind.CACHE) as server:
        yield server


@pytest.fixture
def state_url(state_valkey: EmbeddedValkey) -> str:
    """An empty state store."""
    return _flushed(state_valkey.url)


@pytest.fixture
def cache_url(cache_valkey: EmbeddedValkey) -> str:
    """An empty cache."""
    return _flushed(cache_valkey.url)


def _flushed(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url
