"""A service whose slices are stored hour by hour, whose knob stands in memory, and whose changes are measured."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar, cast

from threadpoolctl import threadpool_limits

from lumen.adapters.store.alerts import RedisAlerts
from lumen.adapters.store.controls import RedisControls
from lumen.adapters.store.scripts import key
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.incident import StoredAlert
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import (
    NOT_PREDICTABLE,
    Change,
    Choice,
    Decision,
    Draft,
    Knob,
    Measured,
    Origin,
    Priority,
    Proposal,
    State,
    Verdict,
)
from lumen.model.service import Permit, ServiceId
from lumen.model.snapshot import SLICE, Deployment, Revision, Window
from lumen.model.turn import Occasion, Turn
from lumen.policies.guard import Automation, Locks
from lumen.policies.size import SizeLimits
from lumen.ports.actuators import Reading
from lumen.ports.clock import FaultPoint, no_fault
from lumen.ports.incidents import Look
from lumen.ports.store import Turns
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import EXPIRES_IN, Approvals
from lumen.use_cases.effects import BesideChange, EffectEstimates, Effects
from lumen.use_cases.execution import Execution
from lumen.use_cases.held_effects import HeldEffects
from lumen.use_cases.holding_back import HoldBacks
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.restrictions import Restraints
from lumen.use_cases.undo_harmful import UndoHarmful
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.reported_accesses import Reported
from tests.snapshots import cache, snapshot

P = ParamSpec("P")
T = TypeVar("T")

HOUR = timedelta(hours=1)
FORTNIGHT = timedelta(days=14)
#: Ordinary hours of an ordinary week: the change comes on a Monday.
START = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)


class Inline:
    """Numerics without a process of their own, on one thread as there: more only wait for each other."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1):
            return function(*args, **kwargs)


@dataclass
class Place:
    """A knob in memory; implements the ports Actuator and HoldingBack."""

    value: int
    version: int = 0
    name: str = "memory"
    held: str = ""
    #: Whether the service speaks version 2.
    can_hold: bool = True

    async def holds_back(self, service: ServiceId) -> bool:
        return self.can_hold

    async def end_hold_back(self, service: ServiceId, proposal_id: str) -> bool:
        held, self.held = self.held, "" if self.held == proposal_id else self.held
        return held == proposal_id

    async def read(self, service: ServiceId) -> Reading:
        return Reading(self.value, str(self.version))

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        if self.value != change.new:
            assert isinstance(change.new, int)
            self.value, self.version = change.new, self.version + 1
            self.held = proposal_id if change.held_permille else ""
        return await self.read(service)

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return True

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        return message("execution.applying")


@dataclass
class House:
    """One store; as many replicas as a test wants.

    `gain`: what the change really does to the hit rate: to that of the reported accesses as a share, to that of the
    slices (which are of another traffic) as a ratio.
    """

    store: Store
    gain: float = 0.0
    dearer: float = 0.0
    deployed: list[datetime] = field(default_factory=lambda: [START - timedelta(days=30)])
    is_silent: bool = False
    lost: Callable[[datetime], bool] = lambda _: False
    changed_at: datetime | None = None
    made: int = 0

    def __post_init__(self) -> None:
        self.alerts = RedisAlerts(self.store.redis, self.store.clock)
        self.controls = RedisControls(self.store.redis, self.store.clock)
        self.places = {Knob.TTL: Place(300), Knob.CACHE_SIZE: Place(256), Knob.MIN_INSTANCES: Place(0)}
        self.store.clock.time = START
        self.reported = Reported(self.store, START - 6 * HOUR)
        self.reports = True

    @property
    def knobs(self) -> Knobs:
        return {
            Knob.TTL: Turnable((self.places[Knob.TTL],), "s", 60, 3600, holding_back=self.places[Knob.TTL]),
            Knob.CACHE_SIZE: Turnable((self.places[Knob.CACHE_SIZE],), "MB", 10, 1024),
            Knob.MIN_INSTANCES: Turnable((self.places[Knob.MIN_INSTANCES],), "", 0, 5),
        }

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.store.proposals, Alike(self.knobs), self.store.restraints)

    @property
    def now(self) -> datetime:
        return self.store.clock.time

    def undo_harmful(
        self, fault: FaultPoint = no_fault, *, by_itself: bool = False, automation: Automation | None = None
    ) -> UndoHarmful:
        store = self.store
        restraints = Restraints(self.controls, store.clock, automation or Automation(), Alike(Locks()))
        return UndoHarmful(store.proposals, Alike(self.knobs), restraints, store.claims, fault, by_itself)

    def effects(
        self, fault: FaultPoint = no_fault, *, lacking: NoData | None = None, by_itself: bool = False
    ) -> Effects:
        store = self.store
        held = HeldEffects(self.reported.days, self.alerts, cast(Turns, self), Inline())
        return Effects(
            store.proposals,
            BesideChange(self.alerts, store.turns, self),
            EffectEstimates(self.alerts, Inline(), Alike(0.0), Alike(SizeLimits()), held, {}, lacking),
            self.undo_harmful(fault, by_itself=by_itself),
            HoldBacks(store.proposals, Alike(self.knobs), Acting(self.store.restraints), store.audit, store.clock),
            store.claims,
            fault,
        )

    async def deployments(self, services: Sequence[ServiceId]) -> dict[ServiceId, Deployment | NoData]:
        """Implements DeploymentSource."""
        if self.is_silent:
            return dict.fromkeys(services, NoData(message("rollback.moved"), message("approval.already_remedy")))
        revisions = tuple(
            Revision(f"r{n}", at, f"image@{n}", 100 if n == len(self.deployed) - 1 else 0)
            for n, at in enumerate(self.deployed)
        )
        told = Deployment("etag", 300, 512.0, 0, None, tuple(reversed(revisions)), True)
        return dict.fromkeys(services, told)

    async def latest(self, service: ServiceId, limit: int) -> list[Turn]:
        """Implements the reading side of Turns: the hours before now, in which nothing was evicted."""
        ends = [self.now.replace(minute=0) - ago * HOUR for ago in range(limit)]
        return [_turn(end - HOUR, end) for end in ends if not self.lost(end)]

    async def live(self, hours: int, effects: Effects | None = None, every: int = 8) -> None:
        """Up to the whole hour that begins `hours` after the change's; slices are stored, and what is due is done."""
        until = START.replace(minute=0) + hours * HOUR
        while self.now < until:
            self.store.clock.time = min(until, self.now.replace(minute=0) + every * HOUR)
            await self.remember()
            if effects is not None:
                await effects.due((SERVICE,))

    async def remember(self) -> None:
        """Every slice up to five minutes ago, and every access."""
        after = await self.alerts.newest(SERVICE)
        start = after + SLICE if after else START.replace(minute=0) - FORTNIGHT - HOUR
        end = self.now - SLICE
        seen = [self._slice(start + i * SLICE) for i in range(max(0, int((end - start) / SLICE)))]
        lease = await self.store.lease("slot/watch")
        assert await self.alerts.look(SERVICE, lease, Look(after, seen, ()))
        await self.store.leases.release(SERVICE, lease)
        if self.reports and self.changed_at is not None:
            self.reported.gain = self.gain
            await self.reported.go_on(self.now)

    def _slice(self, at: datetime) -> Observation:
        if self.lost(at):
            return Observation(at)
        dice = random.Random(at.timestamp())
        wave = math.cos(2 * math.pi * (at.hour + at.minute / 60) / 24)
        requests = round(3000 * math.exp(0.3 * wave + dice.gauss(0, 0.03)))
        changed = self.changed_at is not None and at >= self.changed_at
        share = min(0.99, 0.6 * (1 + self.gain * changed) * math.exp(0.02 * wave + dice.gauss(0, 0.01)))
        hits = round(requests * share)
        cost = 0.0001 * requests * (1 + self.dearer * changed) * math.exp(dice.gauss(0, 0.01))
        p95 = 120.0 * math.exp(dice.gauss(0, 0.02))
        return Observation(at, requests, 0, 0, 50.0, p95, 250.0, hits, requests - hits, 0, 200.0, cost)

    async def page(
        self, at: datetime, *, over: bool = False, severity: Severity = Severity.PAGE, service: ServiceId = SERVICE
    ) -> None:
        """An availability page (or a ticket) that opened then, and is `over` now."""
        why, closed_at = message("alert.data_back"), self.now if over else None
        alert = Alert("p1", service.name, AlertKind.AVAILABILITY, "", severity, at, why, closed_at)
        after = await self.alerts.newest(service)
        lease = await self.store.leases.acquire(service, "slot/watch", timedelta(seconds=30))
        assert lease is not None
        assert await self.alerts.look(service, lease, Look(after, (), (StoredAlert(alert, alert.id),)))
        await self.store.leases.release(service, lease)

    async def applied(
        self, new: int = 420, *, knob: Knob = Knob.TTL, origin: Origin = Origin.POLICY, held: bool = True
    ) -> Proposal:
        """A change that is proposed, approved and carried out now; it does what `gain` says. `held`: another TTL leaves
        a tenth of the keys the old one."""
        self.made += 1
        draft = self._draft(new, knob, origin)
        if held and knob is Knob.TTL:
            draft = replace(draft, change=replace(draft.change, held_permille=100))
            self.reported.changed_at, self.reported.new_ttl = self.reported.changed_at or self.now, new
        made = await self.store.proposals.propose(draft, EXPIRES_IN)
        await self.store.proposals.decide(SERVICE, made.id, Decision(Choice.APPROVE, KIM, f"c{self.made}"))
        await self.carry_out()
        self.changed_at = self.changed_at or self.now
        return await self.found(made)

    def _draft(self, new: int, knob: Knob, origin: Origin) -> Draft:
        place = self.places[knob]
        return Draft(
            service=SERVICE,
            change=Change(knob, place.value, new, self.knobs[knob].unit),
            premise_version=str(place.version),
            origin=origin,
            asked_by=KIM if origin is Origin.PERSON else None,
            reasons=(),
            expected=NOT_PREDICTABLE,
            priority=Priority.MEDIUM,
            undo_of=None,
            request_id=f"r{self.made}",
        )

    async def did_harm(self, made: Proposal) -> None:
        """A verdict that says so, and what is made of it."""
        lease = await self.store.lease("effects")
        reason = message("effect.too_little", hours=24)
        measured = Measured(24, self.now, Verdict.HARMFUL, reason, (), undo=True, controlled=True)
        await self.store.proposals.advance(SERVICE, made.id, lease, State.HARMFUL, reason, measured)
        await self.undo_harmful().propose(SERVICE)

    async def approve(self, proposal: Proposal) -> None:
        """By a person, and carried out."""
        await self.approvals.decide(SERVICE, proposal.id, Choice.APPROVE, Permit(KIM), f"yes:{proposal.id}")
        await self.carry_out()

    async def carry_out(self) -> None:
        store = self.store
        execution = Execution(store.proposals, store.claims, Alike(self.knobs), Acting(store.restraints), no_fault)
        await execution.settle(SERVICE)

    async def found(self, proposal: Proposal) -> Proposal:
        """As it stands now."""
        now = await self.store.proposals.get(SERVICE, proposal.id)
        assert now is not None
        return now

    async def told(self, made: Proposal) -> str:
        """The code of what the newest look found."""
        measured = (await self.found(made)).measured
        assert measured is not None
        return measured.reason.code

    async def leases_run_out(self) -> None:
        """Those of a process that died, without the wait."""
        until = key(SERVICE, "lease-until")
        names = [str(name) for name in await self.store.redis.zrange(until, 0, -1)]
        if names:
            await self.store.redis.zadd(until, dict.fromkeys(names, 0))

    async def undos(self, of: Proposal) -> list[Proposal]:
        """What was proposed to take it back."""
        recent = await self.store.proposals.recent(SERVICE, 50)
        return [p for p in recent if p.draft.undo_of == of.id]

    async def looks(self, of: Proposal) -> list[str]:
        """The states that looks left it in, oldest first."""
        told = await self.store.events(of.id)
        applied = told.index(("advanced", State.APPLIED.value))
        return [detail for event, detail in told[applied + 1 :] if event in ("noted", "advanced") and detail]


def _turn(start: datetime, end: datetime) -> Turn:
    seen = replace(snapshot(), window=Window(start, end), cache=replace(cache(0.6), evictions=0))
    return Turn("t", Occasion.SLOT, end, end, seen, None, None, (), (), ())  # type: ignore[arg-type]


def hold_backs_ended(told: Sequence[tuple[str, str]]) -> int:
    """How often the audit says that all keys got the new value."""
    return told.count(("noted", ""))


async def settled(house: House, undo_harmful: UndoHarmful) -> None:
    """What the bot does every few seconds. A countdown of nothing is over a millisecond later, by the store's clock."""
    await house.store.pass_time(timedelta(milliseconds=1))
    await undo_harmful.settle(SERVICE)
    await house.carry_out()
    await asyncio.sleep(0)
