"""The environment of a Cloud Run service: one variable changed, all else left, and every way in which that may fail."""

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from lumen.adapters.google.clients import GoogleClients, Patience
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, EditLimits
from lumen.adapters.google.cloud_run_knobs import CloudRunVariable
from lumen.model.messages import ActuatorFailed, SourceUnavailable, ValueMoved
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.ports.actuators import Actuator, Reading
from tests.foreign_google import ForeignGoogle
from tests.foreign_run import ForeignRun

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
ENV = {"LOG_LEVEL": "INFO", "DEFAULT_TTL_SECONDS": "300", "MODEL": "gemini"}
LIMITS = EditLimits(conflicts=2, write_seconds=0.5, operation_seconds=0.4, poll_seconds=0.01)
TO_420 = Change(Knob.TTL, 300, 420, "s")
FROM_300 = Reading(300, "")


@pytest.fixture
def run(google: ForeignGoogle) -> ForeignRun:
    return ForeignRun(google, API, ENV)


@pytest.fixture
def actuator(clients: GoogleClients, run: ForeignRun) -> Actuator:
    return patient(clients, 30)


def patient(clients: GoogleClients, attempt_seconds: float) -> Actuator:
    editor = CloudRunEditor(clients.services, Patience(attempt_seconds=attempt_seconds, retry_seconds=0), LIMITS)
    return CloudRunVariable(editor, "DEFAULT_TTL_SECONDS", 300)


async def test_one_variable_changes_and_all_else_stays(run: ForeignRun, actuator: Actuator) -> None:
    assert await actuator.read(API) == FROM_300
    assert await actuator.set(API, TO_420, FROM_300, "p1") == Reading(420, "")
    assert run.env == {**ENV, "DEFAULT_TTL_SECONDS": "420"}
    (update,) = run.updates
    assert list(update.update_mask.paths) == ["template.containers"]
    container = update.service.template.containers[0]
    assert (container.image, container.resources.limits["memory"]) == ("gcr.io/ion/api@sha256:aa", "512Mi")
    assert await actuator.followed(API, Reading(420, ""))


async def test_a_named_revision_gives_up_its_name(run: ForeignRun, actuator: Actuator) -> None:
    run.service.template.revision = "ion-api-blue"
    await actuator.set(API, TO_420, FROM_300, "p1")
    assert list(run.updates[0].update_mask.paths) == ["template.containers", "template.revision"]
    assert run.service.template.revision == ""


async def test_a_service_without_the_variable_gets_it(google: ForeignGoogle, actuator: Actuator) -> None:
    run = ForeignRun(google, API, {"MODEL": "gemini"})
    assert await actuator.read(API) == FROM_300
    await actuator.set(API, TO_420, FROM_300, "p1")
    assert run.env == {"MODEL": "gemini", "DEFAULT_TTL_SECONDS": "420"}


async def test_a_repeat_finds_it_done_and_sends_nothing(run: ForeignRun, actuator: Actuator) -> None:
    await actuator.set(API, TO_420, FROM_300, "p1")
    assert await actuator.set(API, TO_420, FROM_300, "p1") == Reading(420, "")
    assert len(run.updates) == 1


async def test_a_moved_value_is_refused(run: ForeignRun, actuator: Actuator) -> None:
    with pytest.raises(ValueMoved) as moved:
        await actuator.set(API, Change(Knob.TTL, 240, 420, "s"), Reading(240, ""), "p1")
    assert moved.value.reason.params == {"expected": 240, "present": 300, "unit": "s"}
    assert run.updates == []


async def test_aborted_reads_and_checks_again_and_then_succeeds(run: ForeignRun, actuator: Actuator) -> None:
    run.overtaken, run.others_env = 1, {"MODEL": "gemini-2"}
    await actuator.set(API, TO_420, FROM_300, "p1")
    assert run.env == {**ENV, "MODEL": "gemini-2", "DEFAULT_TTL_SECONDS": "420"}  # the other edit is kept


async def test_aborted_by_somebody_who_changed_just_this_is_moved(run: ForeignRun, actuator: Actuator) -> None:
    run.overtaken, run.others_env = 1, {"DEFAULT_TTL_SECONDS": "900"}
    with pytest.raises(ValueMoved):
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert run.env["DEFAULT_TTL_SECONDS"] == "900"


async def test_aborted_again_and_again_gives_up_in_words(run: ForeignRun, actuator: Actuator) -> None:
    run.overtaken = 99
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert (failed.value.reason.code, failed.value.reason.params["times"]) == ("actuator.conflicts", 3)
    assert run.updates == []


async def test_pinned_traffic_is_refused_with_the_revision(run: ForeignRun, actuator: Actuator) -> None:
    run.pin("ion-api-00001")
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert failed.value.reason.code == "actuator.traffic_pinned"
    assert failed.value.reason.params["revision"] == "ion-api-00001"
    assert run.updates == []


async def test_a_variable_from_a_secret_is_left_alone(run: ForeignRun, actuator: Actuator) -> None:
    variable = run.service.template.containers[0].env[1]
    variable.value_source = {"secret_key_ref": {"secret": "ttl", "version": "1"}}
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert failed.value.reason.code == "actuator.variable_is_secret"
    with pytest.raises(SourceUnavailable) as unknown:  # no value is shown, and nothing is proposed from it
        await actuator.read(API)
    assert unknown.value.reason.code == "actuator.variable_is_secret"


async def test_an_operation_that_fails_says_what_serves(run: ForeignRun, actuator: Actuator) -> None:
    run.operation_error = Status(code=9, message="Quota exceeded for total allowable CPU.")
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert failed.value.reason.code == "actuator.operation_failed"
    assert failed.value.reason.params["serving"] == "ion-api-00001"
    assert "Quota" in str(failed.value.reason.params["detail"])


async def test_an_operation_that_never_ends_is_bounded(run: ForeignRun, actuator: Actuator) -> None:
    run.operation_polls = 10**9
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert failed.value.reason.code == "actuator.operation_unfinished"


async def test_a_service_that_never_settles_is_bounded(run: ForeignRun, actuator: Actuator) -> None:
    run.service.reconciling = True
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert failed.value.reason.code == "actuator.operation_unfinished"


async def test_a_revision_that_never_starts_leaves_traffic_and_can_be_undone(
    run: ForeignRun, actuator: Actuator
) -> None:
    run.revision_starts = False
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert failed.value.reason.code == "actuator.revision_not_ready"
    assert failed.value.reason.params["serving"] == "ion-api-00001"
    assert not await actuator.followed(API, Reading(420, ""))
    run.revision_starts = True
    run.service.terminal_condition.state = 4
    assert await actuator.set(API, Change(Knob.TTL, 420, 300, "s"), Reading(420, ""), "p2") == FROM_300


async def test_unavailable_in_the_middle_of_the_wait_is_waited_out(
    google: ForeignGoogle, run: ForeignRun, actuator: Actuator
) -> None:
    google.refuse("GetOperation", grpc.StatusCode.UNAVAILABLE, times=3)
    assert await actuator.set(API, TO_420, FROM_300, "p1") == Reading(420, "")
    assert len(run.updates) == 1


async def test_a_lost_answer_is_unknown_and_the_next_try_finds_out(
    google: ForeignGoogle, run: ForeignRun, actuator: Actuator
) -> None:
    """The update was taken, but its answer never came."""
    update = google.answers["UpdateService"]

    async def take_and_be_gone(raw: bytes) -> Message:
        await update(raw)
        google.answers["UpdateService"] = update
        google.refuse("Nothing", grpc.StatusCode.UNAVAILABLE)
        return await google.answers["Nothing"](raw)

    google.answers["UpdateService"] = take_and_be_gone
    with pytest.raises(SourceUnavailable):
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert await actuator.set(API, TO_420, FROM_300, "p1") == Reading(420, "")
    assert len(run.updates) == 1


async def test_a_server_without_operations_is_asked_for_the_service(google: ForeignGoogle, actuator: Actuator) -> None:
    del google.answers["GetOperation"]
    assert await actuator.set(API, TO_420, FROM_300, "p1") == Reading(420, "")


async def test_no_permission_names_the_roles(google: ForeignGoogle, actuator: Actuator) -> None:
    google.refuse("UpdateService", grpc.StatusCode.PERMISSION_DENIED, "Permission run.services.update denied")
    with pytest.raises(ActuatorFailed) as failed:
        await actuator.set(API, TO_420, FROM_300, "p1")
    assert failed.value.reason.code == "source.permission_denied"
    assert failed.value.remedy.params["role"] == "roles/run.developer, roles/iam.serviceAccountUser"


async def test_an_unknown_service_and_a_hanging_server(
    google: ForeignGoogle, clients: GoogleClients, actuator: Actuator
) -> None:
    with pytest.raises(SourceUnavailable) as unknown:
        await actuator.read(ServiceId("naeda-genesis", "us-central1", "other"))
    assert unknown.value.reason.code == "source.not_found"
    google.hang("GetService")
    with pytest.raises(SourceUnavailable) as late:
        await patient(clients, 0.3).read(API)
    assert late.value.reason.code == "source.timeout"
