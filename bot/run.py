"""The running bot, and the commands that need all of Lumen.

It only wakes (docs/adr/0001): which slots are due is told by the Clock, and who takes one by the store.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial

import structlog

from bot.config import Settings
from bot.duties import Kicks, duties_of
from bot.http import (
    Metrics,
    outbox_readiness,
    pager_readiness,
    slack_readiness,
    start_http,
    store_readiness,
    wake_readiness,
)
from bot.stopping import when_told_to_stop
from bot.store import StateStore, clock_of, open_checked_store, open_state_store, store_warnings
from bot.timing import Clocks, every
from bot.tracing import begin_tracing
from bot.triggers import counter_of
from bot.wiring.assembly import assemble
from bot.wiring.parts import Lumen
from bot.wiring.slack import SlackSide, open_slack
from bot.wiring.triggers import trigger_routes, triggers_of
from bot.wiring.work import letters_of, open_work
from bot.workers import ExecutionPool, Worker, guarded
from lumen.adapters.store import epoch
from lumen.model.answers import Readiness
from lumen.model.service import ServiceId
from lumen.use_cases.dead_letters import TakingDeadLetters
from lumen.use_cases.membership import BEAT_EVERY_SECONDS
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()

#: Of service time. A slot is taken up at most this late.
WAKE_EVERY_SECONDS = 60.0
#: On the wall. A click kicks at once; this finds what is due by time, and what a dead replica left half done.
SETTLE_EVERY_SECONDS = 5.0
#: After a click so many services are asked at once for what was approved, those that were changed last first.
AT_ONCE = 16
#: On the wall. A look kicks at once; this finds what failed and is due again, and "I'm on it".
PAGE_EVERY_SECONDS = 10.0
#: On the wall. A look kicks at once; this finds what was not read then.
ERRORS_EVERY_SECONDS = 30.0


class Bot:
    """The running process: what is done when it wakes, and how it stands."""

    def __init__(
        self,
        settings: Settings,
        lumen: Lumen,
        slack: SlackSide,
        metrics: Metrics,
        kicks: Kicks,
        letters: TakingDeadLetters | None = None,
    ) -> None:
        """`letters` None: no workers are set."""
        self._services = settings.services
        self._has_workers = settings.has_workers
        self._are_triggered = settings.takes_triggers or self._has_workers
        self._words = Catalogue(settings.lumen_locale)
        self._lumen = lumen
        self._slack = slack
        self._metrics = metrics
        self._letters = letters
        self._started_at = time.monotonic()
        self._woke_at: float | None = None
        self._clocks = Clocks(lumen.store, self._words)
        self.duties = duties_of(settings, lumen, metrics.duties, kicks)
        self.executions = ExecutionPool(lumen.changes.execution, kicks.outbox, kicks.settling)

    async def wake(self) -> None:
        """Once a minute of service time: whatever slot is due. A failure is said and tried again at the next.

        Nothing that goes wrong in here ends the bot, which would take clicks and countdowns with it.
        """
        with guarded("clocks_not_compared"):
            await self._clocks.compare()
        results = await asyncio.gather(
            self.duties.look(self._services, only_missed=self._has_workers),
            self._turns(),
            self._audit(),
            self._news(),
            self._observe(),
            self._dead_letters(),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                log.error("wake_crashed", kind=type(result).__name__, exc_info=result)
        self._woke_at = time.monotonic()
        self._metrics.woke.set_to_current_time()

    async def beat(self) -> None:
        """Share the looks and turns with the other bots, evenly; messages share them where workers are set."""
        with guarded("replicas_not_told"):
            if not self._has_workers:
                await self._lumen.store.membership.beat(self._services)

    async def leave(self) -> None:
        """Have the other bots take over at once."""
        with guarded("replicas_not_told"):
            await self._lumen.store.membership.leave()

    async def _audit(self) -> None:
        """Once an hour: seal the audit, and say when the store's memory gets short."""
        with guarded("audit_not_sealed"):
            if await self._lumen.answers.auditing.due(self._services):
                await tell_of_store(self._lumen.store)

    async def _turns(self) -> None:
        """The hour's turns, which a digest of that hour tells of."""
        await self.duties.turns(self._services, only_missed=self._are_triggered)
        with guarded("digest_not_begun"):
            await self._lumen.rounds.digest.due(self._services)

    async def _dead_letters(self) -> None:
        """Name in Slack what no worker could do or read."""
        with guarded("dead_letters_not_taken"):
            if self._letters is not None and await self._letters.take():
                self._slack.outbox.kick()

    async def _observe(self) -> None:
        """Keep the accesses that services report, and the misses that the cache's server announces."""
        with guarded("accesses_not_read"):
            await self._lumen.rounds.beside.observer.due()
        with guarded("misses_not_kept"):
            await self._lumen.rounds.beside.hearing.due()

    async def _news(self) -> None:
        """Take the budget's notices; nothing waits for it."""
        if self._lumen.rounds.beside.taking_news is not None:
            with guarded("news_not_taken"):
                await self._lumen.rounds.beside.taking_news.take()

    async def settle(self) -> None:
        """Expire, end countdowns and begin to carry out, which holds up nothing here; what Slack shows follows.

        A countdown that cannot be judged now is judged in the next round, and holds up nothing that people approved.
        None ends while the store's clock, which times them, is known to be wrong.
        """
        with guarded("clocks_not_compared"):
            await self._clocks.compare()
        is_timed = not self._clocks.offsets.store
        for service in await self._active():
            with guarded("countdown_waits", service=service.key):
                for countdowns in self._lumen.countdowns if is_timed else ():
                    await countdowns.settle(service)
            with guarded("overdue_not_expired", service=service.key):
                await self._lumen.changes.execution.expire(service)
            await self._begin(service)
            with guarded("incident_not_edited", service=service.key):
                await self._lumen.rounds.beside.moments.due(service)
        with guarded("no_service_rests"):
            await self._lumen.active.rest()
        self._slack.outbox.kick()

    async def begin(self, is_overtaken: Callable[[], bool]) -> None:
        """Begin what was approved just now, beside the rounds of `settle`, so that no click waits for one of them.

        It ends where `is_overtaken` tells of a click since: the next round begins with that, and `settle` has the rest.
        """
        services = await self._active()
        for at in range(0, len(services), AT_ONCE):
            if is_overtaken():
                break
            await asyncio.gather(*map(self._begin, services[at : at + AT_ONCE]))

    async def _begin(self, service: ServiceId) -> None:
        with guarded("execution_waits", service=service.key):
            await self.executions.begin(service)

    async def page(self) -> None:
        """Tell the pager outside of Slack what it has not heard yet; its trouble is said on the incident's message."""
        paging = self._lumen.called.paging
        if paging is None:
            return
        for service in await self._active():
            with guarded("pager_waits", service=service.key):
                await paging.settle(service, self._slack.outbox.unheard(service))
        self._metrics.pager_fails.set(float(paging.trouble is not None))
        self._slack.outbox.kick()

    async def errors(self) -> None:
        """Put what the blamed revisions log onto the messages of the incidents that are open."""
        for service in await self._active():
            with guarded("error_lines_not_read", service=service.key):
                if await self._lumen.rounds.beside.reading_errors.due(service):
                    self._slack.outbox.kick()

    async def _active(self) -> Sequence[ServiceId]:
        """None while the store does not tell."""
        with guarded("services_not_told"):
            return await self._lumen.active.now()
        return ()

    async def readiness(self) -> Sequence[Readiness]:
        """The things that must work before the bot is of use, and how they stand.

        One service speaks for the store: what is wrong with another one alone, its looks say.
        """
        words, paging = self._words, self._lumen.called.paging
        return [
            await store_readiness(self._lumen.store, self._services[:1], words),
            slack_readiness(self._slack.state(), words),
            outbox_readiness(self._slack.outbox.state(), words),
            wake_readiness(self._woke_at, self._started_at, words),
            self._clocks.readiness(),
            *([pager_readiness(paging.trouble, words)] if paging is not None else []),
        ]


async def tell_of_store(store: StateStore) -> None:
    """Log what people should see to before it hurts. Raises StoreUnavailable."""
    for each in await store_warnings(store):
        log.warning("store_needs_care", code=each.code, params=dict(each.params))


async def run_bot(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises what makes a start impossible."""
    stop = when_told_to_stop()
    async with AsyncExitStack() as stack:
        if settings.otel_exporter_otlp_endpoint:
            stack.callback(begin_tracing(settings.otel_exporter_otlp_endpoint, settings.project_id))
        lumen = await stack.enter_async_context(assemble(settings))
        await tell_of_store(lumen.store)
        settling = Worker("execution", SETTLE_EVERY_SECONDS)
        approvals = Worker("approvals", WAKE_EVERY_SECONDS)  # as often as it is kicked: `settling` finds all

        def clicked() -> None:
            approvals.kick()
            settling.kick()

        slack = await stack.enter_async_context(open_slack(settings, lumen, clicked))
        work = await stack.enter_async_context(open_work(settings)) if settings.has_workers else None
        metrics = Metrics(slack.state, slack.outbox.state)
        paging = Worker("pager", PAGE_EVERY_SECONDS)
        errors = Worker("error lines", ERRORS_EVERY_SECONDS)
        kicks = Kicks(slack.outbox.kick, settling.kick, paging.kick, errors.kick)
        bot = Bot(settings, lumen, slack, metrics, kicks, letters_of(work, lumen, settings) if work else None)
        triggers = triggers_of(settings, lumen, bot.duties.by_schedule, work)
        await bot.beat()
        stack.push_async_callback(bot.leave)
        stack.push_async_callback(bot.executions.stop)
        runner = await start_http(
            settings.http_host,
            settings.port,
            bot.readiness,
            metrics.registry,
            metrics_port=settings.metrics_port,
            routes=trigger_routes(settings, triggers, bot.duties.made, counter_of(metrics.registry)),
        )
        stack.push_async_callback(runner.cleanup)
        waking = every(WAKE_EVERY_SECONDS / lumen.store.clock.scale, bot.wake)
        beginning = approvals.run(partial(bot.begin, lambda: approvals.is_kicked))
        beating = Worker("replicas", BEAT_EVERY_SECONDS).run(bot.beat)
        background = beating, beginning, settling.run(bot.settle), paging.run(bot.page), errors.run(bot.errors)
        await _until(stop, *background, slack.run(bot.readiness), waking)


async def _until(stop: asyncio.Event, *works: Coroutine[object, object, None]) -> None:
    """Run everything until `stop`, or until one of them fails: that failure is raised."""
    tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(work) for work in works]
    stopping: asyncio.Future[object] = asyncio.ensure_future(stop.wait())
    pending = {*tasks, stopping}
    try:
        while not stopping.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)


async def init_state(settings: Settings) -> Sequence[epoch.Epoch]:
    """Prepare the store; what is prepared already stays as it is."""
    async with open_state_store(settings) as store:
        return await epoch.init(store.redis, settings.services, clock_of(settings))


async def show_state(settings: Settings) -> dict[str, str]:
    """Lines for people: what the store holds for each service."""
    shown: dict[str, str] = {}
    async with open_checked_store(settings) as store:
        for service in settings.services:
            found = await epoch.read(store.redis, service)
            turns = await store.turns.latest(service, 1)
            unfinished = await store.proposals.unfinished(service)
            shown[f"{service.key} epoch"] = f"{found.id}, schema {found.schema}, made {found.made_at.isoformat()}"
            shown[f"{service.key} last turn"] = turns[0].id if turns else "none"
            shown[f"{service.key} unfinished"] = ", ".join(f"{p.id} {p.state}" for p in unfinished) or "none"
    return shown
