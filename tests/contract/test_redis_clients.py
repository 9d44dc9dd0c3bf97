"""What holds for every client of a Redis: whatever it is cancelled at, it ends there and leaves a clean connection."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from lumen.adapters.cache.client import open_cache
from lumen.adapters.store.connection import open_store

#: Turns of the event loop after which a command is cancelled: more than it takes to write it.
TURNS = 40


@pytest.mark.parametrize(
    ("opened", "at"),
    [
        pytest.param(open_cache, "cache_url", id="cache"),
        pytest.param(open_cache, "cache_cluster_url", id="cluster"),
        pytest.param(open_store, "state_url", id="store"),
    ],
)
async def test_no_cancellation_is_lost(opened: Callable[[str], Any], at: str, request: pytest.FixtureRequest) -> None:
    client = opened(request.getfixturevalue(at))
    try:
        for turns in range(TURNS):
            assert await client.set("of the turn", turns)  # so that the next one need not connect first
            asking = asyncio.create_task(client.get("of the turn"))
            for _ in range(turns):
                await asyncio.sleep(0)
            if asking.cancel():
                await asyncio.wait({asking})
                assert asking.cancelled(), f"cancelled after {turns} turns of the loop"
            assert await client.get("of the turn") == str(turns)
    finally:
        await client.aclose()
