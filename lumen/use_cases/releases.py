"""Releases: the facts that a rollback is judged on, the revision that it goes to, and which revisions served.

Facts are read at one moment; a person's rollback goes to the named revision, or to the newest one known to be good.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lumen.model.alert import Alert, AlertKind, Observation
from lumen.model.course import RevisionsSeen
from lumen.model.incident import ControlState, Pinned, RevisionCount, RevisionRecord
from lumen.model.messages import NoData, NotPossible, SomeFailed, SourceUnavailable, message, with_remedy
from lumen.model.proposal import IN_FORCE, LATEST, Change, Draft, Knob, Origin, Priority
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Deployment, Served, Window
from lumen.policies.deployment_history import Sight, after_look, latest, revision_record, taken_out, with_history
from lumen.policies.rollback import (
    RevisionCounts,
    RollbackAdvice,
    RollbackFacts,
    differences,
    judge_rollback,
    judge_slow,
)
from lumen.policies.rollback_evidence import (
    BEFORE,
    Evidence,
    complete,
    evidence,
    forgets,
    good_revision,
    healthy,
    remembered,
    still_failing,
)
from lumen.ports.actuators import Reading
from lumen.ports.clock import Clock
from lumen.ports.incidents import Controls, SliceSource
from lumen.ports.sources import DeploymentSource, TtlSource
from lumen.ports.store import Proposals
from lumen.use_cases.collect import INGEST_DELAY, window_before
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.leases import noted

#: A day for the newest revision, and a day before it.
LOOK_BACK = timedelta(days=2)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
#: A class that fell silent is missed for an hour.
MINUTES_BACK = timedelta(minutes=75)
_NOTHING = Evidence(None, None, None, None)


@dataclass(frozen=True, slots=True)
class Finding:
    """`present` None: Cloud Run did not tell. `failing` None: there is no fresh data to tell by."""

    present: Reading | None
    facts: RollbackFacts
    advice: RollbackAdvice
    failing: bool | None
    #: For people; None where nobody tells of the revisions.
    seen: RevisionsSeen | None = None


@dataclass(frozen=True, slots=True)
class Releases:
    """Reads; changes nothing. `allowed` is the share of requests that may fail (0.001), by service."""

    source: SliceSource
    deployments: DeploymentSource
    knobs: Mapping[ServiceId, Knobs]
    clock: Clock
    allowed: Mapping[ServiceId, float]

    async def finding(
        self,
        service: ServiceId,
        page: Alert | None,
        records: Mapping[str, RevisionRecord],
        elsewhere: str,
        stored: Sequence[Observation] = (),
    ) -> Finding:
        """Judge the release; an unreadable fact never speaks for a rollback.

        `elsewhere`: as in the facts; `stored`: the slices of the last hour, as the watch has stored them.
        """
        now, allowed = self.clock.now(), self.allowed[service]
        days, minutes = window_before(now, LOOK_BACK), _minutes_before(now)
        by_slice, by_minute, deployments, present = await asyncio.gather(
            self.source.by_revision((service,), days, SLICE),
            self.source.by_revision((service,), minutes, MINUTE),
            self.deployments.deployments((service,)),
            self._present(service),
        )
        counts, recent, deployment = by_slice[service], by_minute[service], deployments[service]
        known = None if isinstance(deployment, NoData) else deployment
        newest = _newest(known)
        seen = _NOTHING if isinstance(counts, NoData) else evidence(counts, newest, allowed, days)
        facts = RollbackFacts(
            page=page,
            newest=seen.newest,
            newest_took_traffic_at=seen.took_traffic_at,
            previous=seen.previous,
            within_slo_before=seen.within_slo_before,
            good_revision=good_revision(records, known.revisions, newest) if known else None,
            allowed=known is not None and known.rollback_allowed,
            data_complete=present is not None and not isinstance(counts, NoData) and complete(counts, newest, days.end),
            pinned=None if present is None or present.value == LATEST else str(present.value),
            onset=seen.onset,
            beside=seen.beside,
            elsewhere=elsewhere,
        )
        failing = None if isinstance(recent, NoData) else still_failing(recent, allowed, minutes.end)
        if failing is False and (isinstance(counts, NoData) or forgets(counts, stored)):
            failing = None
        is_slow = page is not None and page.kind is AlertKind.LATENCY
        advice = judge_slow(facts) if is_slow else judge_rollback(facts, now)
        told = None if isinstance(counts, NoData) else _told(counts, seen, days)
        return Finding(present, facts, advice, failing, told)

    async def offer(self, service: ServiceId, records: Mapping[str, RevisionRecord], expected: NoData) -> Draft | None:
        """A proposal to unpin the traffic, where the newest revision was not taken out and has served well."""
        deployment = (await self.deployments.deployments((service,)))[service]
        present = await self._present(service)
        if isinstance(deployment, NoData) or present is None or present.value == LATEST:
            return None
        newest = latest(deployment)
        record = records.get(newest, RevisionRecord())
        if newest == present.value or record.healthy_at is None or record.left_at is not None:
            return None
        return Draft(
            service=service,
            change=Change(Knob.TRAFFIC, present.value, LATEST, ""),
            premise_version=present.version,
            origin=Origin.POLICY,
            asked_by=None,
            reasons=(message("rollback.offer", revision=newest, healthy_at=record.healthy_at.isoformat()),),
            expected=expected,
            priority=Priority.MEDIUM,
            undo_of=None,
            request_id=f"unpin:{newest}",
        )

    async def _present(self, service: ServiceId) -> Reading | None:
        try:
            return await find(self.knobs, service, Knob.TRAFFIC).places[0].read(service)
        except SourceUnavailable:
            return None


def _told(counts: Sequence[RevisionCount], seen: Evidence, days: Window) -> RevisionsSeen:
    hour = tuple(one for one in counts if days.end - HOUR <= one.start < days.end)
    since, took = seen.onset.at if seen.onset else seen.took_traffic_at, seen.took_traffic_at
    failing = seen.onset.since if seen.onset else seen.newest
    return RevisionsSeen(
        at=days.end,
        blamed=_count(failing, since) if failing and since else None,
        before=_count(seen.previous, took - BEFORE) if seen.previous and took else None,
        hour=hour,
    )


def _count(of: RevisionCounts, since: datetime) -> RevisionCount:
    return RevisionCount(since, of.name, of.requests, of.errors_5xx)


def _minutes_before(now: datetime) -> Window:
    end = datetime.fromtimestamp((now - INGEST_DELAY).timestamp() // 60 * 60, UTC)
    return Window(end - MINUTES_BACK, end)


def _newest(deployment: Deployment | None) -> str:
    """The newest revision that gets traffic; "" where none is known."""
    revisions = deployment.revisions if deployment else ()
    return next((revision.name for revision in revisions if revision.traffic_percent > 0), "")


@dataclass(frozen=True, slots=True)
class GoingBack:
    """Changes nothing."""

    deployments: DeploymentSource
    controls: Controls

    async def target(self, service: ServiceId, revision: str) -> str:
        """`revision` where there is such a one; for "" the newest that served within its objectives, older than the
        one that serves now, and that nobody has left. Raises NotPossible."""
        deployment = (await self.deployments.deployments((service,)))[service]
        if isinstance(deployment, NoData):
            raise NotPossible(deployment.reason, deployment.remedy)
        names = [one.name for one in deployment.revisions]
        pinned = deployment.pinned_revision
        if not revision and pinned is not None:
            raise NotPossible(*with_remedy("rollback.already", service=service.name, revision=pinned))
        if revision and revision not in names:
            known = ", ".join(names[:10])
            raise NotPossible(
                *with_remedy("rollback.unknown_revision", service=service.name, revision=revision, names=known)
            )
        records = (await self.controls.read(service)).revisions or {}
        serving = next((one.name for one in deployment.revisions if one.traffic_percent > 0), "")
        target = revision or good_revision(records, deployment.revisions, serving)
        if target is None:
            raise NotPossible(*with_remedy("rollback.no_good_revision", service=service.name))
        return target


@dataclass(frozen=True, slots=True)
class RememberedDeployments:
    """The DeploymentSource that also tells what has served, for everything that judges by deployments."""

    source: DeploymentSource
    controls: Controls

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        """As `source` tells, with what is remembered. Raises StoreUnavailable."""
        found = await self.source.deployments(services)
        return {
            service: one if isinstance(one, NoData) else with_history(one, await self.controls.read(service))
            for service, one in found.items()
        }


#: What is seen at each look ...
SEEN = timedelta(hours=1)
#: ... and on a fresh installation, in hours.
BEFORE_LUMEN = timedelta(days=14)
_RECENT = 20


@dataclass(frozen=True, slots=True)
class Revisions:
    """`allowed` is the share of requests that may fail (0.001), by service."""

    source: SliceSource
    deployments: DeploymentSource
    ttl: TtlSource
    controls: Controls
    proposals: Proposals
    clock: Clock
    allowed: Mapping[ServiceId, float]

    async def look(self, services: Sequence[ServiceId]) -> None:
        """Remember revisions and pins; an unreadable service keeps what is remembered of it.

        Raises SomeFailed after all services had their turn.
        """
        deployments = await self.deployments.deployments(services)
        newest = await self.source.by_revision(services, window_before(self.clock.now(), SEEN), SLICE)
        stored, failures = await self.controls.read_each(services), dict[str, Exception]()
        for service in services:
            deployment = deployments[service]
            if not isinstance(deployment, NoData):
                with noted(failures, service.key):
                    await self._look(service, deployment, newest[service], stored[service])
        if failures:
            raise SomeFailed(failures)

    async def _look(
        self,
        service: ServiceId,
        deployment: Deployment,
        counts: Sequence[RevisionCount] | NoData,
        controls: ControlState,
    ) -> None:
        records = await self._remember(service, deployment, counts, controls)
        history = await self._history(service, deployment, counts, controls)
        known = with_history(deployment, replace(controls, revisions=records, served=history))
        await self._pin(service, known, controls.pinned)

    async def _remember(
        self,
        service: ServiceId,
        deployment: Deployment,
        counts: Sequence[RevisionCount] | NoData,
        controls: ControlState,
    ) -> Mapping[str, RevisionRecord] | None:
        """The records as they are stored now."""
        if isinstance(counts, NoData):
            return controls.revisions
        seen = dict(healthy(counts, self.allowed[service]))
        if controls.revisions is None:
            seen = {**await self._before_lumen(service), **seen}
        records = remembered(
            controls.revisions or {}, seen, deployment.revisions, deployment.pinned_revision, self.clock.now()
        )
        if records != controls.revisions:
            await self.controls.revisions(service, records)
        return records

    async def _history(
        self,
        service: ServiceId,
        deployment: Deployment,
        counts: Sequence[RevisionCount] | NoData,
        controls: ControlState,
    ) -> tuple[Served, ...]:
        """The stretches that revisions served, as they are stored now."""
        moved = await self.proposals.recent(service, _RECENT)
        seen = Sight(deployment, () if isinstance(counts, NoData) else counts, moved, self.clock.now())
        history = after_look(controls.served, seen)
        if history != controls.served:
            await self.controls.served(service, history)
        return history

    async def _before_lumen(self, service: ServiceId) -> Mapping[str, datetime]:
        """Worked out from a fortnight of metrics, once."""
        window = window_before(self.clock.now().replace(minute=4, second=0, microsecond=0), BEFORE_LUMEN)
        found = (await self.source.by_revision((service,), window, HOUR))[service]
        return {} if isinstance(found, NoData) else healthy(found, self.allowed[service])

    async def _pin(self, service: ServiceId, deployment: Deployment, before: Pinned | None) -> None:
        revision = deployment.pinned_revision
        if revision is None:
            if before is not None:
                await self.controls.pinned(service, None)
            return
        since = before.since if before and before.revision == revision else await self._since(service, revision)
        newest = latest(deployment)
        pinned = Pinned(
            revision,
            since,
            differences(deployment, await self.ttl.ttl(service)),
            revision_record(deployment, LATEST),
            newest if taken_out(deployment, newest) is not None else "",
        )
        if pinned != before:
            await self.controls.pinned(service, pinned)

    async def _since(self, service: ServiceId, revision: str) -> datetime:
        """When Lumen's own rollback to it was done; else now, when it is first seen."""
        for proposal in await self.proposals.recent(service, _RECENT):
            change = proposal.draft.change
            if change.knob is Knob.TRAFFIC and change.new == revision and proposal.state in IN_FORCE:
                return proposal.finished_at or self.clock.now()
        return self.clock.now()
