"""The looks and the hour's turns, with all that follows each: the bot and its workers do the same for a service."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bot.config import Settings
from bot.publishing import Publishing
from bot.reports.files import ReportFiles
from bot.service_settings import each
from bot.thresholds import size_limits
from bot.tracing import turn_made
from bot.wiring.parts import Lumen
from bot.workers import guarded
from lumen.model.service import ServiceId
from lumen.model.shard import Schedule
from lumen.model.turn import Turn
from lumen.use_cases.shards import ByDuty, is_late, open_slots, slot_of
from lumen.use_cases.turn import is_missed
from lumen.wording.catalogue import Catalogue


class DutyMetrics:
    """Counters of looks and turns; `turn_seconds` is time on the wall."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.turns = Counter("lumen_turns", "Turns made", ["occasion"], registry=registry)
        self.watched_until = Gauge(
            "lumen_watch_last_look_timestamp_seconds",
            "Service time of the last look of the watch: alert on it when it is older than 15 minutes",
            ["service"],
            registry=registry,
        )
        self.turn_seconds = Histogram("lumen_turn_seconds", "Time that a wake-up with turns took", registry=registry)


def _nobody() -> None:
    """Nobody waits for it in this process."""


@dataclass(frozen=True, slots=True)
class Kicks:
    """Wakes of what shows and carries out in this process; the bot finds by itself what another process left to it."""

    outbox: Callable[[], None] = _nobody
    settling: Callable[[], None] = _nobody
    paging: Callable[[], None] = _nobody
    errors: Callable[[], None] = _nobody


NO_KICKS = Kicks()


@dataclass(slots=True)
class Duties:
    """`watched`: all services, whichever of them a call is about.

    A failure is logged, and tried again at the next wake or when the message comes again; it holds up nothing else.
    """

    lumen: Lumen
    watched: Sequence[ServiceId]
    publishing: Publishing
    metrics: DutyMetrics
    kicks: Kicks = NO_KICKS
    #: Workers look and turn; `only_missed` means them.
    has_workers: bool = False
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @property
    def by_schedule(self) -> ByDuty:
        """As messages ask for them."""
        return {Schedule.LOOK: self._asked_look, Schedule.TURN: self.turns}

    async def _asked_look(self, services: Sequence[ServiceId]) -> None:
        """With a sample of the caches' counters, which the bot takes each minute: a turn needs an earlier one."""
        await self.look(services)
        with guarded("caches_not_sampled"):
            await self.lumen.collector.sample_caches()

    async def look(self, services: Sequence[ServiceId], *, only_missed: bool = False) -> None:
        """The five-minute watch, and what it says about releases; then what is due by time.

        `only_missed`: workers are asked to look; leave them the time to do so.
        """
        asked = await self._missed(services) if only_missed else services
        if asked:
            await self._look(asked)
        await self.by_time(services)
        if asked:
            await self.publishing.figures(asked)

    async def _look(self, services: Sequence[ServiceId]) -> None:
        rounds = self.lumen.rounds
        looked: list[ServiceId] = []
        with guarded("watch_failed"):
            async with self._looking:
                await rounds.watch.due(services, looked.append, self.watched)
        with guarded("releases_not_considered"):
            for service in looked:
                self.metrics.watched_until.labels(service.key).set(self.lumen.store.clock.now().timestamp())
            if looked:
                await rounds.revisions.look(looked)
        # Where nothing is open, waiting or pinned there is nothing to judge; those are told of all other open pages.
        active = await self._told(self.lumen.active.standing, self.watched)
        concerned = set(looked).intersection(active)
        for service in concerned:
            with guarded("rollback_not_considered", service=service.key):
                await rounds.rollback.consider(service)
                self.kicks.outbox()
        for service in concerned:
            with guarded("changes_not_guarded", service=service.key):  # after the rollback, which never waits for it
                await rounds.effects.guard(service, active)

    async def _missed(self, services: Sequence[ServiceId]) -> Sequence[ServiceId]:
        claims, now = self.lumen.store.claims, self.lumen.store.clock.now()
        if is_late(now):
            with guarded("looks_not_compared"):
                return await open_slots(claims, services, Schedule.LOOK, slot_of(Schedule.LOOK, now))
        return ()

    async def by_time(self, services: Sequence[ServiceId]) -> None:
        """Reminders, pins that end, and calls of the people on call: also while nothing can be measured."""
        active = await self._told(self.lumen.active.now, services)
        for service in active:
            with guarded("nobody_reminded", service=service.key):
                await self.lumen.rounds.beside.reminding.due(service)
            with guarded("pins_not_settled", service=service.key):
                await self.lumen.changes.overrides.settle(service)
        self.kicks.settling()
        for service in active:
            with guarded("nobody_called", service=service.key):
                if await self.lumen.called.calling.due(service):
                    self.kicks.outbox()
        self.kicks.paging()
        self.kicks.errors()  # after the message of a page, which waits for no log

    async def _told(
        self, told: Callable[[], Awaitable[Sequence[ServiceId]]], services: Sequence[ServiceId]
    ) -> Sequence[ServiceId]:
        """Those of them that are told of; none while the store does not tell."""
        with guarded("services_not_told"):
            active = set(await told())
            return [service for service in services if service in active]
        return ()

    async def turns(self, services: Sequence[ServiceId], *, only_missed: bool = False) -> None:
        """The hour's turn, with the verdicts that come before it.

        `only_missed`: somebody else calls for the turns; leave it the time to do so.
        """
        async with self._looking:
            pass  # what the look under way brings: on a fresh installation all that Monitoring remembers
        rounds, is_left = self.lumen.rounds, only_missed and self.has_workers
        if not (is_left and not is_missed(self.lumen.store.clock.now())):
            with guarded("effects_not_measured"):
                await rounds.effects.due(services)  # before the turn, which waits while a change has no verdict
        began = time.monotonic()
        turns: list[Turn] = []
        with guarded("turn_failed"):
            await rounds.turn_runner.due(services, turns.append, only_missed=only_missed)
        if not turns:
            with guarded("caches_not_sampled"):
                await self.lumen.collector.sample_caches()
        await self.made(turns, time.monotonic() - began)

    async def made(self, turns: Sequence[Turn], seconds: float) -> None:
        """Whoever made them, in so long: count, tell and write them."""
        if turns:
            self.metrics.turn_seconds.observe(seconds)
        for turn in turns:
            turn_made(turn, seconds)
            self.metrics.turns.labels(turn.occasion).inc()
        if turns:
            self.kicks.outbox()
        await self.publishing.reports(turns)


def duties_of(settings: Settings, lumen: Lumen, metrics: DutyMetrics, kicks: Kicks = NO_KICKS) -> Duties:
    """Those of this process, for all services."""
    words, directory = Catalogue(settings.lumen_locale), settings.output_dir
    files = ReportFiles(Path(directory), words, each(settings.watched, size_limits)) if directory else None
    publishing = Publishing(lumen.rounds.publish, files, words)
    return Duties(lumen, settings.services, publishing, metrics, kicks, has_workers=settings.has_workers)
