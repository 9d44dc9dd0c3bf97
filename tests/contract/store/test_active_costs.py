"""What a minute without anything to do costs the store: counted by the server itself, for one service and for many."""

import asyncio
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from bot.config import Settings
from bot.duties import NO_KICKS, Duties
from bot.http import Metrics
from bot.run import AT_ONCE, Bot
from bot.store import StateStore
from bot.wiring.parts import Lumen
from bot.wiring.slack import SlackSide
from bot.workers import Worker
from handlers.pending_replies import PendingRepliesWorker
from handlers.serving import Serving
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.model.proposal import Proposal
from lumen.model.service import ServiceId
from lumen.ports.clock import no_fault
from lumen.ports.store import Surface
from lumen.use_cases.active import Active
from lumen.use_cases.auto_apply import Countdowns
from lumen.use_cases.moments import Moments
from tests.contract.store.builders import DAY, Store, draft
from tests.contract.store.test_active import pass_over


async def _nobody(service: ServiceId) -> None:
    raise AssertionError(f"{service.key} is served, and has nothing to do")


async def commands(store: Store) -> int:
    """All that the server has carried out so far, but for those that count."""
    told = await store.redis.info("commandstats")
    return sum(one["calls"] for name, one in told.items() if name not in ("cmdstat_info",))


class Execution:
    """Asks the real store for what was approved, and carries nothing out."""

    def __init__(self, state: StateStore) -> None:
        self.proposals = state.proposals
        self.asked: list[ServiceId] = []
        self.asks = asyncio.Event()

    async def expire(self, service: ServiceId) -> None:
        await self.proposals.expire_due(service)

    async def due(self, service: ServiceId) -> Sequence[Proposal]:
        self.asked.append(service)
        self.asks.set()
        await self.proposals.unfinished(service)
        return ()


async def bot_of(store: Store, count: int) -> tuple[Bot, Lumen, Execution]:
    """With so many services, of which all may have work."""
    services = tuple(ServiceId("p", "r", f"service-{number}") for number in range(count))
    await epoch.init(store.redis, services, store.clock)
    state = StateStore(store.redis, SystemClock(), no_fault)
    execution, active = Execution(state), Active(state.hint, services, state.clock)
    moments = Moments(state.alerts, state.proposals, state.silences, state.clock)
    made: Any = SimpleNamespace(
        store=state,
        active=active,
        rounds=SimpleNamespace(publish=None, beside=SimpleNamespace(moments=moments)),
        changes=SimpleNamespace(execution=execution),
        countdowns=(Countdowns(state.proposals, state.claims, "countdown", lambda _: True, cast(Any, None)),),
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
    await active.now()
    return bot, lumen, execution


async def minute(store: Store, count: int, *, waits: bool = False) -> int:
    """The commands of a round of every loop, once a round has let so many services rest. `waits`: each has a card."""
    bot, lumen, _ = await bot_of(store, count)
    active, services, state = lumen.active, lumen.active.services, lumen.store
    duties = Duties(lumen, services, bot.duties.publishing, bot.duties.metrics)
    replies = PendingRepliesWorker(active, state.pending_replies, state.leases, cast(Any, None), cast(Any, None))
    serving = Serving(active, _nobody, tuple, lambda _: None, 0.01)
    for service in services if waits else ():
        await state.proposals.propose(draft(service=service), DAY)
        for dirty in await store.outbox.dirty(service):
            await store.outbox.shown(dirty, "C1", "1.0")
    await pass_over(store, services)
    await bot.settle()
    assert await active.now() == []
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
    for count in (1, 100):
        spent = await minute(store, count)
        assert spent <= 20, f"{count} services: {spent} commands"


async def test_a_service_with_a_card_that_waits_costs_no_command(store: Store) -> None:
    for count in (1, 50):
        spent = await minute(store, count, waits=True)
        assert spent <= 20, f"{count} services: {spent} commands"


async def test_a_click_in_the_middle_of_a_round_is_the_next_to_be_begun(store: Store) -> None:
    """Whatever the number of services that may have work: with a few trips of the round that is under way."""
    for count in (50, 500):
        bot, lumen, execution = await bot_of(store, count)
        clicks = Worker("approvals", 60.0)
        clicks.kick()
        rounds = asyncio.ensure_future(clicks.run(partial(bot.begin, partial(getattr, clicks, "is_kicked"))))
        await execution.asks.wait()
        clicked = next(one for one in reversed(lumen.active.services) if one not in execution.asked)
        await lumen.store.outbox.mark(Surface(clicked, "proposal", "P1"))  # as a decision does
        clicks.kick()
        before = len(execution.asked)
        while clicked not in execution.asked:
            execution.asks.clear()
            await execution.asks.wait()
        assert execution.asked.index(clicked) - before <= 2 * AT_ONCE, count
        rounds.cancel()
        await asyncio.gather(rounds, return_exceptions=True)
