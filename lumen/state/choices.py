"""Of which service a channel speaks: one field of the standing of the first service a channel."""

from redis.asyncio import Redis

from lumen.model.chosen import Chosen
from lumen.model.service import ServiceId
from lumen.state.calls import Calls
from lumen.state.codec import decode, encode
from lumen.state.keys import position


class RedisChoices:
    """`lumen.ports.choices.Choices`."""

    def __init__(self, redis: Redis) -> None:
        self._calls = Calls(redis)

    async def of(self, home: ServiceId, channel: str) -> Chosen | None:
        reply = await self._calls.read("read", home, "HGET", position("standing"), _field(channel))
        text = reply.values[0]
        return decode(Chosen, text) if text else None

    async def put(self, home: ServiceId, channel: str, chosen: Chosen) -> None:
        detail = f"{chosen.service.key} {channel}"
        at, by = chosen.at.isoformat(), chosen.by.user_id
        await self._calls.change(
            "standing_put", home, _field(channel), encode(chosen), at, by, "service-chosen", detail
        )


def _field(channel: str) -> str:
    return f"chosen/{channel}"
