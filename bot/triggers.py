"""`POST /feedback/run` and `POST /pubsub/push`: who calls is checked first, then the call is handed to its use case."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from lumen.model.messages import LumenError, Message, NotPermitted, NotVerified, message
from lumen.model.turn import Turn
from lumen.ports.sources import Pushed
from lumen.use_cases.shards import Outcome
from lumen.use_cases.triggers import Triggers
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()

#: A budget's notification is half a kilobyte long.
MOST_BYTES = 65_536
BODY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class TriggerRoutes:
    """`check`: raises for a token that may not call; `read`: a body of Pub/Sub, raises ValueError for any other.

    `made`: told of the turns that a call has made, and in how many seconds.
    """

    triggers: Triggers
    check: Callable[[str], Awaitable[None]]
    read: Callable[[bytes], Pushed]
    made: Callable[[Sequence[Turn], float], Awaitable[None]]
    words: Catalogue
    calls: Counter

    def routes(self) -> Sequence[web.RouteDef]:
        """For `start_http`."""
        return [web.post("/feedback/run", self.run), web.post("/pubsub/push", self.push)]

    async def run(self, request: web.Request) -> web.Response:
        """The turns of this hour. A token does this once, so one that somebody has caught is worth nothing."""
        began = time.monotonic()
        try:
            token = await self._checked(request)
            outcome, turns = await self.triggers.run(hashlib.sha256(token.encode()).hexdigest())
        except LumenError as error:
            return self._refused(error)
        await self._told("run", outcome, turns, began)
        if outcome is Outcome.KNOWN:
            return self._says(HTTPStatus.UNAUTHORIZED, message("trigger.used"))
        if outcome is Outcome.BUSY:
            return self._says(HTTPStatus.CONFLICT, message("trigger.busy"))
        made = [{"service": one.snapshot.service.key, "id": one.id, "occasion": one.occasion.value} for one in turns]
        return web.json_response({"turns": made})

    async def push(self, request: web.Request) -> web.Response:
        """A message; 204 says that it need not come again."""
        began = time.monotonic()
        try:
            await self._checked(request)
            pushed = self.read(await _body(request))
            outcome, turns = await self.triggers.take(pushed)
        except LumenError as error:
            return self._refused(error)
        except ValueError as error:
            log.warning("message_unreadable", detail=str(error)[:200])
            self.calls.labels("push", "unreadable").inc()
            return self._says(HTTPStatus.BAD_REQUEST, message("trigger.unreadable"))
        await self._told("push", outcome, turns, began)
        if outcome is Outcome.BUSY:
            return self._says(HTTPStatus.SERVICE_UNAVAILABLE, message("trigger.busy"))
        if outcome is Outcome.FULL:
            return self._says(HTTPStatus.TOO_MANY_REQUESTS, message("trigger.full"))
        if outcome is Outcome.IGNORED:
            log.warning("push_ignored", subscription=pushed.subscription, id=pushed.id)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _checked(self, request: web.Request) -> str:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        await self.check(token if kind.lower() == "bearer" else "")
        return token

    async def _told(self, call: str, outcome: Outcome, turns: Sequence[Turn], began: float) -> None:
        self.calls.labels(call, outcome.value).inc()
        if turns:
            await self.made(turns, time.monotonic() - began)

    def _refused(self, error: LumenError) -> web.Response:
        log.warning("trigger_refused", code=error.reason.code)
        self.calls.labels("any", "refused").inc()
        if isinstance(error, NotVerified):
            return self._says(HTTPStatus.UNAUTHORIZED, error.reason)
        if isinstance(error, NotPermitted):
            return self._says(HTTPStatus.FORBIDDEN, error.reason)
        return self._says(HTTPStatus.SERVICE_UNAVAILABLE, error.reason)

    def _says(self, status: HTTPStatus, why: Message) -> web.Response:
        headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
        return web.json_response({"error": self.words.plain(why)}, status=status, headers=headers)


async def _body(request: web.Request) -> bytes:
    """Raises ValueError; aiohttp itself answers 413 to one that is too long."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError as error:
        raise ValueError("the body did not come") from error


def counter_of(registry: CollectorRegistry) -> Counter:
    """Calls by what became of them."""
    return Counter("lumen_trigger_calls", "Calls from outside", ["call", "outcome"], registry=registry)
