"""Remembers after each look which revisions served well, which were left, and what traffic is pinned to."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from lumen.model.nodata import NoData
from lumen.model.proposal import Knob, State
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Deployment
from lumen.model.watching import Pinned, RevisionCount, Standing
from lumen.policies.pinned import differences
from lumen.policies.rollback_evidence import healthy, remembered
from lumen.ports.clock import Clock
from lumen.ports.measurements import DeploymentSource, TtlSource
from lumen.ports.state import Proposals
from lumen.ports.watching import SliceSource, Standings
from lumen.use_cases.collect import window_before

#: What is seen at each look ...
SEEN = timedelta(hours=1)
#: ... and on a fresh installation, in hours.
BEFORE_LUMEN = timedelta(days=14)
HOUR = timedelta(hours=1)
_RECENT = 20


class Revisions:
    """`allowed` is the share of requests that may fail (0.001)."""

    def __init__(
        self,
        source: SliceSource,
        deployments: DeploymentSource,
        ttl: TtlSource,
        standings: Standings,
        proposals: Proposals,
        clock: Clock,
        allowed: float,
    ) -> None:
        self._source = source
        self._deployments = deployments
        self._ttl = ttl
        self._standings = standings
        self._proposals = proposals
        self._clock = clock
        self._allowed = allowed

    async def look(self, services: Sequence[ServiceId]) -> None:
        """What cannot be read changes nothing that is remembered."""
        deployments = await self._deployments.deployments(services)
        newest = await self._source.by_revision(services, window_before(self._clock.now(), SEEN), SLICE)
        for service in services:
            deployment, counts = deployments[service], newest[service]
            if isinstance(deployment, NoData):
                continue
            standing = await self._standings.read(service)
            await self._remember(service, deployment, counts, standing)
            await self._pin(service, deployment, standing.pinned)

    async def _remember(
        self,
        service: ServiceId,
        deployment: Deployment,
        counts: Sequence[RevisionCount] | NoData,
        standing: Standing,
    ) -> None:
        if isinstance(counts, NoData):
            return
        seen = dict(healthy(counts, self._allowed))
        if standing.revisions is None:
            seen = {**await self._before_lumen(service), **seen}
        records = remembered(
            standing.revisions or {}, seen, deployment.revisions, deployment.pinned_revision, self._clock.now()
        )
        await self._standings.revisions(service, records)

    async def _before_lumen(self, service: ServiceId) -> Mapping[str, datetime]:
        """Worked out from a fortnight of metrics, once."""
        window = window_before(self._clock.now().replace(minute=4, second=0, microsecond=0), BEFORE_LUMEN)
        found = (await self._source.by_revision((service,), window, HOUR))[service]
        return {} if isinstance(found, NoData) else healthy(found, self._allowed)

    async def _pin(self, service: ServiceId, deployment: Deployment, before: Pinned | None) -> None:
        revision = deployment.pinned_revision
        if revision is None:
            if before is not None:
                await self._standings.pinned(service, None)
            return
        since = before.since if before and before.revision == revision else await self._since(service, revision)
        pinned = Pinned(revision, since, differences(deployment, await self._ttl.ttl(service)))
        if pinned != before:
            await self._standings.pinned(service, pinned)

    async def _since(self, service: ServiceId, revision: str) -> datetime:
        """When Lumen's own rollback to it was done; else now, when it is first seen."""
        done = (State.APPLIED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL)
        for proposal in await self._proposals.recent(service, _RECENT):
            change = proposal.draft.change
            if change.knob is Knob.TRAFFIC and change.new == revision and proposal.state in done:
                return proposal.finished_at or self._clock.now()
        return self._clock.now()
