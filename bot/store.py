"""The other half of the composition root: the state store with its rooms, for what needs nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from bot.config import Settings
from bot.numerics import fault_point
from bot.thresholds import size_limits, ttl_limits
from lumen.adapters.clock import ScaledClock, SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.alerts import RedisAlerts, RedisDays
from lumen.adapters.store.audit import RedisAudit, RedisAuditSeals
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.controls import RedisBills, RedisChoices, RedisControls, RedisSilences
from lumen.adapters.store.epoch import warnings as memory_warnings
from lumen.adapters.store.incidents import RedisPages
from lumen.adapters.store.leases import RedisLeases, RedisSlots
from lumen.adapters.store.outbox import RedisOutbox, RedisPendingReplies
from lumen.adapters.store.proposals import RedisProposals
from lumen.adapters.store.turns import RedisTurns
from lumen.model.messages import Message
from lumen.policies.guard import Automation, Locks
from lumen.ports.clock import Clock
from lumen.ports.sources import TtlSource
from lumen.use_cases.advice import Advisor
from lumen.use_cases.auditing import Auditing
from lumen.use_cases.restrictions import Restraints


@dataclass(frozen=True, slots=True)
class StateStore:
    """The state store and its rooms."""

    redis: Redis
    leases: RedisLeases
    slots: RedisSlots
    proposals: RedisProposals
    outbox: RedisOutbox
    turns: RedisTurns
    audit: RedisAudit
    seals: RedisAuditSeals
    alerts: RedisAlerts
    days: RedisDays
    controls: RedisControls
    silences: RedisSilences
    pages: RedisPages
    choices: RedisChoices
    pending_replies: RedisPendingReplies
    bills: RedisBills


def clock_of(settings: Settings) -> Clock:
    """Real time, or a sandbox's."""
    if settings.lumen_clock_origin is None:
        return SystemClock()
    return ScaledClock(settings.lumen_clock_scale, settings.lumen_clock_origin)


@asynccontextmanager
async def open_state_store(settings: Settings) -> AsyncIterator[StateStore]:
    """The store's client and rooms; nothing is checked yet."""
    clock = clock_of(settings)
    redis = open_store(settings.state_redis_url.get_secret_value())
    try:
        yield StateStore(
            redis=redis,
            leases=RedisLeases(redis),
            slots=RedisSlots(redis),
            proposals=RedisProposals(redis, clock, fault_point(settings.lumen_fault_at)),
            outbox=RedisOutbox(redis),
            turns=RedisTurns(redis),
            audit=RedisAudit(redis, clock),
            seals=RedisAuditSeals(redis, clock),
            alerts=RedisAlerts(redis, clock),
            days=RedisDays(redis),
            controls=RedisControls(redis, clock),
            silences=RedisSilences(redis, clock),
            pages=RedisPages(redis, clock),
            choices=RedisChoices(redis),
            pending_replies=RedisPendingReplies(redis),
            bills=RedisBills(redis, clock),
        )
    finally:
        await redis.aclose()


def auditing_of(settings: Settings, store: StateStore) -> Auditing:
    """What keeps the audit provable; it needs nothing but the store."""
    clock, keep = clock_of(settings), settings.audit_keep
    return Auditing(store.seals, store.audit, store.leases, store.slots, clock, keep)


async def room_warnings(store: StateStore) -> Sequence[Message]:
    """One when the store has little memory left. Raises StoreUnavailable."""
    return await memory_warnings(store.redis)


def advisor_of(settings: Settings, store: StateStore, restraints: Restraints, ttl: TtlSource | None) -> Advisor:
    """`ttl`: where the present setting is read; None: it is told by what is stored."""
    return Advisor(store.proposals, store.turns, restraints, ttl_limits(settings), size_limits(settings), ttl)


@asynccontextmanager
async def open_advisor(settings: Settings) -> AsyncIterator[Advisor]:
    """For `lumen report`, `cache` and `gate`, which need neither Google nor the cache. Raises StoreUnavailable."""
    locks = Locks(settings.override_ttl, settings.lock_cache_size)
    async with open_state_store(settings) as store:
        await epoch.check(store.redis, settings.services)
        restraints = Restraints(store.controls, clock_of(settings), Automation(), locks)
        yield advisor_of(settings, store, restraints, None)
