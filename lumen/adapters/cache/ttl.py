"""The TTL setting in the cache's Redis (docs/ion-contract.md): read with its acknowledgement, set by one script."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from lumen.adapters.cache.client import FAILURES, explain, place, reading, refusal
from lumen.adapters.checks import no_data, would
from lumen.model import ion_contract
from lumen.model.messages import ActuatorFailed, Message, NoData, SourceUnavailable, ValueMoved, with_remedy
from lumen.model.proposal import Change, number
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.ports.actuators import Reading
from lumen.ports.sources import TtlSource

#: KEYS[1] the setting; ARGV: expected value, expected version, new value, proposal id, channel.
#: An absent hash has version 0 and the environment's value, which this server cannot check.
#: Returns {outcome, value, version}; `again` = this very proposal has already written the value that stands.
SCRIPT = """
local now = redis.call('HMGET', KEYS[1], 'value', 'version', 'proposal')
local version = now[2] or '0'
-- The mark alone is no proof: ids begin again with a new epoch of the state store.
local next_version = string.format('%d', tonumber(ARGV[2]) + 1)
if now[3] == ARGV[4] and now[1] == ARGV[3] and version == next_version then return {'again', now[1], version} end
if version ~= ARGV[2] or (now[1] and now[1] ~= ARGV[1]) then
    return {'moved', now[1] or '', version}
end
redis.call('HSET', KEYS[1], 'value', ARGV[3], 'version', next_version, 'proposal', ARGV[4])
-- Whoever may not publish may still set: the service reads by itself every 30 s.
redis.pcall('PUBLISH', ARGV[5], ARGV[3])
return {'set', ARGV[3], next_version}
"""


@dataclass(frozen=True, slots=True)
class RedisTtlActuator:
    """Implements the Actuator port for the TTL. `ttl` reads the setting that this one writes."""

    name = "redis"

    redis: Redis
    ttl: TtlSource

    async def read(self, service: ServiceId) -> Reading:
        """The setting in force. Raises SourceUnavailable."""
        setting = await self._setting(service)
        return Reading(setting.value_seconds, str(setting.version))

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Atomic on (value, version). A repeat with the same proposal finds its own mark and changes nothing.

        Raises ValueMoved; ActuatorFailed (refused: nothing was changed); SourceUnavailable when no answer came and
        it may or may not have happened: call again.
        """
        _check_range(number(change.new))
        arguments = (str(expected.value), expected.version, str(change.new), proposal_id, ion_contract.CONFIG_CHANNEL)
        try:
            outcome, value, version = await self.redis.eval(SCRIPT, 1, ion_contract.CONFIG_KEY, *arguments)
        except FAILURES as error:
            raise refusal(error, self.redis) from error
        if outcome == "moved":
            raise await self._moved(service, expected, value)
        return Reading(int(value), str(version))

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the service acknowledged just this value and version."""
        setting = await self._setting(service)
        return (setting.acknowledged_seconds, str(setting.acknowledged_version)) == (wanted.value, wanted.version)

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        _check_range(number(change.new))
        present = await self.read(service)
        if present != expected:
            raise await self._moved(service, expected, str(present.value))
        return would(place(self.redis), change, anything=True)

    async def lost(self, service: ServiceId, proposal_id: str, applied_ago: timedelta) -> bool:
        """The hash is gone, or bears the mark of an earlier proposal: the server went back to an older state of its
        own. Whoever sets a value by hand leaves the newest mark as it is, or none."""
        del service, applied_ago
        with reading(self.redis):
            stands, mark = await self.redis.hmget(ion_contract.CONFIG_KEY, ["value", "proposal"])
        return stands is None or (bool(mark) and mark != proposal_id)

    async def _setting(self, service: ServiceId) -> TtlSetting:
        setting = await self.ttl.ttl(service)
        if isinstance(setting, NoData):
            raise SourceUnavailable(setting.reason, setting.remedy)
        return setting

    async def _moved(self, service: ServiceId, expected: Reading, found: str) -> ValueMoved:
        present = int(found) if found else (await self._setting(service)).value_seconds
        code = "actuator.written_since" if present == expected.value else "actuator.moved"
        params = {"expected": expected.value, "present": present, "unit": "s"}
        return ValueMoved(Message(code, params), Message("actuator.moved_remedy", params))


def _check_range(ttl_seconds: int) -> None:
    """Refuse to write a value that the service would ignore."""
    if not ion_contract.MIN_TTL_SECONDS <= ttl_seconds <= ion_contract.MAX_TTL_SECONDS:
        raise ActuatorFailed(
            *with_remedy(
                "actuator.ttl_out_of_contract",
                ttl_seconds=ttl_seconds,
                min_seconds=ion_contract.MIN_TTL_SECONDS,
                max_seconds=ion_contract.MAX_TTL_SECONDS,
            )
        )


#: The TTL in the service's environment (None: the variable is not set). Raises SourceUnavailable where it cannot be
#: read just now, or comes from a secret: then nobody but the service knows it.
EnvironmentTtl = Callable[[ServiceId], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class RedisTtl:
    """Implements the TtlSource port.

    On a fresh installation nobody has written the hash: then the environment's TTL is in force, version 0; where the
    variable is not set there, `default_seconds`; where nobody can tell, NoData.
    """

    redis: Redis
    default_seconds: int
    environment: EnvironmentTtl | None = None

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        """One round trip; a setting that is no number is NoData, never a guess.

        An acknowledgement that cannot be read is none: the service writes the next one over it.
        """
        try:
            with reading(self.redis):
                pipeline = self.redis.pipeline(transaction=False)
                pipeline.hmget(ion_contract.CONFIG_KEY, ["value", "version"])
                pipeline.hmget(ion_contract.ACK_KEY, ["value", "version"])
                setting, acknowledged = await pipeline.execute(raise_on_error=False)
            value, version = self._whole(ion_contract.CONFIG_KEY, setting)
            if value is None:
                value = await self._fallen_back(service)
        except SourceUnavailable as error:
            return no_data(error)
        unread: NoData | None = None
        try:
            ack_value, ack_version = self._whole(ion_contract.ACK_KEY, acknowledged)
        except SourceUnavailable as error:
            (ack_value, ack_version), unread = (None, None), no_data(error)
        return TtlSetting(value, version or ion_contract.NO_VERSION, ack_value, ack_version, unread)

    async def _fallen_back(self, service: ServiceId) -> int:
        told = await self.environment(service) if self.environment else None
        return self.default_seconds if told is None else told

    def _whole(self, key: str, fields: Sequence[str | None] | Exception) -> tuple[int | None, int | None]:
        """`value` and `version` as integers. Raises SourceUnavailable for anything else that stands there."""
        code = "source.ack_damaged" if key == ion_contract.ACK_KEY else "source.setting_damaged"
        if isinstance(fields, Exception):
            if "WRONGTYPE" not in str(fields):
                raise explain(fields, place(self.redis)) from fields
            raise SourceUnavailable(*with_remedy(code, key=key, where=place(self.redis), found="WRONGTYPE")) from fields
        try:
            value, version = (None if field is None else int(field) for field in fields)
        except ValueError as error:
            raise SourceUnavailable(
                *with_remedy(code, key=key, where=place(self.redis), found=str(list(fields))[:80])
            ) from error
        return value, version
