"""Emergency actions: stop all automation, safe values, an empty cache, an earlier revision.

Each is apart from the others, and none happens by itself. Values go the way of every change, as proposals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from lumen.model.control import UNLESS_TOLD
from lumen.model.incident import Pause
from lumen.model.messages import Message, NotPossible, message, with_remedy
from lumen.model.override import Confirmed
from lumen.model.proposal import Knob, Proposal, number
from lumen.model.service import Permit, Person, ServiceId
from lumen.ports.clock import Clock
from lumen.ports.incidents import Asked, Controls, Vote
from lumen.ports.store import Audit, Leases
from lumen.use_cases.acting import Acting, Held
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
#: So long after somebody asked for it they may confirm it (service time).
FLUSH_CONFIRM_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CacheFlush:
    """`needed`: how many different people must confirm it. Stopping automation never takes more than one."""

    acting: Acting
    controls: Controls
    leases: Leases
    audit: Audit
    needed: int = 1

    @property
    def is_dry(self) -> bool:
        """Whether it would only be said what would be removed."""
        return self.acting.is_dry

    async def count_keys(self, service: ServiceId) -> int:
        """The number of cached answers that a flush would remove. Raises ActuatorFailed, SourceUnavailable."""
        return await self.acting.count_flushed(service)

    async def ask(self, service: ServiceId, permit: Permit, request_id: str) -> tuple[str, int]:
        """Remember that this person wants it, so that it can be confirmed, once: as what, and of how many keys.

        Raises ActuatorFailed, SourceUnavailable.
        """
        keys = await self.count_keys(service)
        lasts = FLUSH_CONFIRM_WITHIN if self.needed <= 1 else FLUSH_COUNTS_FOR
        await self.controls.ask(service, Asked(FLUSH_LEASE, request_id, permit.person, lasts))
        return f"{permit.person.user_id}/{request_id}", keys

    async def confirm(self, service: ServiceId, permit: Permit, asked: str) -> Confirmed:
        """Count this person's second confirmation of what was `asked`; of several people who race, one is told that it
        is enough. Raises NotPossible (used already, too old, another person's)."""
        vote = Vote(FLUSH_LEASE, permit.person, max(1, self.needed), FLUSH_COUNTS_FOR, asked)
        voted = await self.controls.vote(service, vote)
        if voted is None:
            raise NotPossible(*with_remedy("emergency.confirmation_gone"))
        return Confirmed(voted.people, self.needed, voted.complete)

    async def run(self, service: ServiceId, permit: Permit) -> Message:
        """Remove the service's cached answers, and nothing else on that server; audited before and after. What was
        done, or in a dry run would be.

        Raises NotPossible while another one is under way, ActuatorFailed, SourceUnavailable.
        """
        leave = self.acting.to_empty(service, permit)
        if isinstance(leave, Held):
            return message("emergency.would_flush", service=service.name, keys=await self.count_keys(service))
        lease = await self.leases.acquire(service, FLUSH_LEASE, LEASE)
        if lease is None:
            raise NotPossible(*with_remedy("emergency.flushing"))
        await self.audit.add(service, "flush-began", permit.person.user_id, "")
        swept = await with_lease(self.leases, service, lease, lambda _: self.acting.flush(leave))
        await self.audit.add(service, "flushed", permit.person.user_id, f"{swept.changed} keys")
        return message("emergency.flushed", service=service.name, keys=swept.changed)


@dataclass(frozen=True, slots=True)
class EmergencyActions:
    """`safe_ttls`: DEFAULT_TTL_SECONDS of each service."""

    approvals: Approvals
    knobs: Mapping[ServiceId, Knobs]
    going_back: GoingBack
    flush: CacheFlush
    controls: Controls
    report: ReportMarker
    clock: Clock
    safe_ttls: Mapping[ServiceId, int]

    async def pause(
        self, service: ServiceId, permit: Permit, lasts: timedelta | None, why: str = "", *, is_stop: bool = False
    ) -> Pause:
        """Stop all automation for a while, `lasts` None: for 30 days; `is_stop`: by the emergency page.

        What people approve is still done.
        """
        now = self.clock.now()
        pause = Pause(permit.person, now, now + (lasts or UNLESS_TOLD), why, is_stop)
        await self.controls.pause(service, pause)
        await self.report.mark_report(service)
        return pause

    async def resume(self, service: ServiceId, permit: Permit, line: str = "") -> None:
        """`line`: the pause that is meant, "" for any. Raises NotPossible when nothing was paused."""
        if not await self.controls.resume(service, permit.person, line):
            raise NotPossible(*with_remedy("emergency.not_paused"))
        await self.report.mark_report(service)

    async def safe_ttl(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose the safe TTL. Raises as `Approvals.propose` does."""
        safe = self.safe_ttls[service]
        return await self.approvals.propose(service, Knob.TTL, safe, person, request_id, emergency=True)

    async def safe_memory(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose at least 512 MB for each instance; never less than it has. Raises as `Approvals.propose` does."""
        present = await find(self.knobs, service, Knob.MEMORY).places[0].read(service)
        wanted = max(number(present.value), LEAST_MEMORY_MB)
        return await self.approvals.propose(service, Knob.MEMORY, wanted, person, request_id, emergency=True)

    async def larger_cache(self, service: ServiceId, person: Person, request_id: str) -> Proposal:
        """Propose half as much cache again. Raises as `Approvals.propose` does."""
        turnable = find(self.knobs, service, Knob.CACHE_SIZE)
        present = number((await turnable.places[0].read(service)).value)
        wanted = min(round(present * 1.5), turnable.highest or round(present * 1.5))
        return await self.approvals.propose(service, Knob.CACHE_SIZE, wanted, person, request_id, emergency=True)

    async def roll_back(self, service: ServiceId, person: Person, revision: str, request_id: str) -> Proposal:
        """Propose going back to `revision`, "" for the newest one that is known to be good. Raises NotPossible."""
        target = await self.going_back.target(service, revision)
        return await self.approvals.propose(service, Knob.TRAFFIC, target, person, request_id, emergency=True)
