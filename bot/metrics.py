"""What Prometheus sees of the process itself; the service's own figures are Cloud Monitoring's."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.connection import ConnectionState


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
