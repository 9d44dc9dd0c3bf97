"""Two Socket Mode connections under a supervisor, so that Slack can always reach Lumen.

Each lane keeps one connection: a fresh ticket per attempt, a new connection before the old one is let go, jittered
backoff, never more than one `apps.connections.open` a second in all. What one lane suffers, the other one does not.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.slack.envelopes import Envelopes
from bot.slack.socket import Envelope, Leave, NoHello, Socket
from handlers.web_api import RATE_LIMITED, UNREADABLE, NoAnswer, SlackApi, SlackTrouble, Unreachable

_log = structlog.get_logger(__name__)

#: One for each connection. The answer to a ping must come in half of it, so a half-open one is noticed in 6 and in 9 s.
#: Wide and apart: a stall of 1.5 s, here or at Slack, ends no connection, and one of 2.5 s not both.
PINGS_SECONDS = (4.0, 6.0)
#: A connection that answers pings and brings nothing for so long is replaced; each later one a quarter later.
SILENT_SECONDS = 600.0
#: Slack spreads envelopes over the connections. One that brought some, and for so long none of so many, is replaced.
PASSED_BY, PASSED_BY_SECONDS = 12, 10.0
TICKET_PACE_SECONDS = 1.0
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_LONGEST_SECONDS = 30.0
#: A connection that lived this long was good: the next trouble is a new one.
STABLE_SECONDS = 10.0
#: After its warning Slack closes a connection within about 10 s; until then it may still bring envelopes.
DRAIN_SECONDS = 15.0


#: Why a connection is left that seems to be well; nothing comes on it any more, so nothing is waited for.
SILENT, PASSED = "silent", "passed by"
#: Takes an envelope from the connection that brought it.
Handle = Callable[[Socket, Envelope], Awaitable[None]]


class Phase(StrEnum):
    """What a lane is doing."""

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LaneState:
    """One of the connections. `since` and `heard_at` (its last envelope; None: none yet) are monotonic.

    `error` is the last trouble, empty once it is open again.
    """

    name: str
    phase: Phase
    since: float
    opened: int
    failures: int
    error: str
    heard_at: float | None = None


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """For /readyz, the metrics and doctor."""

    lanes: tuple[LaneState, ...]
    app_id: str
    tickets: int
    received: int
    duplicates: int
    unsent_acks: int
    #: Slack's word where it takes one of the tokens no more, else empty.
    token_refused: str = ""

    @property
    def ready(self) -> bool:
        """Slack can reach us: at least one connection is open."""
        return any(lane.phase is Phase.OPEN for lane in self.lanes)

    @property
    def whole(self) -> bool:
        """All connections are open."""
        return all(lane.phase is Phase.OPEN for lane in self.lanes)


class Tickets:
    """`apps.connections.open`, at most once a second for all lanes together; each answer is good for one attempt."""

    def __init__(self, api: SlackApi, pace_seconds: float = TICKET_PACE_SECONDS) -> None:
        self._api = api
        self._pace_seconds = pace_seconds
        self._next_at = 0.0
        self.asked = 0

    async def take(self) -> str:
        """A WebSocket address. Raises SlackTrouble."""
        now = time.monotonic()
        at = max(now, self._next_at)
        self._next_at = at + self._pace_seconds
        await asyncio.sleep(at - now)
        self.asked += 1
        try:
            answer = await self._api.write("apps.connections.open", {}, patient=False)
        except Unreachable as trouble:
            # Where Slack says itself when to come back, all lanes keep to that.
            self._next_at = max(self._next_at, time.monotonic() + trouble.again_in_seconds)
            raise
        url = answer.text("url")
        if urlsplit(url).scheme not in ("ws", "wss"):
            raise NoAnswer(UNREADABLE)
        return url


class Lane:
    """Keeps one connection open. `silent_seconds`: one that brings nothing for so long is replaced.

    `took` is told of each envelope, so that the other lanes hear of it (`passed_by`).
    """

    def __init__(
        self,
        name: str,
        tickets: Tickets,
        make_socket: Callable[[Handle], Socket],
        handle: Handle,
        jitter: random.Random,
        silent_seconds: float,
        took: Callable[["Lane"], None],
    ) -> None:
        self._tickets = tickets
        self._make_socket = make_socket
        self._handle = handle
        self._took = took
        self._passed_by = 0
        self._silent_seconds = silent_seconds
        self._jitter = jitter
        self._draining: set[asyncio.Task[None]] = set()
        self._socket: Socket | None = None
        self.app_id = ""
        self.state = LaneState(name, Phase.CONNECTING, time.monotonic(), 0, 0, "")

    async def run(self) -> None:
        """Until cancelled; then every socket of this lane is closed."""
        try:
            while True:
                await self._connect()
                await self._stay()
        finally:
            self._now(Phase.STOPPED)
            await self._close_all()

    async def _connect(self) -> None:
        """A new connection, however long it takes. The one that Slack asked to leave works on meanwhile."""
        while True:
            await self._let_go_if_over()
            if self._socket is None:
                self._now(Phase.CONNECTING)
            try:
                fresh = self._make_socket(self._take)
                await self._open(fresh)
            except (SlackTrouble, aiohttp.ClientError, OSError, TimeoutError, ValueError, NoHello) as error:
                await self._failed(error)
                continue
            self._retire()
            self._socket, self._passed_by = fresh, 0
            self.app_id = fresh.app_id
            self._now(Phase.OPEN, opened=self.state.opened + 1, error="")
            _log.info("slack_connected", lane=self.state.name, opened=self.state.opened)
            return

    async def _open(self, fresh: Socket) -> None:
        try:
            await fresh.open(await self._tickets.take())
        except BaseException:
            await fresh.close()
            raise

    async def _stay(self) -> None:
        """Until this connection has ended or is to be left, with a pause after a short life."""
        socket, opened_at = self._socket, time.monotonic()
        assert socket is not None, "a lane stays only on a connection that it has made"
        why = await self._reason_to_leave(socket)
        _log.info("slack_connection_leaves", lane=self.state.name, why=why)
        short = why not in (SILENT, PASSED) and time.monotonic() - opened_at < STABLE_SECONDS
        self.state = replace(self.state, failures=self.state.failures + 1 if short else 0, error=why)
        if socket.over is not None or not (socket.leave or Leave.REFRESH).may_overlap:
            self._socket = None
            self._now(Phase.WAITING)
            await socket.close()
        if short:
            await asyncio.sleep(self._pause_seconds())

    async def _reason_to_leave(self, socket: Socket) -> str:
        """It ended, Slack asks to leave it, or it has been silent for too long."""
        while (left_seconds := socket.heard_at + self._silent_seconds - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left_seconds):
                    await socket.left_or_over()
                return socket.over or (f"disconnect: {socket.leave}" if socket.leave else PASSED)
            except TimeoutError:
                continue
        return SILENT

    async def _take(self, socket: Socket, envelope: Envelope) -> None:
        self.state = replace(self.state, heard_at=time.monotonic())
        if socket is self._socket:
            self._passed_by, socket.brought = 0, socket.brought + 1
        self._took(self)
        await self._handle(socket, envelope)

    def passed_by(self) -> None:
        """Another lane has brought an envelope. Where that goes on, ours may be a dead end that answers pings."""
        self._passed_by += 1
        socket = self._socket
        if socket is None or not socket.brought or self._passed_by < PASSED_BY:
            return
        if time.monotonic() - socket.heard_at >= PASSED_BY_SECONDS:
            _log.warning("slack_connection_passed_by", lane=self.state.name, envelopes=self._passed_by)
            self._passed_by = 0
            socket.doubt()

    async def _failed(self, error: Exception) -> None:
        await self._let_go_if_over()
        what = _what(error)
        asked_to_wait = what == RATE_LIMITED
        self.state = replace(self.state, failures=self.state.failures + (0 if asked_to_wait else 1), error=what)
        if self._socket is None:
            self._now(Phase.WAITING)
        # Slack has said itself when to come back, and `Tickets` keeps to that.
        pause_seconds = self._jitter.uniform(0.0, 0.1) if asked_to_wait else self._pause_seconds()
        _log.warning("slack_unreachable", lane=self.state.name, error=what, next_try_in_seconds=round(pause_seconds, 1))
        await asyncio.sleep(pause_seconds)

    async def _let_go_if_over(self) -> None:
        if self._socket is not None and self._socket.over is not None:
            await self._socket.close()
            self._socket = None

    def _pause_seconds(self) -> float:
        if self.state.failures <= 1:
            # A first trouble is most often over at once; `Tickets` keeps the pace anyway.
            return self._jitter.uniform(0.0, 0.1)
        longest = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(self.state.failures - 2, 10))
        return longest * self._jitter.uniform(0.5, 1.0)

    def _retire(self) -> None:
        """The old connection may still bring envelopes until Slack closes it; they are acked on it."""
        if self._socket is not None:
            task = asyncio.create_task(_drain(self._socket, DRAIN_SECONDS if self._socket.leave else 0.0))
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)
            self._socket = None

    async def _close_all(self) -> None:
        draining = tuple(self._draining)
        for task in draining:
            task.cancel()
        await asyncio.gather(*draining, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    def _now(self, phase: Phase, **changes: Any) -> None:
        since = self.state.since if phase is self.state.phase else time.monotonic()
        self.state = replace(self.state, phase=phase, since=since, **changes)


class SlackConnection:
    """All lanes. `run` lasts until it is cancelled; `api` calls in the name of the app-level token."""

    def __init__(
        self,
        api: SlackApi,
        envelopes: Envelopes,
        ticket_pace_seconds: float = TICKET_PACE_SECONDS,
        jitter: random.Random | None = None,
        pings_seconds: Sequence[float] = PINGS_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._api = api
        self._envelopes = envelopes
        self._tickets = Tickets(api, ticket_pace_seconds)
        dice = jitter or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._lanes = tuple(
            Lane(
                str(n + 1),
                self._tickets,
                partial(Socket, api.sdk_client, ping_seconds=ping_seconds),
                envelopes.handle,
                dice,
                silent_seconds * (1 + n / 4),
                self._took,
            )
            for n, ping_seconds in enumerate(pings_seconds)
        )

    def _took(self, lane: Lane) -> None:
        for other in self._lanes:
            if other is not lane:
                other.passed_by()

    async def run(self) -> None:
        """Keep every lane open."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._envelopes.beat.run())
            for lane in self._lanes:
                group.create_task(self._keep(lane))

    def state(self) -> ConnectionState:
        """As it is now."""
        return ConnectionState(
            lanes=tuple(lane.state for lane in self._lanes),
            app_id=next((lane.app_id for lane in self._lanes if lane.app_id), ""),
            tickets=self._tickets.asked,
            received=self._envelopes.received,
            duplicates=self._envelopes.duplicates,
            unsent_acks=self._envelopes.unsent_acks,
            token_refused=self._api.token_refused,
        )

    async def _keep(self, lane: Lane) -> None:
        """The watchdog of last resort: a lane that breaks on something unforeseen is started again."""
        while True:
            try:
                await lane.run()
            except Exception:
                _log.exception("slack_lane_broke", lane=lane.state.name)
                await asyncio.sleep(BACKOFF_LONGEST_SECONDS / 10)


async def _drain(old: Socket, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await old.wait_over()
    except TimeoutError:
        _log.info("slack_connection_drained", seconds=seconds)
    finally:
        await old.close()


def _what(error: Exception) -> str:
    """Never with the address that was tried, which carries the ticket; aiohttp's own sentences do."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"{type(error).__name__}: http {error.status}"
    return str(error) if isinstance(error, SlackTrouble | NoHello) else type(error).__name__
