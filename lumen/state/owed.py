"""Answers that people were promised: written by the very step that decided, gone when they are given."""

from datetime import timedelta

from redis.asyncio import Redis

from lumen.model.service import ServiceId
from lumen.ports.owed import Owed
from lumen.state.calls import Calls


class RedisOwedAnswers:
    """`lumen.ports.owed.OwedAnswers`."""

    def __init__(self, redis: Redis) -> None:
        self._calls = Calls(redis)

    async def older_than(self, service: ServiceId, age: timedelta) -> list[Owed]:
        reply = await self._calls.read("owed_list", service, round(age / timedelta(milliseconds=1)))
        listed = reply.values[0]
        return [
            Owed(click_id, to, timedelta(milliseconds=int(since_ms)))
            for click_id, to, since_ms in zip(listed[::3], listed[1::3], listed[2::3], strict=True)
        ]

    async def given(self, service: ServiceId, click_id: str) -> None:
        await self._calls.change("owed_given", service, click_id)
