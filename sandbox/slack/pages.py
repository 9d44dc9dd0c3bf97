"""The browser's routes (page, feed), and the addresses that apps send answers to."""

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path

from aiohttp import WSMsgType, web

from sandbox.slack.directory import Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import RESPONSE_URL, MethodFaults
from sandbox.slack.feed import Feed, Reader
from sandbox.slack.journal import Journal
from sandbox.slack.responseurls import ResponseUrls
from sandbox.slack.shown import Shown
from sandbox.slack.webapi.dispatch import as_sent
from sandbox.slack.wire import Json

STATIC = Path(__file__).parents[1] / "page" / "static"
_CONTENT_POLICY = "default-src 'self'; img-src * data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self'"


@dataclass(frozen=True)
class Pages:
    directory: Directory
    feed: Feed
    journal: Journal
    response_urls: ResponseUrls
    shown: Shown
    faults: MethodFaults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/archives/{rest:.*}", self.index),
            web.get("/static/{name}", self.static),
            web.get("/feed", self.serve_feed),
            web.post("/response/{key}", self.response),
        ]

    async def index(self, _request: web.Request) -> web.StreamResponse:
        return _from_disk("index.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        return _from_disk(request.match_info["name"])

    async def serve_feed(self, request: web.Request) -> web.StreamResponse:
        """?user=: the snapshot, then every change; a reader that falls behind gets a fresh snapshot."""
        user_id = request.query.get("user") or self.directory.people[0]
        if user_id not in self.directory.people:
            raise web.HTTPNotFound(text=f"no person {user_id!r} here")
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        reader = self.feed.join(user_id)
        writer = asyncio.ensure_future(self._write(socket, reader))
        try:
            async for frame in socket:
                if frame.type is WSMsgType.ERROR:
                    break
        finally:
            writer.cancel()
            self.feed.leave(reader)
        return socket

    async def _write(self, socket: web.WebSocketResponse, reader: Reader) -> None:
        await socket.send_json(self.shown.snapshot(reader.user_id))
        while True:
            event = await reader.queue.get()
            if reader.overflowed:
                reader.overflowed = False
                while not reader.queue.empty():
                    reader.queue.get_nowait()
                event = self.shown.snapshot(reader.user_id)
            await socket.send_json(event)

    async def response(self, request: web.Request) -> web.StreamResponse:
        """A response_url: `ok`, or 404 used_url / expired_url, or 400 with what was wrong with the message."""
        if (odd := self._odd()) is not None:
            return odd
        started = time.perf_counter()
        body: object = {}
        answer: Json = {"ok": True}
        status = 200
        try:
            body = json.loads(await request.text())
            if not isinstance(body, dict):
                raise SlackError("invalid_payload", status=400)
            self.response_urls.answer(request.match_info["key"], body)
        except ValueError:
            answer, status = {"ok": False, "error": "invalid_payload"}, 400
        except SlackError as error:
            answer, status = {"ok": False, "error": error.code, **error.details}, error.status
        took_ms = (time.perf_counter() - started) * 1000
        arguments = body if isinstance(body, dict) else {}
        self.journal.call("(response_url)", arguments, status, took_ms, answer)
        return web.Response(text="ok") if status == 200 else web.json_response(answer, status=status)

    def _odd(self) -> web.Response | None:
        """A planned answer; of all kinds of faults a response_url knows that one."""
        fault = self.faults.take(RESPONSE_URL, "answer")
        return as_sent(fault.answer) if fault is not None and fault.answer is not None else None


def _from_disk(name: str) -> web.StreamResponse:
    path = STATIC / name
    if path.parent != STATIC or not path.is_file():
        raise web.HTTPNotFound(text="no such page")
    headers = {"Content-Security-Policy": _CONTENT_POLICY, "Cache-Control": "no-cache"}
    return web.FileResponse(path, headers=headers)
