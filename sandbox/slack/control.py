"""The control API under /control/slack/: what a test, a script or the page does in the name of people and of fate.

Every request and answer is JSON. Refusals are `{"error": sentence}` with 4xx: what, where, how to mend it.
`sandbox.client` is the same in Python.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from aiohttp import web

from sandbox.slack.connection import Connection
from sandbox.slack.directory import Directory
from sandbox.slack.errors import ControlError, SlackError
from sandbox.slack.faults import KINDS, MethodFault, MethodFaults, OddAnswer
from sandbox.slack.interactions import Interactions
from sandbox.slack.journal import Journal
from sandbox.slack.messages import MessageLog
from sandbox.slack.ratelimit import RateLimits
from sandbox.slack.responseurls import ResponseUrls
from sandbox.slack.shown import Shown
from sandbox.slack.socketmode import Delivery, SocketFaults, SocketHub
from sandbox.slack.wire import Json

Deed = Callable[[Json], Awaitable[Json]]

SOCKET_DEEDS = ("close", "reset", "finish", "half_open", "warning", "refresh_requested", "link_disabled",
                "too_many_websockets", "reject_tickets", "link_disabled_on_connect", "duplicate_envelopes",
                "withhold_hello", "stall", "mute", "heal")  # fmt: skip


@dataclass
class Control:
    directory: Directory
    interactions: Interactions
    hub: SocketHub
    faults: MethodFaults
    limits: RateLimits
    response_urls: ResponseUrls
    log: MessageLog
    journal: Journal
    shown: Shown
    clear_workspace: Callable[[], None]

    def routes(self) -> list[web.RouteDef]:
        posts: dict[str, Deed] = {
            "command": self.command, "click": self.click, "say": self.say, "submit": self.submit,
            "close": self.close, "home": self.home, "options": self.options, "sockets": self.sockets,
            "channel": self.change_channel, "delete": self.delete_message,
            "faults": self.plan_fault, "limits": self.set_limits, "expire": self.expire, "reset": self.reset,
        }  # fmt: skip
        gets: dict[str, Callable[[web.Request], Json]] = {
            "state": lambda _request: self.shown.workspace(),
            "messages": self.messages,
            "views": self.views,
            "calls": self.calls,
            "envelopes": self.envelopes,
            "connections": lambda _request: self.connections(),
        }
        return [
            *(web.post(f"/control/slack/{name}", _posted(deed)) for name, deed in posts.items()),
            *(web.get(f"/control/slack/{name}", _read(view)) for name, view in gets.items()),
        ]

    # ---- people

    async def command(self, body: Json) -> Json:
        """{user?, channel?, text: "/lumen status"} or {command: "/lumen", text: "status"}."""
        command, text = str(body.get("command") or ""), str(body.get("text") or "")
        line = f"{command} {text}" if command else text
        return _outcome(await self.interactions.command(self._user(body), _channel(body), line))

    async def click(self, body: Json) -> Json:
        """{user?, channel?, ts, action_id, block_id?, value?, stale?} or {user?, view_id, action_id, …}."""
        action_id, block_id = _needed(body, "action_id"), body.get("block_id")
        if body.get("view_id"):
            return _outcome(
                await self.interactions.press_in_view(
                    self._user(body), str(body["view_id"]), action_id, block_id=block_id, value=body.get("value")
                )
            )
        return _outcome(
            await self.interactions.press(
                self._user(body), _channel(body), _needed(body, "ts"), action_id,
                block_id=block_id, value=body.get("value"), stale=bool(body.get("stale")),
            )
        )  # fmt: skip

    async def say(self, body: Json) -> Json:
        """{user?, channel?, text, thread_ts?}: a person writes."""
        message = self.interactions.say(
            self._user(body), _channel(body), _needed(body, "text"), body.get("thread_ts") or None
        )
        return {"ts": message.ts, "channel": message.channel}

    async def submit(self, body: Json) -> Json:
        """{user?, view_id, values: {block_id: {action_id: value}}}."""
        view_id = _needed(body, "view_id")
        delivery = await self.interactions.submit(self._user(body), view_id, body.get("values") or {})
        view = self.interactions.views.find(view_id=view_id)
        return _outcome(delivery) | {"errors": view.errors if view else {}, "still_open": view is not None}

    async def close(self, body: Json) -> Json:
        """{user?, view_id, all?}: the × of a modal."""
        delivery = await self.interactions.close(
            self._user(body), _needed(body, "view_id"), everything=bool(body.get("all"))
        )
        return _outcome(delivery)

    async def home(self, body: Json) -> Json:
        """{user?}: look at App Home."""
        self.interactions.open_home(self._user(body))
        return {"opened": True}

    async def options(self, body: Json) -> Json:
        """{user?, container, element, block_id, typed}: what an external menu offers."""
        return await self.interactions.suggest(
            self._user(body), body.get("container") or {}, body["element"], _needed(body, "block_id"),
            str(body.get("typed") or ""),
        )  # fmt: skip

    # ---- reading

    def messages(self, request: web.Request) -> Json:
        """?user= (else what all see together) &channel= &thread_ts=."""
        query = request.query
        channel = query.get("channel")
        found = self.directory.channel_by(channel) if channel else None
        if channel and found is None:
            raise ControlError(f"no channel {channel!r}", status=404)
        user, thread_ts = query.get("user"), query.get("thread_ts")
        return {"messages": self.shown.messages(user, found.id if found else None, thread_ts)}

    def views(self, request: web.Request) -> Json:
        """?user=: the open modals, bottom first, and the Home tab."""
        user_id = request.query.get("user") or self.directory.people[0]
        snapshot = self.shown.snapshot(user_id)
        return {"stack": snapshot["stack"], "home": snapshot["home"]}

    def calls(self, request: web.Request) -> Json:
        """?since=number &method=: Web API calls, oldest first; `total` counts all there ever were."""
        since, method = int(request.query.get("since", 0)), request.query.get("method")
        found = [c for c in self.journal.calls if c.number > since and method in (None, c.method)]
        return {"total": self.journal.calls_total, "calls": [asdict(c) for c in found]}

    def envelopes(self, request: web.Request) -> Json:
        """?since=number: Socket Mode envelopes and how they fared."""
        since = int(request.query.get("since", 0))
        found = [e for e in self.journal.envelopes if e.number > since]
        return {"total": self.journal.envelopes_total, "envelopes": [asdict(e) for e in found]}

    def connections(self) -> Json:
        return {
            "connections": [
                {"id": c.id, "age_seconds": round(self.hub.monotonic() - c.opened_at, 3), "sent": c.sent,
                 "half_open": c.half_open}
                for c in self.hub.connections
            ]
        }  # fmt: skip

    # ---- fate

    async def sockets(self, body: Json) -> Json:
        """{do, count?, connection?, seconds?}: `do` is one of SOCKET_DEEDS; connection = an id, else all that are open.

        `seconds`: how long after its disconnect frame a connection is closed; at once without it. Of `stall`: how long
        nothing is read or sent on it. `mute`: it answers pings, and brings nothing any more.
        """
        deed = body.get("do")
        if deed not in SOCKET_DEEDS:
            raise ControlError(f"do must be one of {', '.join(SOCKET_DEEDS)}, not {deed!r}", status=422)
        faults, count = self.hub.faults, int(body.get("count", 1))
        chosen = [c for c in self.hub.connections if body.get("connection") in (None, c.id)]
        match deed:
            case "reject_tickets":
                faults.reject_tickets = count
            case "link_disabled_on_connect":
                faults.link_disabled = count
            case "duplicate_envelopes":
                faults.duplicate_envelopes = count
            case "withhold_hello":
                faults.withhold_hello = count
            case "heal":
                self.hub.faults = SocketFaults()
            case "warning":
                await self.hub.warn_and_refresh(chosen)
            case "refresh_requested" | "link_disabled" | "too_many_websockets" if "seconds" in body:
                await self.hub.ask_to_leave(chosen, deed, float(body["seconds"]))
            case _:
                for connection in chosen:
                    await _end(connection, deed, float(body.get("seconds", 1.0)))
        return {"connections": len(chosen)}

    async def plan_fault(self, body: Json) -> Json:
        """{method, kind, times?, error?, seconds?}; {clear: true} takes all back.

        {drops_metadata?, refuses_charts?: bool}: how the workspace is. `method` may be response_url.
        For `answer` also {status?, body?, content_type?, headers?, deed?}.
        """
        if body.get("clear"):
            self.faults.clear()
            return {"planned": 0}
        workspace = [name for name in ("drops_metadata", "refuses_charts") if name in body]
        if workspace:
            for name in workspace:
                setattr(self.faults, name, bool(body[name]))
            return {"planned": len(self.faults.planned)}
        if body.get("kind") not in KINDS:
            raise ControlError(f"kind must be one of {', '.join(KINDS)}, not {body.get('kind')!r}", status=422)
        self.faults.plan(
            MethodFault(
                method=_needed(body, "method"),
                kind=body["kind"],
                times=int(body.get("times", 1)),
                error=str(body.get("error", "internal_error")),
                seconds=float(body.get("seconds", 1.0)),
                answer=_odd_answer(body) if body["kind"] == "answer" else None,
                deed=bool(body.get("deed")),
            )
        )
        return {"planned": len(self.faults.planned)}

    async def change_channel(self, body: Json) -> Json:
        """{channel?, archived?, name?, private?, with_app?}: what an owner of the channel does to it."""
        channel = self.directory.channel_by(_channel(body) or self.directory.home_channel)
        if channel is None:
            raise ControlError(f"no channel {_channel(body)!r}", status=404)
        bot = self.directory.app.bot_user_id
        others = tuple(member for member in channel.members if member != bot)
        self.directory.channels[channel.id] = replace(
            channel,
            name=str(body.get("name") or channel.name),
            is_archived=bool(body.get("archived", channel.is_archived)),
            is_private=bool(body.get("private", channel.is_private)),
            members=(*others, bot) if body.get("with_app", bot in channel.members) else others,
        )
        return {"channel": channel.id}

    async def delete_message(self, body: Json) -> Json:
        """{channel?, ts}: an admin deletes a message, whoever wrote it."""
        channel_id = _channel(body) or self.directory.home_channel
        message = self.log.get(channel_id, _needed(body, "ts"))
        if message is None:
            raise ControlError(f"no message {body['ts']!r} in {channel_id}", status=404)
        self.log.remove(message)
        return {"deleted": True}

    async def set_limits(self, body: Json) -> Json:
        """{enabled}: whether Slack's pace is kept."""
        self.limits.enabled = bool(body.get("enabled", True))
        self.limits.forget()
        return {"enabled": self.limits.enabled}

    async def expire(self, _body: Json) -> Json:
        """As if half an hour had passed for every response_url handed out."""
        self.response_urls.expire_all()
        return {"expired": True}

    async def reset(self, _body: Json) -> Json:
        """An empty workspace with no faults; connections stay."""
        self.clear_workspace()
        return {"reset": True}

    def _user(self, body: Json) -> str:
        return str(body.get("user") or self.directory.people[0])


def _outcome(delivery: Delivery | None) -> Json:
    if delivery is None:
        return {"sent": False, "acked": False, "ack_ms": None, "payload": {}, "error": None, "envelope_id": None}
    return {"sent": True, **asdict(delivery)}


def _odd_answer(body: Json) -> OddAnswer:
    headers = body.get("headers") or {}
    if not isinstance(headers, dict):
        raise ControlError("headers must be an object of texts", status=422)
    return OddAnswer(
        status=int(body.get("status", 200)),
        body=str(body.get("body", "")),
        content_type=str(body.get("content_type", "application/json")),
        headers={str(name): str(value) for name, value in headers.items()},
    )


def _channel(body: Json) -> str:
    return str(body.get("channel") or "")


def _needed(body: Json, name: str) -> str:
    value = body.get(name)
    if value in (None, ""):
        raise ControlError(f"the field {name!r} is missing", status=422)
    return str(value)


async def _end(connection: Connection, deed: str, seconds: float) -> None:
    match deed:
        case "close":
            await connection.close()
        case "reset":
            connection.reset()
        case "finish":
            connection.finish()
        case "half_open":
            connection.half_open = True
        case "mute":
            connection.mute = True
        case "stall":
            connection.stall(seconds)
        case _:
            await connection.disconnect(deed)


def _posted(deed: Deed) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body: Any = await request.json() if request.can_read_body else {}
            if not isinstance(body, dict):
                raise ControlError("the body must be a JSON object", status=422)
            return web.json_response(await deed(body))
        except ControlError as error:
            return web.json_response({"error": error.sentence}, status=error.status)
        except SlackError as error:
            return web.json_response({"error": error.code}, status=409)
        except ValueError as error:
            return web.json_response({"error": f"the body cannot be read: {error}"}, status=422)

    return handle


def _read(view: Callable[[web.Request], Json]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(view(request))
        except ControlError as error:
            return web.json_response({"error": error.sentence}, status=error.status)

    return handle
