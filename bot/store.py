"""The part of the composition root that opens the state store, for all that needs nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from bot.config import Settings
from bot.faults import fault_point
from bot.service_settings import each
from bot.thresholds import size_limits, ttl_limits
from lumen.adapters.clock import HostClock, ScaledClock, SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.accesses import RedisAccessDays
from lumen.adapters.store.active import RedisHint
from lumen.adapters.store.alerts import RedisAlerts, RedisDays, RedisPages
from lumen.adapters.store.audit import RedisAudit, RedisAuditSeals
from lumen.adapters.store.cluster_state import troubles
from lumen.adapters.store.connection import ANSWER_SECONDS, StoreClient, open_store
from lumen.adapters.store.controls import RedisBills, RedisChoices, RedisControls, RedisSilences
from lumen.adapters.store.epoch import warnings as memory_warnings
from lumen.adapters.store.fleet import RedisFleet
from lumen.adapters.store.leases import RedisInbox, RedisLeases, RedisSlots
from lumen.adapters.store.outbox import RedisOutbox, RedisPendingReplies
from lumen.adapters.store.proposals import RedisProposals
from lumen.adapters.store.queries import RedisQueryBudget
from lumen.adapters.store.replicas import RedisReplicas
from lumen.adapters.store.scripts import misses_key
from lumen.adapters.store.turns import RedisTurns
from lumen.model.messages import Message
from lumen.model.service import ServiceId
from lumen.policies.guard import Automation, Locks
from lumen.ports.clock import ClockOffsets, FaultPoint
from lumen.ports.sources import TtlSource
from lumen.use_cases.advice import Advisor
from lumen.use_cases.auditing import Auditing
from lumen.use_cases.leases import Claims
from lumen.use_cases.membership import Membership
from lumen.use_cases.restrictions import Restraints


class StateStore:
    """Every part of the state store over one connection; `clock` dates what is written there."""

    def __init__(self, redis: StoreClient, clock: HostClock, fault: FaultPoint) -> None:
        self.redis = redis
        self.clock = clock
        self.leases = RedisLeases(redis)
        self.slots = RedisSlots(redis)
        self.inbox = RedisInbox(redis)
        self.hint = RedisHint(redis)
        self.membership = Membership(RedisReplicas(redis))
        self.claims = Claims(self.leases, self.slots, clock, self.membership)
        self.proposals = RedisProposals(redis, clock, fault)
        self.outbox = RedisOutbox(redis)
        self.pending_replies = RedisPendingReplies(redis)
        self.turns = RedisTurns(redis)
        self.audit = RedisAudit(redis, clock)
        self.seals = RedisAuditSeals(redis, clock)
        self.alerts = RedisAlerts(redis, clock)
        self.fleet_store = RedisFleet(redis)
        self.days = RedisDays(redis)
        self.pages = RedisPages(redis, clock)
        self.controls = RedisControls(redis, clock)
        self.silences = RedisSilences(redis, clock)
        self.choices = RedisChoices(redis, clock)
        self.bills = RedisBills(redis, clock)
        self.queries = RedisQueryBudget(redis, clock)
        self.accesses = RedisAccessDays(redis)
        self.misses = RedisAccessDays(redis, misses_key)

    async def compare_clocks(self) -> ClockOffsets:
        """The host's with the store's; service time follows those that agree. Raises StoreUnavailable."""
        return self.clock.wall.compare(await epoch.time_of(self.redis))


def clock_of(settings: Settings) -> HostClock:
    """Real time, or a sandbox's."""
    if settings.lumen_clock_origin is None:
        return SystemClock()
    return ScaledClock(settings.lumen_clock_scale, settings.lumen_clock_origin)


@asynccontextmanager
async def open_state_store(settings: Settings, answer_seconds: float = ANSWER_SECONDS) -> AsyncIterator[StateStore]:
    """The store's client and rooms; nothing is checked yet."""
    redis = open_store(settings.state_redis_url.get_secret_value(), answer_seconds=answer_seconds)
    try:
        yield StateStore(redis, clock_of(settings), fault_point(settings.lumen_fault_at))
    finally:
        await redis.aclose()


@asynccontextmanager
async def open_checked_store(settings: Settings) -> AsyncIterator[StateStore]:
    """The same, once it is known to be Lumen's own. Raises StoreUnavailable."""
    async with open_state_store(settings) as store:
        await epoch.check(store.redis, settings.services)
        yield store


def auditing_of(settings: Settings, store: StateStore) -> Auditing:
    """The use case that keeps the audit provable; it needs nothing but the store."""
    return Auditing(store.seals, store.audit, store.claims, settings.audit_keep)


async def store_warnings(store: StateStore) -> Sequence[Message]:
    """What people should see to before it hurts: little memory left, a cluster that lacks a node. Raises
    StoreUnavailable."""
    return [*await memory_warnings(store.redis), *(says for says, _ in await troubles(store.redis))]


def locks_of(settings: Settings) -> Mapping[ServiceId, Locks]:
    """OVERRIDE_TTL and LOCK_CACHE_SIZE of each service."""
    return each(settings.watched, lambda one: Locks(one.override_ttl, one.lock_cache_size))


def advisor_of(settings: Settings, store: StateStore, restraints: Restraints, ttl: TtlSource | None) -> Advisor:
    """`ttl`: where the present setting is read; None: it is told by what is stored."""
    limits = each(settings.watched, ttl_limits), each(settings.watched, size_limits)
    return Advisor(store.proposals, store.turns, restraints, *limits, ttl, store.alerts)


@asynccontextmanager
async def open_advisor(settings: Settings) -> AsyncIterator[Advisor]:
    """For `lumen report`, `cache` and `gate`, which need neither Google nor the cache. Raises StoreUnavailable."""
    async with open_checked_store(settings) as store:
        restraints = Restraints(store.controls, store.clock, Automation(), locks_of(settings))
        yield advisor_of(settings, store, restraints, None)
