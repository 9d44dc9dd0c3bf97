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


def settings(world: World, **other: Any) -> Settings:
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
    return Settings(**{**given, **other})


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


@pytest.mark.parametrize(
    ("other", "name", "code"),
    [
        ({"slack_bot_token": "xoxb-wrong"}, "slack: SLACK_BOT_TOKEN", "doctor.bot_token"),
        ({"slack_app_token": "xapp-wrong"}, "slack: SLACK_APP_TOKEN", "doctor.app_token"),
        ({"slack_channel": "C0NOTHERE1"}, "slack: SLACK_CHANNEL", "doctor.channel_unknown"),
        ({"approvers": ""}, "slack: APPROVERS", "doctor.no_approvers"),
        ({"approvers": "S0NOTHERE1"}, "slack: APPROVERS", "doctor.group"),
        ({"cache_redis_url": "redis://127.0.0.1:1"}, "server: CACHE_REDIS_URL", "source.redis_unreachable"),
        ({"state_redis_url": "redis://127.0.0.1:1"}, "server: STATE_REDIS_URL", "state.unreachable"),
        ({"service_name": "ion-other"}, "ion-other: Cloud Run", "source.service_unknown"),
        ({"freeze": "2020-01-01T00:00Z/2021-01-01T00:00Z"}, "setting: FREEZE", "doctor.freeze_over"),
        (
            {"approvers": "U0MINA0001", "emergency_approvals_needed": 2},
            "setting: APPROVALS_NEEDED",
            "doctor.too_few_approvers",
        ),
        ({"output_dir": "/dev/null/reports"}, "setting: OUTPUT_DIR", "doctor.output_unwritable"),
        ({"budget_usd": 250}, "google: budget", "doctor.budget_differs"),
        ({"cache_instance": "projects/p/locations/l/instances/other"}, "ion-api: cache hits", "source.instance_absent"),
    ],
)
async def test_one_wrong_setting_is_named(
    prepared: World, sandbox: SandboxClient, other: dict[str, str], name: str, code: str
) -> None:
    found = wrong(await examine(settings(prepared, **other)))
    assert found.get(name) == code, found


async def test_the_cache_used_as_store_is_refused(prepared: World, sandbox: SandboxClient) -> None:
    found = wrong(await examine(settings(prepared, state_redis_url=prepared.cache.url.replace("db=0", "db=1"))))
    assert "server: STATE_REDIS_URL" in found


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


@pytest.mark.parametrize(
    ("policy", "code"), [("allkeys-lru", "doctor.policy_allkeys"), ("noeviction", "doctor.policy_noeviction")]
)
async def test_the_cache_s_policy(prepared: World, sandbox: SandboxClient, policy: str, code: str) -> None:
    from lumen.adapters.cache.client import open_cache

    cache = open_cache(prepared.cache.url)
    await cache.config_set("maxmemory-policy", policy)
    try:
        assert wrong(await examine(settings(prepared))) == {"server: maxmemory-policy": code}
    finally:
        await cache.config_set("maxmemory-policy", "volatile-lru")
        await cache.aclose()


async def test_a_page_that_would_reach_nobody_is_said(prepared: World) -> None:
    pager = {"pager_webhook_url": "http://127.0.0.1:1/api/v2/alerts"}
    found = wrong(await examine(settings(prepared, oncall_group="S0NOBODY01", **pager)))
    assert found == {"slack: ONCALL_GROUP": "doctor.oncall", "pager: PAGER_WEBHOOK_URL": "pager.no_answer"}
    group = prepared.addresses.approver_group
    assert wrong(await examine(settings(prepared, oncall_group=group))) == {}
