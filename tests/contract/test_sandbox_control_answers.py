"""The control API is sent anything: it answers 4xx with a sentence, never 500."""

import asyncio
import json

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.world import MANIFEST
from sandbox.clock import Clock
from sandbox.control.incidents import IncidentControl
from sandbox.control.requests import sentences
from sandbox.control.world import WorldControl
from sandbox.google.cloud import GoogleCloud
from sandbox.incidents.runner import KINDS, Incidents
from sandbox.incidents.stage import Stage
from sandbox.ion.config import IonConfig
from sandbox.ion.place import place_services
from sandbox.ion.world import World
from sandbox.slack.server import SlackServer

WORLD = (
    *("clock", "ttl-follow", "pause", "fault", "updates", "permissions", "metrics", "quota", "demand", "deploy"),
    *("clear", "incident", "incident/stop", "scenario"),
)
SLACK = ("say", "submit", "close", "options", "sockets", "faults", "limits", "expire", "click")
FIELDS = (
    *("scale", "on", "method", "code", "delay_seconds", "times", "outcomes", "denied", "off", "late", "limits"),
    *("factor", "service", "image", "error_share", "slow_factor", "kind", "for", "number", "name", "yaml", "steps"),
    *("view_id", "action_id", "ts", "user", "channel", "values", "element", "container", "do", "count", "seconds"),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400)
VALUES = st.recursive(
    LEAVES | st.sampled_from(sorted(KINDS)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4).map(json.dumps) | st.sampled_from(
    ["", "[]", "null", "{", '"', "NaN", '{"scale": 1e999}', "[" * 3000, '{"method": "*", "delay_seconds": "soon"}']
)
PATHS = st.sampled_from([f"world/{name}" for name in WORLD] + [f"slack/{name}" for name in SLACK])
HEADERS = st.sampled_from(["application/json", "application/json; charset=klingon", "text/plain"])


def control(cache_url: str) -> web.Application:
    """The whole control API over a world that stands still."""
    clock, config = Clock(1.0), IonConfig()
    cloud = GoogleCloud(
        clock=clock,
        project=config.project,
        billing_account="billingAccounts/0-1",
        seed=1,
        ingest_delay_seconds=0.0,
        deploy_seconds=0.0,
        change_seconds=0.0,
    )
    place_services(config, cloud.cloud_run, clock.seconds())
    world = World(config, clock, cloud, cache_url)
    slack = SlackServer(clock=clock, manifest_path=MANIFEST)
    application = web.Application(middlewares=[sentences])
    slack.mount(application)
    WorldControl(clock, cloud, world).mount(application)
    IncidentControl(Incidents(Stage(clock, cloud, world, slack))).mount(application)

    async def end(_: web.Application) -> None:
        await world.cache.redis.aclose()

    application.on_cleanup.append(end)
    return application


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(PATHS, BODIES, HEADERS), min_size=8, max_size=8))
def test_whatever_control_is_sent_it_answers_with_a_sentence(
    cache_url: str, requests: list[tuple[str, str, str]]
) -> None:
    async def send() -> None:
        async with TestClient(TestServer(control(cache_url))) as client:
            for path, body, kind in requests:
                answer = await client.post(f"/control/{path}", data=body.encode(), headers={"Content-Type": kind})
                text = await answer.text()
                assert answer.status < 500, (path, body, text)
                assert answer.status < 400 or json.loads(text)["error"], (path, body)
            state = await client.get("/control/world/state")
            assert state.status == 200

    asyncio.run(send())


def test_a_query_of_another_shape_is_answered_with_a_sentence(cache_url: str) -> None:
    async def ask() -> None:
        async with TestClient(TestServer(control(cache_url))) as client:
            for path in ("slack/calls?since=soon", "slack/envelopes?since=", "slack/views?user=nobody"):
                answer = await client.get(f"/control/{path}")
                assert answer.status < 500, path

    asyncio.run(ask())
