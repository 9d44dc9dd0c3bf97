"""Everything here runs over a real Valkey 9 and over Debian's Redis 7, where that is installed."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from demo.valkey import EmbeddedValkey
from lumen.state.connection import open_store
from tests.contract.state.builders import Store

REDIS_7 = Path("/usr/bin/redis-server")


@pytest.fixture(scope="session", params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The shared server of this worker; the fixtures below empty it."""
    binary = None
    if request.param == "redis":
        binary = REDIS_7
        if not binary.exists():
            pytest.skip(f"{binary} is not installed (Debian's package redis-server)")
    with EmbeddedValkey(tmp_path_factory.mktemp("store"), binary=binary) as running:
        yield running


@pytest.fixture
async def store(server: EmbeddedValkey) -> AsyncIterator[Store]:
    """Empty but for its epoch."""
    redis = open_store(server.url)
    made = Store.over(redis)
    await made.prepare()
    yield made
    await redis.aclose()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., EmbeddedValkey]]:
    """Starts servers that a test may break: `own_server(name, options=(…))`."""
    started: list[EmbeddedValkey] = []

    def start(name: str = "own", **settings: object) -> EmbeddedValkey:
        made = EmbeddedValkey(tmp_path / name, **settings)  # type: ignore[arg-type]  # passed on as they are
        made.start()
        started.append(made)
        return made

    yield start
    for each in started:
        each.stop()
