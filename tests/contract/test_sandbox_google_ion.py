"""The sandbox as a process: ION asks a real cache and follows the TTL setting, and Monitoring tells what happened."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis
import redis.asyncio as redis_asyncio
from google.cloud import monitoring_v3 as m
from google.cloud import run_v2
from redis.client import NEVER_DECODE

from demo.valkey import EmbeddedValkey
from lumen.model.accesses import read_batch
from sandbox.client import SandboxClient, SandboxRefused
from sandbox.ion.ttlsetting import ACK_KEY as SHARED_ACK_KEY
from sandbox.ion.ttlsetting import CONFIG_KEY
from tests.unit.sandbox.process_side import (
    SCALE,
    Running,
    minutes_go_by,
    process_seconds,
    sandbox_process,
    served_until,
    start,
    until,
)

OWN_CONFIG_KEY, ACK_KEY = f"{CONFIG_KEY}:ion-api", f"{SHARED_ACK_KEY}:ion-api"


@pytest.fixture(scope="module")
async def running(cache_valkey: EmbeddedValkey) -> AsyncIterator[Running]:
    """On an empty cache; it goes on between the tests of this file, whichever of them run here and in what order."""
    with redis.Redis.from_url(cache_valkey.url) as client:
        client.flushall()
    async with sandbox_process(cache_valkey.url) as running:
        yield running


@pytest.fixture
async def cache(cache_valkey: EmbeddedValkey) -> AsyncIterator[redis_asyncio.Redis]:
    """What a test has set there is gone after it."""
    client = redis_asyncio.Redis.from_url(cache_valkey.url, decode_responses=True)
    yield client
    for setting in (CONFIG_KEY, OWN_CONFIG_KEY):
        await client.delete(setting)
        await client.publish(setting, "")
    await client.aclose()


def test_the_ready_line_says_everything(running: Running) -> None:
    wanted = {
        "page", "slack_api_url", "gcp_endpoint", "control", "bot_token", "app_token", "channel", "team_id", "app_id",
        "approver", "approver_group", "bystander", "project", "region", "service", "redis_instance", "billing_account",
    }  # fmt: skip
    assert wanted <= set(running.ready)


async def test_a_new_ttl_is_acknowledged_used_and_raises_the_hit_rate(
    running: Running, cache: redis_asyncio.Redis
) -> None:
    before = await until(lambda: _hit_rate(running, 10))
    await cache.hset(CONFIG_KEY, mapping={"value": "600", "version": "1"})
    await cache.publish(CONFIG_KEY, "600")
    assert await until(lambda: _acknowledged(cache, "600", "1"))
    # Keys written from now on live twice as long on the wall: 600 s of service time.

    async def longer_lived() -> bool:
        longest = max([await cache.pttl(key) async for key in cache.scan_iter("ion:cache:*", count=500)])
        assert longest <= 600_000 / SCALE
        return bool(longest > 300_000 / SCALE * 1.2)

    await until(longer_lived)
    await minutes_go_by(running, 26)

    async def risen() -> bool:
        return bool(await _hit_rate(running, 10) > before + 0.03)

    await until(risen)  # ten minutes are a small sample, and smaller still where the machine is busy


async def _hit_rate(running: Running, minutes: int) -> Any:
    return (await running.state())["ion"]["hit_rate"][str(minutes)]


async def _acknowledged(cache: redis_asyncio.Redis, value: str, version: str) -> bool:
    return bool(await cache.hmget(ACK_KEY, "value", "version") == [value, version])


@pytest.mark.parametrize("value", ["59", "3601", "soon", ""])
async def test_a_value_outside_the_contract_is_not_acknowledged(
    running: Running, cache: redis_asyncio.Redis, value: str
) -> None:
    await cache.hset(CONFIG_KEY, mapping={"value": value, "version": "90"})
    await cache.publish(CONFIG_KEY, value)

    async def falls_back() -> bool:
        return bool((await running.state())["ion"]["ttl_setting"] is None)

    await until(falls_back)
    assert (await running.state())["ion"]["ttl_seconds"] == 300
    assert await cache.hget(ACK_KEY, "version") != "90"


async def test_every_lookup_is_reported_without_a_gap(running: Running, cache: redis_asyncio.Redis) -> None:

    async def is_warm() -> bool:
        return bool((await _hit_rate(running, 10) or 0.0) > 0.6)

    await until(is_warm)
    await minutes_go_by(running, 3)
    client: Any = cache
    words = "XREVRANGE", "ion:accesses:ion-api", "+", "-", "COUNT", 8
    entries = (await client.execute_command(*words, **{NEVER_DECODE: []}))[::-1]
    batches = [read_batch(fields) for _, fields in entries]
    assert [b.sequence for b in batches] == list(range(batches[0].sequence, batches[0].sequence + len(batches)))
    misses, hits, writes, _ = (sum(each) for each in zip(*(b.counts for b in batches), strict=True))
    assert hits > misses > 0
    assert writes > 0
    assert all(later.began_ms >= earlier.began_ms for earlier, later in pairwise(batches))


async def test_the_held_back_share_is_written_with_the_old_ttl(running: Running, cache: redis_asyncio.Redis) -> None:
    held = {"value": "3600", "version": "50", "old": "300", "permille": "1000", "until": "99999999999"}
    await cache.hset(OWN_CONFIG_KEY, items=[each for pair in held.items() for each in pair])
    await cache.publish(OWN_CONFIG_KEY, "3600")
    assert await until(lambda: _acknowledged(cache, "3600", "50"))
    await minutes_go_by(running, 2)
    longest = max([await cache.pttl(key) async for key in cache.scan_iter("ion:cache:*", count=500)])
    assert longest <= 600_000 / SCALE  # what was written before that may have had 600 s


async def test_a_service_that_does_not_follow(running: Running, cache: redis_asyncio.Redis) -> None:
    await running.post("ttl-follow", on=False)
    await cache.hset(CONFIG_KEY, mapping={"value": "420", "version": "91"})
    await cache.publish(CONFIG_KEY, "420")
    await minutes_go_by(running, 3)
    assert await cache.hget(ACK_KEY, "version") != "91"
    await running.post("ttl-follow", on=True)
    assert await until(lambda: _acknowledged(cache, "420", "91"))


async def test_without_a_setting_the_environment_of_the_serving_revision_holds(
    running: Running, cache: redis_asyncio.Redis
) -> None:
    await cache.delete(CONFIG_KEY)
    await cache.publish(CONFIG_KEY, "")
    for seconds in (180, 300):  # and back, for the tests that come after
        await _with_variable(running, "DEFAULT_TTL_SECONDS", str(seconds))

        async def served(wanted: int = seconds) -> bool:
            return bool((await running.state())["ion"]["ttl_seconds"] == wanted)

        await until(served)


async def _with_variable(running: Running, name: str, value: str) -> None:
    """Deploy ION with another value."""
    services = running.client(run_v2.ServicesAsyncClient)
    of = f"projects/{running.ready['project']}/locations/us-central1/services/ion-api"
    service = await services.get_service(name=of)
    for variable in service.template.containers[0].env:
        if variable.name == name:
            variable.value = value
    await services.update_service(request={"service": service, "update_mask": {"paths": ["template.containers"]}})


@pytest.mark.prove
async def test_a_larger_process_cache_keeps_requests_from_redis(running: Running) -> None:
    async with SandboxClient(running.ready["control"]) as sandbox:

        async def at_full_strength() -> bool:  # a revision that has just come starts with one instance
            return (await sandbox.world.ion()).in_process[0].instances >= 2

        await until(at_full_strength)
        (usual, *_) = (await sandbox.world.ion()).in_process
        assert (usual.service, usual.entries) == ("ion-api", 2000)
        before = await until(lambda: _in_process_rate(sandbox))
        assert 0.05 < before < 0.16
        await _with_variable(running, "L1_CACHE_MAX_ENTRIES", "10000")

        async def served() -> bool:
            return (await sandbox.world.ion()).in_process[0].entries == 10_000

        await until(served)
        await minutes_go_by(running, 12)
        after = await _in_process_rate(sandbox)
        assert after is not None
        assert after > before + 0.06


async def _in_process_rate(sandbox: SandboxClient) -> Any:
    return (await sandbox.world.ion()).in_process_rate[10]


async def test_a_bad_release_shows_in_the_metrics_by_revision(running: Running) -> None:
    made = await running.post("deploy", error_share=0.3)
    await minutes_go_by(running, 6)
    metrics = running.client(m.MetricServiceAsyncClient)
    now = await served_until(running)
    pager = await metrics.list_time_series(
        request={
            "name": f"projects/{running.ready['project']}",
            "filter": 'metric.type = "run.googleapis.com/request_count" AND metric.labels.response_code_class = "5xx"'
            f' AND resource.labels.revision_name = "{made["revision"]}"',
            "interval": {"start_time": {"seconds": int(now) - 300}, "end_time": {"seconds": int(now)}},
        }
    )
    assert sum([p.value.int64_value async for s in pager for p in s.points]) > 50


async def test_a_release_that_does_not_start_moves_no_traffic(running: Running) -> None:
    made = await running.post("deploy", fails=True)
    await minutes_go_by(running, 1)
    service = next(s for s in (await running.state())["services"] if s["name"] == "ion-api")
    assert service["latest_created"] == made["revision"] != service["latest_ready"]
    assert made["revision"] not in service["traffic"]


async def test_the_clock_at_another_pace(running: Running, cache: redis_asyncio.Redis) -> None:
    async with SandboxClient(running.ready["control"]) as sandbox:
        before = await sandbox.world.clock()
        assert before.scale == SCALE
        longest = max([await cache.pttl(key) async for key in cache.scan_iter("ion:cache:*", count=500)])
        after = await sandbox.world.run_at(SCALE / 4)
        assert 0 <= (after.now - before.now).total_seconds() < 10 * SCALE
        said = after.origin + (after.wall - after.origin) * after.scale
        assert abs((said - after.now).total_seconds()) < 1
        # Answers have four times as long on the wall, for service time is four times as slow.
        stretched = max([await cache.pttl(key) async for key in cache.scan_iter("ion:cache:*", count=500)])
        assert stretched > 2 * longest
        await sandbox.world.pass_time(timedelta(minutes=1))
        assert (await sandbox.world.clock()).now >= after.now + timedelta(minutes=1)
        for scale in (0, 5000):
            with pytest.raises(SandboxRefused, match=r"a number from 0\.1 to 1000"):
                await sandbox.world.run_at(scale)
        with pytest.raises(SandboxRefused, match="choose another scale"):
            await sandbox.world.run_at(1)
        await sandbox.world.run_at(SCALE)  # what the other tests here count on


class TestTheProcess:
    async def test_says_what_is_wrong_with_its_flags(self) -> None:
        for flags, words in (
            (["--host", "0.0.0.0", "--no-ion"], "loopback"),
            ([], "--cache-url is needed"),
            (["--no-ion", "--manifest", "none.yaml"], "there is no file none.yaml"),
        ):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sandbox", *flags, stderr=asyncio.subprocess.PIPE
            )
            _, said = await process.communicate()
            assert process.returncode == 2
            assert words in said.decode()

    async def test_says_that_the_cache_is_not_there(self, tmp_path: Any) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sandbox",
            "--cache-url",
            f"unix://{tmp_path}/none.sock",
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert process.returncode == 1
        assert "cannot start" in said.decode()

    def test_is_there_soon_and_gone_at_a_signal(self, cache_url: str) -> None:
        """Its own processor time, beside that of loading the libraries alone."""
        process, _ = start(cache_url)
        used = process_seconds(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        libraries = "import time, google.cloud.monitoring_v3, google.cloud.run_v2, aiohttp.web, redis.asyncio"
        loaded = subprocess.run(
            [sys.executable, "-c", f"{libraries}; print(time.process_time())"], check=True, capture_output=True
        )
        assert used < 2 * float(loaded.stdout)
