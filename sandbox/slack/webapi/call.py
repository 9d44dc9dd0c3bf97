"""One call as it came in, whatever way the client encoded it, and what a method is."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.slack.errors import SlackError, invalid_arguments
from sandbox.slack.wire import Json, as_flag


@dataclass(frozen=True)
class Call:
    """`arguments` are raw: strings from forms, values from JSON."""

    method: str
    arguments: Json
    token: str | None

    def text(self, name: str) -> str:
        """A required text; raises invalid_arguments."""
        value = self.maybe_text(name)
        if value is None:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def maybe_text(self, name: str) -> str | None:
        value = self.arguments.get(name)
        return None if value in (None, "") else str(value)

    def flag(self, name: str) -> bool:
        return as_flag(self.arguments.get(name))

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A whole number, held within its bounds; raises invalid_arguments for what is none."""
        value = self.arguments.get(name)
        try:
            number = default if value in (None, "") else int(str(value))
        except ValueError as error:
            raise invalid_arguments(f"must be an integer: {name}") from error
        return max(lowest, min(highest, number))

    def structure(self, name: str) -> Any:
        """A list or object, as JSON or as the JSON text that forms carry."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise invalid_arguments(f"must be valid JSON: {name}") from error


Handler = Callable[[Call], Awaitable[Json]]


@dataclass(frozen=True)
class Method:
    """`scopes`: any one of them is enough; none = no scope is needed. `app_level` = needs the xapp token."""

    name: str
    handler: Handler
    scopes: tuple[str, ...] = ()
    app_level: bool = False


async def read_call(request: web.Request) -> Call:
    """Form, multipart, JSON or query; the token from the header or from the arguments."""
    arguments: Json = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            arguments |= await _json_object(request)
        else:
            arguments |= dict(await request.post())
    token = arguments.pop("token", None)
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        token = credentials.strip()
    return Call(request.match_info["method"], arguments, token or None)


async def _json_object(request: web.Request) -> Json:
    text = await request.text()
    try:
        body = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


def page(everything: Sequence[Any], call: Call, *, default: int) -> tuple[Sequence[Any], str]:
    """A page of it, and the cursor of the next ("" = that was all)."""
    limit = call.whole("limit", default, 1, 1000)
    cursor = call.maybe_text("cursor") or "p0"
    if not cursor.startswith("p") or not cursor[1:].isdigit():
        raise SlackError("invalid_cursor")
    start = int(cursor[1:])
    following = f"p{start + limit}" if start + limit < len(everything) else ""
    return everything[start : start + limit], following
