"""Both TTL actuators against the sandbox: the service really follows, and Google's faults are told truly."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from demo.world import World
from lumen.adapters.cache.client import open_cache
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.google.clients import Patience, open_google
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, EditLimits
from lumen.adapters.google.cloud_run_knobs import CloudRunInstancesActuator, CloudRunMemoryActuator, CloudRunVariable
from lumen.adapters.google.cloud_run_traffic import CloudRunTraffic
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.model.messages import ActuatorFailed, SourceUnavailable
from lumen.model.proposal import LATEST, Change, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import Deployment
from lumen.ports.actuators import Actuator, Reading
from sandbox.client import SandboxClient

PATIENCE = Patience(attempt_seconds=5, retry_seconds=0)
LIMITS = EditLimits(operation_seconds=20, poll_seconds=0.05)


@dataclass
class Changing:
    api: ServiceId
    redis: Actuator
    cloud_run: Actuator
    editor: CloudRunEditor
    deployments: CloudRunDeployments

    async def older_revision(self) -> str:
        found = (await self.deployments.deployments([self.api]))[self.api]
        assert isinstance(found, Deployment)
        return next(r.name for r in found.revisions if r.traffic_percent == 0)

    async def set_by(self, actuator: Actuator, seconds: int, proposal_id: str) -> Reading:
        present = await actuator.read(self.api)
        return await actuator.set(self.api, Change(Knob.TTL, present.value, seconds, "s"), present, proposal_id)


@pytest.fixture
async def changing(sandbox_world: World, sandbox: SandboxClient) -> AsyncIterator[Changing]:
    of = sandbox_world.addresses
    google = await open_google(of.gcp_endpoint)
    cache = open_cache(sandbox_world.cache.url)
    editor = CloudRunEditor(google.services, PATIENCE, LIMITS)
    yield Changing(
        ServiceId(of.project, of.region, of.service),
        RedisTtlActuator(cache, RedisTtl(cache, 300)),
        CloudRunVariable(editor, "DEFAULT_TTL_SECONDS", 300),
        editor,
        CloudRunDeployments(google.services, google.revisions, PATIENCE),
    )
    await google.close()
    await cache.aclose()


async def follows(changing: Changing, actuator: Actuator, wanted: Reading) -> None:
    """Wait until it does; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not await actuator.followed(changing.api, wanted):  # noqa: ASYNC110 - another process is watched
            await asyncio.sleep(0.05)


async def test_the_service_follows_the_setting_and_says_so(changing: Changing, sandbox: SandboxClient) -> None:
    wanted = await changing.set_by(changing.redis, 420, "p-follow")
    await follows(changing, changing.redis, wanted)
    assert (await sandbox.get("world/state"))["ion"]["ttl_seconds"] == 420


async def test_a_service_that_does_not_follow_is_noticed(changing: Changing, sandbox: SandboxClient) -> None:
    await sandbox.post("world/ttl-follow", on=False)
    wanted = await changing.set_by(changing.redis, 600, "p-not-followed")
    await asyncio.sleep(0.7)  # twice as long as the sandbox's service takes to look again
    assert not await changing.redis.followed(changing.api, wanted)
    await sandbox.post("world/ttl-follow", on=True)
    await follows(changing, changing.redis, wanted)


async def test_the_environment_changes_with_a_revision_that_serves(changing: Changing, sandbox: SandboxClient) -> None:
    wanted = await changing.set_by(changing.cloud_run, 480, "p-env")
    assert wanted.value == 480
    await follows(changing, changing.cloud_run, wanted)
    service = next(s for s in (await sandbox.get("world/state"))["services"] if s["name"] == changing.api.name)
    assert service["latest_ready"] == service["latest_created"]
    assert service["traffic"] == {service["latest_ready"]: 100}


async def test_no_permission_changes_nothing(changing: Changing, sandbox: SandboxClient) -> None:
    before = await changing.cloud_run.read(changing.api)
    await sandbox.post("world/permissions", denied=["run.services.update"])
    with pytest.raises(ActuatorFailed) as failed:
        await changing.set_by(changing.cloud_run, 540, "p-denied")
    assert failed.value.reason.code == "source.permission_denied"
    assert await changing.cloud_run.read(changing.api) == before


async def test_aborted_once_is_done_all_the_same(changing: Changing, sandbox: SandboxClient) -> None:
    await sandbox.post("world/fault", method="Services/UpdateService", code="ABORTED", times=1)
    assert (await changing.set_by(changing.cloud_run, 500, "p-aborted")).value == 500


async def test_an_answer_lost_after_the_deed_is_found_done(changing: Changing, sandbox: SandboxClient) -> None:
    present = await changing.cloud_run.read(changing.api)
    change = Change(Knob.TTL, present.value, 510, "s")
    await sandbox.post("world/fault", method="Services/UpdateService", code="UNAVAILABLE", times=1, after=True)
    with pytest.raises(SourceUnavailable):
        await changing.cloud_run.set(changing.api, change, present, "p-lost")
    updates = (await sandbox.get("world/calls"))["Services/UpdateService"]
    assert await changing.cloud_run.set(changing.api, change, present, "p-lost") == Reading(510, "")
    assert (await sandbox.get("world/calls"))["Services/UpdateService"] == updates


async def test_unavailable_in_the_middle_of_the_operation(changing: Changing, sandbox: SandboxClient) -> None:
    await sandbox.post("world/fault", method="Operations/GetOperation", code="UNAVAILABLE", times=2)
    assert (await changing.set_by(changing.cloud_run, 520, "p-middle")).value == 520


async def test_memory_and_instances_and_traffic_there_and_back(changing: Changing, sandbox: SandboxClient) -> None:
    api = changing.api
    memory, instances = CloudRunMemoryActuator(changing.editor), CloudRunInstancesActuator(changing.editor)
    traffic = CloudRunTraffic(changing.editor)
    old = await memory.read(api)
    larger = Change(Knob.MEMORY, old.value, old.value * 2, "MB")
    assert await memory.set(api, larger, old, "p-memory") == Reading(old.value * 2, "")
    before = await traffic.read(api)
    older = await changing.older_revision()
    pin, unpin = Change(Knob.TRAFFIC, LATEST, older, ""), Change(Knob.TRAFFIC, older, LATEST, "")
    pinned = await traffic.set(api, pin, before, "p-pin")
    assert pinned == Reading(older, older)
    with pytest.raises(ActuatorFailed) as refused:
        await changing.set_by(changing.cloud_run, 450, "p-while-pinned")
    assert refused.value.reason.code == "actuator.traffic_pinned"
    one = Change(Knob.MIN_INSTANCES, 0, 1, "")
    assert await instances.set(api, one, Reading(0, ""), "p-instances") == Reading(1, "")
    back = Change(Knob.MIN_INSTANCES, 1, 0, "")
    assert await instances.set(api, back, Reading(1, ""), "p-instances-back") == Reading(0, "")
    assert (await traffic.set(api, unpin, pinned, "p-unpin")).value == LATEST
    smaller = Change(Knob.MEMORY, old.value * 2, old.value, "MB")
    assert await memory.set(api, smaller, Reading(old.value * 2, ""), "p-memory-back") == old


async def test_a_release_that_does_not_start_leaves_a_state_from_which_one_can_go_on(
    changing: Changing, sandbox: SandboxClient
) -> None:
    """Somebody's broken release: traffic stays, a change of the environment says so, a rollback by pin works."""
    await sandbox.post("world/deploy", service=changing.api.name, fails=True)
    before = await CloudRunTraffic(changing.editor).read(changing.api)
    with pytest.raises(ActuatorFailed) as failed:
        await changing.set_by(changing.cloud_run, 470, "p-broken")
    assert failed.value.reason.code in ("actuator.revision_not_ready", "actuator.operation_failed")
    traffic = CloudRunTraffic(changing.editor)
    assert (await traffic.read(changing.api)).version == before.version
    serving = before.version
    pin, unpin = Change(Knob.TRAFFIC, LATEST, serving, ""), Change(Knob.TRAFFIC, serving, LATEST, "")
    pinned = await traffic.set(changing.api, pin, before, "p-pin")
    assert pinned.value == serving
    await sandbox.post("world/deploy", service=changing.api.name)
    assert (await traffic.set(changing.api, unpin, pinned, "p-unpin")).value == LATEST
