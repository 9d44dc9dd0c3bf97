"""The messages in Slack that are behind the store, and the replies to clicks that are still pending."""

from collections.abc import Sequence
from datetime import timedelta

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.leases import milliseconds
from lumen.adapters.store.scripts import PAGE, Calls
from lumen.model.messages import Message
from lumen.model.service import ServiceId
from lumen.ports.store import Dirty, PendingReply, Surface

#: How many are handed out at once; the rest wait their turn.
BATCH = 200
#: Slack lets nobody edit for ever, and nobody reads that far back.
REMEMBER = timedelta(days=90)


class RedisOutbox:
    """`lumen.ports.store.Outbox`. Proposals are marked by their own transitions."""

    def __init__(self, redis: StoreClient) -> None:
        self._calls = Calls(redis)

    async def mark(self, surface: Surface, *, once: bool = False) -> bool:
        reply = await self._calls.change("outbox_mark", surface.service, _name(surface), "once" if once else "")
        return bool(reply.values[0])

    async def dirty(self, service: ServiceId) -> list[Dirty]:
        reply = await self._calls.read("outbox_dirty", service, BATCH)
        listed = reply.values[0]
        found = []
        for at in range(0, len(listed), 4):
            name, version, shown, mark = listed[at : at + 4]
            kind, _, key = name.partition("/")
            channel, _, ts = shown.partition(" ")
            found.append(Dirty(Surface(service, kind, key, mark), int(version), channel, ts))
        return found

    async def shown(self, dirty: Dirty, channel: str, ts: str) -> None:
        surface = dirty.surface
        name, place, keep = _name(surface), f"{channel} {ts}", milliseconds(REMEMBER)
        await self._calls.change("outbox_shown", surface.service, name, dirty.version, place, keep, surface.mark)

    async def where(self, surface: Surface) -> tuple[str, str] | None:
        reply = await self._calls.read("outbox_where", surface.service, _name(surface), surface.mark)
        shown = reply.values[0]
        if not shown:
            return None
        channel, _, ts = shown.partition(" ")
        return channel, ts


def _name(surface: Surface) -> str:
    return f"{surface.kind}/{surface.key}"


class RedisPendingReplies:
    """`lumen.ports.store.PendingReplies`."""

    def __init__(self, redis: StoreClient) -> None:
        self._calls = Calls(redis)

    async def older_than(self, service: ServiceId, age: timedelta) -> list[PendingReply]:
        found: dict[str, PendingReply] = {}  # a page may tell again what one before it did
        cursor, age_ms = "0", round(age / timedelta(milliseconds=1))
        while True:
            reply = await self._calls.read("pending_replies_list", service, age_ms, cursor, PAGE)
            listed, cursor = reply.values
            for click_id, owed, since_ms in zip(listed[::3], listed[1::3], listed[2::3], strict=True):
                found[click_id] = _pending(click_id, owed, timedelta(milliseconds=int(since_ms)))
            if cursor == "0":
                return list(found.values())

    async def owe(self, service: ServiceId, click_id: str, to: str, says: Sequence[Message]) -> None:
        # What the edge writes is one line.
        owed = f"{to}\n{encode(tuple(says))}" if says else to
        await self._calls.change("pending_replies_owe", service, click_id, owed)

    async def given(self, service: ServiceId, click_id: str) -> None:
        await self._calls.change("pending_replies_given", service, click_id)


def _pending(click_id: str, owed: str, age: timedelta) -> PendingReply:
    to, _, says = owed.partition("\n")
    return PendingReply(click_id, to, age, decode(tuple[Message, ...], says) if says else ())
