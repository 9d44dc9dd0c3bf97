"""Everything here runs over a real Valkey 9, over Debian's Redis 7 where that is installed, and in `make prove` over a
cluster of six; what is marked `on_cluster` over the six in `make test` too."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from demo.valkey import EmbeddedValkey
from lumen.adapters.store.scripts import key
from tests.contract.store.builders import SERVICE, Store, patient
from tests.redis_cluster import RedisCluster

REDIS_7 = Path("/usr/bin/redis-server")


Server = EmbeddedValkey | RedisCluster


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Over which servers a test runs."""
    chosen = any(mark.args[0] == "server" for mark in metafunc.definition.iter_markers("parametrize"))
    if "server" in metafunc.fixturenames and not chosen:
        is_cheap = metafunc.definition.get_closest_marker("on_cluster") is not None
        cluster = pytest.param("cluster", marks=() if is_cheap else pytest.mark.prove)
        metafunc.parametrize("server", ["valkey", "redis", cluster], indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, memory_directory: Path) -> Iterator[Server]:
    """The shared server of this worker; the fixtures below empty it."""
    if request.param == "cluster":
        with RedisCluster(memory_directory / "cluster") as six:
            yield six
        return
    binary = None
    if request.param == "redis":
        binary = REDIS_7
        if not binary.exists():
            pytest.skip(f"{binary} is not installed (Debian's package redis-server)")
    with EmbeddedValkey(memory_directory / request.param, binary=binary) as running:
        yield running


@pytest.fixture
async def store(server: Server) -> AsyncIterator[Store]:
    """Empty but for its epoch. On a cluster, what a test asks the client itself goes to the node of SERVICE."""
    redis = patient(server.url if isinstance(server, EmbeddedValkey) else server.url_from(key(SERVICE, "epoch")))
    made = Store.over(redis)
    await made.prepare()
    yield made
    await redis.aclose()


@pytest.fixture
def one_server(server: Server) -> EmbeddedValkey:
    """For tests that stand between Lumen and its one server."""
    if isinstance(server, RedisCluster):
        pytest.skip("a cluster has no one server")
    return server


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
