"""A world of its own for each scenario: two servers, the sandbox and, when asked for, the bot, all real processes."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from demo.world import Clock, World
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import open_store
from lumen.model.service import ServiceId
from sandbox.client import SandboxClient
from tests.service_time import origin_of_a_quiet_hour

#: An hour of service time in a minute, as in the demo.
SCALE = 60.0


@pytest.fixture
async def world(request: pytest.FixtureRequest, memory_directory: Path) -> AsyncIterator[World]:
    """Everything but the bot, with a prepared store. Leaving it ends whatever was started in it.

    An indirect parameter is another scale than the demo's.
    """
    scale = float(getattr(request, "param", SCALE))
    with (
        TemporaryDirectory(dir=memory_directory) as directory,
        World(Path(directory), Clock(scale, origin_of_a_quiet_hour(scale))) as running,
    ):
        await prepare(running)
        yield running
        # Shown by pytest where the test failed.
        for log in sorted(running.children.glob("*.log")):
            print(f"-- {log.stem}:", *log.read_text(errors="replace").splitlines()[-40:], sep="\n")  # noqa: T201


async def prepare(world: World) -> None:
    """What `lumen state init` does, without a process for it."""
    of = world.addresses
    store = open_store(world.state.url)
    await epoch.init(store, [ServiceId(of.project, of.region, of.service)], SystemClock())
    await store.aclose()


@pytest.fixture
async def slack(world: World) -> AsyncIterator[SandboxClient]:
    """People at the workspace's page, and whatever can go wrong with it."""
    async with SandboxClient(world.addresses.control) as client:
        yield client
