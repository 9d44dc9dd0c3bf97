"""A real store with a turn and proposals in it, and the use cases over it; only the knob is stood in for."""

from collections.abc import Sequence
from dataclasses import replace

from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.alerts import RedisAlerts
from lumen.adapters.store.audit import RedisAudit
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.controls import RedisControls, RedisSilences
from lumen.adapters.store.leases import RedisLeases
from lumen.adapters.store.outbox import RedisOutbox, RedisPendingReplies
from lumen.adapters.store.proposals import RedisProposals
from lumen.adapters.store.turns import RedisTurns
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Draft, Knob, Origin, Priority, Proposal
from lumen.model.service import Person, ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Turn
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation, Locks
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.use_cases.advice import Advisor
from lumen.use_cases.approvals import EXPIRES_IN, Approvals
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.queries import Readouts
from lumen.use_cases.restrictions import Restraints
from tests.alike import Alike
from tests.snapshots import SERVICE

PERSON = Person("U0BENCH", "bench", "T0BENCH")


class StandingTtl:
    """A `TtlSource` that says 300 s."""

    async def ttl(self, _service: ServiceId) -> TtlSetting | NoData:
        return TtlSetting(300, 1, 300, 1)


class World:
    """Stands for the use cases behind the handlers; execution and outbox are measured apart."""

    def __init__(self, redis: StoreClient) -> None:
        clock = SystemClock()
        self._redis = redis
        self._clock = clock
        self.proposals = RedisProposals(redis, clock)
        self.turns = RedisTurns(redis)
        self.audit = RedisAudit(redis, clock)
        self.leases = RedisLeases(redis)
        self.pending_replies = RedisPendingReplies(redis)
        self.outbox = RedisOutbox(redis)
        alerts = RedisAlerts(redis, clock)
        restraints = Restraints(RedisControls(redis, clock), clock, Automation(), Alike(Locks()))
        self.approvals = Approvals(self.proposals, {}, restraints=restraints)
        advisor = Advisor(
            self.proposals, self.turns, restraints, Alike(TtlLimits()), Alike(SizeLimits()), StandingTtl()
        )
        rules = AutoApplyRules(AutoApplySettings(), restraints, self.proposals, alerts, clock)
        silences = RedisSilences(redis, clock)
        self.readouts = Readouts(self.proposals, self.turns, self.audit, alerts, silences, restraints, advisor, rules)
        self.services: Sequence[ServiceId] = (SERVICE,)

    async def fill(self, turn: Turn) -> None:
        """Prepare the store and remember a turn, so that a status has something to show."""
        await epoch.init(self._redis, self.services, self._clock)
        await self.turns.save(turn, None, turn.id)

    async def proposals_to_decide(self, count: int, label: str) -> Sequence[Proposal]:
        """`count` PENDING proposals, each of a service of its own: one knob holds only one."""
        services = [replace(SERVICE, name=f"{label}-{n}") for n in range(count)]
        await epoch.init(self._redis, services, self._clock)
        return [await self.proposals.propose(_draft(service), EXPIRES_IN) for service in services]


def _draft(service: ServiceId) -> Draft:
    nothing = NoData(message("approval.not_predictable"), message("approval.not_predictable_remedy"))
    change = Change(Knob.TTL, 300, 420, "s")
    asked = f"bench:{service.key}"
    return Draft(service, change, "1", Origin.PERSON, PERSON, (), nothing, Priority.MEDIUM, None, asked)
