"""One Cloud Run service behind a ForeignGoogle: keeps a service under an etag, and fails in the ways a test names."""

from datetime import UTC, datetime
from typing import Any

import grpc
from google.cloud.run_v2 import (
    Condition,
    GetServiceRequest,
    ListRevisionsResponse,
    ListServicesResponse,
    Revision,
    Service,
    TrafficTarget,
    TrafficTargetAllocationType,
    UpdateServiceRequest,
)
from google.longrunning.operations_pb2 import GetOperationRequest, Operation
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from lumen.model.service import ServiceId
from tests.foreign_google import ForeignGoogle, Refused

LATEST = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
REVISION = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


def service_with(service: ServiceId, env: dict[str, str]) -> Service:
    """A settled service at revision 1."""
    return Service(
        name=service.path,
        generation=1,
        observed_generation=1,
        etag='"1"',
        labels={"team": "mentoring"},
        template={
            "containers": [
                {
                    "image": "gcr.io/ion/api@sha256:aa",
                    "ports": [{"container_port": 8080}],
                    "env": [{"name": name, "value": value} for name, value in env.items()],
                    "resources": {"limits": {"cpu": "1000m", "memory": "512Mi"}},
                }
            ]
        },
        traffic=[{"type_": LATEST, "percent": 100}],
        traffic_statuses=[{"type_": LATEST, "percent": 100, "revision": f"{service.name}-00001"}],
        latest_ready_revision=f"{service.path}/revisions/{service.name}-00001",
        latest_created_revision=f"{service.path}/revisions/{service.name}-00001",
        terminal_condition={"type_": "Ready", "state": Condition.State.CONDITION_SUCCEEDED},
    )


class ForeignRun:
    """`updates` holds every accepted UpdateService request."""

    def __init__(self, google: ForeignGoogle, service: ServiceId, env: dict[str, str]) -> None:
        self.service: Any = service_with(service, env)  # proto-plus: assigning to a field converts
        self.updates: list[UpdateServiceRequest] = []
        #: How many updates somebody else gets in before.
        self.overtaken = 0
        #: What that somebody changes.
        self.others_env: dict[str, str] = {}
        self.operation_polls = 1
        self.operation_error: Status | None = None
        self.revision_starts = True
        #: Whether what is served follows what was asked for.
        self.traffic_moves = True
        #: Whether somebody puts everything back straight after.
        self.overwritten = False
        self._operations: dict[str, int] = {}
        google.answers |= {
            "GetService": self._get,
            "ListServices": self._list,
            "ListRevisions": self._revisions,
            "UpdateService": self._update,
            "GetOperation": self._operation,
        }

    def pin(self, revision: str) -> None:
        """Point all traffic at one revision."""
        self.service.traffic = [TrafficTarget(type_=REVISION, revision=revision, percent=100)]
        self.service.traffic_statuses = [{"type_": REVISION, "revision": revision, "percent": 100}]

    @property
    def env(self) -> dict[str, str]:
        return {v.name: v.value for v in self.service.template.containers[0].env}

    async def _get(self, raw: bytes) -> Message:
        if GetServiceRequest.deserialize(raw).name != self.service.name:
            raise Refused(grpc.StatusCode.NOT_FOUND, "Service not found.")
        pb: Message = Service.pb(self.service)
        return pb

    async def _list(self, _raw: bytes) -> Message:
        pb: Message = ListServicesResponse.pb(ListServicesResponse(services=[self.service]))
        return pb

    async def _revisions(self, _raw: bytes) -> Message:
        revisions = [
            Revision(
                name=f"{self.service.name}/revisions/{self._short}-0000{n}",
                service=self._short,
                create_time=datetime(2026, 11, n, tzinfo=UTC),
                containers=[{"image": f"gcr.io/ion/api@sha256:{n}"}],
            )
            for n in (1, 3, 2)
        ]
        pb: Message = ListRevisionsResponse.pb(ListRevisionsResponse(revisions=revisions))
        return pb

    async def _update(self, raw: bytes) -> Any:
        request = UpdateServiceRequest.deserialize(raw)
        if self.overtaken > 0:
            self.overtaken -= 1
            self._edited_by_another()
        if request.service.etag != self.service.etag:
            raise Refused(grpc.StatusCode.ABORTED, f"Conflict for resource '{self._short}'")
        self.updates.append(request)
        name = f"operations/{len(self.updates)}"
        self._operations[name] = 0
        if self.operation_error is None:
            self._carry_out(request)
        return Operation(name=name, done=False)

    async def _operation(self, raw: bytes) -> Any:
        name = GetOperationRequest.FromString(raw).name
        self._operations[name] += 1
        done = self._operations[name] >= self.operation_polls
        if done and self.operation_error is not None:
            return Operation(name=name, done=True, error=self.operation_error)
        return Operation(name=name, done=done)

    def _carry_out(self, request: UpdateServiceRequest) -> None:
        mine, theirs = self.service, request.service
        before = Service(mine)
        for path in request.update_mask.paths:
            part, _, field = path.partition(".")
            if field:
                setattr(getattr(mine, part), field, getattr(getattr(theirs, part), field))
            else:
                setattr(mine, part, getattr(theirs, part))
        self._bump()
        if "traffic" in request.update_mask.paths:
            self._serve()
        if any(path.startswith("template") for path in request.update_mask.paths):
            self._make_revision()
        if self.overwritten:
            self.service = before
            self._bump()

    def _serve(self) -> None:
        if self.traffic_moves:
            newest = self.service.latest_ready_revision.rsplit("/", 1)[-1]
            self.service.traffic_statuses = [
                {"type_": t.type_, "percent": t.percent, "revision": t.revision or newest} for t in self.service.traffic
            ]

    def _make_revision(self) -> None:
        mine = self.service
        created = f"{mine.name}/revisions/{self._short}-{mine.generation:05d}"
        mine.latest_created_revision = created
        if self.revision_starts:
            mine.latest_ready_revision = created
            mine.traffic_statuses = [{"type_": LATEST, "percent": 100, "revision": created.rsplit("/", 1)[-1]}]
        else:
            mine.terminal_condition.state = Condition.State.CONDITION_FAILED
            mine.terminal_condition.message = "The user-provided container failed to start and listen on the port."

    def _edited_by_another(self) -> None:
        for name, value in self.others_env.items():
            for variable in self.service.template.containers[0].env:
                if variable.name == name:
                    variable.value = value
        self._bump()

    def _bump(self) -> None:
        self.service.generation += 1
        self.service.observed_generation = self.service.generation
        self.service.etag = f'"{self.service.generation}"'

    @property
    def _short(self) -> str:
        return str(self.service.name).rsplit("/", 1)[-1]
