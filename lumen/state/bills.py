"""What Google bills: fields of the standing of the first service, the newest notice and what was wrong with others."""

from redis.asyncio import Redis

from lumen.model.billed import BudgetNotice, Heard
from lumen.model.nodata import NoData
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.state.calls import Calls
from lumen.state.codec import decode, encode
from lumen.state.keys import position


class RedisBills:
    """`lumen.ports.billing.Bills`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def heard(self, home: ServiceId) -> Heard:
        reply = await self._calls.read("read", home, "HMGET", position("standing"), "billed", "billed trouble")
        notice, trouble = reply.values[0]
        return Heard(decode(BudgetNotice, notice) if notice else None, decode(NoData, trouble) if trouble else None)

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
        await self._calls.change("standing_put", home, "billed trouble", text, at, "lumen", "", "")
