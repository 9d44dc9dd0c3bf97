"""`/healthz`, `/readyz` and `/metrics`: what a platform and a Prometheus ask of the process."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


@dataclass(frozen=True, slots=True)
class Readiness:
    """One thing that must work before the bot is of use, with the sentence that says how it stands."""

    name: str
    ready: bool
    detail: str


async def start_http(
    host: str, port: int, readiness: Callable[[], Awaitable[Sequence[Readiness]]], registry: CollectorRegistry
) -> web.AppRunner:
    """Listen; the caller cleans the runner up. Raises OSError when the port is taken."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        parts = await readiness()
        ready = all(part.ready for part in parts)
        body = {
            "status": "ready" if ready else "not ready",
            "parts": {part.name: {"ready": part.ready, "detail": part.detail} for part in parts},
        }
        return web.json_response(body, status=200 if ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
