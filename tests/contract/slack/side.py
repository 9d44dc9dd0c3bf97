"""The Slack side over the real store and the real use cases; only the knob and the turns are stood in for."""

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from bot.wiring.assembly import Lumen
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.alerts import RedisAlerts
from lumen.adapters.store.audit import RedisAudit
from lumen.adapters.store.controls import RedisChoices, RedisControls, RedisSilences
from lumen.adapters.store.incidents import RedisPages
from lumen.adapters.store.leases import RedisLeases, RedisSlots
from lumen.adapters.store.outbox import RedisOutbox, RedisPendingReplies
from lumen.adapters.store.proposals import RedisProposals
from lumen.adapters.store.turns import RedisTurns
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, number
from lumen.model.service import ServiceId
from lumen.model.snapshot import Deployment, TtlSetting
from lumen.model.turn import Turn
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation, Locks
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.ports.actuators import Progress, Reading, Swept
from lumen.use_cases.advice import Advisor
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.digest import Digest
from lumen.use_cases.emergency import CacheFlush, EmergencyActions
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.leases import Claims
from lumen.use_cases.on_call import Calling, Silencing, Timelines
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.queries import Choosing, Looking, Readouts, Weeks
from lumen.use_cases.releases import GoingBack
from lumen.use_cases.restrictions import ReportMarker, Restraints

QUIET, UNLOCKED = Automation(), Locks()
ONCALL_REPEAT = timedelta(minutes=10)
P = ParamSpec("P")
T = TypeVar("T")
#: A PNG of one pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SERVICE = ServiceId("naeda-genesis", "us-central1", "ion-api")


@dataclass
class TtlInMemory:
    """A TTL in memory: `Actuator` and `TtlSource` at once."""

    value: int = 300
    name: str = "redis"

    async def read(self, service: ServiceId) -> Reading:
        return Reading(self.value, "1")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        self.value = number(change.new)
        return Reading(self.value, "2")

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        raise AssertionError("nothing is rehearsed here")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return True

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        return TtlSetting(self.value, 1, self.value, 1)


@dataclass
class Kicks:
    """Counts what execution and turns are asked for."""

    kicked: int = 0
    turns: int = 0

    def kick(self) -> None:
        self.kicked += 1

    async def extra_turns(self, services: Sequence[ServiceId]) -> Sequence[Turn]:
        """None is stored: what a turn comes to is tested by itself."""
        self.turns += len(services)
        return [cast(Turn, None) for _ in services]


@dataclass
class KeysInMemory:
    """A cache of 42 answers."""

    left: int = 42

    async def flush(self, progress: Progress, *, dry_run: bool) -> Swept:
        found = Swept(self.left, 0 if dry_run else self.left)
        self.left = self.left if dry_run else 0
        progress(found)
        return found

    async def retime(self, old_seconds: int, new_seconds: int, progress: Progress, *, dry_run: bool) -> Swept:
        raise AssertionError("nothing is rewritten here")


@dataclass
class OnePixel:
    """The numerics worker, as far as pictures ask it: what is drawn there is tested by itself."""

    drawn: int = 0
    broken: Exception | None = None
    busy_seconds: float = 0.0

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.drawn += 1
        await asyncio.sleep(self.busy_seconds)
        if self.broken is not None:
            raise self.broken
        return PIXEL  # type: ignore[return-value]


class NoDeployment:
    """Cloud Run does not answer."""

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        return dict.fromkeys(services, NoData(message("source.unreachable_test"), message("source.unreachable_test")))


@dataclass(frozen=True)
class Rooms:
    """The store's rooms and the use cases over them."""

    redis: Redis
    proposals: RedisProposals
    leases: RedisLeases
    outbox: RedisOutbox
    turns: RedisTurns
    audit: RedisAudit
    approvals: Approvals
    readouts: Readouts
    knob: TtlInMemory
    kicks: Kicks
    emergency: EmergencyActions
    keys: KeysInMemory
    controls: RedisControls
    overrides: Overrides
    alerts: RedisAlerts
    silencing: Silencing
    calling: Calling
    pages: RedisPages
    timelines: Timelines
    choosing: Choosing
    days: Digest
    weeks: Weeks
    numerics: OnePixel
    looking: Looking
    pending_replies: RedisPendingReplies

    def as_lumen(self) -> Lumen:
        """These, where the Slack side looks for them."""
        answers = SimpleNamespace(
            readouts=self.readouts,
            choosing=self.choosing,
            looking=self.looking,
            weeks=self.weeks,
            auditing=SimpleNamespace(head=None),
        )
        made = SimpleNamespace(
            store=self,
            called=self,
            numerics=self.numerics,
            answers=answers,
            changes=self,
            rounds=SimpleNamespace(turn_runner=self.kicks, digest=self.days),
        )
        return cast(Lumen, made)

    @staticmethod
    async def over(
        redis: Redis,
        services: Sequence[ServiceId] = (SERVICE,),
        automation: Automation = QUIET,
        locks: Locks = UNLOCKED,
        needed: int = 1,
    ) -> "Rooms":
        """On a store that was just emptied. `needed`: people for an emergency step."""
        clock, knob = SystemClock(), TtlInMemory()
        await epoch.init(redis, services, clock)
        proposals, turns, audit = RedisProposals(redis, clock), RedisTurns(redis), RedisAudit(redis, clock)
        knobs: Knobs = {Knob.TTL: Turnable((knob,), "s", 60, 3600)}
        leases, outbox, controls = RedisLeases(redis), RedisOutbox(redis), RedisControls(redis, clock)
        alerts, silences = RedisAlerts(redis, clock), RedisSilences(redis, clock)
        restraints = Restraints(controls, clock, automation, locks)
        approvals, keys = Approvals(proposals, knobs, restraints, 1, needed), KeysInMemory()
        rules = AutoApplyRules(AutoApplySettings(), restraints, proposals, alerts, clock)
        report, back = ReportMarker(turns, outbox), GoingBack(NoDeployment(), controls)
        flush = CacheFlush(keys, controls, leases, audit, needed)
        emergency = EmergencyActions(approvals, knobs, back, flush, controls, report, clock, 300)
        advisor = Advisor(proposals, turns, restraints, TtlLimits(), SizeLimits(), knob)
        overrides = Overrides(controls, restraints, approvals, proposals, knobs, report, clock)
        return Rooms(
            redis=redis,
            proposals=proposals,
            leases=leases,
            outbox=outbox,
            turns=turns,
            audit=audit,
            approvals=approvals,
            readouts=Readouts(proposals, turns, audit, alerts, silences, restraints, advisor, rules),
            knob=knob,
            kicks=Kicks(),
            emergency=emergency,
            keys=keys,
            controls=controls,
            overrides=overrides,
            alerts=alerts,
            silencing=Silencing(silences, alerts, outbox, clock),
            calling=Calling(RedisPages(redis, clock), silences, clock, ONCALL_REPEAT, anybody=True),
            pages=RedisPages(redis, clock),
            timelines=Timelines(alerts, audit),
            choosing=Choosing(services, RedisChoices(redis), clock),
            looking=Looking(knobs, advisor),
            days=Digest(Claims(leases, RedisSlots(redis), clock), outbox, ZoneInfo("UTC")),
            weeks=Weeks(alerts, turns, proposals, ZoneInfo("UTC")),
            numerics=OnePixel(),
            pending_replies=RedisPendingReplies(redis),
        )
