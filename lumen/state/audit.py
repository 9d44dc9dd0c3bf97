"""What happened, by whom: a stream that transitions write into as part of themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from redis.asyncio import Redis

from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.ports.state import AuditEntry
from lumen.state.calls import Calls
from lumen.state.keys import position


class RedisAudit:
    """`lumen.ports.state.Audit`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def add(
        self, service: ServiceId, event: str, actor: str, detail: str, proposal_id: str = "", data: str = ""
    ) -> None:
        now = self._clock.now().isoformat()
        await self._calls.change("audit_add", service, now, event, actor, detail, proposal_id, data)

    async def entries(self, service: ServiceId, limit: int, before: str = "") -> list[AuditEntry]:
        newest = f"({before}" if before else "+"
        reply = await self._calls.read("read", service, "XREVRANGE", position("audit"), newest, "-", "COUNT", limit)
        return [entry_from(entry_id, fields) for entry_id, fields in reply.values[0]]


def entry_from(entry_id: str, fields: Sequence[str]) -> AuditEntry:
    """From the flat field, value, field, value … of a stream."""
    named: Mapping[str, str] = dict(zip(fields[::2], fields[1::2], strict=True))
    return AuditEntry(
        id=entry_id,
        at=datetime.fromisoformat(named["at"]),
        event=named["event"],
        proposal_id=named["proposal"],
        actor=named["actor"],
        detail=named["detail"],
        data=named["data"],
    )
