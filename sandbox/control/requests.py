"""Handlers of the control API: JSON objects in and out; what cannot be done is answered with a sentence and 400."""

import inspect
from collections.abc import Awaitable, Callable
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from sandbox.google.refusal import Refusal

Body = dict[str, Any]
Deed = Callable[[Body], Body | Awaitable[Body]]


class BadRequest(ValueError):
    """A request that cannot be carried out; the message says why, and what is possible."""


def reads(view: Callable[[], Body]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that shows something."""

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(view())

    return handle


def does(deed: Deed) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that does something with the body."""

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.json() if request.can_read_body else {}
            if not isinstance(body, dict):
                raise BadRequest("the body must be a JSON object")
            answer = deed(body)
            return web.json_response(await answer if inspect.isawaitable(answer) else answer)
        except JSONDecodeError as error:
            return web.json_response({"error": f"the body is no JSON: {error}"}, status=400)
        except (TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        except Refusal as error:
            return web.json_response({"error": error.message}, status=404)

    return handle
