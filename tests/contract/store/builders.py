"""What the tests of the store build: drafts, people, a clock that can jump, and all adapters over one client."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lumen.adapters.store import epoch
from lumen.adapters.store.audit import RedisAudit, RedisAuditSeals
from lumen.adapters.store.connection import StoreClient, open_store
from lumen.adapters.store.controls import RedisControls
from lumen.adapters.store.leases import RedisLeases, RedisSlots
from lumen.adapters.store.outbox import RedisOutbox
from lumen.adapters.store.proposals import RedisProposals
from lumen.adapters.store.turns import RedisTurns
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Choice, Decision, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.service import Person, ServiceId
from lumen.policies.guard import Automation, Locks
from lumen.ports.store import Lease
from lumen.use_cases.leases import Claims
from lumen.use_cases.restrictions import Restraints
from tests.alike import Alike

SERVICE = ServiceId("naeda-genesis", "us-central1", "ion-api")
OTHER = replace(SERVICE, name="ion-api-canary")
DAY = timedelta(days=1)
SOON = timedelta(milliseconds=2)
LONG = timedelta(seconds=30)
KIM = Person("U1", "Kim", "T1")
LEE = Person("U2", "이순신", "T1")


def patient(url: str) -> StoreClient:
    """A client that waits long: a busy machine is no fault of the store, where a test is not about slowness."""
    return open_store(url, answer_seconds=20.0, connect_seconds=20.0)


class TestClock:
    """A clock that stands until it is set; the store's own deadlines do not care."""

    __test__ = False
    scale = 1.0

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0.005)  # others get a turn: a wait that takes no time at all would starve them


def draft(
    request_id: str = "r1",
    *,
    new: int = 420,
    approvals_needed: int = 1,
    service: ServiceId = SERVICE,
    knob: Knob = Knob.TTL,
) -> Draft:
    return Draft(
        service=service,
        change=Change(knob, 300, new, "s"),
        premise_version="3",
        origin=Origin.POLICY,
        asked_by=None,
        reasons=(message("policy.why", hit_rate=0.725),),
        expected=NoData(message("approval.not_predictable"), message("approval.not_predictable_remedy")),
        priority=Priority.MEDIUM,
        undo_of=None,
        request_id=request_id,
        approvals_needed=approvals_needed,
    )


def click(choice: Choice, click_id: str, person: Person | None = KIM) -> Decision:
    return Decision(choice, person, click_id)


@dataclass(frozen=True)
class Store:
    """Every adapter over one client, on a store that is prepared for SERVICE and OTHER."""

    redis: StoreClient
    clock: TestClock
    proposals: RedisProposals
    leases: RedisLeases
    slots: RedisSlots
    outbox: RedisOutbox
    turns: RedisTurns
    audit: RedisAudit
    seals: RedisAuditSeals

    @staticmethod
    def over(redis: StoreClient, clock: TestClock | None = None) -> "Store":
        clock = clock or TestClock()
        return Store(
            redis,
            clock,
            RedisProposals(redis, clock),
            RedisLeases(redis),
            RedisSlots(redis),
            RedisOutbox(redis),
            RedisTurns(redis, keep=3),
            RedisAudit(redis, clock),
            RedisAuditSeals(redis, clock, batch=4),
        )

    @property
    def claims(self) -> Claims:
        return Claims(self.leases, self.slots, self.clock)

    @property
    def restraints(self) -> Restraints:
        """What is stored against changes; no setting is."""
        return Restraints(RedisControls(self.redis, self.clock), self.clock, Automation(), Alike(Locks()))

    async def prepare(self) -> None:
        """Empty the store but for its epoch."""
        for node in await self.redis.nodes():
            await node.redis.flushall()
        await self.prepare_only(SERVICE, OTHER)

    async def prepare_only(self, *services: ServiceId) -> None:
        await epoch.init(self.redis, services, self.clock)

    async def now_ms(self) -> float:
        """The store's own time."""
        seconds, microseconds = await self.redis.time()
        return seconds * 1000 + microseconds / 1000

    async def pass_time(self, duration: timedelta) -> None:
        """Return when the store's own clock has gone on by `duration` and a little."""
        until = await self.now_ms() + duration / timedelta(milliseconds=1) + 1.5
        while await self.now_ms() < until:  # noqa: ASYNC110 - only the server can tell
            await asyncio.sleep(0.001)

    async def lease(self, name: str = "execute:ttl", duration: timedelta = LONG) -> Lease:
        lease = await self.leases.acquire(SERVICE, name, duration)
        assert lease is not None
        return lease

    async def events(self, proposal_id: str) -> list[tuple[str, str]]:
        """Event and detail of a proposal's audit entries, oldest first."""
        entries = await self.audit.entries(SERVICE, 10_000)
        return [(e.event, e.detail) for e in reversed(entries) if e.proposal_id == proposal_id]

    async def in_state(self, state: State) -> Proposal:
        """A new proposal brought to `state` on a way that is allowed; its execution lease is given back."""
        made = await self.proposals.propose(
            draft(f"to-{state}"),
            SOON if state is State.EXPIRED else DAY,
            SOON if state is State.APPROVED_BY_TIMER else None,
        )
        if state is State.PENDING:
            return made
        if state in _DECISIONS:
            await self.pass_time(SOON)
            return (await self.proposals.decide(SERVICE, made.id, click(_DECISIONS[state], "way", None))).proposal
        await self.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "way"))
        lease = await self.lease()
        for step in _WAYS[state]:
            made = await self.proposals.advance(SERVICE, made.id, lease, step, None)
        await self.leases.release(SERVICE, lease)
        return made


_DECISIONS = {State(choice.value): choice for choice in Choice}
_WAYS = {
    State.APPLYING: (State.APPLYING,),
    State.APPLIED: (State.APPLYING, State.APPLIED),
    State.FAILED: (State.APPLYING, State.FAILED),
    State.ABANDONED: (State.ABANDONED,),
    State.KEPT: (State.APPLYING, State.APPLIED, State.KEPT),
    State.INCONCLUSIVE: (State.APPLYING, State.APPLIED, State.INCONCLUSIVE),
    State.HARMFUL: (State.APPLYING, State.APPLIED, State.HARMFUL),
    State.UNDONE: (State.APPLYING, State.APPLIED, State.UNDONE),
}
