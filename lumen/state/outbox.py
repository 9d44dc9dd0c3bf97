"""Which messages in Slack are behind what is stored."""

from datetime import timedelta

from redis.asyncio import Redis

from lumen.model.service import ServiceId
from lumen.ports.state import Dirty, Surface
from lumen.state.calls import Calls
from lumen.state.keys import position
from lumen.state.leases import milliseconds

#: How many are handed out at once; the rest wait their turn.
BATCH = 200
#: Slack lets nobody edit for ever, and nobody reads that far back.
REMEMBER = timedelta(days=90)


class RedisOutbox:
    """`lumen.ports.state.Outbox`. Proposals are marked by their own transitions."""

    def __init__(self, redis: Redis) -> None:
        self._calls = Calls(redis)

    async def mark(self, surface: Surface) -> None:
        await self._calls.change("outbox_mark", surface.service, _name(surface))

    async def dirty(self, service: ServiceId) -> list[Dirty]:
        reply = await self._calls.read("outbox_dirty", service, BATCH)
        listed = reply.values[0]
        found = []
        for at in range(0, len(listed), 3):
            name, version, shown = listed[at : at + 3]
            kind, _, key = name.partition("/")
            channel, _, ts = shown.partition(" ")
            found.append(Dirty(Surface(service, kind, key), int(version), channel, ts))
        return found

    async def shown(self, dirty: Dirty, channel: str, ts: str) -> None:
        surface = dirty.surface
        await self._calls.change(
            "outbox_shown",
            surface.service,
            _name(surface),
            dirty.version,
            f"{channel} {ts}",
            milliseconds(REMEMBER),
        )

    async def where(self, surface: Surface) -> tuple[str, str] | None:
        reply = await self._calls.read("read", surface.service, "HGET", position("shown"), _name(surface))
        shown = reply.values[0]
        if shown is None:
            return None
        channel, _, ts = shown.partition(" ")
        return channel, ts


def _name(surface: Surface) -> str:
    return f"{surface.kind}/{surface.key}"
