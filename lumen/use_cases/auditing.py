"""Keep the audit provable: seal it every hour, hand it out, and drop what is safe elsewhere and old (docs/adr/0009)."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from lumen.model.messages import NotPossible, message
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock
from lumen.ports.store import Audit, AuditCheck, AuditSeals, Lease, Leases, Seal, Slots
from lumen.use_cases.leases import LEASE, keep_leases, with_lease
from lumen.use_cases.turn import hour_of

AUDIT_SCHEDULE = "audit"
#: Whoever seals holds it: the hourly round of a replica, or an export.
SEALING = "seal"
EXPORTED = "exported"


class Auditing:
    """`keep`: how long an entry stays in the store after it was written, once it was exported (service time)."""

    def __init__(
        self, seals: AuditSeals, audit: Audit, leases: Leases, slots: Slots, clock: Clock, keep: timedelta
    ) -> None:
        self._seals = seals
        self._audit = audit
        self._leases = leases
        self._slots = slots
        self._clock = clock
        self._keep = keep

    async def due(self, services: Sequence[ServiceId]) -> Sequence[ServiceId]:
        """Seal and trim once an hour and service, across replicas and restarts; those whose round this was."""
        slot = hour_of(self._clock.now())
        return [service for service in services if await self._take(service, slot)]

    async def _take(self, service: ServiceId, slot: datetime) -> bool:
        claim = await self._slots.claim(service, AUDIT_SCHEDULE, slot, LEASE)
        if claim is None:
            return False
        lease = await self._leases.acquire(service, SEALING, LEASE)
        if lease is None:
            return False  # an export seals just now: the round follows when the claim has run out
        async with keep_leases(self._leases, {service: claim}):
            await with_lease(self._leases, service, lease, lambda held: self._round(service, held))
        await self._slots.done(service, AUDIT_SCHEDULE, slot, claim)
        return True

    async def _round(self, service: ServiceId, lease: Lease) -> None:
        await self._seals.seal(service, lease)
        # What is old is told by the store's clock, which is the wall's.
        await self._seals.trim(service, self._keep / self._clock.scale)

    async def seal_now(self, service: ServiceId) -> Seal | None:
        """Seal what is new; the newest seal, None where nothing has ever happened. Raises NotPossible, LeaseLost."""
        lease = await self._leases.acquire(service, SEALING, LEASE)
        if lease is None:
            raise NotPossible(message("audit.sealing_elsewhere"), message("audit.sealing_elsewhere_remedy"))
        return await with_lease(self._leases, service, lease, lambda held: self._seals.seal(service, held))

    async def head(self, service: ServiceId) -> Seal | None:
        """The newest seal."""
        return await self._seals.head(service)

    async def verify(self, service: ServiceId) -> AuditCheck:
        """Compute every digest again."""
        return await self._seals.verify(service)

    def lines(self, service: ServiceId) -> AsyncIterator[str]:
        """JSON lines of all that is sealed and still in the store."""
        return self._seals.export(service, 0)

    async def exported(self, service: ServiceId, seal: Seal, person: Person, where: str) -> None:
        """Everything up to `seal` is safe in `where`, and that is on record: from now on it may be trimmed."""
        await self._audit.add(service, EXPORTED, person.user_id, f"1-{seal.number} {seal.sha256} {where}")
        await self._seals.exported(service, seal.number)
