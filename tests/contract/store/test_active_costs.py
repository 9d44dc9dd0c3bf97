"""What a minute without anything to do costs the store: counted by the server itself, for one service and for many."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from bot.config import Settings
from bot.duties import NO_KICKS, Duties
from bot.http import Metrics
from bot.run import Bot
from bot.store import StateStore
from bot.wiring.parts import Lumen
from bot.wiring.slack import SlackSide
from handlers.pending_replies import PendingRepliesWorker
from handlers.serving import Serving
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.model.service import ServiceId
from lumen.ports.clock import no_fault
from lumen.use_cases.active import Active
from tests.contract.store.builders import Store
from tests.contract.store.test_active import pass_over


async def _nobody(service: ServiceId) -> None:
    raise AssertionError(f"{service.key} is served, and has nothing to do")


async def commands(store: Store) -> int:
    """All that the server has carried out so far, but for those that count."""
    told = await store.redis.info("commandstats")
    return sum(one["calls"] for name, one in told.items() if name not in ("cmdstat_info",))


async def minute(store: Store, count: int) -> int:
    """The commands of a round of every loop, with so many services at rest."""
    services = tuple(ServiceId("p", "r", f"service-{number}") for number in range(count))
    await epoch.init(store.redis, services, store.clock)
    state = StateStore(store.redis, SystemClock(), no_fault)
    active = Active(state.hint, services, state.clock)
    made: Any = SimpleNamespace(
        store=state,
        active=active,
        rounds=SimpleNamespace(publish=None),
        changes=SimpleNamespace(execution=None),
        countdowns=(None,),
        called=SimpleNamespace(paging=SimpleNamespace(trouble=None)),
    )
    lumen = cast(Lumen, made)
    nothing = SimpleNamespace(set=lambda _: None)
    metrics = cast(Metrics, SimpleNamespace(duties=None, pager_fails=nothing))
    settings = SimpleNamespace(
        services=services, lumen_locale="en", output_dir="", takes_triggers=False, has_workers=False
    )
    slack = SimpleNamespace(outbox=SimpleNamespace(kick=lambda: None))
    bot = Bot(cast(Settings, settings), lumen, cast(SlackSide, slack), metrics, NO_KICKS)
    duties = Duties(lumen, services, bot.duties.publishing, bot.duties.metrics)
    replies = PendingRepliesWorker(active, state.pending_replies, state.leases, cast(Any, None), cast(Any, None))
    serving = Serving(active, _nobody, tuple, lambda _: None, 0.01)
    await active.now()
    await pass_over(store, services)
    await active.rest()
    before = await commands(store)
    for loop in (bot.settle, bot.page, bot.errors):
        await loop()
    await duties.by_time(services)
    for endless in (serving.run(), replies.run()):
        so_far = await commands(store)
        with_end = asyncio.ensure_future(endless)
        while await commands(store) == so_far:  # noqa: ASYNC110 - only the server can tell
            await asyncio.sleep(0.001)
        with_end.cancel()
        await asyncio.gather(with_end, return_exceptions=True)
    assert await active.now() == []
    return await commands(store) - before


async def test_an_idle_service_costs_no_command(store: Store) -> None:
    for count in (1, 50, 500):
        spent = await minute(store, count)
        assert spent <= 20, f"{count} services: {spent} commands"
