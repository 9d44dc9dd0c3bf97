"""The client printed in docs/ion-contract.md keeps the contract that Lumen builds on: the page is run, not believed."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.model import ion_contract
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
PAGE = Path(__file__).parents[3] / "docs" / "ion-contract.md"


def printed_client() -> Any:
    """The class that the page prints."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    namespace: dict[str, Any] = {}
    exec(found.group(1), namespace)
    return namespace["CacheTtl"]


@pytest.fixture
def client(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DEFAULT_TTL_SECONDS", "240")
    return printed_client()(redis)


async def test_without_a_setting_the_environment_holds_and_nothing_is_acknowledged(redis: Redis, client: Any) -> None:
    await client.refresh()
    assert client.seconds == 240
    assert await redis.exists(ion_contract.ACK_KEY) == 0


@pytest.mark.parametrize("value", ["59", "3601", "soon", "-300", "300.5", ""])
async def test_a_value_out_of_range_counts_as_none(redis: Redis, client: Any, value: str) -> None:
    await redis.hset(ion_contract.CONFIG_KEY, mapping={"value": value, "version": "1"})
    await client.refresh()
    assert client.seconds == 240


async def test_an_announced_change_is_followed_and_acknowledged(redis: Redis, client: Any) -> None:
    actuator = RedisTtlActuator(redis, RedisTtl(redis, 240))
    following = asyncio.create_task(client.follow())
    try:
        wanted = await actuator.set(API, Change(Knob.TTL, 240, 420, "s"), await actuator.read(API), "p1")
        async with asyncio.timeout(5):
            while not await actuator.followed(API, wanted):  # noqa: ASYNC110 - the server is polled, not a flag
                await asyncio.sleep(0.01)
        assert client.seconds == 420
    finally:
        following.cancel()
