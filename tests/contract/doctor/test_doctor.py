"""`lumen doctor` against a whole world: everything well, and every way in which one thing is not."""

from collections.abc import Sequence
from typing import Any

import pytest

from bot.config import Settings
from bot.doctor.examine import Check, examine
from demo.world import World
from lumen.wording.catalogue import Catalogue
from sandbox.client import SandboxClient


@pytest.fixture(scope="session")
def prepared(sandbox_world: World) -> World:
    """The world with a prepared store."""
    sandbox_world.initialise_state()
    return sandbox_world


def settings(world: World, without: Sequence[str] = (), **other: Any) -> Settings:
    """Those of a real installation, pointed at the world."""
    of = world.addresses
    given: dict[str, Any] = {
        "project_id": of.project,
        "region": of.region,
        "service_name": of.service,
        "cache_redis_url": world.cache.url,
        "cache_instance": of.redis_instance,
        "cache_cost_per_mb": 0.05,
        "api_cost_per_call": 0.00003,
        "billing_account": of.billing_account,
        "state_redis_url": world.state.url,
        "slack_bot_token": of.bot_token,
        "slack_app_token": of.app_token,
        "slack_channel": of.channel,
        "approvers": f"{of.approver},{of.approver_group}",
        "slack_api_url": of.slack_api_url,
        "lumen_gcp_endpoint": of.gcp_endpoint,
        "lumen_clock_scale": world.clock.scale,
        "lumen_clock_origin": world.clock.origin,
    }
    return Settings(**{name: value for name, value in {**given, **other}.items() if name not in without})


def wrong(checks: Sequence[Check]) -> dict[str, str]:
    """What is to be mended: name -> code. Every sentence has words in both languages."""
    for locale in ("en", "ko"):
        words = Catalogue(locale)
        for check in checks:
            assert all(words.plain(sentence) for sentence in check.sentences)
    assert all(check.remedy is not None for check in checks if not check.ok)
    return {check.name: check.says.code for check in checks if not check.ok}


async def test_a_healthy_world_needs_nothing(prepared: World, sandbox: SandboxClient) -> None:
    checks = await examine(settings(prepared))
    assert wrong(checks) == {}
    assert {"slack: scopes", "server: STATE_REDIS_URL", "ion-api: request_count", "google: budget"} <= {
        check.name for check in checks
    }
    assert all(check.as_json()["ok"] for check in checks)


async def test_who_may_read_the_instance_alone_is_told_how_to_change_it(
    prepared: World, sandbox: SandboxClient
) -> None:
    await sandbox.post("world/permissions", denied=["redis.instances.update"])
    found = {check.name: check for check in await examine(settings(prepared))}
    assert found["google: may read CACHE_INSTANCE"].ok
    told = found["google: may change CACHE_INSTANCE"]
    assert told.remedy is not None
    assert told.says.params["lacking"] == "redis.instances.update"
    assert "--role=roles/redis.editor" in Catalogue("en").plain(told.remedy)
    strange = settings(prepared, cache_instance="projects/p/locations/l/instances/other")
    found = {check.name: check for check in await examine(strange)}
    assert found["google: may change CACHE_INSTANCE"].says.code == "doctor.permissions_untold"


async def test_denied_permissions_name_their_roles(prepared: World, sandbox: SandboxClient) -> None:
    await sandbox.post("world/permissions", denied=["monitoring.*", "run.services.list", "billing.*"])
    checks = await examine(settings(prepared))
    found = wrong(checks)
    assert found["ion-api: request_count"] == "source.permission_denied"
    assert found["ion-api: Cloud Run"] == "source.permission_denied"
    roles = {check.remedy.params.get("role") for check in checks if check.remedy is not None}
    assert found["google: may publish metrics"] == "source.permission_denied"
    assert {"roles/monitoring.viewer", "roles/monitoring.metricWriter", "roles/run.viewer"} <= roles
    checks = await examine(settings(prepared, publish_metrics=False))
    assert "google: may publish metrics" not in wrong(checks)
    assert "setting: PUBLISH_METRICS" in {check.name for check in checks}


async def test_a_service_that_does_not_follow_is_told(prepared: World, sandbox: SandboxClient) -> None:
    from lumen.adapters.cache.client import open_cache
    from lumen.model import ion_contract

    await sandbox.post("world/ttl-follow", on=False)
    cache = open_cache(prepared.cache.url)
    await cache.delete(*(ion_contract.own(key, "ion-api") for key in (ion_contract.CONFIG_KEY, ion_contract.ACK_KEY)))
    await cache.hset(ion_contract.CONFIG_KEY, mapping={"value": "333", "version": "99"})
    try:
        found = wrong(await examine(settings(prepared)))
        assert found == {"ion-api: TTL setting": "doctor.not_followed"}
    finally:
        await cache.delete(ion_contract.CONFIG_KEY, ion_contract.ACK_KEY)
        await cache.aclose()


async def test_a_store_that_fills_up_is_told(prepared: World, sandbox: SandboxClient) -> None:
    from lumen.adapters.store.connection import open_store

    store = open_store(prepared.state.url)
    before = (await store.config_get("maxmemory"))["maxmemory"]
    await store.config_set("maxmemory", int((await store.info("memory"))["used_memory"] / 0.8))
    try:
        found = wrong(await examine(settings(prepared)))
        assert found == {"server: store's memory": "state.memory_short"}
    finally:
        await store.config_set("maxmemory", before or 0)
        await store.aclose()


async def test_a_group_on_call_is_somebody(prepared: World) -> None:
    assert wrong(await examine(settings(prepared, oncall_group=prepared.addresses.approver_group))) == {}


async def test_an_uptime_check_that_tells_nothing_is_told(prepared: World) -> None:
    found = wrong(await examine(settings(prepared, uptime_url="https://asked-by-nobody.example.com/")))
    assert found == {"google: uptime check": "doctor.uptime_silent"}
