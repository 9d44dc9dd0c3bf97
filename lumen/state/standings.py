"""What stands over a service beside its proposals: a pin, a pause, an override, a lock, the revisions that served."""

import json
from collections.abc import Mapping
from datetime import datetime

from redis.asyncio import Redis

from lumen.model.service import Person, ServiceId
from lumen.model.watching import Pause, Pinned, RevisionRecord, SizeLock, Standing, TtlOverride
from lumen.ports.clock import Clock
from lumen.ports.watching import Vote, Voted
from lumen.state.calls import Calls
from lumen.state.codec import decode, encode
from lumen.state.keys import position
from lumen.state.leases import milliseconds

_LUMEN = "lumen"
_FIELDS = ("pinned", "pause", "revisions", "override", "size_lock")


class RedisStandings:
    """`lumen.ports.watching.Standings`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def read(self, service: ServiceId) -> Standing:
        reply = await self._calls.read("read", service, "HMGET", position("standing"), *_FIELDS)
        pinned, pause, revisions, override, size_lock = reply.values[0]
        return Standing(
            decode(Pinned, pinned) if pinned else None,
            decode(Pause, pause) if pause else None,
            decode(dict[str, RevisionRecord], revisions) if revisions else None,
            decode(TtlOverride, override) if override else None,
            decode(SizeLock, size_lock) if size_lock else None,
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

    async def override(self, service: ServiceId, override: TtlOverride) -> None:
        detail = f"{override.ttl_seconds} {_until(override.until)}"
        await self._put(service, "override", encode(override), _actor(override.by), "override-set", detail)

    async def lift_override(self, service: ServiceId, person: Person) -> bool:
        return await self._put(service, "override", "", person.user_id, "override-lifted", "")

    async def lock_size(self, service: ServiceId, lock: SizeLock) -> None:
        await self._put(service, "size_lock", encode(lock), _actor(lock.by), "size-locked", _until(lock.until))

    async def unlock_size(self, service: ServiceId, person: Person) -> bool:
        return await self._put(service, "size_lock", "", person.user_id, "size-unlocked", "")

    async def vote(self, service: ServiceId, vote: Vote) -> Voted:
        reply = await self._calls.change(
            "standing_vote",
            service,
            vote.what,
            vote.person.user_id,
            encode(vote.person),
            vote.needed,
            milliseconds(vote.counts_for / self._clock.scale),
            self._clock.now().isoformat(),
        )
        return Voted(reply.values[0] == "complete", tuple(decode(Person, line) for line in reply.values[1:]))

    async def _put(self, service: ServiceId, field: str, value: str, actor: str, event: str, detail: str) -> bool:
        """Whether there was one before."""
        now = self._clock.now().isoformat()
        reply = await self._calls.change("standing_put", service, field, value, now, actor, event, detail)
        return bool(reply.values[0])


def _until(until: datetime | None) -> str:
    return until.isoformat() if until else "until lifted"


def _actor(by: Person | None) -> str:
    return by.user_id if by else _LUMEN
