"""What a running Lumen tells others: a heartbeat that stops with it and goes on after it, and a file of each turn."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import NotFound
from google.cloud.monitoring_v3 import ListTimeSeriesRequest, TimeInterval

from demo.world import World
from lumen.adapters.clock import ScaledClock
from lumen.adapters.google.clients import GoogleClients, open_google
from lumen.adapters.google.custom_metrics import PREFIX
from lumen.model.metrics import HEARTBEAT
from sandbox.client import SandboxClient

pytestmark = pytest.mark.prove


@pytest.fixture
async def google(world: World) -> AsyncIterator[GoogleClients]:
    opened = await open_google(world.addresses.gcp_endpoint)
    yield opened
    await opened.close()


async def beats(world: World, google: GoogleClients) -> list[datetime]:
    """Newest first."""
    now = ScaledClock(world.clock.scale, datetime.fromisoformat(world.clock.origin)).now()
    request = ListTimeSeriesRequest(
        name=f"projects/{world.addresses.project}",
        filter=f'metric.type = "{PREFIX}{HEARTBEAT}" AND resource.type = "generic_task"',
        interval=TimeInterval(start_time=now - timedelta(days=1), end_time=now),
    )
    try:
        listed = await google.metrics.list_time_series(request)
    except NotFound:
        return []
    found: list[Any] = [series async for series in listed]
    assert len(found) == 1
    return [datetime.fromtimestamp(point.interval.end_time.timestamp(), UTC) for point in found[0].points]


async def beaten(world: World, google: GoogleClients, count: int) -> list[datetime]:
    """Once there are so many."""
    deadline = time.monotonic() + 120
    while len(found := await beats(world, google)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} heartbeats"
        await asyncio.sleep(0.2)
    return found


async def test_the_heart_beats_once_a_slot_across_replicas_and_a_kill(
    world: World, slack: SandboxClient, google: GoogleClients
) -> None:
    reports = Path(world.directory) / "reports"
    first = world.start_bot(OUTPUT_DIR=str(reports))
    second = world.start_bot("second")
    await beaten(world, google, 3)
    first.kill()
    found = await beaten(world, google, 6)
    assert len(set(found)) == len(found)
    assert all(at.timestamp() % 300 == 0 for at in found)
    files = sorted(path.name for path in reports.glob("unified_feedback_*"))
    # Whichever bot made the turn of the hour has written it: only the first one was told where.
    for name in files:
        if name.endswith(".json"):
            assert json.loads((reports / name).read_text(encoding="utf-8"))["turns"]
    second.kill()
