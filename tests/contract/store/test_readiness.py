"""`/readyz` over a real store: well, nearly full (still ready, and said), not prepared, gone."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from bot.config import Settings
from bot.http import slack_readiness, start_http, store_readiness
from bot.store import clock_of, open_state_store
from demo.valkey import EmbeddedValkey
from lumen.adapters.store import epoch
from lumen.model.answers import Readiness
from lumen.wording.catalogue import Catalogue

Asked = Callable[[], Any]


@pytest.fixture
def settings(own_server: Callable[..., EmbeddedValkey]) -> Settings:
    return Settings(
        project_id="naeda-genesis",
        service_name="ion-api",
        cache_redis_url="redis://127.0.0.1:1",
        state_redis_url=own_server(maxmemory_mb=64).url,
        slack_bot_token="xoxb-1",
        slack_app_token="xapp-1",
        slack_channel="C0IONALERTS",
    )


@pytest.fixture
async def readyz(settings: Settings) -> AsyncIterator[Asked]:
    """What a platform is told."""
    async with open_state_store(settings) as store, aiohttp.ClientSession() as session:

        async def readiness() -> Sequence[Readiness]:
            return [await store_readiness(store, settings.services, Catalogue("en"))]

        runner = await start_http("127.0.0.1", 0, readiness, CollectorRegistry())
        port = runner.addresses[0][1]

        async def asked() -> tuple[int, Any]:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return answer.status, (await answer.json())["parts"]["state"]

        yield asked
        await runner.cleanup()


async def test_a_store_that_fills_up_is_said_and_still_ready(settings: Settings, readyz: Asked) -> None:
    assert await readyz() == (503, {"ready": False, "detail": "state.no_epoch"})
    async with open_state_store(settings) as store:
        await epoch.init(store.redis, settings.services, clock_of(settings))
        assert await readyz() == (200, {"ready": True, "detail": "ok"})
        used = int((await store.redis.info("memory"))["used_memory"])
        await store.redis.config_set("maxmemory", int(used / 0.8))
    status, state = await readyz()
    assert (status, state["ready"]) == (200, True)
    assert "has used 8" in state["detail"] or "has used 7" in state["detail"]
    assert "lumen audit export" in state["detail"]


async def test_a_store_that_is_gone_is_not_ready(
    settings: Settings, readyz: Asked, own_server: Callable[..., EmbeddedValkey]
) -> None:
    async with open_state_store(settings) as store:
        await epoch.init(store.redis, settings.services, clock_of(settings))
        await store.redis.config_set("requirepass", "changed")
    status, state = await readyz()
    assert (status, state["ready"]) == (503, False)
    assert state["detail"].startswith("state.")


def test_before_slack_was_reached_nothing_is_ready() -> None:
    assert not slack_readiness(None, Catalogue("en")).ready
