"""What the adapters' tests talk to: a sandbox per session (and so per worker), a Google that says what a test wants,
and a cache."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from demo.valkey import Kind
from demo.world import Clock, World
from lumen.adapters.cache.client import open_server
from lumen.adapters.google.clients import GoogleClients, open_google
from sandbox.client import SandboxClient
from tests.foreign_google import ForeignGoogle
from tests.redis_cluster import RedisCluster
from tests.service_time import origin_of_a_quiet_hour

#: Service time runs so much faster, that operations and delays of the sandbox take no time worth mentioning.
SCALE = 60.0


@pytest.fixture(scope="session")
def sandbox_world(memory_directory: Path) -> Iterator[World]:
    """Two servers and the sandbox as processes; no bot."""
    with World(memory_directory / "world", Clock(SCALE, origin_of_a_quiet_hour(SCALE))) as running:
        yield running


@pytest.fixture
async def sandbox(sandbox_world: World) -> AsyncIterator[SandboxClient]:
    """Its control; whatever a test broke is mended before and after."""
    async with SandboxClient(sandbox_world.addresses.control) as client:
        await client.post("world/clear")
        yield client
        await client.post("world/clear")


@pytest.fixture
async def google() -> AsyncIterator[ForeignGoogle]:
    """A Google that answers what a test tells it."""
    async with ForeignGoogle() as server:
        yield server


@pytest.fixture
async def clients(google: ForeignGoogle) -> AsyncIterator[GoogleClients]:
    """Our clients of it."""
    opened = await open_google(google.endpoint)
    yield opened
    await opened.close()


@pytest.fixture
async def redis(cache_url: str) -> AsyncIterator[Redis]:
    """A client of the empty cache."""
    client = open_server(cache_url)
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def cache_nodes(memory_directory: Path) -> Iterator[RedisCluster]:
    """A cache of six servers."""
    with RedisCluster(memory_directory / "cache-cluster", Kind.CACHE) as running:
        yield running


@pytest.fixture
def cache_cluster_url(cache_nodes: RedisCluster) -> str:
    """The same, whole and empty."""
    cache_nodes.wait_until_whole()
    cache_nodes.flush()
    return cache_nodes.url
