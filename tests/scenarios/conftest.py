"""A world of its own for each scenario: two servers, the sandbox and, when asked for, the bot, all real processes."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.world import Clock, World
from sandbox.client import SandboxClient

#: An hour of service time in a minute, as in the demo.
SCALE = 60.0


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Everything but the bot, with a prepared store. Leaving it ends whatever was started in it.

    An indirect parameter is another scale than the demo's.
    """
    scale = float(getattr(request, "param", SCALE))
    with World(tmp_path / "world", Clock(scale, datetime.now(UTC).isoformat())) as running:
        running.initialise_state()
        yield running


@pytest.fixture
async def slack(world: World) -> AsyncIterator[SandboxClient]:
    """People at the workspace's page, and whatever can go wrong with it."""
    async with SandboxClient(world.addresses.control) as client:
        yield client
