"""The size of a Memorystore instance: against the sandbox, which really sets it, and against a Google that refuses."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.cloud.redis_v1.types import Instance
from google.longrunning import operations_pb2
from google.rpc.status_pb2 import Status
from redis.asyncio import Redis

from demo.world import World
from lumen.adapters.cache.client import open_server
from lumen.adapters.google.clients import Patience, open_google
from lumen.adapters.google.memorystore import MemorystoreActuator, MemorystoreLimits
from lumen.model.messages import ActuatorFailed, SourceUnavailable, ValueMoved
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from sandbox.client import SandboxClient
from tests.foreign_google import ForeignGoogle

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
NAME = "projects/naeda-genesis/locations/us-central1/instances/ion-cache"
PATIENCE = Patience(attempt_seconds=5, retry_seconds=0)
LIMITS = MemorystoreLimits(change_seconds=20, poll_seconds=0.02)
MB = 2**20


def to(new: int, old: int) -> Change:
    return Change(Knob.CACHE_SIZE, old, new, "MB")


@dataclass
class Side:
    """The actuator, the raw client, and the server that the instance stands for."""

    actuator: MemorystoreActuator
    client: Any
    cache: Redis

    async def configs(self) -> dict[str, str]:
        return dict((await self.client.get_instance({"name": NAME})).redis_configs)


@pytest.fixture
async def side(sandbox_world: World, sandbox: SandboxClient) -> AsyncIterator[Side]:
    del sandbox
    of = sandbox_world.addresses
    google, cache = await open_google(of.gcp_endpoint, memorystore=True), open_server(sandbox_world.cache.url)
    actuator = MemorystoreActuator(google.memorystore, of.redis_instance, cache, PATIENCE, LIMITS)
    yield Side(actuator, google.memorystore, cache)
    present = await actuator.read(API)
    await actuator.set(API, to(256, int(present.value)), present, "tidy")
    await google.close()
    await cache.aclose()


async def test_read_merge_write_and_the_server_has_it(side: Side) -> None:
    before = await side.actuator.read(API)
    assert before == Reading(256, "")
    kept = await side.configs()
    assert await side.actuator.set(API, to(384, 256), before, "p1") == Reading(384, "")
    assert await side.configs() == kept | {"maxmemory-gb": "0.375"}
    assert await side.actuator.followed(API, Reading(384, ""))
    for _ in range(500):
        if int((await side.cache.info("memory"))["maxmemory"]) == 384 * MB:
            break
        await asyncio.sleep(0.01)
    assert int((await side.cache.info("memory"))["maxmemory"]) == 384 * MB
    # The same again finds it in place.
    assert await side.actuator.set(API, to(384, 256), before, "p1") == Reading(384, "")


async def test_a_crash_while_it_is_changed_is_resumed_without_a_second_change(side: Side) -> None:
    before = await side.actuator.read(API)
    working = asyncio.create_task(side.actuator.set(API, to(300, 256), before, "p1"))
    for _ in range(1000):
        if (await side.client.get_instance({"name": NAME})).state.name == "UPDATING":
            break
        await asyncio.sleep(0.001)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert await side.actuator.set(API, to(300, 256), before, "p1") == Reading(300, "")


async def test_a_moved_limit_and_less_than_is_used_are_refused(side: Side) -> None:
    with pytest.raises(ValueMoved):
        await side.actuator.set(API, to(384, 200), Reading(200, ""), "p1")
    await side.cache.set("ion:cache:large", "x" * 12 * MB)
    try:
        with pytest.raises(ActuatorFailed, match="below_used"):
            await side.actuator.set(API, to(10, 256), Reading(256, ""), "p1")
    finally:
        await side.cache.delete("ion:cache:large")


async def test_more_than_the_instance_has_says_that_it_is_sold_in_whole_gb(side: Side) -> None:
    for attempt in (side.actuator.rehearse(API, to(1100, 256), Reading(256, "")),
                    side.actuator.set(API, to(1100, 256), Reading(256, ""), "p1")):  # fmt: skip
        with pytest.raises(ActuatorFailed) as refused:
            await attempt
        assert refused.value.reason.code == "actuator.instance_too_small"
        assert refused.value.remedy.params["needed_gb"] == 2


async def test_a_dry_run_does_nothing(side: Side) -> None:
    said = await side.actuator.rehearse(API, to(384, 256), Reading(256, ""))
    assert (said.code, said.params["place"]) == ("actuator.would", "ion-cache")
    assert await side.actuator.read(API) == Reading(256, "")


@pytest.fixture
async def refusing(google: ForeignGoogle, cache_url: str) -> AsyncIterator[MemorystoreActuator]:
    """A Google whose instance is ready and has no limit configured."""

    async def instance(_request: bytes) -> Any:
        return Instance.pb(Instance(name=NAME, state=Instance.State.READY, memory_size_gb=1))

    google.answers["GetInstance"] = instance
    clients, cache = await open_google(google.endpoint, memorystore=True), open_server(cache_url)
    yield MemorystoreActuator(clients.memorystore, NAME, cache, PATIENCE, LIMITS)
    await clients.close()
    await cache.aclose()


async def test_without_a_limit_all_of_the_instance_counts(refusing: MemorystoreActuator) -> None:
    assert await refusing.read(API) == Reading(1024, "")


async def test_without_the_right_the_role_is_named(google: ForeignGoogle, refusing: MemorystoreActuator) -> None:
    google.refuse("UpdateInstance", grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(ActuatorFailed) as refused:
        await refusing.set(API, to(384, 1024), Reading(1024, ""), "p1")
    assert refused.value.remedy.params["role"] == "roles/redis.editor"


async def test_an_answer_that_is_lost_is_not_a_refusal(google: ForeignGoogle, refusing: MemorystoreActuator) -> None:
    google.refuse("UpdateInstance", grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(SourceUnavailable):
        await refusing.set(API, to(384, 1024), Reading(1024, ""), "p1")


async def test_an_operation_that_fails_is_told(google: ForeignGoogle, refusing: MemorystoreActuator) -> None:
    async def failed(_request: bytes) -> Any:
        return operations_pb2.Operation(name="operations/1", done=True, error=Status(code=13, message="no capacity"))

    google.answers["UpdateInstance"] = failed
    with pytest.raises(ActuatorFailed) as told:
        await refusing.set(API, to(384, 1024), Reading(1024, ""), "p1")
    assert (told.value.reason.code, told.value.reason.params["detail"]) == ("actuator.instance_failed", "no capacity")


async def test_an_instance_that_never_gets_ready_is_given_up(google: ForeignGoogle, cache_url: str) -> None:
    async def repairing(_request: bytes) -> Any:
        return Instance.pb(Instance(name=NAME, state=Instance.State.REPAIRING, memory_size_gb=1))

    google.answers["GetInstance"] = repairing
    clients, cache = await open_google(google.endpoint, memorystore=True), open_server(cache_url)
    limits = MemorystoreLimits(change_seconds=0.05, poll_seconds=0.01)
    with pytest.raises(ActuatorFailed, match="instance_unfinished"):
        await MemorystoreActuator(clients.memorystore, NAME, cache, PATIENCE, limits).set(
            API, to(384, 1024), Reading(1024, ""), "p1"
        )
    await clients.close()
    await cache.aclose()
