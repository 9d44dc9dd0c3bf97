"""Controls beside the proposals, one hash a service: pin, pause, override, size lock, silences, revisions that served.

The first service's also hold the budget's newest notice, the trouble with others, and the service of each channel.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.control_lines import SILENCE, Audited, StandingFields
from lumen.adapters.store.leases import milliseconds
from lumen.adapters.store.scripts import Calls, position
from lumen.model.alert import SIGNALS, AlertKind
from lumen.model.billing import BudgetNotice, BudgetState
from lumen.model.control import ControlLine, line_of, line_of_choice
from lumen.model.incident import ControlState, Pause, Pinned, RevisionRecord, Silence, SizeLock, TtlOverride
from lumen.model.messages import NoData
from lumen.model.service import Chosen, Person, ServiceId
from lumen.model.snapshot import Served
from lumen.ports.clock import Clock
from lumen.ports.incidents import Asked, Vote, Voted

_FIELDS = ("pinned", "pause", "revisions", "override", "size_lock", "served", "paused_at")


class RedisControls:
    """`lumen.ports.incidents.Controls`."""

    def __init__(self, redis: StoreClient, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock
        self._fields = StandingFields(self._calls, clock)

    async def read(self, service: ServiceId) -> ControlState:
        return (await self.read_each([service]))[service]

    async def read_each(self, services: Sequence[ServiceId]) -> dict[ServiceId, ControlState]:
        asked = ("HMGET", position("standing"), *_FIELDS)
        replies = await self._calls.read_each([("read", service, asked) for service in services])
        return {service: _state(*reply.values[0]) for service, reply in zip(services, replies, strict=True)}

    async def pinned(self, service: ServiceId, pinned: Pinned | None) -> None:
        before = (await self.read(service)).pinned
        same = (before and before.revision) == (pinned and pinned.revision)
        event = "" if same else "pinned" if pinned else "unpinned"
        detail = pinned.revision if pinned else before.revision if before else ""
        value = encode(pinned) if pinned else ""
        await self._fields.put(service, "pinned", value, Audited(event, detail=detail))

    async def revisions(self, service: ServiceId, records: Mapping[str, RevisionRecord]) -> None:
        plain = {name: json.loads(encode(record)) for name, record in sorted(records.items())}
        text = json.dumps(plain, separators=(",", ":")) if plain else ""
        await self._fields.put(service, "revisions", text)

    async def served(self, service: ServiceId, history: Sequence[Served]) -> None:
        await self._fields.put(service, "served", encode(tuple(history)) if history else "")

    async def pause(self, service: ServiceId, pause: Pause) -> None:
        until = pause.until.isoformat() if pause.until else "until resumed"
        # First, so that no plan outlives a pause which is stored.
        await self._fields.put(service, "paused_at", pause.at.isoformat())
        await self._set(service, "pause", pause, Audited("paused", pause.by, until))

    async def resume(self, service: ServiceId, person: Person | None, line: str = "") -> bool:
        return await self._fields.put(service, "pause", "", Audited("resumed", person), only=line)

    async def override(self, service: ServiceId, override: TtlOverride) -> None:
        detail = f"{override.ttl_seconds} {_until(override.until)}"
        await self._set(service, "override", override, Audited("override-set", override.by, detail))

    async def lift_override(self, service: ServiceId, person: Person | None, line: str = "") -> bool:
        return await self._fields.put(service, "override", "", Audited("override-lifted", person), only=line)

    async def lock_size(self, service: ServiceId, lock: SizeLock) -> None:
        await self._set(service, "size_lock", lock, Audited("size-locked", lock.by, _until(lock.until)))

    async def unlock_size(self, service: ServiceId, person: Person | None, line: str = "") -> bool:
        return await self._fields.put(service, "size_lock", "", Audited("size-unlocked", person), only=line)

    async def line(self, service: ServiceId, line: str) -> ControlLine | None:
        return await self._fields.line(service, line)

    async def lines(self, service: ServiceId) -> Sequence[ControlLine]:
        return await self._fields.lines(service)

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

    async def _set(
        self, service: ServiceId, field: str, value: Pause | TtlOverride | SizeLock, audited: Audited
    ) -> None:
        await self._fields.put(service, field, encode(value), audited, line_of(value))


def _state(
    pinned: str | None,
    pause: str | None,
    revisions: str | None,
    override: str | None,
    size_lock: str | None,
    served: str | None,
    paused_at: str | None,
) -> ControlState:
    return ControlState(
        decode(Pinned, pinned) if pinned else None,
        decode(Pause, pause) if pause else None,
        decode(dict[str, RevisionRecord], revisions) if revisions else None,
        decode(TtlOverride, override) if override else None,
        decode(SizeLock, size_lock) if size_lock else None,
        decode(tuple[Served, ...], served) if served else (),
        datetime.fromisoformat(paused_at) if paused_at else None,
    )


def _until(until: datetime | None) -> str:
    return until.isoformat() if until else "until lifted"


class RedisBills:
    """`lumen.ports.sources.Bills`."""

    def __init__(self, redis: StoreClient, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._fields = StandingFields(self._calls, clock)

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
        await self._fields.put(home, "billed trouble", "" if why is None else encode(why))


class RedisChoices:
    """`lumen.ports.store.Choices`."""

    def __init__(self, redis: StoreClient, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._fields = StandingFields(self._calls, clock)

    async def of(self, home: ServiceId, channel: str) -> Chosen | None:
        reply = await self._calls.read("read", home, "HGET", position("standing"), _field(channel))
        text = reply.values[0]
        return decode(Chosen, text) if text else None

    async def put(self, home: ServiceId, channel: str, chosen: Chosen) -> None:
        audited = Audited("service-chosen", chosen.by, f"{chosen.service.key} {channel}")
        line = line_of_choice(chosen, channel)
        await self._fields.put(home, _field(channel), encode(chosen), audited, line)

    async def end(self, home: ServiceId, channel: str, person: Person, line: str) -> bool:
        return await self._fields.put(home, _field(channel), "", Audited("choice-ended", person, channel), only=line)


def _field(channel: str) -> str:
    return f"chosen/{channel}"


#: Where silences stand.
SILENCE_FIELDS = tuple(f"{SILENCE}{kind}" for kind in AlertKind) + tuple(
    f"{SILENCE}{AlertKind.NO_DATA}/{s}" for s in SIGNALS
)


class RedisSilences:
    """`lumen.ports.incidents.Silences`."""

    def __init__(self, redis: StoreClient, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._fields = StandingFields(self._calls, clock)

    async def all(self, service: ServiceId) -> list[Silence]:
        reply = await self._calls.read("read", service, "HMGET", position("standing"), *SILENCE_FIELDS)
        return [decode(Silence, text) for text in reply.values[0] if text]

    async def put(self, service: ServiceId, silence: Silence) -> None:
        audited = Audited("silenced", silence.by, f"{silence.name} {silence.until.isoformat()}")
        await self._fields.put(service, f"{SILENCE}{silence.name}", encode(silence), audited, line_of(silence))

    async def end(
        self, service: ServiceId, kind: AlertKind, signal: str, person: Person | None, line: str = ""
    ) -> bool:
        name = f"{kind}/{signal}" if signal else str(kind)
        audited = Audited("silence-ended", person, name)
        return await self._fields.put(service, f"{SILENCE}{name}", "", audited, only=line)
