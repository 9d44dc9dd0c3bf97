"""A Slack that does nothing but hand out envelopes and time their acks; a process of its own, so that it is not timed.

`python -m bench.slack_server` prints its port. It answers every Web API method with what a client needs to go on.
"""

import asyncio
import itertools
import json
import sys
import time
from typing import Any

from aiohttp import WSMsgType, web

TEAM, APP, USER, GROUP = "T0BENCH", "A0BENCH", "U0BENCH", "S0BENCH"

ANSWERS: dict[str, dict[str, Any]] = {
    "auth.test": {"team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT", "team": "bench", "user": "lumen", "url": ""},
    "bots.info": {"bot": {"id": "B0BOT", "app_id": APP}},
    "users.info": {"user": {"id": USER, "locale": "en-US"}},
    "usergroups.users.list": {"users": [USER]},
    "conversations.history": {"messages": []},
}


class Bench:
    """All sockets that are open now, and the acks that are waited for."""

    def __init__(self) -> None:
        self.port = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._numbers = itertools.count()
        self._sent: dict[str, float] = {}
        self._took_ms: dict[str, float] = {}
        self._acked: dict[str, asyncio.Future[None]] = {}
        self._answered: dict[str, asyncio.Future[None]] = {}
        self._answers = 0

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/api/{method}", self._api),
                web.get("/api/{method}", self._api),
                web.get("/socket", self._socket),
                web.post("/answer/{envelope_id}", self._answer),
                web.post("/measure", self._measure),
            ]
        )
        return app

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if method == "apps.connections.open":
            url = f"ws://127.0.0.1:{self.port}/socket?ticket={next(self._numbers)}"
            return web.json_response({"ok": True, "url": url})
        return web.json_response({"ok": True, "channel": "C0", "ts": "1.1"} | ANSWERS.get(method, {}))

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": APP}, "debug_info": {}}
        await socket.send_str(json.dumps(hello))
        self._sockets.append(socket)
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._took(json.loads(frame.data)["envelope_id"])
        finally:
            self._sockets.remove(socket)
        return socket

    def _took(self, envelope_id: str) -> None:
        self._took_ms[envelope_id] = (time.perf_counter() - self._sent[envelope_id]) * 1000
        self._acked[envelope_id].set_result(None)

    async def _answer(self, request: web.Request) -> web.Response:
        self._answers += 1
        waiting = self._answered.get(request.match_info["envelope_id"])
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        return web.json_response({"ok": True})

    async def _measure(self, request: web.Request) -> web.Response:
        """{count, at_once, pause_seconds, answers, text, values}; seconds from the first envelope to the last ack.

        Between batches there is a pause, and with `answers` what the client says through response_url is waited for.
        `values` makes clicks on the buttons that carry them.
        """
        asked = await request.json()
        count, at_once = int(asked["count"]), int(asked["at_once"])
        values, text = asked.get("values"), str(asked.get("text", "status"))
        self._sent, self._took_ms, self._acked, self._answered = {}, {}, {}, {}
        seconds = 0.0
        for first in range(0, count, at_once):
            batch = [
                self._envelope(text, values[n] if values else None) for n in range(first, min(first + at_once, count))
            ]
            began = time.perf_counter()
            for envelope in batch:
                await self._send(envelope)
            await asyncio.gather(*(self._acked[e["envelope_id"]] for e in batch))
            seconds += time.perf_counter() - began
            if asked.get("answers"):
                await asyncio.gather(*(self._answered[e["envelope_id"]] for e in batch))
            await asyncio.sleep(float(asked["pause_seconds"]))
        return web.json_response({"took_ms": list(self._took_ms.values()), "seconds": seconds})

    def _envelope(self, text: str, value: str | None) -> dict[str, Any]:
        number = next(self._numbers)
        envelope_id = f"{number:08d}-bench-0000-0000-000000000000"
        url = f"http://127.0.0.1:{self.port}/answer/{envelope_id}"
        return {
            "envelope_id": envelope_id,
            "type": "slash_commands" if value is None else "interactive",
            "accepts_response_payload": True,
            "payload": _command(number, url, text) if value is None else _click(number, url, value),
        }

    async def _send(self, envelope: dict[str, Any]) -> None:
        envelope_id = envelope["envelope_id"]
        text = json.dumps(envelope)
        loop = asyncio.get_running_loop()
        self._acked[envelope_id], self._answered[envelope_id] = loop.create_future(), loop.create_future()
        self._sent[envelope_id] = time.perf_counter()
        await self._sockets[len(self._sent) % len(self._sockets)].send_str(text)


def _command(number: int, response_url: str, text: str) -> dict[str, Any]:
    return {
        "token": "t",
        "team_id": TEAM,
        "team_domain": "bench",
        "channel_id": "C0",
        "channel_name": "ion-alerts",
        "user_id": USER,
        "user_name": "bench",
        "command": "/lumen",
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": f"{number}.1.1",
    }


def _click(number: int, response_url: str, value: str) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "api_app_id": APP,
        "user": {"id": USER, "username": "bench", "name": "bench", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "bench"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0", "is_ephemeral": False},
        "channel": {"id": "C0", "name": "ion-alerts"},
        "message": {"ts": "1.1", "text": "", "blocks": []},
        "trigger_id": f"{number}.1.1",
        "response_url": response_url,
        "actions": [
            {
                "action_id": "proposal.approve",
                "block_id": "b",
                "type": "button",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": value,
                "action_ts": f"{number}.000001",
            }
        ],
    }


async def serve() -> None:
    """Until the process is ended."""
    bench = Bench()
    runner = web.AppRunner(bench.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bench.port = int(runner.addresses[0][1])
    sys.stdout.write(f"{bench.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
