"""Where measurements come from. Every reader serves all services in one call and never raises for one of them:
a service that cannot be measured gets `NoData` with the reason and the remedy."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from lumen.model.nodata import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Deployment, HourlyHistory, Spend, Traffic, TtlSetting, Window


class TrafficSource(Protocol):
    """Requests, latency, cold starts and instance time, one grouped query per metric."""

    async def traffic(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Traffic | NoData]:
        """The window in slices of five minutes."""

    async def history(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        """Hourly demand and estimated cost, for the cost rhythm."""


class CacheSource(Protocol):
    """The cache's own counters over the window."""

    async def cache(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, CacheStats | NoData]:
        """Hits, misses, evictions, memory, latency."""

    async def sample(self) -> None:
        """Between turns: look at counters that only grow, so that the next turn has a difference. Never raises."""


class TtlSource(Protocol):
    """The TTL setting that the service reads."""

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        """The present setting and what the service acknowledged."""


class DeploymentSource(Protocol):
    """Cloud Run's configuration and revisions."""

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        """How each service is configured now."""


class SpendSource(Protocol):
    """Budget and spend of the month."""

    async def spend(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Spend | NoData]:
        """Actual where a notification told it, else an estimate that says so."""
