"""Keep the audit provable: seal it every hour, hand it out, and drop what is safe elsewhere and old (docs/adr/0009)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from lumen.model.messages import NotPossible, with_remedy
from lumen.model.service import Person, ServiceId
from lumen.ports.store import Audit, AuditCheck, AuditSeals, Lease, Seal
from lumen.use_cases.leases import LEASE, Claims, hour_of, with_lease

AUDIT_SCHEDULE = "audit"
#: Whoever seals holds it: the hourly round of a replica, or an export.
SEALING = "seal"
EXPORTED = "exported"


@dataclass(frozen=True, slots=True)
class Auditing:
    """`keep`: how long an entry stays in the store after it was written, once it was exported (service time)."""

    seals: AuditSeals
    audit: Audit
    claims: Claims
    keep: timedelta

    async def due(self, services: Sequence[ServiceId]) -> Sequence[ServiceId]:
        """Seal and trim once an hour and service, across replicas and restarts; those whose round this was."""
        slot, sealed = hour_of(self.claims.clock.now()), list[ServiceId]()

        async def seal(service: ServiceId, _: Lease) -> bool:
            # False where an export seals just now: the round follows with the next call.
            is_done = await self.claims.alone(service, SEALING, partial(self._round, service)) or False
            sealed.extend([service] if is_done else [])
            return is_done

        await self.claims.share(services, AUDIT_SCHEDULE, slot, lambda batch: batch.each(seal))
        return sealed

    async def _round(self, service: ServiceId, lease: Lease) -> bool:
        await self.seals.seal(service, lease)
        # What is old is told by the store's clock, which is the wall's.
        await self.seals.trim(service, self.keep / self.claims.clock.scale)
        return True

    async def seal_now(self, service: ServiceId) -> Seal | None:
        """Seal what is new; the newest seal, None where nothing has ever happened. Raises NotPossible, LeaseLost."""
        lease = await self.claims.leases.acquire(service, SEALING, LEASE)
        if lease is None:
            raise NotPossible(*with_remedy("audit.sealing_elsewhere"))
        return await with_lease(self.claims.leases, service, lease, lambda held: self.seals.seal(service, held))

    async def head(self, service: ServiceId) -> Seal | None:
        """The newest seal."""
        return await self.seals.head(service)

    async def knows(self, service: ServiceId, sha256: str) -> bool:
        """Whether the audit goes on from this digest: that of an exported head."""
        return await self.seals.knows(service, sha256)

    async def verify(self, service: ServiceId) -> AuditCheck:
        """Compute every digest again."""
        return await self.seals.verify(service)

    def lines(self, service: ServiceId) -> AsyncIterator[str]:
        """JSON lines of all that is sealed and still in the store."""
        return self.seals.export(service, 0)

    async def exported(self, service: ServiceId, seal: Seal, person: Person, where: str) -> None:
        """Everything up to `seal` is safe in `where`, and that is on record: from now on it may be trimmed."""
        await self.audit.add(service, EXPORTED, person.user_id, f"1-{seal.number} {seal.sha256} {where}")
        await self.seals.exported(service, seal.number)
