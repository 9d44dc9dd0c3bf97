"""Handlers of the control API: JSON objects in and out; what cannot be done is answered with a sentence and 400."""

import inspect
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from sandbox.google.refusal import Refusal

Body = dict[str, Any]
Deed = Callable[[Body], Body | Awaitable[Body]]


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: What a body or a query of another shape than a handler reads makes it raise.
_MISFITS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


@web.middleware
async def sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The control API answers what it cannot carry out with a sentence and 400, whatever it was sent."""
    try:
        return await handler(request)
    except _MISFITS as error:
        if not request.path.startswith("/control/"):
            raise
        said = f"this cannot be carried out as it was sent ({type(error).__name__}: {error})"
        return web.json_response({"error": said}, status=400)


class BadRequest(ValueError):
    """A request that cannot be carried out; the message says why, and what is possible."""


def number(body: Body, name: str, default: float, least: float, most: float) -> float:
    """A finite number of the body, or the default where there is none. Raises BadRequest."""
    given = body.get(name)
    if given is None:
        return default
    try:
        found = float(given)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not least <= found <= most:
        raise BadRequest(f"{name} {str(given)[:80]}: a number from {least:g} to {most:g}")
    return found


def texts(body: Body, name: str) -> Sequence[str]:
    """A list of texts of the body; empty where there is none. Raises BadRequest."""
    given = body.get(name)
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadRequest(f"{name}: a list of texts")
    return given


def table(body: Body, name: str) -> Body:
    """A JSON object within the body; empty where there is none. Raises BadRequest."""
    given = body.get(name)
    if given is not None and not isinstance(given, dict):
        raise BadRequest(f"{name}: a JSON object")
    return given or {}


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise BadRequest(f"{name} is no number of JSON")


def reads(view: Callable[[], Body]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that shows something."""

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(view())

    return handle


def does(deed: Deed) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that does something with the body."""

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.json(loads=_loads) if request.can_read_body else {}
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
