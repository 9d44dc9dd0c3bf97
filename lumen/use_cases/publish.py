"""Publish the figures of every service once in each slot of five minutes, whichever replica is first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.exporters.metrics import MOST_PROPOSALS, Known, published
from lumen.model.messages import NoData
from lumen.model.metrics import Published
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, CacheStats
from lumen.ports.incidents import Alerts
from lumen.ports.sources import FigureSink, TtlSource
from lumen.ports.store import Proposals, Turns
from lumen.use_cases.collect import Collector, ttl_beside, window_before
from lumen.use_cases.leases import Batch, Claims, noted

PUBLISH_SCHEDULE = "publish"
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Publish:
    """After the watch has looked. A slot whose figures were refused is over: the next one brings newer figures."""

    sink: FigureSink
    alerts: Alerts
    turns: Turns
    proposals: Proposals
    collector: Collector
    ttl: TtlSource
    claims: Claims

    async def due(self, services: Sequence[ServiceId]) -> int:
        """The number of points written. Raises LumenError: what it says is the sentence for people."""
        slot = window_before(self.claims.clock.now(), SLICE).end
        points, caches = 0, dict[ServiceId, CacheStats | NoData]()

        async def publish(batch: Batch) -> None:
            nonlocal points
            if not caches:
                caches.update(await self.collector.caches(services, QUARTER))
            figures: list[Published] = []
            for service in batch.leases:
                with noted(batch.failures, service):
                    figures += await self._of(service, caches[service])
            try:
                await self.sink.publish(figures, slot)
                points += len(figures)
            finally:
                for service in batch.leases:
                    await batch.done(service)

        await self.claims.share(services, PUBLISH_SCHEDULE, slot, publish)
        return points

    async def _of(self, service: ServiceId, cache: CacheStats | NoData) -> tuple[Published, ...]:
        now = self.claims.clock.now()
        hour = window_before(now, HOUR)
        slices = await self.alerts.observations(service, hour.start - SLICE)
        turns = await self.turns.latest(service, 1)
        ttl = await ttl_beside(cache, self.ttl, service)
        recent = await self.proposals.recent(service, MOST_PROPOSALS)
        return published(Known(service, now, slices, cache, ttl, turns[0] if turns else None, recent))
