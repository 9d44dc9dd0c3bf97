"""One Cloud Run service with its revisions, and the change that is under way."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from google.rpc.status_pb2 import Status

from sandbox.google.numbers import number_of
from sandbox.google.operations import Operation
from sandbox.google.run.messages import (
    FAILED,
    LATEST,
    RECONCILING,
    REVISION,
    SUCCEEDED,
    Revision,
    Service,
)
from sandbox.google.times import put

# Fields that a RevisionTemplate and a Revision have in common.
_FROM_TEMPLATE = (
    "labels",
    "annotations",
    "scaling",
    "vpc_access",
    "timeout",
    "service_account",
    "containers",
    "volumes",
    "execution_environment",
    "max_instance_request_concurrency",
    "session_affinity",
)


@dataclass(slots=True)
class Change:
    """A change that takes effect at `due` (seconds of service time)."""

    due: float
    operation: Operation | None
    revision: str | None  # the short name of the new revision, if there is one
    failure: str | None  # why the new revision does not start


# The reason why a revision will not start, or None; asked when it is made.
StartFault = Callable[[Any], str | None]


class ServiceResource:
    """State and its transitions. `message` is what GetService answers."""

    def __init__(self, message: Any, now: float) -> None:
        """`message` needs name, template, and may have traffic and scaling; everything else is filled in here."""
        self.message = message
        self.revisions: dict[str, Any] = {}  # by short name, oldest first
        self.changes: list[Change] = []
        self._edits = 0
        message.uid = str(uuid5(NAMESPACE_URL, message.name))
        message.generation = message.generation or 1
        message.creator = message.creator or "deployer@naeda-genesis.iam.gserviceaccount.com"
        message.uri = f"https://{self.short_name}-sandbox-uc.a.run.app"
        _, project, _, region, *_ = message.name.split("/")
        message.urls[:] = [f"https://{self.short_name}-{number_of(project)}.{region}.run.app", message.uri]
        message.launch_stage = 4  # GA
        message.ingress = 1  # all
        put(message.create_time, now)
        self.touch(now)

    @property
    def name(self) -> str:
        return str(self.message.name)

    @property
    def short_name(self) -> str:
        return self.name.rsplit("/", 1)[-1]

    def touch(self, now: float) -> None:
        """A new etag and update time."""
        self._edits += 1
        mark = sha256(f"{self.name}/{self._edits}/{now}".encode()).hexdigest()
        self.message.etag = f'"{mark[:22]}"'
        put(self.message.update_time, now)

    def add_revision(self, name: str, template: Any, now: float) -> Any:
        """Make a revision from a template; not ready yet."""
        revision = Revision(name=f"{self.name}/revisions/{name}", service=self.short_name, reconciling=True)
        revision.uid = str(uuid5(NAMESPACE_URL, revision.name))
        revision.generation = 1
        for field in _FROM_TEMPLATE:
            _copy_field(template, revision, field)
        put(revision.create_time, now)
        put(revision.update_time, now)
        revision.etag = f'"{sha256(revision.name.encode()).hexdigest()[:22]}"'
        _condition(revision.conditions.add(), "Ready", RECONCILING, "", now)
        self.revisions[name] = revision
        self.message.latest_created_revision = revision.name
        return revision

    def settle_revision(self, name: str, failure: str | None, now: float) -> None:
        """The revision is ready, or its start failed for the reason given."""
        revision = self.revisions[name]
        revision.reconciling = False
        revision.observed_generation = revision.generation
        del revision.conditions[:]
        state = SUCCEEDED if failure is None else FAILED
        _condition(revision.conditions.add(), "Ready", state, failure or "", now)
        if failure is None:
            _condition(revision.conditions.add(), "ContainerHealthy", SUCCEEDED, "", now)
            self.message.latest_ready_revision = revision.name

    def reconcile(self, now: float) -> None:
        """The change was accepted and is under way."""
        self.message.generation += 1
        self.message.reconciling = True
        _condition(self.message.terminal_condition, "Ready", RECONCILING, "Deploying.", now)
        self.touch(now)

    def finish(self, change: Change, now: float) -> None:
        """The change has taken effect, or has failed."""
        if change.revision is not None:
            self.settle_revision(change.revision, change.failure, now)
        if change in self.changes:
            self.changes.remove(change)
        message = self.message
        if change.failure is None:
            self.route()
        if not self.changes:
            message.reconciling = False
            message.observed_generation = message.generation
            self._conditions(change.failure, now)
        self.touch(now)
        self._answer(change)

    def _conditions(self, failure: str | None, now: float) -> None:
        message = self.message
        _condition(message.terminal_condition, "Ready", SUCCEEDED if failure is None else FAILED, failure or "", now)
        del message.conditions[:]
        _condition(message.conditions.add(), "RoutesReady", SUCCEEDED, "", now)
        state = SUCCEEDED if failure is None else FAILED
        _condition(message.conditions.add(), "ConfigurationsReady", state, failure or "", now)

    def _answer(self, change: Change) -> None:
        operation = change.operation
        if operation is None:
            return
        copy = Service()
        copy.CopyFrom(self.message)
        operation.metadata = copy
        if change.failure is None:
            operation.response = copy
        else:
            operation.error = Status(code=9, message=change.failure)

    def route(self) -> None:
        """Bring traffic_statuses in line with the wanted traffic; LATEST means the latest ready revision."""
        latest = self.message.latest_ready_revision.rsplit("/", 1)[-1]
        statuses = self.message.traffic_statuses
        del statuses[:]
        if not self.message.traffic:
            statuses.add(type_=LATEST, revision=latest, percent=100)
        for target in self.message.traffic:
            status = statuses.add(type_=target.type_, percent=target.percent, tag=target.tag)
            status.revision = target.revision if target.type_ == REVISION else latest
            if target.tag:
                status.uri = self.message.uri.replace("https://", f"https://{target.tag}---")

    def shares(self) -> dict[str, float]:
        """Short revision name → share of traffic (0-1) that it serves now; only those that get some."""
        found: dict[str, float] = {}
        for status in self.message.traffic_statuses:
            if status.percent:
                found[status.revision] = found.get(status.revision, 0.0) + status.percent / 100
        return found


def _copy_field(source: Any, target: Any, field: str) -> None:
    descriptor = source.DESCRIPTOR.fields_by_name[field]
    if descriptor.is_repeated:
        getattr(target, field).MergeFrom(getattr(source, field))
    elif descriptor.message_type is not None:
        if source.HasField(field):
            getattr(target, field).CopyFrom(getattr(source, field))
    else:
        setattr(target, field, getattr(source, field))


def _condition(condition: Any, kind: str, state: int, message: str, now: float) -> None:
    condition.type_ = kind
    condition.state = state
    condition.message = message
    put(condition.last_transition_time, now)


def environment(message: Any) -> dict[str, str]:
    """The first container's plain variables, of a template or a revision."""
    return {env.name: env.value for env in message.containers[0].env} if message.containers else {}
