"""Controls beside the proposals, one hash a service: pin, pause, override, size lock, silences, revisions that served.

The first service's also hold the budget's newest notice, the trouble with others, and the service of each channel.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from redis.asyncio import Redis

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.leases import milliseconds
from lumen.adapters.store.scripts import Calls, position
from lumen.model.alert import SIGNALS, AlertKind
from lumen.model.billing import BudgetNotice, BudgetState
from lumen.model.incident import ControlState, Pause, Pinned, RevisionRecord, Silence, SizeLock, TtlOverride
from lumen.model.messages import NoData
from lumen.model.service import Chosen, Person, ServiceId
from lumen.model.snapshot import Served
from lumen.ports.clock import Clock
from lumen.ports.incidents import Asked, Vote, Voted

_LUMEN = "lumen"
_FIELDS = ("pinned", "pause", "revisions", "override", "size_lock", "served")


class RedisControls:
    """`lumen.ports.incidents.Controls`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def read(self, service: ServiceId) -> ControlState:
        reply = await self._calls.read("read", service, "HMGET", position("standing"), *_FIELDS)
        pinned, pause, revisions, override, size_lock, served = reply.values[0]
        return ControlState(
            decode(Pinned, pinned) if pinned else None,
            decode(Pause, pause) if pause else None,
            decode(dict[str, RevisionRecord], revisions) if revisions else None,
            decode(TtlOverride, override) if override else None,
            decode(SizeLock, size_lock) if size_lock else None,
            decode(tuple[Served, ...], served) if served else (),
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

    async def served(self, service: ServiceId, history: Sequence[Served]) -> None:
        text = encode(tuple(history)) if history else ""
        await self._put(service, "served", text, _LUMEN, "", "")

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

    async def ask(self, service: ServiceId, asked: Asked) -> None:
        lasts_ms = milliseconds(asked.lasts / self._clock.scale)
        await self._calls.change("control_ask", service, asked.what, asked.person.user_id, asked.id, lasts_ms)

    async def vote(self, service: ServiceId, vote: Vote) -> Voted | None:
        reply = await self._calls.change(
            "control_vote",
            service,
            vote.what,
            vote.person.user_id,
            encode(vote.person),
            vote.needed,
            milliseconds(vote.counts_for / self._clock.scale),
            self._clock.now().isoformat(),
            vote.asked,
        )
        if reply.status == "GONE":
            return None
        return Voted(reply.values[0] == "complete", tuple(decode(Person, line) for line in reply.values[1:]))

    async def _put(self, service: ServiceId, field: str, value: str, actor: str, event: str, detail: str) -> bool:
        """Whether there was one before."""
        now = self._clock.now().isoformat()
        reply = await self._calls.change("control_put", service, field, value, now, actor, event, detail)
        return bool(reply.values[0])


def _until(until: datetime | None) -> str:
    return until.isoformat() if until else "until lifted"


def _actor(by: Person | None) -> str:
    return by.user_id if by else _LUMEN


class RedisBills:
    """`lumen.ports.sources.Bills`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def budget_state(self, home: ServiceId) -> BudgetState:
        reply = await self._calls.read("read", home, "HMGET", position("standing"), "billed", "billed trouble")
        notice, trouble = reply.values[0]
        return BudgetState(
            decode(BudgetNotice, notice) if notice else None, decode(NoData, trouble) if trouble else None
        )

    async def keep(self, home: ServiceId, notice: BudgetNotice) -> bool:
        since, published_at, cost = notice.order
        reply = await self._calls.change(
            "billed_put",
            home,
            since.isoformat(timespec="microseconds"),
            published_at.isoformat(timespec="microseconds"),
            f"{cost:.6f}",
            encode(notice),
        )
        return bool(reply.values[0])

    async def trouble(self, home: ServiceId, why: NoData | None) -> None:
        text, at = "" if why is None else encode(why), self._clock.now().isoformat()
        await self._calls.change("control_put", home, "billed trouble", text, at, "lumen", "", "")


class RedisChoices:
    """`lumen.ports.store.Choices`."""

    def __init__(self, redis: Redis) -> None:
        self._calls = Calls(redis)

    async def of(self, home: ServiceId, channel: str) -> Chosen | None:
        reply = await self._calls.read("read", home, "HGET", position("standing"), _field(channel))
        text = reply.values[0]
        return decode(Chosen, text) if text else None

    async def put(self, home: ServiceId, channel: str, chosen: Chosen) -> None:
        detail = f"{chosen.service.key} {channel}"
        at, by = chosen.at.isoformat(), chosen.by.user_id
        await self._calls.change("control_put", home, _field(channel), encode(chosen), at, by, "service-chosen", detail)


def _field(channel: str) -> str:
    return f"chosen/{channel}"


_SILENCE_FIELDS = tuple(f"silence/{kind}" for kind in AlertKind) + tuple(
    f"silence/{AlertKind.NO_DATA}/{s}" for s in SIGNALS
)


class RedisSilences:
    """`lumen.ports.incidents.Silences`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def all(self, service: ServiceId) -> list[Silence]:
        reply = await self._calls.read("read", service, "HMGET", position("standing"), *_SILENCE_FIELDS)
        return [decode(Silence, text) for text in reply.values[0] if text]

    async def put(self, service: ServiceId, silence: Silence) -> None:
        detail = f"{silence.name} {silence.until.isoformat()}"
        await self._put(service, silence.name, encode(silence), silence.by.user_id, "silenced", detail)

    async def end(self, service: ServiceId, kind: AlertKind, signal: str, person: Person | None) -> bool:
        name = f"{kind}/{signal}" if signal else str(kind)
        return await self._put(service, name, "", person.user_id if person else "lumen", "silence-ended", name)

    async def _put(self, service: ServiceId, name: str, value: str, actor: str, event: str, detail: str) -> bool:
        """Whether there was one before."""
        now = self._clock.now().isoformat()
        reply = await self._calls.change("control_put", service, f"silence/{name}", value, now, actor, event, detail)
        return bool(reply.values[0])
