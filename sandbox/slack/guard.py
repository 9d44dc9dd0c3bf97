"""Loopback only: who may speak to the sandbox at all, by Host and Origin.

A page elsewhere in the browser must not be able to press buttons here, and a name that was bound to 127.0.0.1
afterwards (DNS rebinding) must not get past the browser's rules.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host_header: str) -> bool:
    """`host[:port]`, IPv6 in brackets."""
    return urlsplit(f"//{host_header}").hostname in LOOPBACK_NAMES


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    host = request.headers.get("Host", "")
    if not is_loopback(host):
        return web.json_response({"ok": False, "error": "host_not_loopback"}, status=403)
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return web.json_response({"ok": False, "error": "foreign_origin"}, status=403)
    return await handler(request)
