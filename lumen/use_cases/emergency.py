"""Emergency actions: stop all automation, safe values, an empty cache, an earlier revision.

Each is apart from the others, and none happens by itself. Values go the way of every change, as proposals.
"""

from dataclasses import dataclass
from datetime import timedelta

from lumen.model.incident import Pause
from lumen.model.messages import NotPossible, with_remedy
from lumen.model.override import Confirmed
from lumen.model.proposal import Knob, Proposal, number
from lumen.model.service import Permit, Person, ServiceId
from lumen.ports.actuators import CacheKeys, Swept
from lumen.ports.clock import Clock
from lumen.ports.incidents import Controls, Vote
from lumen.ports.store import Audit, Leases
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.leases import LEASE, with_lease
from lumen.use_cases.releases import GoingBack
from lumen.use_cases.restrictions import ReportMarker

#: The memory that an emergency goes back to at least.
LEAST_MEMORY_MB = 512
FLUSH_LEASE = "flush"
#: Where several must confirm a flush, the first confirmation counts so long (service time).
FLUSH_COUNTS_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CacheFlush:
    """`needed`: how many different people must confirm it. Stopping automation never takes more than one."""

    keys: CacheKeys
    controls: Controls
    leases: Leases
    audit: Audit
    needed: int = 1

    async def count_keys(self) -> int:
        """The number of cached answers that a flush would remove. Raises ActuatorFailed, SourceUnavailable."""
        return (await self.keys.flush(_quiet, dry_run=True)).seen

    async def confirm(self, service: ServiceId, permit: Permit) -> Confirmed:
        """Count this person's second confirmation; of several people who race, one is told that it is enough."""
        if self.needed <= 1:
            return Confirmed((permit.person,), 1, enough=True)
        voted = await self.controls.vote(service, Vote(FLUSH_LEASE, permit.person, self.needed, FLUSH_COUNTS_FOR))
        return Confirmed(voted.people, self.needed, voted.complete)

    async def run(self, service: ServiceId, permit: Permit) -> Swept:
        """Remove the service's cached answers, and nothing else on that server; audited before and after.

        Raises NotPossible while another one is under way, ActuatorFailed, SourceUnavailable.
        """
        lease = await self.leases.acquire(service, FLUSH_LEASE, LEASE)
        if lease is None:
            raise NotPossible(*with_remedy("emergency.flushing"))
        await self.audit.add(service, "flush-began", permit.person.user_id, "")
        swept = await with_lease(self.leases, service, lease, lambda _: self.keys.flush(_quiet, dry_run=False))
        await self.audit.add(service, "flushed", permit.person.user_id, f"{swept.changed} keys")
        return swept


@dataclass(frozen=True, slots=True)
class EmergencyActions:
    """`safe_ttl_seconds`: DEFAULT_TTL_SECONDS."""

    approvals: Approvals
    knobs: Knobs
    going_back: GoingBack
    flush: CacheFlush
    controls: Controls
    report: ReportMarker
    clock: Clock
    safe_ttl_seconds: int

    async def pause(self, service: ServiceId, permit: Permit, lasts: timedelta | None, why: str = "") -> Pause:
        """Stop all automation, for a while or until somebody resumes. What people approve is still done."""
        now = self.clock.now()
        pause = Pause(permit.person, now, now + lasts if lasts else None, why)
        await self.controls.pause(service, pause)
        await self.report.mark_report(service)
        return pause

    async def resume(self, service: ServiceId, permit: Permit) -> None:
        """Raises NotPossible when nothing was paused."""
        if not await self.controls.resume(service, permit.person):
            raise NotPossible(*with_remedy("emergency.not_paused"))
        await self.report.mark_report(service)

    async def safe_ttl(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose the safe TTL. Raises as `Approvals.propose` does."""
        safe = self.safe_ttl_seconds
        return await self.approvals.propose(service, Knob.TTL, safe, person, request_id, emergency=True)

    async def safe_memory(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose at least 512 MB for each instance; never less than it has. Raises as `Approvals.propose` does."""
        present = await find(self.knobs, Knob.MEMORY).places[0].read(service)
        wanted = max(number(present.value), LEAST_MEMORY_MB)
        return await self.approvals.propose(service, Knob.MEMORY, wanted, person, request_id, emergency=True)

    async def larger_cache(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose half as much cache again. Raises as `Approvals.propose` does."""
        turnable = find(self.knobs, Knob.CACHE_SIZE)
        present = number((await turnable.places[0].read(service)).value)
        wanted = min(round(present * 1.5), turnable.highest or round(present * 1.5))
        return await self.approvals.propose(service, Knob.CACHE_SIZE, wanted, person, request_id, emergency=True)

    async def roll_back(self, service: ServiceId, person: Person, revision: str, request_id: str) -> Proposal:
        """Propose going back to `revision`, "" for the newest one that is known to be good. Raises NotPossible."""
        target = await self.going_back.target(service, revision)
        return await self.approvals.propose(service, Knob.TRAFFIC, target, person, request_id, emergency=True)


def _quiet(_swept: Swept) -> None:
    """A flush is told when it is done."""
