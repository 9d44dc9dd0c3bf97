"""The one editor of Cloud Run services: read, check, change, UpdateService under the etag, wait, verify.

Every knob of Cloud Run goes through here, so that a lost race, a failed operation and a revision that never gets
ready are told the same way everywhere.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.cloud.run_v2 import GetServiceRequest, ServicesAsyncClient, UpdateServiceRequest
from google.longrunning.operations_pb2 import GetOperationRequest
from google.protobuf.field_mask_pb2 import FieldMask

from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import FAILURES, RUN, explain, reading, refusal
from lumen.model.messages import ActuatorFailed, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True)
class EditLimits:
    """On the wall. `conflicts`: how often an edit is tried again after somebody else's came in between.

    `send_within_seconds`: an edit is sent so long after it was asked for at most. Whoever asks holds a lease that
    outlasts it (lumen/use_cases/leases.py), and what is sent carries the etag of what was read before the clock was
    looked at: so a process that slept, in whatever place, writes nothing over what was done meanwhile.
    """

    conflicts: int = 3
    send_within_seconds: float = 10.0
    write_seconds: float = 15.0
    operation_seconds: float = 300.0
    poll_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Edit:
    """One absolute change.

    `wanted` says whether the service is already as it should be; `check` raises (ValueMoved, ActuatorFailed) when the
    premises do not hold; `apply` changes the service in place; `paths` are the fields that it touches; `in_force`
    says when it has taken effect (by default: when it is as wanted). An edit that makes a revision needs it ready.
    """

    wanted: Callable[[Any], bool]
    check: Callable[[Any], None]
    apply: Callable[[Any], None]
    paths: tuple[str, ...]
    in_force: Callable[[Any], bool] | None = None

    @property
    def makes_revision(self) -> bool:
        return any(path.startswith("template") for path in self.paths)


def _nobody(_: ServiceId) -> None:
    """Nobody keeps what was read."""


@dataclass(frozen=True, slots=True)
class CloudRunEditor:
    """Makes edits, whatever they are for."""

    services: ServicesAsyncClient
    patience: Patience = PATIENCE
    limits: EditLimits = EditLimits()
    #: Told before and after each edit: what was read of services before it does not hold any more.
    changed: Callable[[ServiceId], None] = _nobody

    async def read(self, service: ServiceId) -> Any:
        """The `Service` (proto-plus) as it is now. Raises SourceUnavailable."""
        with reading(RUN, service.name, f"{service.project}/{service.region}"):
            return await self.services.get_service(GetServiceRequest(name=service.path), **self.patience.options)

    async def make(self, service: ServiceId, edit: Edit) -> Any:
        """The service after the edit, settled and ready.

        Effectively once: a repeat finds the change in place, sends nothing, and waits for it to settle. Raises what
        `edit.check` raises; ActuatorFailed (refused, failed, never ready: the sentence says what serves now);
        SourceUnavailable when it is not known whether the change was taken: call again.
        """
        until = time.monotonic() + self.limits.send_within_seconds
        now = await self.read(service)
        for attempt in range(self.limits.conflicts + 1):
            edit.check(now)
            if edit.wanted(now):
                break
            if time.monotonic() >= until:
                raise self._too_slow(service)
            try:
                await self._finish(service, await self._sent(service, now, edit))
                break
            except exceptions.Aborted:
                # Somebody else edited the service since it was read: read and check afresh.
                await asyncio.sleep(self.limits.poll_seconds * attempt / 2)
                now = await self.read(service)
        else:
            raise ActuatorFailed(
                *with_remedy("actuator.conflicts", service=service.name, times=self.limits.conflicts + 1)
            )
        try:
            return await self._settled(service, edit)
        finally:
            self.changed(service)

    async def _sent(self, service: ServiceId, now: Any, edit: Edit) -> Any:
        try:
            return await self._send(service, now, edit)
        finally:
            self.changed(service)  # also where nobody knows whether it was taken

    async def rehearse(self, service: ServiceId, edit: Edit) -> bool:
        """Whether there would be anything to do. Raises what `make` would raise before it writes."""
        now = await self.read(service)
        edit.check(now)
        return not edit.wanted(now)

    async def _send(self, service: ServiceId, now: Any, edit: Edit) -> Any:
        """The raw long-running operation. `now` carries the etag under which it was read. Raises Aborted."""
        edit.apply(now)
        paths = list(edit.paths)
        if edit.makes_revision and now.template.revision:
            # A name that somebody gave the present revision cannot be used again for another one.
            now.template.revision = ""
            paths.append("template.revision")
        try:
            operation = await self.services.update_service(
                UpdateServiceRequest(service=now, update_mask=FieldMask(paths=paths)),
                retry=None,
                timeout=self.limits.write_seconds,
            )
        except exceptions.Aborted:
            raise
        except FAILURES as error:
            raise self._refusal(error, service) from error
        return operation.operation

    async def _finish(self, service: ServiceId, operation: Any) -> None:
        """Wait for the operation. Raises ActuatorFailed when it failed or does not end."""
        until = time.monotonic() + self.limits.operation_seconds
        while not operation.done:
            if time.monotonic() >= until:
                raise self._unfinished(service)
            await asyncio.sleep(self.limits.poll_seconds)
            try:
                operation = await self.services.get_operation(
                    GetOperationRequest(name=operation.name), retry=None, timeout=self.patience.attempt_seconds
                )
            except (exceptions.MethodNotImplemented, exceptions.NotFound):
                return  # no operation to look at: the service itself tells how it went
            except FAILURES as error:
                if not explain(error, RUN, "", "").unanswered:
                    raise self._refusal(error, service) from error
        if operation.HasField("error"):
            raise await self._operation_failed(service, operation.error)

    async def _settled(self, service: ServiceId, edit: Edit) -> Any:
        """Wait until Cloud Run has taken the change and it is in force. Raises ActuatorFailed when it never is."""
        until = time.monotonic() + self.limits.operation_seconds
        now = await self.read(service)
        while not reader.is_settled(now) or not (edit.in_force or edit.wanted)(now):
            if reader.is_settled(now):
                self._check_kept(service, edit, now)
            if time.monotonic() >= until:
                raise self._unfinished(service)
            await asyncio.sleep(self.limits.poll_seconds)
            now = await self.read(service)
        self._check_ready(edit, now)
        return now

    @staticmethod
    def _check_kept(service: ServiceId, edit: Edit, now: Any) -> None:
        if not edit.wanted(now):
            raise ActuatorFailed(*with_remedy("actuator.overwritten", service=service.name))

    @staticmethod
    def _check_ready(edit: Edit, now: Any) -> None:
        if edit.makes_revision and not reader.is_ready(now):
            raise ActuatorFailed(
                *with_remedy(
                    "actuator.revision_not_ready",
                    created=reader.short(now.latest_created_revision),
                    serving=reader.short(now.latest_ready_revision),
                    detail=now.terminal_condition.message[:240],
                )
            )

    async def _operation_failed(self, service: ServiceId, error: Any) -> ActuatorFailed:
        try:
            serving = reader.short((await self.read(service)).latest_ready_revision)
        except SourceUnavailable:
            serving = "?"
        return ActuatorFailed(
            *with_remedy(
                "actuator.operation_failed",
                service=service.name,
                code=error.code,
                detail=error.message[:240],
                serving=serving,
                region=service.region,
            )
        )

    def _unfinished(self, service: ServiceId) -> ActuatorFailed:
        return ActuatorFailed(
            *with_remedy(
                "actuator.operation_unfinished",
                service=service.name,
                waited_seconds=self.limits.operation_seconds,
                region=service.region,
            )
        )

    def _too_slow(self, service: ServiceId) -> SourceUnavailable:
        return SourceUnavailable(
            *with_remedy("actuator.too_slow", service=service.name, waited_seconds=self.limits.send_within_seconds)
        )

    @staticmethod
    def _refusal(error: BaseException, service: ServiceId) -> ActuatorFailed | SourceUnavailable:
        return refusal(error, RUN, service.name, f"{service.project}/{service.region}")
