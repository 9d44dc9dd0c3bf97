"""ION's client of version 2 of the contract, the plain one and its async twin, against a real server."""

import inspect
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
from redis.asyncio import Redis

from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from sandbox.ion.ion_cache import DELETE, HELD, HIT, MISS, WRITE, AsyncCache, Cache, Contract

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
OWN, SHARED, ACK, LOG = (
    "ion:config:cache_ttl_seconds:ion-api",
    "ion:config:cache_ttl_seconds",
    "ion:ack:cache_ttl_seconds:ion-api",
    "ion:accesses:ion-api",
)


class Service:
    """Either client, its answers awaited where they must be; time goes on when a test says so."""

    def __init__(self, cache: Any) -> None:
        self.cache = cache
        self.at = 1_800_000_000.0
        cache.now = lambda: self.at

    async def __call__(self, name: str, *words: Any) -> Any:
        told = getattr(self.cache, name)(*words)
        return await told if inspect.isawaitable(told) else told

    async def settle(self) -> None:
        """Have it read the setting, of whichever name, and acknowledge."""
        self.at += 31
        for _ in range(3):
            await self("get", b"nothing")

    async def begin(self, url: str) -> None:
        """Have it settled, with nothing noted and an empty stream; its next batch is number 0."""
        await self.settle()
        await self("close")
        async with Redis.from_url(url) as connection:
            await connection.delete(LOG)
        self.cache.sequence = 0


@pytest.fixture(params=["plain", "async"])
async def service(
    cache_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Any]:
    monkeypatch.setenv("DEFAULT_TTL_SECONDS", "240")
    if request.param == "plain":
        with redis.Redis.from_url(cache_url) as connection:
            yield Service(Cache(connection, "ion-api", b"secret"))
    else:
        async with Redis.from_url(cache_url) as its:
            yield Service(AsyncCache(its, "ion-api", b"secret"))


async def batches(url: str) -> list[dict[str, Any]]:
    """The entries of the stream, with their records as (hash, ms, kind, size)."""
    async with Redis.from_url(url) as connection:
        found: list[dict[str, Any]] = []
        entries: Any = await connection.xrange(LOG)
        for _, raw in entries:
            batch: dict[str, Any] = {name.decode(): value for name, value in raw.items()}
            records = struct.iter_unpack("<QBB", batch["b"])
            batch["records"] = [(word >> 16, word & 0xFFFF, kind, size) for word, kind, size in records]
            found.append(batch)
        return found


async def hold_back(redis: Redis, permille: int, until: int) -> None:
    """Set 600 s, version 5, with a share that keeps 120 s."""
    names = {"value": 600, "version": 5, "old": 120, "permille": permille, "until": until}
    await redis.hset(OWN, mapping={name: str(value) for name, value in names.items()})


async def test_every_access_is_reported_once_with_its_kind_size_and_time(cache_url: str, service: Service) -> None:
    await service.begin(cache_url)
    assert await service("get", b"one") is None
    service.at += 0.25
    await service("set", b"one", b"x" * 100)
    assert await service("get", b"one") == b"x" * 100
    service.at += 1
    await service("delete", b"one")
    await service("close")
    (batch,) = await batches(cache_url)
    assert (batch["s"], batch["n"], batch["l"]) == (b"0", b"1 1 1 1", b"4294967296")
    assert int(batch["t"]) == 1_800_000_031_000
    of_one = Contract("", b"secret").hash(b"ion:cache:one")
    assert batch["records"] == [
        (of_one, 0, MISS, 0),
        (of_one, 250, WRITE, 53),
        (of_one, 250, HIT, 0),
        (of_one, 1250, DELETE, 0),
    ]


async def test_the_same_name_under_two_prefixes_is_two_keys(cache_url: str, service: Service) -> None:
    """One client each, as many as a service has kinds of keys; both report under its name."""
    await service.begin(cache_url)
    other = type(service.cache)(service.cache.redis, "ion-api", b"secret", b"ion:pages:")
    await service("set", b"one", b"answer")
    await service("close")
    pages = Service(other)
    assert await pages("get", b"one") is None
    await pages("close")
    (first,), (second,) = [batch["records"] for batch in await batches(cache_url)]
    assert (first[2], second[2]) == (WRITE, MISS)
    assert first[0] != second[0]


async def test_no_name_of_a_key_leaves_the_service(cache_url: str, service: Service) -> None:
    await service("set", b"a very private key", b"answer")
    await service("close")
    async with Redis.from_url(cache_url) as connection:
        for key in await connection.keys("ion:a*"):
            assert b"private" not in bytes(await connection.dump(key) or b"")


async def test_a_batch_goes_after_500_records_or_ten_seconds_and_numbers_have_no_gap(
    cache_url: str, service: Service
) -> None:
    await service.begin(cache_url)
    for n in range(501):
        await service("get", b"%d" % n)
    assert [len(batch["records"]) for batch in await batches(cache_url)] == [500]
    service.at += 10
    await service("get", b"late")
    await service("close")
    assert [(batch["s"], len(batch["records"])) for batch in await batches(cache_url)] == [
        (b"0", 500),
        (b"1", 1),
        (b"2", 1),
    ]


async def test_it_follows_its_own_setting_before_the_shared_one(redis: Redis, service: Service) -> None:
    await service.settle()
    assert await redis.hgetall(ACK) == {"value": "240", "version": "0", "contract": "2"}
    await redis.hset(SHARED, mapping={"value": "420", "version": "7"})
    await service.settle()
    assert await redis.hgetall(ACK) == {"value": "420", "version": "7", "contract": "2"}
    await redis.hset(OWN, mapping={"value": "600", "version": "8"})
    await service.settle()
    assert await redis.hgetall(ACK) == {"value": "600", "version": "8", "contract": "2"}
    await service("set", b"one", b"answer")
    assert 590 < await redis.ttl("ion:cache:one") <= 600
    await redis.delete(OWN, SHARED)
    await service.settle()
    assert await redis.hgetall(ACK) == {"value": "240", "version": "0", "contract": "2"}


@pytest.mark.parametrize("value", ["59", "3601", "soon", "-300", "300.5", "", "3" * 5000, "\u00b2"])
async def test_a_value_out_of_range_counts_as_none(redis: Redis, service: Service, value: str) -> None:
    await redis.hset(OWN, mapping={"value": value, "version": "1"})
    await service.settle()
    assert service.cache.ttl == 240
    await redis.hset(SHARED, mapping={"value": "420", "version": "7", "old": value})
    await service.settle()
    assert (service.cache.ttl, service.cache.old, service.cache.version) == (420, 420, 7)


async def test_what_lumen_sets_is_followed_and_acknowledged(redis: Redis, service: Service) -> None:
    actuator = RedisTtlActuator(redis, RedisTtl(redis, 240))
    await service.settle()
    wanted = await actuator.set(API, Change(Knob.TTL, 240, 420, "s"), await actuator.read(API), "p1")
    assert not await actuator.followed(API, wanted)
    await service.settle()
    assert await actuator.followed(API, wanted)


async def test_the_held_back_share_keeps_the_old_ttl_until_its_end(redis: Redis, service: Service) -> None:
    await hold_back(redis, 300, 1_800_000_100)
    await service.settle()
    names = [b"%d" % n for n in range(60)]
    hashes = [service.cache.hash(b"ion:cache:" + name) for name in names]
    kept = [(zlib.crc32(each.to_bytes(6, "big"), 5) & 0xFFFF) * 1000 >> 16 < 300 for each in hashes]
    assert 5 < sum(kept) < 35
    for wanted in (kept, [False] * len(names)):
        for name in names:
            await service("set", name, b"answer")
        assert [await redis.ttl(f"ion:cache:{name.decode()}") <= 120 for name in names] == wanted
        service.at = 1_800_000_101.0  # then the hold-back has ended by itself


async def test_records_say_what_was_held_back_when_it_was_written(
    redis: Redis, cache_url: str, service: Service
) -> None:
    """Also where the very command that writes brings another version."""
    await hold_back(redis, 1000, 9_999_999_999)
    await service("set", b"before", b"answer")  # reads with this command
    await service("set", b"after", b"answer")
    await service("close")
    assert [await redis.ttl(f"ion:cache:{key}") <= limit for key, limit in (("before", 240), ("after", 120))] == [
        True
    ] * 2
    found = await batches(cache_url)
    assert [kind for batch in found for _, _, kind, _ in batch["records"]] == [WRITE, WRITE | HELD]


async def test_a_smaller_share_of_keys_is_reported_while_all_are_counted(
    redis: Redis, cache_url: str, service: Service
) -> None:
    await redis.hset(OWN, "below", str(1 << 30))
    await service.settle()
    await service("close")
    for n in range(100):
        await service("get", b"%d" % n)
    await service("close")
    last = (await batches(cache_url))[-1]
    assert last["n"] == b"100 0 0 0"
    assert 10 < len(last["records"]) < 40
    assert all(of_key >> 16 < 1 << 30 for of_key, *_ in last["records"])


async def test_a_refused_batch_is_dropped_and_never_in_the_way(redis: Redis, cache_url: str, service: Service) -> None:
    await redis.set(LOG, "no stream")
    await redis.set(ACK, "no hash")
    for _ in range(3):
        service.at += 31
        await service("set", b"one", b"answer")
        assert await service("get", b"one") == b"answer"
    await redis.delete(LOG, ACK)
    await service("close")
    first, *_ = await batches(cache_url)
    assert int(first["s"]) > 0  # the gap tells what was lost


async def test_a_clock_that_is_set_back_stops_nothing(redis: Redis, cache_url: str, service: Service) -> None:
    await service.begin(cache_url)
    await service("get", b"one")
    service.at -= 7200
    await redis.hset(OWN, mapping={"value": "600", "version": "5"})
    await service("get", b"two")
    await service("get", b"three")
    assert await redis.hget(ACK, "value") == "600"
    assert len(await batches(cache_url)) == 1


async def test_a_server_that_is_away_is_the_caller_s_to_know(cache_url: str) -> None:
    with redis.Redis.from_url("redis://127.0.0.1:1") as connection:
        cache = Cache(connection, "ion-api", b"secret")
        with pytest.raises(redis.ConnectionError):
            cache.get(b"one")
        cache.redis = redis.Redis.from_url(cache_url)
        assert cache.get(b"one") is None
        cache.redis.close()
