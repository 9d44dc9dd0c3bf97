"""An account with viewer roles alone: Lumen measures and reports, and says what it may not and what grants it."""

import asyncio
import json
from typing import Any

import pytest

from demo.world import World
from sandbox.client import SandboxClient
from tests.contract.command_line.conftest import Call
from tests.gcloud import fault

#: What roles/monitoring.viewer and roles/run.viewer do not hold of all that Lumen ever asks for.
LACKING = (
    "run.services.update",
    "monitoring.timeSeries.create",
    "monitoring.metricDescriptors.create",
    "redis.instances.update",
    "logging.logEntries.list",
)


def may_not(world: World, *permissions: str) -> None:
    async def deny() -> None:
        async with SandboxClient(world.addresses.control) as client:
            await client.post("world/permissions", denied=list(permissions))

    asyncio.run(deny())


def commands(text: str) -> list[str]:
    return [f"gcloud {part.split('`')[0]}".strip() for part in text.split("`gcloud ")[1:]]


@pytest.mark.prove
def test_with_viewer_roles_alone_it_reports_and_says_what_it_may_not(
    watched: World, lumen: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTL_ACTUATOR", "redis")
    may_not(watched, *LACKING)
    try:
        (turn,) = lumen("tick", "--json").json()
        assert not [one for one in turn["missing"] if "permission" in json.dumps(one)]
        assert turn["assessment"]["gate"]["verdict"] in ("PASS", "WARN", "FAIL")
        assert lumen("report").code in (0, 1, 2)

        checks: list[dict[str, Any]] = lumen("doctor", "--json").json()
        lacking = {one["name"] for one in checks if not one["ok"] and one["name"].startswith("google: may")}
        assert lacking == {
            "google: may change ion-api",
            "google: may change CACHE_INSTANCE",
            "google: may publish metrics",
            "google: may read the log",
        }
        told = lumen("doctor").out
        for role in (
            "roles/run.developer",
            "roles/iam.serviceAccountUser",
            "roles/monitoring.metricWriter",
            "roles/logging.viewer",
            "roles/redis.editor",
        ):
            (command, *_) = [line for line in commands(told) if role in line]
            assert fault(command) == ""

        state = lumen("unpin", "--json").json()
        names = lumen("rollback", "ion-api-nowhere").err.replace(",", " ").replace(".", " ").split()
        older = next(
            name for name in names if name.startswith("ion-api-") and name not in (state["serving"], "ion-api-nowhere")
        )
        refused = lumen("rollback", older, "--apply", "--json")
        assert (refused.code, refused.json()["applied"]["state"]) == (2, "FAILED")
        says = refused.json()["applied"]["says"]
        assert "roles/run.developer" in says
        assert [fault(command) for command in commands(says)] == [""]
        assert lumen("unpin", "--json").json()["serving"] == state["serving"]
    finally:
        may_not(watched)
