"""Sets the memory limit of a Memorystore instance (`maxmemory-gb`): read, merge, write, wait, read back.

Memorystore blocks CONFIG; its settings are those of the instance, and outlive restarts and failovers.
"""

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.longrunning.operations_pb2 import GetOperationRequest
from google.protobuf.field_mask_pb2 import FieldMask

from lumen.adapters.cache.client import reading as redis_reading
from lumen.adapters.cache.servers import CacheClient, primaries
from lumen.adapters.checks import check_moved, check_room, would
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import FAILURES, MEMORYSTORE, explain, reading, refusal
from lumen.model.messages import ActuatorFailed, Message, message, with_remedy
from lumen.model.proposal import Change, number
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading

CONFIG = "maxmemory-gb"
MB_IN_GB = 1024
MB = 2**20


@dataclass(frozen=True, slots=True)
class MemorystoreLimits:
    """On the wall. A change of an instance takes minutes."""

    write_seconds: float = 15.0
    change_seconds: float = 900.0
    poll_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class MemorystoreActuator:
    """Implements the Actuator port; values are MB of 2**20 bytes. `redis` tells how much the server uses.

    `client`: a CloudRedisAsyncClient; `instance`: projects/…/locations/…/instances/…
    """

    name = "memorystore"

    client: Any
    instance: str
    redis: CacheClient
    patience: Patience = PATIENCE
    limits: MemorystoreLimits = MemorystoreLimits()

    async def read(self, service: ServiceId) -> Reading:
        """The configured limit; all of the instance where none is configured. Raises SourceUnavailable."""
        del service
        return Reading(_limit_mb(await self._now()), "")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Compare, UpdateInstance with the whole map merged, wait, read back. A repeat finds the value in place, or
        waits for the change that is under way.

        An instance has no etag: between reading and writing a person could get in. Raises ValueMoved, ActuatorFailed
        (below what is used, above what the instance has, refused, failed), SourceUnavailable (call again).
        """
        del proposal_id
        now = await self._settled()
        if await self._anything(now, change, expected):
            await self._finish(await self._send(now, number(change.new)))
            now = await self._settled()
        if _limit_mb(now) != change.new:
            raise ActuatorFailed(*with_remedy("actuator.overwritten", service=self._short))
        return await self.read(service)

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        del service
        now = await self._now()
        return _is_ready(now) and _limit_mb(now) == wanted.value

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        del service
        return would(self._short, change, anything=await self._anything(await self._now(), change, expected))

    @property
    def _short(self) -> str:
        return self.instance.rpartition("/")[2]

    @property
    def _where(self) -> str:
        return f"{self.instance.split('/')[1]}/{self._region}"

    @property
    def _region(self) -> str:
        return self.instance.partition("/locations/")[2].partition("/")[0]

    async def _anything(self, now: Any, change: Change, expected: Reading) -> bool:
        wanted_mb = number(change.new)
        check_moved(_limit_mb(now), change, expected)
        if wanted_mb > now.memory_size_gb * MB_IN_GB:
            raise ActuatorFailed(
                *with_remedy(
                    "actuator.instance_too_small",
                    instance=self._short,
                    wanted_mb=wanted_mb,
                    size_gb=now.memory_size_gb,
                    region=self._region,
                    needed_gb=math.ceil(wanted_mb / MB_IN_GB),
                )
            )
        with redis_reading(self.redis):
            async with primaries(self.redis) as servers:
                used = sum([int((await server.info("memory"))["used_memory"]) for server in servers])
        check_room(wanted_mb, used / MB)
        return _limit_mb(now) != wanted_mb

    async def _now(self) -> Any:
        with reading(MEMORYSTORE, self._short, self._where):
            return await self.client.get_instance({"name": self.instance}, **self.patience.options)

    async def _settled(self) -> Any:
        """The instance when nothing is being changed. Raises ActuatorFailed when that does not end."""
        until = time.monotonic() + self.limits.change_seconds
        while not _is_ready(now := await self._now()):
            if time.monotonic() >= until:
                raise self._unfinished()
            await asyncio.sleep(self.limits.poll_seconds)
        return now

    async def _send(self, now: Any, wanted_mb: int) -> Any:
        """The raw operation. What the map leaves out would go back to its default, so all of it is sent."""
        merged = dict(now.redis_configs) | {CONFIG: _gb(wanted_mb)}
        try:
            operation = await self.client.update_instance(
                {
                    "instance": {"name": self.instance, "redis_configs": merged},
                    "update_mask": FieldMask(paths=["redis_configs"]),
                },
                retry=None,
                timeout=self.limits.write_seconds,
            )
        except FAILURES as error:
            raise refusal(error, MEMORYSTORE, self._short, self._where) from error
        return operation.operation

    async def _finish(self, operation: Any) -> None:
        until = time.monotonic() + self.limits.change_seconds
        while not operation.done:
            if time.monotonic() >= until:
                raise self._unfinished()
            await asyncio.sleep(self.limits.poll_seconds)
            try:
                operation = await self.client.get_operation(
                    GetOperationRequest(name=operation.name), retry=None, timeout=self.patience.attempt_seconds
                )
            except (exceptions.MethodNotImplemented, exceptions.NotFound):
                return  # no operation to look at: the instance itself tells how it went
            except FAILURES as error:
                if not explain(error, MEMORYSTORE, "", "").unanswered:
                    raise refusal(error, MEMORYSTORE, self._short, self._where) from error
        if operation.HasField("error"):
            failure = operation.error
            raise ActuatorFailed(
                message(
                    "actuator.instance_failed", instance=self._short, code=failure.code, detail=failure.message[:240]
                ),
                message("actuator.instance_remedy", instance=self._short, region=self._region),
            )

    def _unfinished(self) -> ActuatorFailed:
        return ActuatorFailed(
            message("actuator.instance_unfinished", instance=self._short, waited_seconds=self.limits.change_seconds),
            message("actuator.instance_remedy", instance=self._short, region=self._region),
        )


def _is_ready(instance: Any) -> bool:
    return bool(instance.state.name == "READY")


def _limit_mb(instance: Any) -> int:
    told = instance.redis_configs.get(CONFIG)
    return round(float(told or instance.memory_size_gb) * MB_IN_GB)


def _gb(limit_mb: int) -> str:
    """As Memorystore writes it: 384 MB is "0.375". Four digits are exact to a tenth of a MB."""
    return f"{limit_mb / MB_IN_GB:.4f}".rstrip("0").rstrip(".")
