"""The loop: requests as the clock goes on, a minute closed at a time."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

from sandbox.clock import Clock
from sandbox.google.cloud import GoogleCloud
from sandbox.google.extra.instance import InstanceFacts
from sandbox.google.monitoring.series import MINUTE
from sandbox.google.run.checks import memory_mib
from sandbox.google.run.resource import ServiceResource, environment
from sandbox.ion import replay
from sandbox.ion.behaviour import Behaviours
from sandbox.ion.cachemeter import CacheMeter
from sandbox.ion.cachestore import MB, CacheDown, CacheInfo, CacheStore
from sandbox.ion.config import IonConfig
from sandbox.ion.demand import DAY, Demand
from sandbox.ion.errorlog import ErrorLog
from sandbox.ion.history import History
from sandbox.ion.ledger import Ledger, MinuteSummary
from sandbox.ion.population import Population
from sandbox.ion.processcache import ProcessCaches, entries_of
from sandbox.ion.random_counts import poisson
from sandbox.ion.reporting import OwnTtlSetting
from sandbox.ion.revisionmeter import RevisionMeter
from sandbox.ion.traffic import Backend, Traffic
from sandbox.ion.ttlsetting import TtlSetting, default_ttl

BATCH_SECONDS = 0.25  # of the wall, between two batches of requests
# After a pause longer than this (a laptop that slept) the world goes on from now; the gap has no data.
LONGEST_LAG_SECONDS = 20.0  # of the wall
MAX_REQUESTS_PER_WALL_SECOND = 5000.0

_log = logging.getLogger("sandbox.ion")


class World:
    """ION and its users. `run()` goes on until it is cancelled."""

    def __init__(self, config: IonConfig, clock: Clock, cloud: GoogleCloud, cache_url: str) -> None:
        store, cloud_run = cloud.series, cloud.cloud_run
        self._advance = cloud.advance
        self.config = config
        self.demand = Demand(config.requests_per_second, config.seed)
        self.behaviours = Behaviours()
        self.ledger = Ledger(config.cache_mb, config.cache_mb_usd, config.vertex_usd)
        self.paused = False
        self.cost_factor = 1.0  # set by incidents
        self.unreachable = False  # nobody gets through
        self.pinned_instances: int | None = None
        self.cache_is_down = False
        self.after_minute: Callable[[int], None] = lambda _minute: None
        self._clock = clock
        self._store = store
        self._cloud_run = cloud_run
        self._random = Random(config.seed)  # noqa: S311 - a simulation must be repeatable
        self.cache = CacheStore(cache_url, config.key_prefix, config.answer_bytes)
        self._settings = self._settings_of(config)
        self.traffic = Traffic(
            self.cache, self._random, config.cached_share, config.error_share, config.client_error_share,
            lambda ttl: max(1, round(clock.wall_seconds(ttl) * 1000)),
        )  # fmt: skip
        self._at = clock.seconds()
        self._first_minute = int(self._at // MINUTE)
        first = self._first_minute - config.history_days * 1440
        self._cache_meter = CacheMeter(store, config.redis_labels(), first, lambda: clock.scale)
        self._error_log = ErrorLog(cloud.logs, Random(config.seed))  # noqa: S311 - the same, apart from the traffic's
        self._meters: dict[tuple[str, str], RevisionMeter] = {}
        self._minute = {"requests": 0, "errors": 0, "hits": 0, "misses": 0, "in_process": 0}
        self._tasks: list[asyncio.Task[None]] = []
        cloud_run.start_fault = self._start_fault
        cloud.uptime.fails = self._failing_share
        cloud.spent_usd = lambda: self.ledger.month_usd
        cloud.redis_instance = InstanceFacts(
            config.redis_instance, self._at - config.history_days * DAY, config.cache_mb / 1024, self.cache.configure
        )

    # Start and stop

    async def start(self) -> None:
        """Write the past, fill the cache as it would be, and begin. Raises CacheDown when the cache is not there."""
        for setting in self._settings.values():
            await setting.read()
        await self._prepare_cache()
        self._write_history(await self.cache.info())
        # The minute that the history ends with is the first live one, and a whole one.
        self._at = self._first_minute * MINUTE
        followed = {id(setting): setting for setting in self._settings.values()}.values()
        self._tasks = [asyncio.create_task(each) for each in (self._run(), *(one.follow() for one in followed))]

    async def stop(self) -> None:
        running = set(self._tasks)
        while running:
            for task in running:
                task.cancel()
            # A library may swallow one cancellation (it came together with a timeout of its own): ask again.
            _, running = await asyncio.wait(running, timeout=0.2)
        await self.cache.close()

    def _start_fault(self, revision: Any) -> str | None:
        """The reason why a revision does not start, by the behaviour of its image."""
        failure = self.behaviours.of(revision.containers[0].image).start_failure
        return (
            f"Revision '{revision.name.rsplit('/', 1)[-1]}' is not ready and cannot serve traffic. {failure}"
            if failure
            else None
        )

    async def _prepare_cache(self) -> None:
        config = self.config
        await self.cache.become_instance(config.cache_mb * MB)
        info = await self.cache.info()
        level = self.demand.level(self._at)
        await self._warm(level)
        # Memory at the usual demand and TTL is `memory_share`; whatever is not answers is other data.
        answers = replay.steady(1.0).resident * (config.answer_bytes + 150)
        await self.cache.ballast(round(info.max_bytes * config.memory_share - answers - info.used_bytes))

    async def _warm(self, level: float) -> None:
        """Fill the cache as a service that has been running for long would have (keys live on, whoever reads them)."""
        ttl = self.ttl_seconds(self.config.services[0].name)
        day = int(self._at // DAY)
        in_process = replay.steady(level).in_process
        rate = self.config.requests_per_second * level * self.config.cached_share * (1 - in_process)
        present = []
        for rank, share in enumerate(Population(self._random).shares(level)):
            asked = rate * share * ttl  # times within one lifetime
            if self._random.random() < asked / (1 + asked):
                left = self._clock.wall_seconds(ttl * self._random.random()) * 1000
                present.append((Population.key(rank, day), max(1, round(left))))
        await self.cache.warm(present)

    def _write_history(self, info: CacheInfo) -> None:
        history = History(self.config, self.demand, self._store, self._first_minute)
        history.write()
        history.write_cache(self._cache_meter, info.used_bytes, info.max_bytes, self.config.answer_bytes)
        self._cache_meter.start_from(info)
        month = datetime.fromtimestamp(self._at, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        # Before the history began the month cost nothing that is known.
        self.ledger.begin(month.strftime("%Y-%m"), history.spent_usd(int(month.timestamp() // MINUTE), self.ledger))

    # The loop

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BATCH_SECONDS)
            try:
                await self.catch_up()
            except Exception:
                _log.exception("a batch of requests was lost")

    async def catch_up(self) -> None:
        """Serve everything up to now, minute by minute."""
        self._advance()
        now = self._clock.seconds()
        if self._clock.wall_seconds(now - self._at) > LONGEST_LAG_SECONDS or self.paused:
            self._skip_to(now)
            return
        while self._at < now:
            boundary = (self._at // MINUTE + 1) * MINUTE
            until = min(now, boundary)
            await self._serve(until)
            if until == boundary:
                await self._close_minute(int(boundary // MINUTE) - 1)

    def _skip_to(self, now: float) -> None:
        self._at = now
        self._minute = dict.fromkeys(self._minute, 0)

    async def _serve(self, until: float) -> None:
        middle = (self._at + until) / 2
        level = self.demand.level(middle)
        rate = min(self.config.requests_per_second * level, MAX_REQUESTS_PER_WALL_SECOND / self._clock.scale)
        since, self._at = self._at, until
        count = 0 if self.unreachable else poisson(self._random, rate * (until - since))
        outcome = await self.traffic.serve(count, level, (since, until), self.backends())
        self._minute["requests"] += outcome.requests
        self._minute["errors"] += outcome.errors
        self._minute["hits"] += outcome.hits
        self._minute["misses"] += outcome.misses
        self._minute["in_process"] += outcome.in_process

    def backends(self) -> list[Backend]:
        """The revisions that get traffic now."""
        found = []
        for service in self.config.services:
            resource = self._cloud_run.services.get(f"{self.config.location}/services/{service.name}")
            if resource is None:
                continue
            for name, share in resource.shares().items():
                found.append(self._backend(service.name, resource, name, share * service.traffic_share))
        return found

    def _backend(self, service: str, resource: ServiceResource, name: str, share: float) -> Backend:
        revision = resource.revisions[name]
        behaviour = self.behaviours.of(revision.containers[0].image)
        meter = self._meter(service, name, entries_of(environment(revision)))
        setting = self._settings[service]
        reporter = setting.reporter if isinstance(setting, OwnTtlSetting) else None
        return Backend(share, meter, behaviour, self.ttl_seconds(service, revision), reporter)

    def _failing_share(self) -> float:
        """Of what comes from outside."""
        if self.unreachable:
            return 1.0
        serving = self.backends()
        return sum(one.share * one.behaviour.error_share for one in serving) / max(1.0, sum(b.share for b in serving))

    def _meter(self, service: str, revision: str, l1_entries: int) -> RevisionMeter:
        key = (service, revision)
        found = self._meters.get(key)
        if found is None:
            found = RevisionMeter(self._store, self.config.run_labels(service, revision), self._random, l1_entries)
            self._meters[key] = found
        return found

    @property
    def lived_until(self) -> float:
        """Up to when requests were served, in seconds of service time; a busy machine lets it fall behind the clock."""
        return self._at

    def process_caches(self) -> dict[tuple[str, str], ProcessCaches]:
        """The L1 of every revision that gets traffic, by service and revision."""
        found = {}
        for service in self.config.services:
            resource = self._cloud_run.services.get(f"{self.config.location}/services/{service.name}")
            for name in resource.shares() if resource is not None else ():
                meter = self._meters.get((service.name, name))
                if meter is not None:
                    found[service.name, name] = meter.in_process
        return found

    async def run_at(self, scale: float) -> None:
        """Another pace of the clock, from now on; what is cached lives as long in service time as it would have.
        Raises ValueError where there is no such clock."""
        before = self._clock.scale
        self._clock.run_at(scale)
        try:
            await self.cache.stretch(before / scale)
        except CacheDown as error:
            _log.warning("the cache's lifetimes stay as they are on the wall: %s", error)

    def _settings_of(self, config: IonConfig) -> dict[str, TtlSetting]:
        """Each service's own, or the one that all services of version 1 share."""
        redis, wall_seconds = self.cache.redis, self._clock.wall_seconds
        if config.contract == 1:
            return dict.fromkeys((service.name for service in config.services), TtlSetting(redis, wall_seconds))
        found: dict[str, TtlSetting] = {}
        for service in config.services:
            own = OwnTtlSetting(redis, wall_seconds, self._clock.seconds, service.name)
            own.default = partial(self._environment_ttl, service.name)
            found[service.name] = own
        return found

    def _environment_ttl(self, service: str) -> int:
        """That of the revision which gets most of the service's traffic."""
        resource = self._cloud_run.services.get(f"{self.config.location}/services/{service}")
        shares = resource.shares() if resource is not None else {}
        if resource is None or not shares:
            return 300
        return default_ttl(environment(resource.revisions[max(shares, key=lambda name: shares[name])]))

    @property
    def ttl(self) -> TtlSetting:
        """The setting that the first service follows."""
        return self._settings[self.config.services[0].name]

    def follow(self, *, on: bool) -> None:
        """Whether the services take over what is set from now on."""
        for setting in self._settings.values():
            setting.following = on

    def ttl_seconds(self, service: str, revision: object = None) -> int:
        """The TTL that a revision writes its keys with: the setting, else its environment's default."""
        setting = self._settings[service]
        if setting.value is not None:
            return setting.value
        return default_ttl(environment(revision)) if revision is not None else 300

    def serving_ttl_seconds(self) -> int:
        """The TTL that most requests' answers are kept with now."""
        serving = max(self.backends(), key=lambda backend: backend.share, default=None)
        return self.ttl_seconds(self.config.services[0].name) if serving is None else serving.ttl_seconds

    # Minutes

    async def _close_minute(self, minute: int) -> None:
        billable = self._close_meters(minute)
        try:
            self._cache_meter.put(minute, await self.cache.info())
            self.cache_is_down = False
        except CacheDown as error:
            if not self.cache_is_down:
                _log.warning("the cache does not answer, ION goes on without it: %s", error)
            self.cache_is_down = True
        done = self._minute
        self._minute = dict.fromkeys(self._minute, 0)
        calls = round(done["misses"] * self.cost_factor)
        cost = self.ledger.price(done["requests"], calls, billable, 1.0, self._memory_gib())
        self.ledger.add(
            MinuteSummary(
                minute, done["requests"], done["errors"], done["hits"], done["misses"], cost, done["in_process"]
            )
        )
        self._trim(minute)
        self.after_minute(minute)

    def _close_meters(self, minute: int) -> float:
        billable = 0.0
        for (service, revision), meter in self._meters.items():
            resource = self._cloud_run.services.get(f"{self.config.location}/services/{service}")
            minimum = 0
            if resource is not None and meter.failures:
                image = resource.revisions[revision].containers[0].image
                labels = self.config.run_labels(service, revision)
                self._error_log.failed(meter.failures, minute, labels, self.behaviours.of(image))
            if resource is not None and revision in resource.shares():
                minimum = resource.message.scaling.min_instance_count
            lived = meter.close(minute, minimum, self.pinned_instances, self.cost_factor)
            billable += lived.billable_seconds
        return billable

    def _memory_gib(self) -> float:
        name = f"{self.config.location}/services/{self.config.services[0].name}"
        limits = self._cloud_run.services[name].message.template.containers[0].resources.limits
        return memory_mib(limits["memory"]) / 1024

    def _trim(self, minute: int) -> None:
        if minute % 1440 == 0:
            self._cache_meter.trim()
            for meter in self._meters.values():
                meter.trim()
