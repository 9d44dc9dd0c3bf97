"""Everything that the question "may this release be rolled back?" is judged on, read at one moment."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lumen.model.alert import Alert, AlertKind
from lumen.model.errors import SourceUnavailable
from lumen.model.nodata import NoData
from lumen.model.proposal import LATEST, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Deployment, Window
from lumen.model.watching import RevisionRecord
from lumen.policies.rollback import RollbackAdvice, RollbackFacts, judge_rollback
from lumen.policies.rollback_evidence import Evidence, complete, evidence, good_revision, still_failing
from lumen.policies.rollback_slow import judge_slow
from lumen.ports.actuators import Reading
from lumen.ports.clock import Clock
from lumen.ports.measurements import DeploymentSource
from lumen.ports.watching import SliceSource
from lumen.use_cases.collect import INGEST_DELAY, window_before
from lumen.use_cases.knobs import Knobs, find

#: A day for the newest revision, and a day before it.
LOOK_BACK = timedelta(days=2)
MINUTE = timedelta(minutes=1)
MINUTES_BACK = timedelta(minutes=15)

_NOTHING = Evidence(None, None, None, None)


@dataclass(frozen=True, slots=True)
class Finding:
    """`present` None: Cloud Run did not tell. `failing` None: there is no fresh data to tell by."""

    present: Reading | None
    facts: RollbackFacts
    advice: RollbackAdvice
    failing: bool | None


class Releases:
    """Reads; changes nothing. `allowed` is the share of requests that may fail (0.001)."""

    def __init__(
        self, source: SliceSource, deployments: DeploymentSource, knobs: Knobs, clock: Clock, allowed: float
    ) -> None:
        self._source = source
        self._deployments = deployments
        self._knobs = knobs
        self._clock = clock
        self._allowed = allowed

    async def finding(
        self, service: ServiceId, page: Alert | None, records: Mapping[str, RevisionRecord], elsewhere: str
    ) -> Finding:
        """What could not be read speaks against a rollback, never for one. `elsewhere`: as in the facts."""
        now = self._clock.now()
        days, minutes = window_before(now, LOOK_BACK), _minutes_before(now)
        by_slice, by_minute, deployments, present = await asyncio.gather(
            self._source.by_revision((service,), days, SLICE),
            self._source.by_revision((service,), minutes, MINUTE),
            self._deployments.deployments((service,)),
            self._present(service),
        )
        counts, recent, deployment = by_slice[service], by_minute[service], deployments[service]
        known = None if isinstance(deployment, NoData) else deployment
        newest = _newest(known)
        seen = _NOTHING if isinstance(counts, NoData) else evidence(counts, newest, self._allowed, days)
        facts = RollbackFacts(
            page=page,
            newest=seen.newest,
            newest_took_traffic_at=seen.took_traffic_at,
            previous=seen.previous,
            within_slo_before=seen.within_slo_before,
            good_revision=good_revision(records, known.revisions, newest) if known else None,
            allowed=known is not None and known.rollback_allowed,
            data_complete=present is not None and not isinstance(counts, NoData) and complete(counts, days.end),
            pinned=None if present is None or present.value == LATEST else str(present.value),
            onset=seen.onset,
            beside=seen.beside,
            elsewhere=elsewhere,
        )
        failing = None if isinstance(recent, NoData) else still_failing(recent, self._allowed, minutes.end)
        is_slow = page is not None and page.kind is AlertKind.LATENCY
        advice = judge_slow(facts) if is_slow else judge_rollback(facts, now)
        return Finding(present, facts, advice, failing)

    async def _present(self, service: ServiceId) -> Reading | None:
        try:
            return await find(self._knobs, Knob.TRAFFIC).places[0].read(service)
        except SourceUnavailable:
            return None


def _minutes_before(now: datetime) -> Window:
    end = datetime.fromtimestamp((now - INGEST_DELAY).timestamp() // 60 * 60, UTC)
    return Window(end - MINUTES_BACK, end)


def _newest(deployment: Deployment | None) -> str:
    """The newest revision that gets traffic; "" where none is known."""
    revisions = deployment.revisions if deployment else ()
    return next((revision.name for revision in revisions if revision.traffic_percent > 0), "")
