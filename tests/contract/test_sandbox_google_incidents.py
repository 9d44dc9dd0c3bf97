"""Incidents on the control API: each really does what it says, ends, and leaves its truth in the labels."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import redis
import redis.asyncio as redis_asyncio
from google.api_core import exceptions
from google.cloud import monitoring_v3 as m
from google.cloud import run_v2

from demo.valkey import EmbeddedValkey, Kind
from sandbox.incidents.runner import KINDS
from tests.unit.sandbox.process_side import Running, minutes_go_by, sandbox_process, served_until, until


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server of its own: some incidents throw everybody out."""
    with EmbeddedValkey(tmp_path_factory.mktemp("troubled"), Kind.CACHE, maxmemory_mb=64) as server:
        async with sandbox_process(server.url, "--cache-mb", "64") as running:
            running.ready["cache_url"] = server.url
            yield running


@pytest.fixture(autouse=True)
async def calm(running: Running) -> AsyncIterator[None]:
    """Every test begins and ends without incidents."""
    yield
    await running.post("incident/stop", all=True)


async def begin(running: Running, kind: str, **parameters: Any) -> int:
    answer = await running.post("incident", kind=kind, **parameters)
    return int(answer["number"])


async def ion(running: Running) -> Any:
    return (await running.state())["ion"]


async def points(running: Running, metric: str, minutes: int, more: str = "") -> list[Any]:
    """The values of the last minutes, all series together."""
    now = await served_until(running)
    pager = await running.client(m.MetricServiceAsyncClient).list_time_series(
        request={
            "name": f"projects/{running.ready['project']}",
            "filter": f'metric.type = "{metric}"{more}',
            "interval": {"start_time": {"seconds": int(now - minutes * 60)}, "end_time": {"seconds": int(now)}},
        }
    )
    return [p.value async for s in pager for p in s.points]


async def test_the_panel_lists_kinds_and_scenarios(running: Running) -> None:
    shown = await running.get("incidents")
    assert {kind["name"] for kind in shown["kinds"]} == set(KINDS)
    assert {"bad-release", "week"} <= {s["name"] for s in shown["scenarios"]}
    assert shown["active"] == []


async def test_a_cache_that_is_down_is_down_for_everybody_and_comes_back(running: Running) -> None:
    number = await begin(running, "redis_down")

    async def noticed() -> bool:
        return bool((await ion(running))["cache_is_down"])

    await until(noticed)
    with redis.Redis.from_url(running.ready["cache_url"]) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    await minutes_go_by(running, 6)
    assert (await ion(running))["requests_last_minute"] > 0  # the service goes on, dearly
    # No points are no points: the counters of these minutes are absent, not 0.
    assert len(await points(running, "redis.googleapis.com/stats/keyspace_hits", 6)) < 4
    await running.post("incident/stop", number=number)

    async def back() -> bool:
        return not (await ion(running))["cache_is_down"]

    await until(back)


@pytest.mark.prove
async def test_a_squeezed_cache_evicts_and_the_hit_rate_falls(running: Running) -> None:
    # The cache was empty a moment ago; let it fill first.
    await minutes_go_by(running, 12)
    before = (await ion(running))["hit_rate"]["5"]
    number = await begin(running, "cache_degraded")
    await minutes_go_by(running, 12)
    during = (await ion(running))["hit_rate"]["5"]
    assert during < before - 0.1
    evicted = await points(running, "redis.googleapis.com/stats/evicted_keys", 8)
    assert sum(v.int64_value for v in evicted) > 50
    await running.post("incident/stop", number=number)
    async with redis_asyncio.Redis.from_url(running.ready["cache_url"]) as client:
        info = await client.info("memory")
    assert info["used_memory"] < 0.9 * info["maxmemory"]


async def test_an_emptied_cache_has_lost_its_settings_too(running: Running) -> None:
    async with redis_asyncio.Redis.from_url(running.ready["cache_url"]) as client:
        await client.set("mine", "1")
        await begin(running, "redis_empty")
        assert await client.get("mine") is None


async def test_a_flash_multiplies_the_requests(running: Running) -> None:
    await minutes_go_by(running, 2)
    before = (await ion(running))["requests_last_minute"]
    await begin(running, "traffic_flash", factor=4)
    await minutes_go_by(running, 3)
    assert (await ion(running))["requests_last_minute"] > 2.5 * before


@pytest.mark.prove
async def test_cost_surges_and_flat_cost_show_in_the_billable_time(running: Running) -> None:
    metric = "run.googleapis.com/container/billable_instance_time"
    main = ' AND resource.labels.service_name = "ion-api"'
    await minutes_go_by(running, 5)
    usual = max(v.double_value for v in await points(running, metric, 4, main))
    number = await begin(running, "cost_surge", factor=4)
    await minutes_go_by(running, 6)
    assert max(v.double_value for v in await points(running, metric, 4, main)) > 2.5 * usual
    await running.post("incident/stop", number=number)
    await begin(running, "flat_cost", instances=6)
    await minutes_go_by(running, 6)
    assert {v.double_value for v in await points(running, metric, 3, main)} == {360.0}


async def test_vertex_trouble_slows_the_misses(running: Running) -> None:
    metric = "run.googleapis.com/request_latencies"
    await begin(running, "vertex_trouble", slow_factor=10)
    await minutes_go_by(running, 6)
    slowest = max(v.distribution_value.mean for v in await points(running, metric, 3))
    assert slowest > 200


@pytest.mark.prove
async def test_metrics_late_and_gone(running: Running) -> None:
    metric = "redis.googleapis.com/stats/keyspace_hits"
    await begin(running, "metrics_late", metric="redis.*", seconds=3600)
    assert await points(running, metric, 10) == []
    await running.post("incident/stop", all=True)
    await minutes_go_by(running, 6)
    number = await begin(running, "metrics_gone", metric="redis.*")
    since = await served_until(running)
    await minutes_go_by(running, 6)
    await running.post("incident/stop", number=number)
    await minutes_go_by(running, 6)
    minutes = int((await served_until(running) - since) / 60)
    assert 1 <= len(await points(running, metric, minutes)) <= minutes - 6


async def test_permissions_and_apis_can_be_lost(running: Running) -> None:
    await begin(running, "permission_lost", permissions="monitoring.timeSeries.list, run.*")
    with pytest.raises(exceptions.PermissionDenied):
        await points(running, "run.googleapis.com/request_count", 5)
    await running.post("incident/stop", all=True)
    await points(running, "run.googleapis.com/request_count", 5)
    await begin(running, "google_unavailable", method="Services/ListServices")
    services = running.client(run_v2.ServicesAsyncClient)
    with pytest.raises(exceptions.ServiceUnavailable):
        await services.list_services(parent=f"projects/{running.ready['project']}/locations/us-central1", retry=None)


@pytest.mark.parametrize(("kind", "status"), [("slack_outage", 500), ("slack_429_storm", 429)])
async def test_slack_can_be_out(running: Running, kind: str, status: int) -> None:
    await begin(running, kind)
    async with running.http.post(f"{running.ready['slack_api_url']}auth.test") as answer:
        assert answer.status == status
    await running.post("incident/stop", all=True)
    async with running.http.post(f"{running.ready['slack_api_url']}auth.test") as answer:
        assert answer.status == 200


async def test_a_bad_release_ends_with_the_teams_fix(running: Running) -> None:
    await begin(running, "bad_release_errors", **{"for": "4m", "error_share": 0.5})

    async def failing() -> bool:
        return bool((await ion(running))["errors_last_minute"] > 30)

    await until(failing)

    async def fixed() -> bool:
        return bool((await running.get("incidents"))["active"] == [] and (await ion(running))["errors_last_minute"] < 5)

    await until(fixed)


async def test_a_scenario_plays_its_steps_and_leaves_labels(running: Running) -> None:
    text = (
        "name: two\nsteps:\n  - at: 1m\n    incident: cost_surge\n    for: 2m\n    factor: 3.5\n"
        "  - at: 2m\n    incident: metrics_late\n    for: 1m\n"
    )
    answer = await running.post("scenario", yaml=text)
    assert [p["kind"] for p in answer["planned"]] == ["cost_surge", "metrics_late"]
    before = len(await labels(running))

    async def over() -> bool:
        shown = await running.get("incidents")
        return not shown["planned"] and not shown["active"]

    await until(over)
    new = (await labels(running))[before:]
    assert [(each["kind"], each["incident"]) for each in new] == [("cost", "cost_surge")]
    lasted = datetime.fromisoformat(new[0]["end"]) - datetime.fromisoformat(new[0]["start"])
    # Two minutes; a second for which a busy machine stalls is one more here.
    assert 110 < lasted.total_seconds() < 900


async def labels(running: Running) -> list[Any]:
    async with running.http.get(f"{running.ready['control']}world/labels") as answer:
        return [json.loads(line) for line in (await answer.text()).splitlines()]


async def test_every_shipped_scenario_can_be_played(running: Running) -> None:
    for scenario in (await running.get("incidents"))["scenarios"]:
        answer = await running.post("scenario", name=scenario["name"])
        assert len(answer["planned"]) == scenario["steps"]
        await running.post("incident/stop", all=True)


REFUSED = [
    ("incident", {"kind": "earthquake"}, "no incident 'earthquake'"),
    ("incident", {"kind": "traffic_flash", "colour": 1}, "takes no colour; it takes factor"),
    ("incident", {"kind": "traffic_flash", "for": "soon"}, "no duration"),
    ("incident/stop", {"number": 999}, "not going on"),
    ("scenario", {"name": "nothing"}, "no scenario"),
    ("scenario", {"yaml": "name: x\n"}, "list of `steps`"),
    ("scenario", {"yaml": "name: x\nsteps:\n  - at: 5\n    incident: redis_down\n"}, "x, step 1"),
    ("fault", {"code": "UNAVAILABLE"}, "method is needed"),
    ("fault", {"method": "*", "code": "BROKEN"}, "one of"),
    ("demand", {"factor": -1}, "from 0 to 100"),
]


@pytest.mark.parametrize(("path", "body", "words"), REFUSED)
async def test_what_cannot_be_done_is_said(running: Running, path: str, body: dict[str, Any], words: str) -> None:
    answer = await running.post(path, **body)
    assert words in answer["error"]
