"""The stations of every call: planned faults, the method, the token, the scopes, the pace, the journal."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.slack.directory import Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import MethodFault, MethodFaults, OddAnswer
from sandbox.slack.journal import Journal
from sandbox.slack.manifest import Manifest
from sandbox.slack.ratelimit import RateLimits, rate_limited
from sandbox.slack.webapi.call import Call, Method, read_call
from sandbox.slack.wire import Json

HANG_SECONDS = 120.0
LOOK_SECONDS = 0.1
# The journal's words for calls that got no answer, or a broken one.
_STATUS_SEEN = {"http_500": 500, "hang": 0, "post_then_timeout": 0, "drop": 0, "late": 0}


@dataclass
class Dispatcher:
    directory: Directory
    manifest: Manifest
    limits: RateLimits
    faults: MethodFaults
    journal: Journal
    methods: dict[str, Method] = field(default_factory=dict)
    _late: "set[asyncio.Task[None]]" = field(default_factory=set)

    def add(self, *methods: Method) -> None:
        self.methods.update((m.name, m) for m in methods)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        call = Call(request.match_info["method"], {}, None)
        fault: MethodFault | None = None
        headers: dict[str, str] = {}
        status = 200
        try:
            call = await read_call(request)
            fault = self.faults.take(call.method)
            answer = {"ok": True, **await self._answer(call, fault, headers)}
        except SlackError as error:
            answer = {"ok": False, "error": error.code, **error.details}
            status = error.status
            headers.update(error.headers)
        if fault is not None:
            status = _STATUS_SEEN.get(fault.kind, status)
        took_ms = (time.perf_counter() - started) * 1000
        self.journal.call(call.method, call.arguments, status, took_ms, answer)
        if fault is not None and fault.answer is not None:
            return as_sent(fault.answer)
        if fault is not None:
            if fault.kind == "late":
                self._do_later(call, fault.seconds)
            await _instead_of_answering(fault, request)
        if status == 500:
            return web.Response(status=500, text="<html><body>Server Error</body></html>", content_type="text/html")
        return web.json_response(answer, status=status, headers=headers)

    def _do_later(self, call: Call, seconds: float) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            with contextlib.suppress(SlackError):
                await self._answer(call, None, {})

        task = asyncio.create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _answer(self, call: Call, fault: MethodFault | None, headers: dict[str, str]) -> Json:
        if fault is not None:
            await _before(fault)
        method = self.methods.get(call.method)
        if method is None:
            raise SlackError("unknown_method", {"req_method": call.method})
        granted = self._granted(call, method)
        headers["x-oauth-scopes"] = ",".join(granted)
        headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
        if method.scopes and not set(method.scopes) & set(granted):
            details = {"needed": method.scopes[0], "provided": ",".join(granted)}
            raise SlackError("missing_scope", details)
        self.limits.spend_call(call.method)
        return await method.handler(call)

    def _granted(self, call: Call, method: Method) -> tuple[str, ...]:
        """The scopes of the token; raises not_authed, invalid_auth, not_allowed_token_type."""
        app = self.directory.app
        if call.token is None:
            if method.name == "api.test":
                return ()
            raise SlackError("not_authed")
        if call.token not in (app.bot_token, app.app_token):
            raise SlackError("invalid_auth")
        is_app_token = call.token == app.app_token
        if method.app_level != is_app_token and method.name not in ("auth.test", "api.test"):
            raise SlackError("not_allowed_token_type")
        return self.manifest.app_scopes if is_app_token else self.manifest.bot_scopes


def as_sent(odd: OddAnswer) -> web.Response:
    """These very bytes under these headers."""
    headers = {"Content-Type": odd.content_type, **odd.headers}
    return web.Response(status=odd.status, body=odd.body.encode(), headers=headers)


async def _instead_of_answering(fault: MethodFault, request: web.Request) -> None:
    """Keep the client waiting until it goes (at most HANG_SECONDS), or tear the connection off."""
    if fault.kind == "drop" and request.transport is not None:
        request.transport.abort()
    elif fault.kind in ("hang", "post_then_timeout", "late"):
        waited_seconds = 0.0
        while waited_seconds < HANG_SECONDS and request.transport is not None and not request.transport.is_closing():
            await asyncio.sleep(LOOK_SECONDS)
            waited_seconds += LOOK_SECONDS


async def _before(fault: MethodFault) -> None:
    """The part of a fault that comes instead of, or before, the deed."""
    match fault.kind:
        case "delay":
            await asyncio.sleep(fault.seconds)
        case "ratelimited":
            raise rate_limited(fault.seconds)
        case "error":
            raise SlackError(fault.error)
        case "answer" if not fault.deed:
            raise SlackError("internal_error")
        case "http_500" | "hang" | "drop" | "late":
            raise SlackError("internal_error")
        case _:  # post_then_timeout: the deed is done first
            return
