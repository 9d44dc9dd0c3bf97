"""A pager on loopback that speaks both forms and validates them: PagerDuty's Events v2 and Alertmanager's alerts."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

ROUTING_KEY = "R0UT1NGKEYR0UT1NGKEYR0UT1NGKEY01"


def valid_event(body: Any) -> None:
    """developer.pagerduty.com: Events API v2."""
    assert set(body) <= {"routing_key", "event_action", "dedup_key", "payload", "client"}
    assert body["routing_key"] == ROUTING_KEY
    assert body["event_action"] in ("trigger", "acknowledge", "resolve")
    assert 0 < len(body["dedup_key"]) <= 255
    if body["event_action"] == "trigger":
        payload = body["payload"]
        assert 0 < len(payload["summary"]) <= 1024
        assert payload["source"]
        assert payload["severity"] in ("critical", "error", "warning", "info")
        assert datetime.fromisoformat(payload["timestamp"]).tzinfo is not None


def valid_alerts(body: Any) -> None:
    """github.com/prometheus/alertmanager: api/v2/openapi.yaml, postableAlerts."""
    for alert in body:
        assert set(alert) <= {"startsAt", "endsAt", "annotations", "labels", "generatorURL"}
        assert alert["labels"]["alertname"]
        assert all(isinstance(text, str) for text in (*alert["labels"].values(), *alert["annotations"].values()))
        assert datetime.fromisoformat(alert["startsAt"]) < datetime.fromisoformat(alert["endsAt"])


@dataclass
class PagerServer:
    """Speaks both, refuses what does not fit its form with 400, and anything else when told to."""

    url: str = ""
    bodies: list[Any] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # the next ones; then 202 or 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    async def pagerduty(self, request: web.Request) -> web.Response:
        return self._answered(await request.json(), valid_event, 202)

    async def alertmanager(self, request: web.Request) -> web.Response:
        return self._answered(await request.json(), valid_alerts, 200)

    def _answered(self, body: Any, valid: Callable[[Any], None], well: int) -> web.Response:
        self.asked += 1
        if self.answers:
            return web.Response(status=self.answers.pop(0), text="not today", headers=self.headers)
        try:
            valid(body)
        except (AssertionError, KeyError, ValueError) as error:
            return web.Response(status=400, text=json.dumps({"status": "invalid event", "errors": [str(error)]}))
        self.bodies.append(body)
        return web.json_response({"status": "success"}, status=well)

    @property
    def steps(self) -> list[str]:
        return [body["event_action"] for body in self.bodies]


@asynccontextmanager
async def pager_server() -> AsyncIterator[PagerServer]:
    """Listens while the block runs."""
    server, app = PagerServer(), web.Application()
    app.add_routes([web.post("/v2/enqueue", server.pagerduty), web.post("/api/v2/alerts", server.alertmanager)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()
