"""The TTL setting in the cache's Redis (docs/ion-contract.md): read with its acknowledgement, set by one script.

A service that has acknowledged under its own name reads its own setting, and the shared one while it has none; any
other service is taken to read the shared one alone (docs/adr/0019-contract-v2.md).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from lumen.adapters.cache.client import FAILURES, OwnReads, explain, place, reading, refusal
from lumen.adapters.cache.servers import CacheClient
from lumen.adapters.checks import no_data, would
from lumen.adapters.clock import SystemClock
from lumen.model import ion_contract
from lumen.model.hold_back import HELD_FOR
from lumen.model.messages import ActuatorFailed, Message, NoData, SourceUnavailable, ValueMoved, with_remedy
from lumen.model.proposal import Change, number
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.ports.actuators import Reading
from lumen.ports.clock import Clock
from lumen.ports.sources import TtlSource

#: KEYS: a setting. ARGV: the value and the version that were read there ("" for none); new value, its version, the
#: value before it, proposal id, and the hold-back: its share of 1,000 keys ("0" for none) and the Unix second in which
#: it ends. Returns 0 where somebody else has written since. One hash a script, for in a cluster they are on several
#: nodes.
WRITE = """
local stands = redis.call('HMGET', KEYS[1], 'value', 'version')
if (stands[1] or '') ~= ARGV[1] or (stands[2] or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'value', ARGV[3], 'version', ARGV[4], 'old', ARGV[5], 'proposal', ARGV[6])
if ARGV[7] == '0' then
    redis.call('HDEL', KEYS[1], 'permille', 'until')
else
    redis.call('HSET', KEYS[1], 'permille', ARGV[7], 'until', ARGV[8])
end
-- Whoever may not publish may still set: the service reads by itself every 30 s.
redis.pcall('PUBLISH', KEYS[1], ARGV[3])
return 1
"""

#: KEYS: a setting. ARGV: proposal id. Under the same version, for another one would draw other keys.
#: Returns how many fields were removed.
END_HOLD_BACK = """
local stands = redis.call('HMGET', KEYS[1], 'proposal', 'value')
if stands[1] ~= ARGV[1] then return 0 end
local removed = redis.call('HDEL', KEYS[1], 'permille', 'until')
if removed > 0 then redis.pcall('PUBLISH', KEYS[1], stands[2] or '') end
return removed
"""

#: So often somebody else may write between our reading and our writing.
TRIES = 3


@dataclass(frozen=True, slots=True)
class _Stands:
    """One of the two settings as it was read; "" for a field that it does not have."""

    key: str
    value: str
    version: str
    proposal: str

    @property
    def number(self) -> int:
        """Its version; 0 for none, and for what is no number."""
        return int(self.version) if self.version.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class _Both:
    """The service's own setting and the shared one. `reads_own`: it has acknowledged under its own name."""

    own: _Stands
    shared: _Stands
    reads_own: bool

    @property
    def in_force(self) -> _Stands:
        return self.own if self.reads_own and self.own.value else self.shared

    def to_write(self, *, alone: bool) -> Sequence[_Stands]:
        """The one in force first. The shared one is left to others where they read it and this service does not."""
        if self.reads_own and not alone:
            return (self.own,)
        return (self.own, self.shared) if self.in_force is self.own else (self.shared, self.own)


@dataclass(frozen=True, slots=True)
class RedisTtlActuator:
    """Implements the ports Actuator (of the TTL), Forgetful and HoldingBack. `ttl` reads the setting that this writes.

    `alone`: no other service that Lumen watches is in this cache, so the shared setting is this one's, too. `clock`
    tells the service's time. `observed`: the services whose accesses are read.
    """

    name = "redis"

    redis: CacheClient
    ttl: TtlSource
    alone: bool = True
    clock: Clock = field(default_factory=SystemClock)
    observed: Collection[ServiceId] = ()

    async def read(self, service: ServiceId) -> Reading:
        """The setting in force. Raises SourceUnavailable."""
        setting = await self._setting(service)
        return Reading(setting.value_seconds, str(setting.version))

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Atomic on (value, version) of the setting in force. A repeat with the same proposal finds its own mark, and
        changes nothing but what a crash left undone.

        Raises ValueMoved; ActuatorFailed (refused: nothing was changed); SourceUnavailable when no answer came and
        it may or may not have happened: call again.
        """
        _check_range(number(change.new))
        until = round((self.clock.now() + HELD_FOR).timestamp())
        held = (str(change.held_permille), str(until))
        both = await self._both(service)
        for _ in range(TRIES):
            version = _next_version(both, change, expected, proposal_id)
            if version is None:
                break
            new = (str(change.new), version, str(expected.value), proposal_id, *held)
            if await self._write(both.to_write(alone=self.alone), new):
                return Reading(number(change.new), version)
            both = await self._both(service)
        raise await self._moved(service, expected, both.in_force.value)

    async def _both(self, service: ServiceId) -> _Both:
        own, shared, acknowledged, _ = _keys(service)
        with reading(self.redis):
            pipeline = self.redis.pipeline(transaction=False)
            for key in (own, shared):
                pipeline.hmget(key, ["value", "version", "proposal"])
            pipeline.exists(acknowledged)
            of_its_own, of_all, reads_own = await pipeline.execute()
        return _Both(
            _Stands(own, *(field or "" for field in of_its_own)),
            _Stands(shared, *(field or "" for field in of_all)),
            bool(reads_own),
        )

    async def _write(self, settings: Sequence[_Stands], new: Sequence[str]) -> bool:
        """False where somebody else was quicker, and what is left was not written."""
        value, version, _, proposal_id, *_ = new
        for stands in settings:
            if (stands.value, stands.proposal) == (value, proposal_id) and stands.number >= int(version):
                continue
            try:
                written = await self.redis.eval(WRITE, 1, stands.key, stands.value, stands.version, *new)
            except FAILURES as error:
                raise refusal(error, self.redis) from error
            if not written:
                return False
        return True

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
        del applied_ago
        own, shared, acknowledged, _ = _keys(service)
        with reading(self.redis):
            pipeline = self.redis.pipeline(transaction=False)
            pipeline.hmget(own, ["value", "proposal"])
            pipeline.hmget(shared, ["value", "proposal"])
            pipeline.exists(acknowledged)
            of_its_own, of_all, reads_own = await pipeline.execute()
        stands, mark = of_its_own if reads_own and of_its_own[0] is not None else of_all
        return stands is None or (bool(mark) and mark != proposal_id)

    async def holds_back(self, service: ServiceId) -> bool:
        """Of contract version 2, and under its own name."""
        if service not in self.observed:
            return False
        setting = await self._setting(service)
        return setting.contract == ion_contract.VERSION_2

    async def end_hold_back(self, service: ServiceId, proposal_id: str) -> bool:
        try:
            removed = [await self.redis.eval(END_HOLD_BACK, 1, key, proposal_id) for key in _keys(service)[:2]]
        except FAILURES as error:
            raise refusal(error, self.redis) from error
        return any(removed)

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


def _keys(service: ServiceId) -> tuple[str, str, str, str]:
    """The service's own setting and the shared one, its own acknowledgement and the shared one."""
    setting, acknowledged = ion_contract.CONFIG_KEY, ion_contract.ACK_KEY
    return ion_contract.own(setting, service.name), setting, ion_contract.own(acknowledged, service.name), acknowledged


def _next_version(both: _Both, change: Change, expected: Reading, proposal_id: str) -> str | None:
    """The version under which the change is written, or was already; None where the setting has moved.

    An absent hash has version 0 and the environment's value, which this server cannot check. The mark alone is no
    proof: ids begin again with a new epoch of the state store.
    """
    now = both.in_force
    if (now.proposal, now.value) == (proposal_id, str(change.new)) and now.number > int(expected.version):
        return now.version
    if (now.version or "0") != expected.version or now.value not in ("", str(expected.value)):
        return None
    return str(max(both.own.number, both.shared.number) + 1)


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


@dataclass(frozen=True, slots=True)
class TtlSettings:
    """Implements the TtlSource port over that of each service's own cache."""

    of: Mapping[ServiceId, TtlSource]

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        return await self.of[service].ttl(service)


#: The TTL in the service's environment (None: the variable is not set). Raises SourceUnavailable where it cannot be
#: read just now, or comes from a secret: then nobody but the service knows it.
EnvironmentTtl = Callable[[ServiceId], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class RedisTtl:
    """Implements the TtlSource port.

    On a fresh installation nobody has written the hash: then the environment's TTL is in force, version 0; where the
    variable is not set there, `default_seconds`; where nobody can tell, NoData.
    """

    redis: CacheClient
    default_seconds: int
    environment: EnvironmentTtl | None = None
    #: As of RedisTtlActuator.
    alone: bool = True
    reads: OwnReads = field(default_factory=OwnReads)

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        """One round trip; a setting that is no number is NoData, never a guess.

        An acknowledgement that cannot be read is none: the service writes the next one over it.
        """
        keys = _keys(service)
        try:
            with reading(self.redis):
                pipeline = self.redis.pipeline(transaction=False)
                for key in keys:
                    pipeline.hmget(key, ["value", "version"])
                found = await pipeline.execute(raise_on_error=False)
            for fields in found:
                self.reads.add(isinstance(fields, Exception) or any(fields))
            own, shared, own_ack, shared_ack = found
            reads_own = isinstance(own_ack, Exception) or own_ack != [None, None]
            its_own = reads_own and (isinstance(own, Exception) or own[0] is not None)
            value, version = self._whole(keys[0], own) if its_own else self._whole(keys[1], shared)
            if value is None:
                value = self._without_setting(own_ack) or await self._fallen_back(service)
        except SourceUnavailable as error:
            return no_data(error)
        setting = TtlSetting(value, version or ion_contract.NO_VERSION, None, None)
        by_shared = self._acknowledged(setting, keys[3], shared_ack, 1)
        if not reads_own:
            return by_shared
        by_own = self._acknowledged(setting, keys[2], own_ack, 2)
        # A service that went back to version 1 leaves its own acknowledgement behind.
        return by_shared if self.alone and by_shared.followed and not by_own.followed else by_own

    def _acknowledged(
        self, setting: TtlSetting, key: str, fields: Sequence[str | None] | Exception, contract: int
    ) -> TtlSetting:
        try:
            value, version = self._whole(key, fields)
        except SourceUnavailable as error:
            return replace(setting, unread=no_data(error))
        known = contract if value is not None else None
        return replace(setting, acknowledged_seconds=value, acknowledged_version=version, contract=known)

    def _without_setting(self, own_ack: Sequence[str | None] | Exception) -> int | None:
        """The TTL that a service of version 2 says that it uses while nobody has set anything."""
        if isinstance(own_ack, Exception) or own_ack[1] != str(ion_contract.NO_VERSION):
            return None
        return int(own_ack[0]) if own_ack[0] and own_ack[0].isdecimal() else None

    async def _fallen_back(self, service: ServiceId) -> int:
        told = await self.environment(service) if self.environment else None
        return self.default_seconds if told is None else told

    def _whole(self, key: str, fields: Sequence[str | None] | Exception) -> tuple[int | None, int | None]:
        """`value` and `version` as integers. Raises SourceUnavailable for anything else that stands there."""
        code = "source.ack_damaged" if key.startswith(ion_contract.ACK_KEY) else "source.setting_damaged"
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
