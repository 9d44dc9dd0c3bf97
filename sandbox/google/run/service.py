"""google.cloud.run.v2 Services and Revisions."""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from random import Random
from typing import Any
from uuid import UUID

from google.cloud.run_v2 import RevisionsAsyncClient, ServicesAsyncClient
from google.iam.v1 import iam_policy_pb2
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from sandbox.google.masks import copy_masked
from sandbox.google.operations import Operation, Operations
from sandbox.google.paging import page
from sandbox.google.refusal import aborted, failed_precondition, not_found
from sandbox.google.run.checks import check_revision_name, check_service
from sandbox.google.run.messages import Service
from sandbox.google.run.resource import Change, ServiceResource, StartFault
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn

# The transport does not tell this request's type: it is raw IAM.
_TEST_IAM = Rpc(
    "/google.cloud.run.v2.Services/TestIamPermissions",
    iam_policy_pb2.TestIamPermissionsRequest,
    iam_policy_pb2.TestIamPermissionsResponse,
)
_LETTERS = "bcdfghjklmnpqrstvwxz"
# Fields that a client may set; the rest is output only.
_MUTABLE = (
    "description",
    "labels",
    "annotations",
    "client",
    "client_version",
    "ingress",
    "launch_stage",
    "template",
    "traffic",
    "scaling",
    "custom_audiences",
    "invoker_iam_disabled",
    "default_uri_disabled",
)


class Outcome(StrEnum):
    """The fate of an update that was accepted: nothing is changed; it is stuck until it is let go; it is changed,
    but what it makes does not start."""

    FAILS = "fails"
    NEVER_ENDS = "never_ends"
    NEVER_READY = "never_ready"


INTERNAL = 13
INTERNAL_ERROR = "Internal error. Please try again later."
NOT_READY = "The user-provided container failed the configured startup probe checks."


class CloudRun:
    """All services of the project."""

    def __init__(
        self,
        now: Callable[[], float],
        operations: Operations,
        random: Random,
        deploy_seconds: float,
        change_seconds: float,
    ) -> None:
        """Durations of a new revision and of any other change, in seconds of service time."""
        self.services: dict[str, ServiceResource] = {}
        self.start_fault: StartFault = lambda _revision: None
        self.on_change: Callable[[ServiceResource], None] = lambda _service: None
        self.may: Callable[[str], bool] = lambda _permission: True
        self.deploy_seconds = deploy_seconds
        self.change_seconds = change_seconds
        #: For the next updates, one each.
        self.outcomes: list[Outcome] = []
        self._now = now
        self._operations = operations
        self._random = random
        self.service_rpcs: Mapping[str, Rpc] = {
            **learn(ServicesAsyncClient.get_transport_class("grpc_asyncio")),
            "TestIamPermissions": _TEST_IAM,
        }
        self.revision_rpcs: Mapping[str, Rpc] = learn(RevisionsAsyncClient.get_transport_class("grpc_asyncio"))
        self.service_methods: Mapping[str, Method] = {
            "GetService": self.get_service,
            "ListServices": self.list_services,
            "UpdateService": self.update_service,
            "TestIamPermissions": self.test_iam_permissions,
        }
        self.revision_methods: Mapping[str, Method] = {
            "GetRevision": self.get_revision,
            "ListRevisions": self.list_revisions,
        }

    # Time

    def advance(self) -> None:
        """Let happen what is due by now."""
        now = self._now()
        for service in self.services.values():
            for change in [c for c in service.changes if c.due <= now]:
                service.finish(change, now)
                self.on_change(service)

    # Reading

    def _service(self, name: str) -> ServiceResource:
        found = self.services.get(name)
        if found is None:
            project, location, short = _parts(name)
            raise not_found(
                f"Resource '{short}' of kind 'SERVICE' in region '{location}' in project '{project}' does not exist."
            )
        return found

    def get_service(self, request: Any) -> Any:
        return self._service(request.name).message

    def list_services(self, request: Any) -> Any:
        here = [s.message for n, s in sorted(self.services.items()) if n.startswith(request.parent + "/services/")]
        shown, token = page(here, request.page_size, request.page_token, request.parent.encode(), 1000)
        response = self.service_rpcs["ListServices"].response(next_page_token=token)
        response.services.extend(shown)
        return response

    def get_revision(self, request: Any) -> Any:
        service, _, short = request.name.partition("/revisions/")
        found = self._service(service).revisions.get(short)
        if found is None:
            raise not_found(f"Resource '{short}' of kind 'REVISION' does not exist.")
        return found

    def list_revisions(self, request: Any) -> Any:
        """Newest first; `services/-` lists those of every service."""
        location, _, short = request.parent.partition("/services/")
        owners = [s for n, s in self.services.items() if n.startswith(location + "/")]
        owners = owners if short == "-" else [self._service(request.parent)]
        found = [r for s in owners for r in s.revisions.values()]
        found.sort(key=lambda r: (r.create_time.seconds, r.create_time.nanos, r.name), reverse=True)
        shown, token = page(found, request.page_size, request.page_token, request.parent.encode(), 1000)
        response = self.revision_rpcs["ListRevisions"].response(next_page_token=token)
        response.revisions.extend(shown)
        return response

    def test_iam_permissions(self, request: Any) -> Any:
        """Those of the permissions asked about that the caller has."""
        self._service(request.resource)
        return _TEST_IAM.response(permissions=[p for p in request.permissions if self.may(p)])

    # Changing

    def update_service(self, request: Any) -> Any:
        """A long-running operation. Everything that can be refused is refused before it starts."""
        service = self._service(request.service.name)
        current = service.message
        if request.service.etag and request.service.etag != current.etag:
            raise aborted(
                f"Conflict for resource '{service.short_name}': version '{request.service.etag}' was specified but "
                f"current version is '{current.etag}'."
            )
        wanted = Service()
        wanted.CopyFrom(current)
        paths = list(request.update_mask.paths)
        copy_masked(request.service, wanted, _MUTABLE if not paths or paths == ["*"] else paths)
        _keep_output(current, wanted)
        check_service(wanted, service.short_name, service.revisions)
        new_revision = _template_changed(current, wanted)
        if new_revision:
            check_revision_name(wanted.template.revision, service.short_name, service.revisions)
        if request.validate_only:
            return self._validated(service, wanted)
        operation = self._start(service, wanted)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is Outcome.FAILS:
            operation.error = Status(code=INTERNAL, message=INTERNAL_ERROR)
        else:
            self._apply(service, wanted, new_revision, operation, outcome)
        return operation.message()

    def let_go(self) -> None:
        """Let stuck updates take effect; later ones work as ever."""
        self.outcomes.clear()
        for service in self.services.values():
            for change in service.changes:
                change.due = min(change.due, self._now())
        self.advance()

    def _validated(self, service: ServiceResource, wanted: Any) -> Any:
        operation = Operation(self._operation_name(service), wanted, response=wanted)
        return operation.message()

    def _operation_name(self, service: ServiceResource) -> str:
        location = service.name.partition("/services/")[0]
        return f"{location}/operations/{UUID(int=self._random.getrandbits(128), version=4)}"

    def _start(self, service: ServiceResource, wanted: Message) -> Operation:
        return self._operations.start(self._operation_name(service), wanted)

    def _apply(
        self,
        service: ServiceResource,
        wanted: Any,
        new_revision: bool,
        operation: Operation | None,
        outcome: Outcome | None = None,
    ) -> str | None:
        """Returns the short name of the new revision, if there is one."""
        now = self._now()
        if wanted.SerializeToString(deterministic=True) == service.message.SerializeToString(deterministic=True):
            if operation is not None:
                operation.response = wanted  # nothing to do: done at once, no new generation, no new etag
            return None
        service.message.CopyFrom(wanted)
        service.reconcile(now)
        name: str | None = None
        failure: str | None = None
        if new_revision:
            name = wanted.template.revision or self._revision_name(service)
            failure = self.start_fault(service.add_revision(name, wanted.template, now))
        due = now + (self.deploy_seconds if new_revision else self.change_seconds)
        if outcome is Outcome.NEVER_ENDS:
            due = math.inf
        if outcome is Outcome.NEVER_READY:
            failure = NOT_READY
        service.changes.append(Change(due, operation, name, failure))
        if operation is not None:
            copy = Service()
            copy.CopyFrom(service.message)
            operation.metadata = copy
        return name

    def _revision_name(self, service: ServiceResource) -> str:
        number = max((_number(r) for r in service.revisions), default=0) + 1
        return f"{service.short_name}-{number:05d}-{''.join(self._random.choices(_LETTERS, k=3))}"

    def deploy(self, name: str, image: str) -> str:
        """A release by the service's own pipeline, as `gcloud run deploy --image` does. Returns the revision's name."""
        service = self._service(name)
        if not service.message.template.containers:
            raise failed_precondition(f"{name} has no container.")
        wanted = Service()
        wanted.CopyFrom(service.message)
        wanted.template.containers[0].image = image
        wanted.template.revision = ""
        made = self._apply(service, wanted, True, None)
        return made or ""


def _keep_output(current: Any, wanted: Any) -> None:
    """A mask may name output-only fields; they stay as they are."""
    kept = Service()
    kept.CopyFrom(current)
    copy_masked(wanted, kept, _MUTABLE)
    wanted.CopyFrom(kept)


def _template_changed(current: Any, wanted: Any) -> bool:
    before: bytes = current.template.SerializeToString(deterministic=True)
    after: bytes = wanted.template.SerializeToString(deterministic=True)
    return before != after


def _number(revision: str) -> int:
    parts = revision.rsplit("-", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


def _parts(name: str) -> tuple[str, str, str]:
    """(project, location, short name) of a service's name, "" where it is none."""
    pieces = name.split("/")
    return (pieces[1], pieces[3], pieces[5]) if len(pieces) == 6 else ("", "", name)
