"""Tries a running service: gives it another TTL for a while, looks at what it does, and sets things right again.

It writes the service's own setting, and the shared one only where no service has acknowledged under its own name; both
stand as before when it ends. Of keys it reads names and lifetimes, up to `MOST_KEYS` of them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.client import NEVER_DECODE

from lumen.adapters.cache.client import reading
from lumen.adapters.cache.keys import literal
from lumen.adapters.cache.servers import CacheClient, primaries
from lumen.model import ion_contract
from lumen.model.accesses import ALL_KEYS, Batch, Malformed, batch_or_fault
from lumen.model.contract_check import Acknowledged, Lifetime, Observed, TestSetting
from lumen.ports.clock import Clock

#: The share of keys that is held back, and for how long at most, in seconds of service time.
PERMILLE, HELD_SECONDS = 500, 1200
#: So many fresh keys tell; so many names are looked at in one sweep.
WANTED_KEYS, MOST_KEYS, SCAN_KEYS = 24, 100_000, 1000
FIELDS = ("value", "version", "proposal", "old", "permille", "until", "below")


@dataclass(frozen=True, slots=True)
class Patience:
    """Time for each thing, in seconds on the wall: to acknowledge under its own name, then under the shared
    one, to write keys, to report."""

    reading: float = 60.0
    shared: float = 60.0
    writing: float = 60.0
    reporting: float = 45.0
    look_again: float = 0.5


@dataclass(frozen=True, slots=True)
class ContractProbe:
    """Of one service in one cache. `clock` tells service time; a sandbox's runs faster than the wall."""

    redis: CacheClient
    clock: Clock
    service_name: str
    prefix: str
    patience: Patience = Patience()

    async def observe(self, told: Callable[[str], None]) -> Observed:
        """Everything of one check; `told` hears which step begins. Raises SourceUnavailable."""
        with reading(self.redis):
            own_key, own_ack = self._own(ion_contract.CONFIG_KEY), self._own(ion_contract.ACK_KEY)
            since = await self._newest()
            standing = [await self._stands(key) for key in (own_key, ion_contract.CONFIG_KEY)]
            setting = self._setting(standing, await self._below(own_key))
            before = [await self._acknowledged(key) for key in (own_ack, ion_contract.ACK_KEY)]
            began = asyncio.get_running_loop().time()
            async with self._given(own_key, setting):
                told("contract.step_reading")
                own = await self._new_word(own_ack, before[0], setting, self.patience.reading)
                if own is not None or before[0] is not None:
                    return await self._look(setting, (own, None), since, began, told)
                async with self._given(ion_contract.CONFIG_KEY, setting):
                    told("contract.step_shared")
                    of_all = await self._new_word(ion_contract.ACK_KEY, before[1], setting, self.patience.shared)
                    return await self._look(setting, (None, of_all), since, began, told)

    async def _look(
        self,
        setting: TestSetting,
        words: tuple[Acknowledged | None, Acknowledged | None],
        since: str,
        began: float,
        told: Callable[[str], None],
    ) -> Observed:
        told("contract.step_keys")
        lifetimes = await self._fresh_keys()
        told("contract.step_batches")
        batches = await self._batches(since, setting.version)
        newest = max((each.began_ms / 1000 for each in batches if isinstance(each, Batch)), default=None)
        ahead = 0.0 if newest is None else newest - self.clock.now().timestamp()
        waited = asyncio.get_running_loop().time() - began
        return Observed(setting, waited, *words, lifetimes, batches, ahead)

    def _own(self, key: str) -> str:
        return ion_contract.own(key, self.service_name)

    async def _stands(self, key: str) -> tuple[int | None, int]:
        """Value and version of a setting, as far as they are numbers."""
        value, version = (str(each or "") for each in await self.redis.hmget(key, ["value", "version"]))
        return int(value) if value.isdecimal() else None, int(version) if version.isdecimal() else 0

    async def _below(self, key: str) -> int:
        """The limit of what is reported now."""
        found = str(await self.redis.hget(key, "below") or "")
        return min(int(found), ALL_KEYS) if found.isdecimal() else ALL_KEYS

    def _setting(self, standing: list[tuple[int | None, int]], below: int) -> TestSetting:
        """A TTL that can be told from the one in force: a minute apart, more where the clock runs faster; and half of
        the keys that are reported now."""
        low, high = ion_contract.MIN_TTL_SECONDS, ion_contract.MAX_TTL_SECONDS
        old = min(max(next((value for value, _ in standing if value is not None), 300), low), high)
        step = 60 if self.clock.scale == 1 else 300
        version = max(version for _, version in standing) + 1
        return TestSetting(old + step if old + step <= high else old - step, old, version, PERMILLE, below // 2)

    @asynccontextmanager
    async def _given(self, key: str, setting: TestSetting) -> AsyncIterator[None]:
        """Have the setting in force, and then what stood there before, under a newer version."""
        stood = dict(zip(FIELDS, await self.redis.hmget(key, FIELDS), strict=True))
        until = int(self.clock.now().timestamp()) + HELD_SECONDS
        given = {"value": setting.value_seconds, "version": setting.version, "old": setting.old_seconds}
        held = {"permille": setting.permille, "until": until}
        try:
            await self._write(key, {**given, **held, "below": setting.below})
            yield
        finally:
            if stood["value"] is None:
                await self.redis.hdel(key, *FIELDS)
                if stood["below"] is not None:
                    await self.redis.hset(key, "below", str(stood["below"]))
                await self.redis.publish(key, "")
            else:
                await self._write(key, {**stood, "version": setting.version + 1})

    async def _write(self, key: str, fields: Mapping[str, Any]) -> None:
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.hset(key, mapping={name: str(value) for name, value in fields.items() if value is not None})
        gone = [name for name in FIELDS if fields.get(name) is None and name != "proposal"]
        if gone:
            pipeline.hdel(key, *gone)
        await pipeline.execute()
        await self.redis.publish(key, str(fields["value"]))

    async def _acknowledged(self, key: str) -> Acknowledged | None:
        value, version, contract = (str(each or "") for each in await self.redis.hmget(key, _ACK_FIELDS))
        return Acknowledged(value, version, contract) if value or version else None

    async def _new_word(
        self, key: str, before: Acknowledged | None, setting: TestSetting, patience: float
    ) -> Acknowledged | None:
        """The acknowledgement of the setting, or whatever else has been said since; None: nothing new."""

        async def right() -> bool:
            found = await self._acknowledged(key)
            return found is not None and found.version == str(setting.version)

        await self._until(right, patience)
        found = await self._acknowledged(key)
        return None if found == before else found

    async def _fresh_keys(self) -> list[Lifetime]:
        """Keys that appear while this looks, with what their TTL was when they were written."""
        loop = asyncio.get_running_loop()
        found: list[Lifetime] = []
        ends, looked_at = loop.time() + self.patience.writing, loop.time()
        seen = await self._names()
        while len(found) < WANTED_KEYS and loop.time() < ends:
            await asyncio.sleep(self.patience.look_again)
            before, looked_at = looked_at, loop.time()
            names = await self._names()
            for key in names - seen:
                left = await self.redis.pttl(key)
                if left != -2:  # gone again
                    found.append(self._lifetime(left / 1000, loop.time() - before))
            seen |= names
        return found

    def _lifetime(self, left: float, most_age: float) -> Lifetime:
        """Of a key that has so many seconds left on the wall, and was written within `most_age`; -0.001: no expiry."""
        scale = self.clock.scale
        return Lifetime(left * scale, (left + most_age) * scale) if left > 0 else Lifetime(None, None)

    async def _names(self) -> set[bytes]:
        """The same part of the keys each time, as bytes: names need not be text."""
        names, pattern = set[bytes](), literal(self.prefix) + "*"
        async with primaries(self.redis) as servers:
            for server in servers:
                client: Any = server
                cursor = None
                while cursor != 0 and len(names) < MOST_KEYS:
                    words = "SCAN", cursor or 0, "MATCH", pattern, "COUNT", SCAN_KEYS
                    cursor, found = await client.execute_command(*words, **{NEVER_DECODE: []})
                    names.update(found)
        return names

    async def _newest(self) -> str:
        """The last entry of the stream; "0-0" where there is none."""
        client: Any = self.redis
        key = self._own(ion_contract.ACCESSES_KEY)
        found = await client.execute_command("XREVRANGE", key, "+", "-", "COUNT", 1, **{NEVER_DECODE: []})
        return str(found[0][0].decode()) if found else "0-0"

    async def _batches(self, since: str, version: int) -> list[Batch | Malformed]:
        """All since `since`, once one of the setting's version is there."""
        found: list[Batch | Malformed] = []

        async def complete() -> bool:
            found[:] = await self._read(since)
            return any(isinstance(each, Malformed) or each.version == version for each in found)

        await self._until(complete, self.patience.reporting)
        return found

    async def _read(self, since: str) -> list[Batch | Malformed]:
        client: Any = self.redis
        key = self._own(ion_contract.ACCESSES_KEY)
        entries = await client.execute_command("XRANGE", key, f"({since}", "+", **{NEVER_DECODE: []})
        return [batch_or_fault(fields) for _, fields in entries]

    async def _until(self, holds: Callable[[], Awaitable[bool]], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while loop.time() < ends:
            if await holds():
                return
            await asyncio.sleep(min(self.patience.look_again, 0.2))


_ACK_FIELDS = ("value", "version", "contract")
