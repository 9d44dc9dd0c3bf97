"""`/healthz`, `/readyz` and `/metrics` for a platform and a Prometheus.

Metrics are of the process itself; figures of the service go to Cloud Monitoring.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.duties import DutyMetrics
from bot.slack.connection import ConnectionState, LaneState
from bot.store import StateStore, store_warnings
from bot.triggers import MOST_BYTES
from handlers.outbox import OutboxState
from lumen.adapters.store import epoch
from lumen.model.answers import Readiness
from lumen.model.messages import LumenError, Message, message
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue

#: On the wall: so long may a message be behind, or a wake be the last one, before something is wrong.
OUTBOX_LATE_SECONDS = 300.0
WAKE_LATE_SECONDS = 300.0
#: How long a stop waits for calls that are being answered.
SHUTDOWN_SECONDS = 5.0


async def start_http(
    host: str,
    port: int,
    readiness: Callable[[], Awaitable[Sequence[Readiness]]],
    registry: CollectorRegistry,
    *,
    metrics_port: int | None = None,
    routes: Sequence[web.RouteDef] = (),
) -> web.AppRunner:
    """Listen; the caller cleans the runner up. Raises OSError when a port is taken.

    `metrics_port`: where `/metrics` answers instead. `routes`: what else is answered on `port`.
    """

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

    app = web.Application(client_max_size=MOST_BYTES)
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), *routes])
    own = metrics_port is not None and metrics_port != port
    scraped = web.Application() if own else app
    scraped.add_routes([web.get("/metrics", metrics)])
    if own:
        beside = await _listen(scraped, host, metrics_port or 0)
        app.on_cleanup.append(lambda _: beside.cleanup())
    return await _listen(app, host, port)


async def _listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


@dataclass(frozen=True, slots=True)
class SlackGauges(Collector):
    """Reads the connections and the outbox when they are scraped, so that nothing is stale."""

    connection: Callable[[], ConnectionState | None]
    outbox: Callable[[], OutboxState]

    def collect(self) -> Iterator[Metric]:
        yield from self._of_the_outbox(self.outbox())
        state = self.connection()
        if state is not None:
            yield from self._of_the_connection(state)

    def _of_the_outbox(self, outbox: OutboxState) -> Iterator[Metric]:
        yield GaugeMetricFamily("lumen_outbox_behind", "Messages that are behind the store", value=outbox.behind)
        oldest = "For how long the oldest message is behind"
        yield GaugeMetricFamily("lumen_outbox_oldest_seconds", oldest, value=outbox.oldest_seconds)
        refused = GaugeMetricFamily(
            "lumen_outbox_refused", "1 while Slack refuses messages, and its word", labels=["error"]
        )
        if outbox.refused:
            refused.add_metric([outbox.refused], 1.0)
        yield refused
        unheard = "Calls of the people on call that Slack does not take"
        yield GaugeMetricFamily("lumen_calls_unheard", unheard, value=len(outbox.unheard))

    def _of_the_connection(self, state: ConnectionState) -> Iterator[Metric]:
        refused = float(bool(state.token_refused))
        yield GaugeMetricFamily("lumen_slack_token_refused", "1 while Slack takes a token no more", value=refused)
        lanes = GaugeMetricFamily("lumen_slack_connection_open", "1 while the connection is open", labels=["lane"])
        silent = GaugeMetricFamily("lumen_slack_silent_seconds", "Since the last envelope of the lane", labels=["lane"])
        for lane in state.lanes:
            lanes.add_metric([lane.name], float(lane.phase == "open"))
            if lane.heard_at is not None:
                silent.add_metric([lane.name], time.monotonic() - lane.heard_at)
        yield lanes
        yield silent
        yield GaugeMetricFamily("lumen_slack_tickets", "apps.connections.open asked for", value=state.tickets)
        yield GaugeMetricFamily("lumen_slack_envelopes", "Envelopes received", value=state.received)
        yield GaugeMetricFamily("lumen_slack_duplicates", "Envelopes received twice", value=state.duplicates)


class Metrics:
    """One registry a process."""

    def __init__(self, connection: Callable[[], ConnectionState | None], outbox: Callable[[], OutboxState]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(SlackGauges(connection, outbox))
        self.duties = DutyMetrics(self.registry)
        woke = "Time on the wall at which the last wake ended: alert on it when it is older than 5 minutes"
        self.woke = Gauge("lumen_last_wake_timestamp_seconds", woke, registry=self.registry)
        self.pager_fails = Gauge("lumen_pager_fails", "1 while the pager takes no calls", registry=self.registry)


async def store_readiness(store: StateStore, services: Sequence[ServiceId], words: Catalogue) -> Readiness:
    """A store that is nearly full is ready, and says so: people must act before it refuses decisions."""
    try:
        await epoch.check(store.redis, services)
        short = await store_warnings(store)
    except LumenError as error:
        return Readiness("state", False, error.reason.code)
    return Readiness("state", True, " ".join(words.plain(each) for each in short) or "ok")


def slack_readiness(state: ConnectionState | None, words: Catalogue) -> Readiness:
    """Slack can reach us, and takes what we say. `state` None: it has not said yet who we are."""
    if state is None:
        return Readiness("slack", False, words.plain(message("health.slack_unreached")))
    said = [_lane(lane) for lane in state.lanes]
    if state.token_refused:
        said = [message("health.token_refused", error=state.token_refused), *said]
    return Readiness("slack", state.ready and not state.token_refused, " ".join(map(words.plain, said)))


def _lane(lane: LaneState) -> Message:
    params = {"lane": lane.name, "phase": str(lane.phase), "trouble": f" ({lane.error})" if lane.error else ""}
    if lane.heard_at is None:
        return Message("health.lane_quiet", params)
    return Message("health.lane", {**params, "seconds": time.monotonic() - lane.heard_at})


def outbox_readiness(outbox: OutboxState, words: Catalogue) -> Readiness:
    """People see what they must see: nothing is behind for long, and no call of the people on call is lost."""
    said = [message("health.outbox_well")]
    if outbox.behind:
        said = [message("health.outbox_behind", behind=outbox.behind, seconds=outbox.oldest_seconds)]
    if outbox.behind and outbox.refused:
        said.append(message("health.outbox_refused", error=outbox.refused))
    if outbox.unheard:
        said.append(message("health.unheard", calls=len(outbox.unheard), error=outbox.unheard[-1].error))
    is_well = outbox.oldest_seconds < OUTBOX_LATE_SECONDS and not outbox.unheard
    return Readiness("outbox", is_well, " ".join(map(words.plain, said)))


def wake_readiness(ended_at: float | None, started_at: float, words: Catalogue) -> Readiness:
    """The hourly turn and the watch are woken. Both in monotonic seconds."""
    ago_seconds = time.monotonic() - (started_at if ended_at is None else ended_at)
    code = "health.not_woken" if ended_at is None else "health.woken"
    said = Message(code, {"seconds": ago_seconds})
    return Readiness("wake", ago_seconds < WAKE_LATE_SECONDS, words.plain(said))


def pager_readiness(trouble: Message | None, words: Catalogue) -> Readiness:
    """The pager took the last call that it was given."""
    return Readiness("pager", trouble is None, words.plain(trouble or message("health.pager_well")))
