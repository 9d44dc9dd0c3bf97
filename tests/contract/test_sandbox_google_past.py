"""The sandbox as a process that nobody has changed anything in: its past goes over into what happens now."""

from collections.abc import AsyncIterator

import pytest
import redis
from google.cloud import monitoring_v3 as m

from demo.valkey import EmbeddedValkey
from tests.unit.sandbox.process_side import Running, minutes_go_by, sandbox_process, served_until


@pytest.fixture(scope="module")
async def running(cache_valkey: EmbeddedValkey) -> AsyncIterator[Running]:
    with redis.Redis.from_url(cache_valkey.url) as client:
        client.flushall()
    async with sandbox_process(cache_valkey.url) as running:
        yield running


async def counted(running: Running, metric: str, start: float, end: float) -> float:
    """The sum of a counter over a stretch of service time."""
    metrics = running.client(m.MetricServiceAsyncClient)
    pager = await metrics.list_time_series(
        request={
            "name": f"projects/{running.ready['project']}",
            "filter": f'metric.type = "{metric}"',
            "interval": {"start_time": {"seconds": int(start)}, "end_time": {"seconds": int(end)}},
            "aggregation": {
                "alignment_period": {"seconds": 300},
                "per_series_aligner": m.Aggregation.Aligner.ALIGN_DELTA,
                "cross_series_reducer": m.Aggregation.Reducer.REDUCE_SUM,
            },
        }
    )
    return float(sum([p.value.int64_value async for s in pager for p in s.points]))


async def test_the_history_meets_the_present(running: Running) -> None:
    await minutes_go_by(running, 15)
    now = await served_until(running)
    end = now // 300 * 300 - 300
    hits = "redis.googleapis.com/stats/keyspace_hits"
    misses = "redis.googleapis.com/stats/keyspace_misses"
    for since in (end - 3600, end - 14 * 86400):
        good, bad = await counted(running, hits, since, end), await counted(running, misses, since, end)
        requests = await counted(running, "run.googleapis.com/request_count", since, end)
        assert 0.68 < good / (good + bad) < 0.76
        assert (good + bad) / requests == pytest.approx(0.88, abs=0.03)
    rate = requests / (14 * 86400)
    assert rate == pytest.approx(6.0 * 0.957, rel=0.06)  # five weekdays and two weekend days at 0.85


async def test_memory_is_used_as_a_real_instance_would(cache_valkey: EmbeddedValkey, running: Running) -> None:
    await minutes_go_by(running, 1)
    with redis.Redis.from_url(cache_valkey.url) as cache:
        info = cache.info("memory")
        assert 0.66 < info["used_memory"] / info["maxmemory"] < 0.78
        assert int(cache.info("stats")["evicted_keys"]) == 0
