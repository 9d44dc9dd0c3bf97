"""Everything here runs over a real Valkey 9 and over Debian's Redis 7, where that is installed."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from demo.valkey import EmbeddedValkey
from tests.contract.store.builders import Store, patient

REDIS_7 = Path("/usr/bin/redis-server")


@pytest.fixture(scope="session", params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, memory_directory: Path) -> Iterator[EmbeddedValkey]:
    """The shared server of this worker; the fixtures below empty it."""
    binary = None
    if request.param == "redis":
        binary = REDIS_7
        if not binary.exists():
            pytest.skip(f"{binary} is not installed (Debian's package redis-server)")
    with EmbeddedValkey(memory_directory / request.param, binary=binary) as running:
        yield running


@pytest.fixture
async def store(server: EmbeddedValkey) -> AsyncIterator[Store]:
    """Empty but for its epoch."""
    redis = patient(server.url)
    made = Store.over(redis)
    await made.prepare()
    yield made
    await redis.aclose()


@pytest.fixture
def own_directory(memory_directory: Path) -> Iterator[Path]:
    """For the files of servers that one test starts."""
    with tempfile.TemporaryDirectory(dir=memory_directory) as directory:
        yield Path(directory)


@pytest.fixture
def own_server(own_directory: Path) -> Iterator[Callable[..., EmbeddedValkey]]:
    """Starts servers that a test may break: `own_server(name, options=(…))`."""
    started: list[EmbeddedValkey] = []

    def start(name: str = "own", **settings: object) -> EmbeddedValkey:
        made = EmbeddedValkey(own_directory / name, **settings)  # type: ignore[arg-type]  # passed on as they are
        made.start()
        started.append(made)
        return made

    yield start
    for each in started:
        each.stop()
