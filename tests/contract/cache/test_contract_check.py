"""`lumen contract check` against services that run: sound ones of either version, and each kind of broken one."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.contract_probe import ContractProbe, Patience
from lumen.adapters.clock import SystemClock
from lumen.policies.contract import Judged, judge
from lumen.wording.catalogue import Catalogue
from sandbox.ion.ion_cache import HIT, MISS, WRITE, AsyncCache
from tests.contract.cache.test_ion_contract import printed_client

OWN, SHARED = "ion:config:cache_ttl_seconds:ion-api", "ion:config:cache_ttl_seconds"
#: What is expected comes soon, however slow the machine is; what never comes is waited for this long.
SOON, NEVER = 60.0, 0.2


class Sound(AsyncCache):
    """ION's own client, which looks more often; `live` is a request that misses the cache, and one that hits it."""

    read_seconds, send_seconds = 0.02, 0.02
    asked = 0

    async def live(self) -> None:
        self.asked += 1
        key = b"%d" % self.asked
        for _ in range(2):
            if await self.get(key) is None:
                await self.set(key, b"answer")


class FirstVersion:
    """A service with the client of version 1."""

    def __init__(self, redis: Any, service: str, secret: bytes) -> None:
        self.redis, self.client, self.asked = redis, printed_client()(Redis(**text_of(redis))), 0

    async def live(self) -> None:
        await self.client.refresh()
        self.asked += 1
        await self.redis.set(f"ion:cache:{self.asked}", "answer", ex=self.client.seconds)


def text_of(redis: Any) -> dict[str, Any]:
    """The same connection, whose answers are text."""
    return {"unix_socket_path": redis.connection_pool.connection_kwargs["path"], "decode_responses": True}


class IgnoresTheSetting(Sound):
    read_seconds = 1e9

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.read = self.now()


class AcknowledgesWithoutFollowing(Sound):
    async def set(self, key: bytes, value: bytes) -> None:
        await self.run("SET", self.prefix + key, value, "EX", self.default)
        self.note(self.hash(self.prefix + key), WRITE, len(value))


class WritesAnotherTtl(Sound):
    async def set(self, key: bytes, value: bytes) -> None:
        await self.run("SET", self.prefix + key, value, "EX", self.ttl // 2)
        self.note(self.hash(self.prefix + key), WRITE, len(value))


class WritesWithoutExpiry(Sound):
    async def set(self, key: bytes, value: bytes) -> None:
        await self.run("SET", self.prefix + key, value)
        self.note(self.hash(self.prefix + key), WRITE, len(value))


class Batches(Sound):
    """One whose batches are changed before they are sent."""

    def change(self, fields: dict[str, Any]) -> None:
        raise NotImplementedError

    def seal(self) -> None:
        super().seal()
        *head, star, fields = *self.pending[-1][:6], self.pending[-1][6:]
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        self.change(named)
        self.pending[-1] = (*head, star, *(each for pair in named.items() for each in pair))


class SendsHalfRecords(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["b"] = fields["b"][:-3]


class SendsOtherKinds(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["b"] = fields["b"][:8] + b"\x09" + fields["b"][9:]


class SendsNoInstance(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        del fields["i"]


class SendsSeconds(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["t"] = fields["t"] / 1000


class CountsReportedKeysOnly(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["n"] = "0 0 0 0"


class NumbersAllBatchesAlike(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["s"] = 7


class LeavesNumbersOut(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["s"] = 2 * fields["s"]


class LivesInAnotherTime(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["t"] += 3_600_000


class ReportsNothing(Sound):
    def seal(self) -> None:
        self.buffer, self.counts = bytearray(), [0, 0, 0, 0]


class HashesTheMoment(Sound):
    def hash(self, key: bytes) -> int:
        return int.from_bytes(os.urandom(6), "big")


class NotesLookupsAlone(Sound):
    def note(self, hashed: int, kind: int, size: int = 0, held: bool | None = None) -> None:
        if kind in (MISS, HIT):
            super().note(hashed, kind, size, held)


class ReportsEveryKey(Sound):
    def follow(self, fields: list[int | None]) -> None:
        super().follow([*fields[:5], None])


class ReportsBeyondWhatItSays(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        fields["l"] = min(fields["l"], 1 << 31)

    def follow(self, fields: list[int | None]) -> None:
        super().follow([*fields[:5], None])


class ExpiresInMilliseconds(Sound):
    async def set(self, key: bytes, value: bytes) -> None:
        hashed = self.hash(self.prefix + key)
        await self.run("SET", self.prefix + key, value, "PX", self.old if self.held(hashed) else self.ttl)
        self.note(hashed, WRITE, len(value))


class CountsHitsAsMisses(Batches):
    def change(self, fields: dict[str, Any]) -> None:
        misses, hits, *others = fields["n"].split()
        fields["n"] = " ".join((str(int(misses) + int(hits)), "0", *others))


class IgnoresTheHoldBack(Sound):
    def held(self, hashed: int) -> bool:
        return False


class HoldsOthersBack(Sound):
    def held(self, hashed: int) -> bool:
        return self.permille > 0 and not super().held(hashed)


class AcknowledgesAsTheFirstVersion(Sound):
    def follow(self, fields: list[int | None]) -> None:
        super().follow(fields)
        if self.pending and self.pending[-1][0] == "HSET":
            self.pending[-1] = self.pending[-1][:6]


@asynccontextmanager
async def running(service: Any) -> AsyncIterator[None]:
    over = asyncio.Event()

    async def live() -> None:
        while not over.is_set():
            await service.live()
            await asyncio.sleep(0.002)

    task = asyncio.create_task(live())
    try:
        yield
    finally:
        over.set()
        await task


async def checked(redis: Redis, url: str, kind: Any, patience: Patience) -> Judged:
    async with Redis.from_url(url) as connection, running(kind(connection, "ion-api", b"secret")):
        probe = ContractProbe(redis, SystemClock(), "ion-api", "ion:cache:", patience)
        return judge(await probe.observe(lambda _: None))


def faults(judged: Judged) -> dict[str, str]:
    """Of each part that is not sound its sentence's name."""
    return {each.part.value: each.says.code.removeprefix("contract.") for each in judged.findings if each.ok is False}


@pytest.mark.parametrize("before", [None, 3600])
async def test_a_sound_service_is_told_so_and_its_setting_stands_as_before(
    redis: Redis, cache_url: str, before: int | None
) -> None:
    if before is not None:
        await redis.hset(OWN, mapping={"value": str(before), "version": "4", "proposal": "p1", "below": str(1 << 31)})
    judged = await checked(redis, cache_url, Sound, Patience(SOON, SOON, SOON, SOON, 0.02))
    assert (judged.version, [each.ok for each in judged.findings]) == (2, [True] * 5), judged
    if before is None:
        assert await redis.exists(OWN, SHARED) == 0
    else:
        stands = {"value": str(before), "version": "6", "proposal": "p1", "below": str(1 << 31)}
        assert await redis.hgetall(OWN) == stands


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (IgnoresTheSetting, {"reads": "not_read"}),
        (AcknowledgesWithoutFollowing, {"writes": "not_used"}),
        (WritesAnotherTtl, {"writes": "wrong_ttl"}),
        (WritesWithoutExpiry, {"writes": "no_expiry"}),
        (SendsHalfRecords, {"reports": "batch_b"}),
        (SendsOtherKinds, {"reports": "batch_b"}),
        (SendsNoInstance, {"reports": "batch_i"}),
        (SendsSeconds, {"reports": "batch_t"}),
        (CountsReportedKeysOnly, {"reports": "batch_n"}),
        (NumbersAllBatchesAlike, {"reports": "batch_s"}),
        (LeavesNumbersOut, {"reports": "batch_s"}),
        (LivesInAnotherTime, {"reports": "batch_clock"}),
        (ReportsNothing, {"reports": "no_batches"}),
        (HashesTheMoment, {"reports": "hash_changes"}),
        (NotesLookupsAlone, {"reports": "no_writes"}),
        (ReportsEveryKey, {"reports": "not_thinned"}),
        (ReportsBeyondWhatItSays, {"reports": "not_thinned"}),
        (ExpiresInMilliseconds, {"writes": "wrong_ttl"}),
        (CountsHitsAsMisses, {"reports": "batch_n"}),
        (IgnoresTheHoldBack, {"holds_back": "not_held"}),
        (HoldsOthersBack, {"holds_back": "held_others"}),
        (AcknowledgesAsTheFirstVersion, {"acknowledges": "no_contract"}),
    ],
)
async def test_a_broken_service_is_told_what_is_wrong_and_how_to_mend_it(
    redis: Redis, cache_url: str, kind: Any, found: dict[str, str]
) -> None:
    ignores, silent = kind is IgnoresTheSetting, kind is ReportsNothing
    patience = Patience(NEVER if ignores else SOON, NEVER, SOON, NEVER if ignores or silent else SOON, 0.02)
    judged = await checked(redis, cache_url, kind, patience)
    assert found.items() <= faults(judged).items(), judged
    assert set(faults(judged)) <= {*found, "holds_back"}
    wrong = next(each.says for each in judged.findings if each.ok is False)
    for locale in ("en", "ko"):
        said = Catalogue(locale).plain(wrong)
        assert said.count(". ") == 0 or locale == "ko"  # one sentence: what is wrong, and what mends it
        assert ":" in said or "." in said
    assert await redis.exists(OWN, SHARED) == 0


async def test_a_service_of_version_1_is_sound_as_such(redis: Redis, cache_url: str) -> None:
    judged = await checked(redis, cache_url, FirstVersion, Patience(NEVER, SOON, SOON, NEVER, 0.02))
    assert (judged.version, [each.ok for each in judged.findings]) == (1, [True, True, True, None, None]), judged
    assert await redis.exists(OWN, SHARED) == 0


async def test_without_traffic_nothing_is_claimed(redis: Redis) -> None:
    probe = ContractProbe(redis, SystemClock(), "ion-api", "ion:cache:", Patience(NEVER, NEVER, NEVER, NEVER, 0.02))
    judged = judge(await probe.observe(lambda _: None))
    assert [each.ok for each in judged.findings] == [False, None, None, False, None]
    assert judged.version is None


async def test_a_check_that_is_broken_off_leaves_no_setting_behind(redis: Redis) -> None:
    probe = ContractProbe(redis, SystemClock(), "ion-api", "ion:cache:", Patience(SOON, SOON, SOON, SOON, 0.02))
    checking = asyncio.create_task(probe.observe(lambda _: None))
    while not await redis.exists(OWN):  # noqa: ASYNC110 - the server is polled, not a flag
        await asyncio.sleep(0.01)
    checking.cancel()
    await asyncio.gather(checking, return_exceptions=True)
    assert await redis.exists(OWN, SHARED) == 0
