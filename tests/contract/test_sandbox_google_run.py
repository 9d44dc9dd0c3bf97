"""The sandbox's Cloud Run, driven by the real async clients: changes under way, etags, masks, traffic, refusals."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.longrunning import operations_pb2
from google.protobuf import field_mask_pb2

from sandbox.ion.behaviour import NO_START
from sandbox.ion.config import IonConfig
from sandbox.ion.place import place_services
from tests.unit.sandbox.google_side import LOCATION, GoogleSide, google_side

NAME = f"{LOCATION}/services/ion-api"
REVISION = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
State = run_v2.Condition.State
OLD, NEW = "ion-api-00040-rvt", "ion-api-00041-qhm"


@pytest.fixture
async def side() -> AsyncIterator[GoogleSide]:
    async with google_side() as side:
        place_services(IonConfig(), side.cloud.cloud_run, side.clock.at)
        yield side


@pytest.fixture
async def services(side: GoogleSide) -> run_v2.ServicesAsyncClient:
    return side.client(run_v2.ServicesAsyncClient)


@pytest.fixture
async def revisions(side: GoogleSide) -> run_v2.RevisionsAsyncClient:
    return side.client(run_v2.RevisionsAsyncClient)


async def update(
    services: run_v2.ServicesAsyncClient, service: run_v2.Service, *paths: str, validate_only: bool = False
) -> Any:
    """The long-running operation."""
    return await services.update_service(
        request=run_v2.UpdateServiceRequest(
            service=service,
            update_mask=field_mask_pb2.FieldMask(paths=paths) if paths else None,
            validate_only=validate_only,
        )
    )


def set_env(service: run_v2.Service, name: str, value: str) -> None:
    container = service.template.containers[0]
    container.env = [e for e in container.env if e.name != name] + [run_v2.EnvVar(name=name, value=value)]


def short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


async def test_the_service_as_it_stands(services: run_v2.ServicesAsyncClient) -> None:
    service = await services.get_service(name=NAME)
    assert short(service.latest_ready_revision) == NEW
    assert service.latest_created_revision == service.latest_ready_revision
    assert service.terminal_condition.state == State.CONDITION_SUCCEEDED
    assert service.observed_generation == service.generation
    assert not service.reconciling
    assert [(t.type_, t.revision, t.percent) for t in service.traffic_statuses] == [(LATEST, NEW, 100)]
    assert {e.name: e.value for e in service.template.containers[0].env}["DEFAULT_TTL_SECONDS"] == "300"


async def test_services_and_revisions_are_listed(
    services: run_v2.ServicesAsyncClient, revisions: run_v2.RevisionsAsyncClient
) -> None:
    pager = await services.list_services(request={"parent": LOCATION, "page_size": 1})
    assert [short(s.name) async for s in pager] == ["ion-api", "ion-api-canary"]
    listed = await revisions.list_revisions(request={"parent": NAME, "page_size": 2})
    assert [short(r.name) async for r in listed] == [NEW, OLD, "ion-api-00039-kxd"]
    every = await revisions.list_revisions(parent=f"{LOCATION}/services/-")
    assert len([r async for r in every]) == 5
    one = await revisions.get_revision(name=f"{NAME}/revisions/{OLD}")
    assert one.conditions[0].state == State.CONDITION_SUCCEEDED


class TestAChangeOfTheEnvironment:
    async def test_makes_a_revision_that_takes_the_traffic_when_it_is_ready(
        self, side: GoogleSide, services: run_v2.ServicesAsyncClient
    ) -> None:
        before = await services.get_service(name=NAME)
        before.template.revision = ""
        set_env(before, "DEFAULT_TTL_SECONDS", "420")
        operation = await update(services, before, "template.containers")
        under_way = await services.get_service(name=NAME)
        assert under_way.reconciling
        assert under_way.terminal_condition.state == State.CONDITION_RECONCILING
        assert under_way.generation == before.generation + 1 > under_way.observed_generation
        assert under_way.etag != before.etag
        assert under_way.latest_created_revision != under_way.latest_ready_revision
        assert under_way.traffic_statuses[0].revision == NEW
        assert not await operation.done()
        side.clock.at += 20
        result = await operation.result(timeout=10)
        assert {e.name: e.value for e in result.template.containers[0].env}["DEFAULT_TTL_SECONDS"] == "420"
        after = await services.get_service(name=NAME)
        assert not after.reconciling
        assert after.observed_generation == after.generation
        assert short(after.latest_ready_revision).startswith("ion-api-00042-")
        assert after.traffic_statuses[0].revision == short(after.latest_ready_revision)

    async def test_keeps_every_other_variable(self, side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
        service = await services.get_service(name=NAME)
        names = {e.name for e in service.template.containers[0].env}
        set_env(service, "DEFAULT_TTL_SECONDS", "600")
        await update(services, service, "template.containers")
        side.clock.at += 20
        changed = await services.get_service(name=NAME)
        assert {e.name for e in changed.template.containers[0].env} == names
        assert changed.template.service_account == service.template.service_account

    async def test_without_a_difference_makes_nothing(self, services: run_v2.ServicesAsyncClient) -> None:
        service = await services.get_service(name=NAME)
        operation = await update(services, service, "template.containers")
        assert await operation.done()
        assert (await services.get_service(name=NAME)).generation == service.generation


async def test_minimum_instances_make_no_revision(side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
    service = await services.get_service(name=NAME)
    service.scaling.min_instance_count = 1
    await update(services, service, "scaling.min_instance_count")
    side.clock.at += 3
    changed = await services.get_service(name=NAME)
    assert changed.scaling.min_instance_count == 1
    assert changed.latest_created_revision == service.latest_created_revision
    assert not changed.reconciling


class TestTraffic:
    async def test_to_an_older_revision_and_back(self, side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
        service = await services.get_service(name=NAME)
        service.traffic = [run_v2.TrafficTarget(type_=REVISION, revision=OLD, percent=100)]
        await update(services, service, "traffic")
        side.clock.at += 3
        rolled_back = await services.get_service(name=NAME)
        assert [(t.revision, t.percent) for t in rolled_back.traffic_statuses] == [(OLD, 100)]
        # While it is pinned a later deployment gets no traffic.
        side.cloud.cloud_run.deploy(NAME, "an-image@sha256:1")
        side.clock.at += 20
        deployed = await services.get_service(name=NAME)
        assert short(deployed.latest_ready_revision).startswith("ion-api-00042-")
        assert deployed.traffic_statuses[0].revision == OLD
        deployed.traffic = [run_v2.TrafficTarget(type_=LATEST, percent=100)]
        await update(services, deployed, "traffic")
        side.clock.at += 3
        latest = await services.get_service(name=NAME)
        assert latest.traffic_statuses[0].revision == short(latest.latest_ready_revision)

    async def test_in_shares_with_a_tag(self, side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
        service = await services.get_service(name=NAME)
        service.traffic = [
            run_v2.TrafficTarget(type_=REVISION, revision=OLD, percent=90),
            run_v2.TrafficTarget(type_=LATEST, percent=10, tag="next"),
        ]
        await update(services, service, "traffic")
        side.clock.at += 3
        found = (await services.get_service(name=NAME)).traffic_statuses
        assert [(t.revision, t.percent) for t in found] == [(OLD, 90), (NEW, 10)]
        assert found[1].uri.startswith("https://next---")
        assert side.cloud.cloud_run.services[NAME].shares() == {OLD: 0.9, NEW: 0.1}


async def test_a_start_that_fails_moves_no_traffic(side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
    side.cloud.cloud_run.start_fault = lambda _revision: NO_START
    service = await services.get_service(name=NAME)
    set_env(service, "BROKEN", "1")
    operation = await update(services, service, "template.containers")
    side.clock.at += 20
    with pytest.raises(exceptions.GoogleAPICallError, match="failed to start") as failed:
        await operation.result(timeout=10)
    assert failed.value.response.error.code == 9
    after = await services.get_service(name=NAME)
    assert after.latest_created_revision != after.latest_ready_revision
    assert short(after.latest_ready_revision) == NEW
    assert after.traffic_statuses[0].revision == NEW
    assert after.terminal_condition.state == State.CONDITION_FAILED
    assert not after.reconciling


async def test_a_stale_etag_is_a_conflict(services: run_v2.ServicesAsyncClient) -> None:
    service = await services.get_service(name=NAME)
    service.scaling.min_instance_count = 1
    await update(services, service, "scaling.min_instance_count")
    with pytest.raises(exceptions.Aborted, match="Conflict for resource 'ion-api'"):
        await update(services, service, "scaling.min_instance_count")
    service.etag = ""  # an empty one overwrites
    await update(services, service, "scaling.min_instance_count")


async def test_validate_only_changes_nothing(services: run_v2.ServicesAsyncClient) -> None:
    service = await services.get_service(name=NAME)
    service.scaling.min_instance_count = 2
    operation = await update(services, service, "scaling", validate_only=True)
    assert operation.operation.done
    after = await services.get_service(name=NAME)
    assert (after.scaling.min_instance_count, after.etag) == (0, service.etag)


def _traffic(*targets: tuple[Any, str, int]) -> Any:
    def change(service: run_v2.Service) -> None:
        service.traffic = [run_v2.TrafficTarget(type_=t, revision=r, percent=p) for t, r, p in targets]

    return change


def _container(**fields: Any) -> Any:
    def change(service: run_v2.Service) -> None:
        for name, value in fields.items():
            setattr(service.template.containers[0], name, value)

    return change


def _scaling(low: int, high: int) -> Any:
    def change(service: run_v2.Service) -> None:
        service.scaling.min_instance_count, service.scaling.max_instance_count = low, high

    return change


REFUSED = [
    ("less than 100", _traffic((REVISION, OLD, 90)), ["traffic"], "sum to 100"),
    ("more than 100", _traffic((REVISION, OLD, 90), (LATEST, "", 20)), ["traffic"], "sum to 100"),
    ("nobody", _traffic((REVISION, "ion-api-00099-xyz", 100)), ["traffic"], "does not exist"),
    ("long name", _traffic((REVISION, f"{NAME}/revisions/{OLD}", 100)), ["traffic"], "short name"),
    ("latest with a name", _traffic((LATEST, OLD, 100)), ["traffic"], "must be empty"),
    ("no type", _traffic((0, OLD, 100)), ["traffic"], "LATEST or REVISION"),
    ("into a list", _container(image="x"), ["template.containers.image"], "whole list"),
    ("into a list by number", _container(image="x"), ["template.containers.0.image"], "whole list"),
    ("unknown field", _container(image="x"), ["template.colour"], "no field 'colour'"),
    ("camel case", _scaling(1, 0), ["scaling.minInstanceCount"], "no field"),
    ("into a number", _container(image="x"), ["generation.x"], "no fields"),
    ("no image", _container(image=""), ["template.containers"], "image is required"),
    ("reserved", _container(env=[run_v2.EnvVar(name="PORT", value="1")]), ["template.containers"], "reserved"),
    ("twice", _container(env=[run_v2.EnvVar(name="A"), run_v2.EnvVar(name="A")]), ["template.containers"], "Duplicate"),
    ("memory", _container(resources={"limits": {"memory": "lots"}}), ["template.containers"], "invalid quantity"),
    ("little", _container(resources={"limits": {"memory": "64Mi"}}), ["template.containers"], "128Mi"),
    ("negative", _scaling(-1, 0), ["scaling"], "negative"),
    ("upside down", _scaling(3, 2), ["scaling"], "greater than"),
]


@pytest.mark.parametrize(("case", "change", "mask", "words"), REFUSED, ids=[r[0] for r in REFUSED])
async def test_refused_changes(
    services: run_v2.ServicesAsyncClient, case: str, change: Any, mask: list[str], words: str
) -> None:
    service = await services.get_service(name=NAME)
    before = service.etag
    change(service)
    with pytest.raises(exceptions.InvalidArgument, match=words):
        await update(services, service, *mask)
    assert (await services.get_service(name=NAME)).etag == before


async def test_a_revisions_name_is_used_once(services: run_v2.ServicesAsyncClient) -> None:
    service = await services.get_service(name=NAME)
    service.template.revision = OLD
    set_env(service, "A", "1")
    with pytest.raises(exceptions.AlreadyExists, match="different configuration already exists"):
        await update(services, service, "template.containers", "template.revision")
    service.template.revision = "other-00001"
    with pytest.raises(exceptions.InvalidArgument, match="must begin with"):
        await update(services, service, "template.containers", "template.revision")
    service.template.revision = "ion-api-mine"
    await update(services, service, "template.containers", "template.revision")
    # The name stays in the template: whoever changes it again without clearing the name clashes.
    again = await services.get_service(name=NAME)
    set_env(again, "A", "2")
    with pytest.raises(exceptions.AlreadyExists):
        await update(services, again, "template.containers")


async def test_what_does_not_exist_is_not_found(
    services: run_v2.ServicesAsyncClient, revisions: run_v2.RevisionsAsyncClient
) -> None:
    with pytest.raises(exceptions.NotFound, match="kind 'SERVICE'"):
        await services.get_service(name=f"{LOCATION}/services/nobody")
    with pytest.raises(exceptions.NotFound, match="kind 'REVISION'"):
        await revisions.get_revision(name=f"{NAME}/revisions/nobody")
    with pytest.raises(exceptions.NotFound, match="Operation"):
        await services.get_operation({"name": f"{LOCATION}/operations/none"})


async def test_operations_are_listed_and_waited_for(side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
    service = await services.get_service(name=NAME)
    set_env(service, "A", "1")
    operation = await update(services, service, "template.containers")
    name = operation.operation.name
    assert name.startswith(f"{LOCATION}/operations/")
    listed = await services.list_operations({"name": LOCATION})
    assert [(o.name, o.done) for o in listed.operations] == [(name, False)]
    waiting = asyncio.create_task(services.wait_operation({"name": name, "timeout": {"seconds": 5}}))
    await asyncio.sleep(0)
    side.clock.at += 20
    answer = await waiting
    done = answer if isinstance(answer, operations_pb2.Operation) else operations_pb2.Operation.FromString(answer)
    assert done.done


async def test_permissions_are_told_and_enforced(side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
    side.cloud.faults.denied = {"run.services.update"}
    asked = {"resource": NAME, "permissions": ["run.services.get", "run.services.update"]}
    answer = await services.test_iam_permissions(asked)
    assert list(answer.permissions) == ["run.services.get"]
    service = await services.get_service(name=NAME)
    with pytest.raises(exceptions.PermissionDenied, match=r"run\.services\.update"):
        await update(services, service, "scaling")


async def test_an_answer_can_get_lost_after_the_effect(side: GoogleSide, services: run_v2.ServicesAsyncClient) -> None:
    from grpc import StatusCode

    from sandbox.google.faults import MethodFault

    side.cloud.faults.methods.append(
        MethodFault("Services/UpdateService", StatusCode.UNAVAILABLE, remaining=1, after=True)
    )
    service = await services.get_service(name=NAME)
    service.scaling.min_instance_count = 1
    with pytest.raises(exceptions.ServiceUnavailable):
        await update(services, service, "scaling.min_instance_count")
    assert (await services.get_service(name=NAME)).scaling.min_instance_count == 1
    assert side.cloud.faults.methods == []


async def test_methods_that_are_not_served_say_so(services: run_v2.ServicesAsyncClient) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="does not serve Services/DeleteService"):
        await services.delete_service(name=NAME)


async def test_a_quota_is_used_up_and_comes_back_with_the_next_minute(
    side: GoogleSide, services: run_v2.ServicesAsyncClient
) -> None:
    assert side.cloud.faults.quotas is not None
    side.cloud.faults.quotas.limits["Services/Get*"] = 2
    for _ in range(2):
        await services.get_service(name=NAME)
    with pytest.raises(exceptions.ResourceExhausted, match="Quota exceeded"):
        await services.get_service(name=NAME)
    side.clock.at += 60
    await services.get_service(name=NAME)
