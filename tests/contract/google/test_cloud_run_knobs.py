"""The other knobs of Cloud Run over the one editor: memory, minimum instances, a variable, and the traffic."""

import grpc
import pytest
from google.cloud.run_v2 import Container, ContainerPort, EnvVar
from google.rpc.status_pb2 import Status

from lumen.adapters.google import service_fields
from lumen.adapters.google.clients import GoogleClients, Patience
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, EditLimits
from lumen.adapters.google.cloud_run_knobs import CloudRunInstancesActuator, CloudRunMemoryActuator, CloudRunVariable
from lumen.adapters.google.cloud_run_traffic import CloudRunTraffic
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.model.messages import ActuatorFailed, SourceUnavailable, ValueMoved
from lumen.model.proposal import LATEST as UNPINNED
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import Deployment
from lumen.ports.actuators import Reading
from tests.foreign_google import ForeignGoogle
from tests.foreign_run import LATEST, REVISION, ForeignRun

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
PATIENCE = Patience(attempt_seconds=30, retry_seconds=0)
LIMITS = EditLimits(conflicts=2, write_seconds=0.5, operation_seconds=0.4, poll_seconds=0.01)
MEMORY = Change(Knob.MEMORY, 512, 1024, "MB")
INSTANCES = Change(Knob.MIN_INSTANCES, 0, 1, "")
ON_FIRST = Reading(UNPINNED, "ion-api-00001")
PIN = Change(Knob.TRAFFIC, UNPINNED, "ion-api-00002", "")
UNPIN = Change(Knob.TRAFFIC, "ion-api-00002", UNPINNED, "")


@pytest.fixture
def run(google: ForeignGoogle) -> ForeignRun:
    return ForeignRun(google, API, {"L1_CACHE_MAX_ENTRIES": "1000"})


@pytest.fixture
def editor(clients: GoogleClients, run: ForeignRun) -> CloudRunEditor:
    return CloudRunEditor(clients.services, PATIENCE, LIMITS)


# Memory


async def test_memory_is_an_absolute_limit_and_leaves_the_cpu(run: ForeignRun, editor: CloudRunEditor) -> None:
    actuator = CloudRunMemoryActuator(editor)
    assert await actuator.read(API) == Reading(512, "")
    assert await actuator.set(API, MEMORY, Reading(512, ""), "p1") == Reading(1024, "")
    assert dict(run.service.template.containers[0].resources.limits) == {"cpu": "1000m", "memory": "1024Mi"}
    assert await actuator.followed(API, Reading(1024, ""))
    run.service.template.containers[0].resources.limits["memory"] = "1Gi"
    assert await actuator.set(API, MEMORY, Reading(512, ""), "p1") == Reading(1024, "")
    assert len(run.updates) == 1  # 1Gi is 1024Mi


@pytest.mark.parametrize("main", ["512Mi", "1Gi", "2G", ""])
@pytest.mark.parametrize("beside", [None, "256Mi"])
async def test_what_is_in_force_is_one_for_reports_and_knobs(
    clients: GoogleClients, run: ForeignRun, editor: CloudRunEditor, main: str, beside: str | None
) -> None:
    """Memory, minimum and variables, also beside a second container."""
    template = run.service.template
    template.containers[0].ports = [ContainerPort(container_port=8080)]
    template.containers[0].env.append(EnvVar(name="DEFAULT_TTL_SECONDS", value="420"))
    limits = {"memory": main} if main else {}
    template.containers[0].resources.limits = limits
    if beside is not None:
        template.containers.append(Container(name="proxy", resources={"limits": {"memory": beside}}))
    template.scaling.min_instance_count = 2
    told = (await CloudRunDeployments(clients.services, clients.revisions, PATIENCE).deployments([API]))[API]
    assert isinstance(told, Deployment)
    assert told.memory_mb == (await CloudRunMemoryActuator(editor).read(API)).value
    assert told.min_instances == (await CloudRunInstancesActuator(editor).read(API)).value == 2
    in_environment = CloudRunVariable(editor, "DEFAULT_TTL_SECONDS", 300)
    assert told.env_ttl_seconds == (await in_environment.read(API)).value == 420


async def test_an_edit_tells_that_what_was_read_before_does_not_hold(clients: GoogleClients, run: ForeignRun) -> None:
    changed: list[ServiceId] = []
    actuator = CloudRunMemoryActuator(CloudRunEditor(clients.services, PATIENCE, LIMITS, changed.append))
    await actuator.set(API, MEMORY, Reading(512, ""), "p1")
    assert set(changed) == {API}


async def test_memory_is_refused_while_traffic_is_pinned(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.pin("ion-api-00001")
    with pytest.raises(ActuatorFailed) as refused:
        await CloudRunMemoryActuator(editor).set(API, MEMORY, Reading(512, ""), "p1")
    assert refused.value.reason.code == "actuator.traffic_pinned"


async def test_a_limit_that_nobody_understands_is_not_overwritten(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.service.template.containers[0].resources.limits["memory"] = "plenty"
    with pytest.raises(SourceUnavailable):
        await CloudRunMemoryActuator(editor).set(API, MEMORY, Reading(512, ""), "p1")
    assert run.updates == []


# Minimum instances


async def test_minimum_instances_make_no_revision_and_go_while_pinned(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.pin("ion-api-00001")
    run.revision_starts = False
    actuator = CloudRunInstancesActuator(editor)
    assert await actuator.set(API, INSTANCES, Reading(0, ""), "p1") == Reading(1, "")
    assert list(run.updates[0].update_mask.paths) == ["scaling.min_instance_count"]
    assert await actuator.followed(API, Reading(1, ""))


async def test_a_minimum_that_moved_is_refused(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.service.scaling.min_instance_count = 3
    with pytest.raises(ValueMoved):
        await CloudRunInstancesActuator(editor).set(API, INSTANCES, Reading(0, ""), "p1")


@pytest.mark.parametrize(("of_service", "of_template"), [(0, 0), (0, 2), (3, 0), (3, 2), (2, 3)])
async def test_the_minimum_is_read_as_everything_else_reads_it(
    run: ForeignRun, editor: CloudRunEditor, of_service: int, of_template: int
) -> None:
    run.service.scaling.min_instance_count = of_service
    run.service.template.scaling.min_instance_count = of_template
    actuator = CloudRunInstancesActuator(editor)
    in_force = await actuator.read(API)
    assert in_force.value == service_fields.min_instances(run.service) == max(of_service, of_template)
    # Whatever would change nothing is refused, also when it is only rehearsed.
    for wanted in range(of_template):
        change = Change(Knob.MIN_INSTANCES, max(of_service, of_template), wanted, "")
        with pytest.raises(ActuatorFailed, match="minimum_in_template"):
            await actuator.rehearse(API, change, in_force)
        with pytest.raises(ActuatorFailed, match="minimum_in_template"):
            await actuator.set(API, change, in_force, "p1")
    assert run.updates == []


# A variable


async def test_entries_of_the_process_cache(run: ForeignRun, editor: CloudRunEditor) -> None:
    actuator = CloudRunVariable(editor, "L1_CACHE_MAX_ENTRIES", 1000)
    change = Change(Knob.L1_ENTRIES, 1000, 2000, "")
    assert await actuator.set(API, change, await actuator.read(API), "p1") == Reading(2000, "")
    assert run.env == {"L1_CACHE_MAX_ENTRIES": "2000"}


# Traffic


async def test_a_rollback_pins_and_is_verified_in_what_is_served(run: ForeignRun, editor: CloudRunEditor) -> None:
    traffic = CloudRunTraffic(editor)
    assert await traffic.read(API) == ON_FIRST
    pinned = await traffic.set(API, PIN, ON_FIRST, "p1")
    assert pinned == Reading("ion-api-00002", "ion-api-00002")
    assert list(run.updates[0].update_mask.paths) == ["traffic"]
    assert await traffic.set(API, PIN, ON_FIRST, "p1") == pinned  # a repeat sends nothing
    assert len(run.updates) == 1


async def test_unpin_goes_back_to_the_latest(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.pin("ion-api-00002")
    traffic = CloudRunTraffic(editor)
    assert await traffic.set(API, UNPIN, Reading("ion-api-00002", "ion-api-00002"), "p1") == ON_FIRST
    (target,) = run.service.traffic
    assert (target.type_, target.percent, target.revision) == (LATEST, 100, "")


async def test_tags_keep_their_addresses(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.service.traffic.append({"type_": REVISION, "revision": "ion-api-00003", "percent": 0, "tag": "preview"})
    await CloudRunTraffic(editor).set(API, PIN, ON_FIRST, "p1")
    assert [(t.revision, t.percent, t.tag) for t in run.service.traffic] == [
        ("ion-api-00002", 100, ""),
        ("ion-api-00003", 0, "preview"),
    ]


async def test_a_rollback_by_hand_is_respected(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.pin("ion-api-00003")
    with pytest.raises(ValueMoved) as moved:
        await CloudRunTraffic(editor).set(API, PIN, ON_FIRST, "p1")
    assert moved.value.reason.params == {"expected": "ion-api-00001", "present": "ion-api-00003"}
    assert run.updates == []


async def test_traffic_that_never_arrives_is_not_called_done(run: ForeignRun, editor: CloudRunEditor) -> None:
    run.traffic_moves = False
    with pytest.raises(ActuatorFailed) as failed:
        await CloudRunTraffic(editor).set(API, PIN, ON_FIRST, "p1")
    assert failed.value.reason.code == "actuator.operation_unfinished"


async def test_a_rollback_works_although_the_newest_revision_is_not_ready(
    run: ForeignRun, editor: CloudRunEditor
) -> None:
    run.service.latest_created_revision = f"{API.path}/revisions/ion-api-00009"
    run.service.terminal_condition.state = 5
    assert (await CloudRunTraffic(editor).set(API, PIN, ON_FIRST, "p1")).value == "ion-api-00002"


# All of them


async def test_rehearsals_change_nothing_and_refuse_what_would_be_refused(
    run: ForeignRun, editor: CloudRunEditor
) -> None:
    memory, traffic = CloudRunMemoryActuator(editor), CloudRunTraffic(editor)
    instances, entries = CloudRunInstancesActuator(editor), CloudRunVariable(editor, "L1_CACHE_MAX_ENTRIES", 1000)
    said = [
        await memory.rehearse(API, MEMORY, Reading(512, "")),
        await instances.rehearse(API, INSTANCES, Reading(0, "")),
        await entries.rehearse(API, Change(Knob.L1_ENTRIES, 1000, 2000, ""), Reading(1000, "")),
        await entries.rehearse(API, Change(Knob.L1_ENTRIES, 2000, 1000, ""), Reading(2000, "")),
        await traffic.rehearse(API, PIN, ON_FIRST),
        await traffic.rehearse(API, UNPIN, ON_FIRST),
    ]
    assert [sentence.code.removeprefix("actuator.") for sentence in said] == [
        "would",
        "would",
        "would",
        "would_nothing",
        "would_pin",
        "would_not_move",
    ]
    with pytest.raises(ValueMoved):
        await memory.rehearse(API, Change(Knob.MEMORY, 256, 1024, "MB"), Reading(256, ""))
    run.pin("ion-api-00001")
    with pytest.raises(ActuatorFailed):
        await memory.rehearse(API, MEMORY, Reading(512, ""))
    assert run.updates == []


async def test_an_edit_that_comes_late_is_not_sent(clients: GoogleClients, run: ForeignRun) -> None:
    """Whoever asked for it may have slept since, and others may have gone on."""
    late = EditLimits(send_within_seconds=0.0, poll_seconds=0.01)
    editor = CloudRunEditor(clients.services, Patience(attempt_seconds=5, retry_seconds=0), late)
    with pytest.raises(SourceUnavailable) as failed:
        await CloudRunMemoryActuator(editor).set(API, MEMORY, Reading(512, ""), "p1")
    assert failed.value.reason.code == "actuator.too_slow"
    assert run.updates == []


@pytest.mark.parametrize("fault", ["aborted", "operation_failed", "never_ends", "denied", "unavailable", "overwritten"])
async def test_every_fault_is_told_truly(
    google: ForeignGoogle, run: ForeignRun, editor: CloudRunEditor, fault: str
) -> None:
    """Whatever happens, the state that is left is one that the next read shows."""
    match fault:
        case "aborted":
            run.overtaken = 99
        case "operation_failed":
            run.operation_error = Status(code=13, message="internal")
        case "never_ends":
            run.operation_polls = 10**9
        case "denied":
            google.refuse("UpdateService", grpc.StatusCode.PERMISSION_DENIED)
        case "unavailable":
            google.refuse("UpdateService", grpc.StatusCode.UNAVAILABLE)
        case "overwritten":
            run.overwritten = True
    wanted = {
        "aborted": "actuator.conflicts",
        "operation_failed": "actuator.operation_failed",
        "never_ends": "actuator.operation_unfinished",
        "denied": "source.permission_denied",
        "unavailable": "source.unavailable",
        "overwritten": "actuator.overwritten",
    }[fault]
    with pytest.raises((ActuatorFailed, SourceUnavailable)) as failed:
        await CloudRunInstancesActuator(editor).set(API, INSTANCES, Reading(0, ""), "p1")
    assert failed.value.reason.code == wanted
