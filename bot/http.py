"""`/healthz`, `/readyz` and `/metrics` for a platform and a Prometheus.

Metrics are of the process itself; figures of the service go to Cloud Monitoring.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.slack.connection import ConnectionState
from bot.store import StateStore, room_warnings
from lumen.adapters.store import epoch
from lumen.model.messages import LumenError
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Readiness:
    """One thing that must work before the bot is of use, with a sentence about its state."""

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


class ConnectionGauges(Collector):
    """Reads the connection's state when it is scraped, so it is never stale."""

    def __init__(self, state: Callable[[], ConnectionState | None]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state()
        if state is None:
            return
        lanes = GaugeMetricFamily("lumen_slack_connection_open", "1 while the connection is open", labels=["lane"])
        for lane in state.lanes:
            lanes.add_metric([lane.name], float(lane.phase == "open"))
        yield lanes
        yield GaugeMetricFamily("lumen_slack_tickets", "apps.connections.open asked for", value=state.tickets)
        yield GaugeMetricFamily("lumen_slack_envelopes", "Envelopes received", value=state.received)
        yield GaugeMetricFamily("lumen_slack_duplicates", "Envelopes received twice", value=state.duplicates)


class Metrics:
    """One registry a process; `turn_seconds` is time on the wall."""

    def __init__(self, connection: Callable[[], ConnectionState | None]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(ConnectionGauges(connection))
        self.turns = Counter("lumen_turns", "Turns made", ["occasion"], registry=self.registry)
        self.watched_until = Gauge(
            "lumen_watch_last_look_timestamp_seconds",
            "Service time of the last look of the watch: alert on it when it is older than 15 minutes",
            ["service"],
            registry=self.registry,
        )
        self.turn_seconds = Histogram(
            "lumen_turn_seconds", "Time that a wake-up with turns took", registry=self.registry
        )


async def store_readiness(store: StateStore, services: Sequence[ServiceId], words: Catalogue) -> Readiness:
    """A store that is nearly full is ready, and says so: people must act before it refuses decisions."""
    try:
        await epoch.check(store.redis, services)
        short = await room_warnings(store)
    except LumenError as error:
        return Readiness("state", False, error.reason.code)
    return Readiness("state", True, " ".join(words.plain(each) for each in short) or "ok")


def slack_readiness(state: ConnectionState | None) -> Readiness:
    """`state` None: Slack has not said yet who we are."""
    if state is None:
        return Readiness("slack", False, "Slack has not been reached yet")
    lanes = ", ".join(f"{lane.name}: {lane.phase} {lane.error}".strip() for lane in state.lanes)
    return Readiness("slack", state.ready, lanes)
