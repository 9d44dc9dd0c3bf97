"""What stands over a service beside its proposals: a pin, a pause, the revisions that served."""

import json
from collections.abc import Mapping

from redis.asyncio import Redis

from lumen.model.service import Person, ServiceId
from lumen.model.watching import Pause, Pinned, RevisionRecord, Standing
from lumen.ports.clock import Clock
from lumen.state.calls import Calls
from lumen.state.codec import decode, encode
from lumen.state.keys import position

_LUMEN = "lumen"


class RedisStandings:
    """`lumen.ports.watching.Standings`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def read(self, service: ServiceId) -> Standing:
        reply = await self._calls.read("read", service, "HMGET", position("standing"), "pinned", "pause", "revisions")
        pinned, pause, revisions = reply.values[0]
        return Standing(
            decode(Pinned, pinned) if pinned else None,
            decode(Pause, pause) if pause else None,
            decode(dict[str, RevisionRecord], revisions) if revisions else None,
        )

    async def pinned(self, service: ServiceId, pinned: Pinned | None) -> None:
        before = (await self.read(service)).pinned
        same = (before and before.revision) == (pinned and pinned.revision)
        event = "" if same else "pinned" if pinned else "unpinned"
        detail = pinned.revision if pinned else before.revision if before else ""
        await self._put(service, "pinned", encode(pinned) if pinned else "", _LUMEN, event, detail)

    async def revisions(self, service: ServiceId, records: Mapping[str, RevisionRecord]) -> None:
        plain = {name: json.loads(encode(record)) for name, record in sorted(records.items())}
        text = json.dumps(plain, separators=(",", ":")) if plain else ""
        await self._put(service, "revisions", text, _LUMEN, "", "")

    async def pause(self, service: ServiceId, pause: Pause) -> None:
        until = pause.until.isoformat() if pause.until else "until resumed"
        await self._put(service, "pause", encode(pause), pause.by.user_id, "paused", until)

    async def resume(self, service: ServiceId, person: Person) -> bool:
        return await self._put(service, "pause", "", person.user_id, "resumed", "")

    async def _put(self, service: ServiceId, field: str, value: str, actor: str, event: str, detail: str) -> bool:
        """Whether there was one before."""
        now = self._clock.now().isoformat()
        reply = await self._calls.change("standing_put", service, field, value, now, actor, event, detail)
        return bool(reply.values[0])
