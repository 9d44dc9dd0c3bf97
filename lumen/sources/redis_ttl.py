"""The TTL setting as it stands in the cache's Redis, and what the service acknowledged (docs/ion-contract.md)."""

from collections.abc import Awaitable, Callable, Sequence

from redis.asyncio import Redis

from lumen.model import ion
from lumen.model.errors import SourceUnavailable
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.vendors.google_errors import no_data
from lumen.vendors.redis_errors import place, reading

#: What the service's environment says (None: the variable is not set, or cannot be read just now).
EnvironmentTtl = Callable[[ServiceId], Awaitable[int | None]]


class RedisTtl:
    """Implements the TtlSource port.

    On a fresh installation nobody has written the hash: then the environment's TTL is in force, version 0; where that
    cannot be read, `default_seconds`.
    """

    def __init__(self, redis: "Redis", default_seconds: int, environment: EnvironmentTtl | None = None) -> None:
        self._redis = redis
        self._default_seconds = default_seconds
        self._environment = environment
        self._where = place(redis)

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        """One round trip; a setting that is no number is NoData, never a guess."""
        try:
            with reading(self._where):
                pipeline = self._redis.pipeline(transaction=False)
                pipeline.hmget(ion.CONFIG_KEY, ["value", "version"])
                pipeline.hmget(ion.ACK_KEY, ["value", "version"])
                setting, acknowledged = await pipeline.execute()
            value, version = self._whole(ion.CONFIG_KEY, setting)
            ack_value, ack_version = self._whole(ion.ACK_KEY, acknowledged)
        except SourceUnavailable as error:
            return no_data(error)
        if value is None:
            value = await self._fallen_back(service)
        return TtlSetting(value, version or ion.NO_VERSION, ack_value, ack_version)

    async def _fallen_back(self, service: ServiceId) -> int:
        told = await self._environment(service) if self._environment else None
        return self._default_seconds if told is None else told

    def _whole(self, key: str, fields: Sequence[str | None]) -> tuple[int | None, int | None]:
        """`value` and `version` as integers. Raises SourceUnavailable for anything else that stands there."""
        try:
            value, version = (None if field is None else int(field) for field in fields)
        except ValueError as error:
            raise SourceUnavailable(
                message("source.setting_damaged", key=key, where=self._where, found=str(list(fields))[:80]),
                message("source.setting_damaged_remedy", key=key),
            ) from error
        return value, version
