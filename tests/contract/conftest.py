"""One sandbox per session (and so per worker) for the contract tests of everything that talks to Google."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.world import Clock, World
from sandbox.client import SandboxClient

#: Service time runs so much faster, that operations and delays of the sandbox take no time worth mentioning.
SCALE = 60.0


@pytest.fixture(scope="session")
def sandbox_world(memory_directory: Path) -> Iterator[World]:
    """Two servers and the sandbox as processes; no bot."""
    with World(memory_directory / "world", Clock(SCALE, datetime.now(UTC).isoformat())) as running:
        yield running


@pytest.fixture
async def sandbox(sandbox_world: World) -> AsyncIterator[SandboxClient]:
    """Its control; whatever a test broke is mended before and after."""
    async with SandboxClient(sandbox_world.addresses.control) as client:
        await client.post("world/clear")
        yield client
        await client.post("world/clear")
