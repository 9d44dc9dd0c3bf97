"""Of what nobody wants to hear for a while: one field of the standing a kind and signal."""

from redis.asyncio import Redis

from lumen.model.alert import SIGNALS, AlertKind
from lumen.model.calling import Silence
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock
from lumen.state.calls import Calls
from lumen.state.codec import decode, encode
from lumen.state.keys import position

_FIELDS = tuple(f"silence/{kind}" for kind in AlertKind) + tuple(f"silence/{AlertKind.NO_DATA}/{s}" for s in SIGNALS)


class RedisSilences:
    """`lumen.ports.calling.Silences`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def all(self, service: ServiceId) -> list[Silence]:
        reply = await self._calls.read("read", service, "HMGET", position("standing"), *_FIELDS)
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
        reply = await self._calls.change("standing_put", service, f"silence/{name}", value, now, actor, event, detail)
        return bool(reply.values[0])
