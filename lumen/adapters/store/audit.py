"""The audit: a stream that transitions write into, sealed, proved, exported and trimmed (docs/adr/0009).

Lua has only SHA-1, so the holder of the lease computes SHA-256 here, and the script takes it only onto the seal that
it was built on. Seals stand in a list, one for every run of at most `BATCH` entries.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

from lumen.adapters.store.audit_events import entry_from
from lumen.adapters.store.audit_lines import START, digest, disagreement, entry_line, marks, seal_line
from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.epoch import time_of
from lumen.adapters.store.leases import lease_lost, milliseconds
from lumen.adapters.store.scripts import PAGE, Calls, pages, position
from lumen.model.audit import AuditEntry
from lumen.model.messages import Message, message
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.ports.store import AuditCheck, Lease, Seal


class RedisAudit:
    """`lumen.ports.store.Audit`."""

    def __init__(self, redis: StoreClient, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def add(
        self, service: ServiceId, event: str, actor: str, detail: str, proposal_id: str = "", data: str = ""
    ) -> None:
        now = self._clock.now().isoformat()
        await self._calls.change("audit_add", service, now, event, actor, detail, proposal_id, data)

    async def entries(self, service: ServiceId, limit: int, before: str = "") -> list[AuditEntry]:
        found: list[AuditEntry] = []
        for size in pages(limit):
            newest = f"({found[-1].id if found else before}" if found or before else "+"
            reply = await self._calls.read("read", service, "XREVRANGE", position("audit"), newest, "-", "COUNT", size)
            found += [entry_from(entry_id, fields) for entry_id, fields in reply.values[0]]
            if len(reply.values[0]) < size:
                break
        return found

    async def entry(self, service: ServiceId, entry_id: str) -> AuditEntry | None:
        reply = await self._calls.read("read", service, "XRANGE", position("audit"), entry_id, entry_id)
        return next((entry_from(found, fields) for found, fields in reply.values[0]), None)


BATCH = 500
#: The audit stays in the store for this long after it was exported.
KEEP = timedelta(days=90)


class RedisAuditSeals:
    """`lumen.ports.store.AuditSeals`."""

    def __init__(self, redis: StoreClient, clock: Clock, batch: int = BATCH) -> None:
        self._redis = redis
        self._calls = Calls(redis)
        self._clock = clock
        self._batch = batch

    async def seal(self, service: ServiceId, lease: Lease) -> Seal | None:
        newest = await self.head(service)
        while entries := await self._batch_of(service, _after(newest.last_id) if newest else "-", "+"):
            seal = self._next(newest, entries)
            known = encode(newest) if newest else ""
            reply = await self._calls.change("audit_seal", service, known, encode(seal), lease.name, lease.token)
            if reply.status != "OK":
                # MOVED: somebody sealed under this very lease, so it is not ours alone any more.
                raise lease_lost(lease.name)
            newest = seal
        return newest

    async def head(self, service: ServiceId) -> Seal | None:
        reply = await self._calls.read("read", service, "LINDEX", position("seals"), -1)
        newest = reply.values[0]
        return None if newest is None else decode(Seal, newest)

    async def knows(self, service: ServiceId, sha256: str) -> bool:
        seals = await self._seals(service)
        return any(sha256 in (seal.sha256, seal.previous) for seal in seals)

    async def verify(self, service: ServiceId) -> AuditCheck:
        broken: Message | None = None
        previous: str | None = None
        start, sealed = "-", 0
        seals = await self._seals(service)
        if seals and seals[0].number > await self.last_exported(service) + 1:
            # Trimming drops only what was exported.
            broken = message("state.audit_start_missing", number=seals[0].number)
        for seal in seals:
            # From the end of the run before, so that an entry smuggled in between is counted too.
            entries = await self._all(service, start, seal.last_id)
            harm = disagreement(seal, previous, [entry_line(entry) for entry in entries])
            broken = broken or (harm.why if harm else None)
            previous, start, sealed = seal.sha256, _after(seal.last_id), sealed + len(entries)
        unsealed = await self._all(service, start, "+")
        return AuditCheck(previous or START, len(seals), sealed, len(unsealed), broken)

    async def export(self, service: ServiceId, after: int) -> AsyncIterator[str]:
        for seal in await self._seals(service):
            if seal.number > after:
                for entry in await self._all(service, seal.first_id, seal.last_id):
                    yield entry_line(entry)
                yield seal_line(seal)

    async def exported(self, service: ServiceId, number: int) -> None:
        await self._calls.change("audit_exported", service, number)

    async def last_exported(self, service: ServiceId) -> int:
        reply = await self._calls.read("read", service, "HGET", position("slots"), "audit exported")
        return int(reply.values[0] or 0)

    async def trim(self, service: ServiceId, keep: timedelta = KEEP) -> int:
        seals = await self._seals(service)
        exported = await self.last_exported(service)
        oldest_kept_ms = await self._now_ms(service) - milliseconds(keep)
        # The newest seal stays: the next one is built on it.
        drop = [s for s in seals[:-1] if s.number <= exported and _millisecond(s.last_id) < oldest_kept_ms]
        if not drop:
            return 0
        milli, _, sequence = drop[-1].last_id.partition("-")
        reply = await self._calls.change(
            "audit_trim", service, encode(seals[0]), len(drop), f"{milli}-{int(sequence) + 1}"
        )
        return int(reply.values[0]) if reply.status == "OK" else 0

    async def _now_ms(self, service: ServiceId) -> int:
        """By the store's clock, as the ids of the entries are."""
        return int((await time_of(self._redis, service)).timestamp() * 1000)

    def _next(self, newest: Seal | None, entries: list[AuditEntry]) -> Seal:
        previous = newest.sha256 if newest else START
        lines = [entry_line(entry) for entry in entries]
        return Seal(
            number=newest.number + 1 if newest else 1,
            first_id=entries[0].id,
            last_id=entries[-1].id,
            entries=len(entries),
            previous=previous,
            sha256=digest(previous, lines),
            sealed_at=self._clock.now(),
            marks=marks(lines),
        )

    async def _seals(self, service: ServiceId) -> list[Seal]:
        """All; read again from the first where some were trimmed meanwhile, so that the others moved up."""
        found: list[Seal] = []
        while True:
            reply = await self._calls.read(
                "read", service, "LRANGE", position("seals"), len(found), len(found) + PAGE - 1
            )
            page = [decode(Seal, text) for text in reply.values[0]]
            if found and page and page[0].number != found[-1].number + 1:
                found = []
                continue
            found += page
            if len(page) < PAGE:
                return found

    async def _batch_of(self, service: ServiceId, start: str, end: str) -> list[AuditEntry]:
        """The first entries from `start` to `end`, in order."""
        found: list[AuditEntry] = []
        for size in pages(self._batch):
            begin = _after(found[-1].id) if found else start
            reply = await self._calls.read("read", service, "XRANGE", position("audit"), begin, end, "COUNT", size)
            found += [entry_from(entry_id, fields) for entry_id, fields in reply.values[0]]
            if len(reply.values[0]) < size:
                break
        return found

    async def _all(self, service: ServiceId, start: str, end: str) -> list[AuditEntry]:
        found: list[AuditEntry] = []
        while batch := await self._batch_of(service, start, end):
            found += batch
            start = _after(batch[-1].id)
        return found


def _after(entry_id: str) -> str:
    """As XRANGE writes an open interval."""
    return f"({entry_id}"


def _millisecond(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
