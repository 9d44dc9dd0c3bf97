"""How much room the store has left. A full store refuses every decision, so people are warned well before."""

from collections.abc import Sequence

from redis.asyncio import Redis

from lumen.model.message import Message, message
from lumen.state.connection import place
from lumen.state.failures import SILENCE, unreachable

WARN_AT = 0.70


async def used_ratio(redis: Redis) -> float | None:
    """Used share of `maxmemory` (0-1), or None where no limit is set or told. Raises StoreUnavailable."""
    try:
        told = await redis.info("memory")
    except SILENCE as error:
        raise unreachable(error, place(redis)) from error
    limit = int(told.get("maxmemory", 0))
    return int(told["used_memory"]) / limit if limit else None


async def warnings(redis: Redis) -> Sequence[Message]:
    """One when more than 70 % is used. Raises StoreUnavailable."""
    used = await used_ratio(redis)
    if used is None or used < WARN_AT:
        return ()
    return (message("state.memory_short", where=place(redis), used_ratio=used),)
