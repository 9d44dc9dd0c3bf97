"""The Slack side over the real store and the real use cases; only the knob and the turns are stood in for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

from bot.numerics import ProcessNumerics
from bot.store import StateStore
from bot.wiring.parts import Lumen
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import StoreClient
from lumen.exporters.slo import PRESETS
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import LATEST, Change, Knob, number
from lumen.model.service import ServiceId
from lumen.model.snapshot import Deployment, TtlSetting
from lumen.model.turn import Turn
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation, Locks
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.ports.actuators import Progress, Reading, Swept
from lumen.ports.clock import no_fault
from lumen.use_cases.acting import Acting
from lumen.use_cases.active import Active
from lumen.use_cases.advice import Advisor
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.digest import Digest, DigestReader
from lumen.use_cases.emergency import CacheFlush, EmergencyActions
from lumen.use_cases.feedback import FeedbackGraphs
from lumen.use_cases.fleet import Fleet
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.labelling import Labelling
from lumen.use_cases.on_call import Calling, Silencing, Timelines
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.queries import Choosing, Looking, Readouts
from lumen.use_cases.releases import GoingBack
from lumen.use_cases.restrictions import ReportMarker, Restraints
from tests.alike import Alike

QUIET, UNLOCKED = Automation(), Locks()
ONCALL_REPEAT = timedelta(minutes=10)
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
class TrafficInMemory:
    """Where the traffic goes. Cloud Run does not answer, unless a test gives it a deployment."""

    value: str = LATEST
    name: str = "cloud-run"
    deployment: Deployment | None = None

    async def read(self, service: ServiceId) -> Reading:
        return Reading(self.value, "1")

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        raise AssertionError("nothing is carried out here")

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        raise AssertionError("nothing is rehearsed here")

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return True

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        away = NoData(message("source.unreachable_test"), message("source.unreachable_test"))
        return dict.fromkeys(services, self.deployment or away)


class Rooms(StateStore):
    """The state store and the use cases over it. `needed`: people for an emergency step."""

    def __init__(
        self, redis: StoreClient, services: Sequence[ServiceId], automation: Automation, locks: Locks, needed: int
    ) -> None:
        clock = SystemClock()
        super().__init__(redis, clock, no_fault)
        self.knob, self.keys, self.kicks = TtlInMemory(), KeysInMemory(), Kicks()
        self.traffic = TrafficInMemory()
        proposals, turns, controls, alerts = self.proposals, self.turns, self.controls, self.alerts
        of_each: Knobs = {
            Knob.TTL: Turnable((self.knob,), "s", 60, 3600),
            Knob.TRAFFIC: Turnable((self.traffic,), "", None, None),
        }
        knobs = Alike(of_each)
        restraints, report = Restraints(controls, clock, automation, Alike(locks)), ReportMarker(turns, self.outbox)
        rules = AutoApplyRules(AutoApplySettings(), restraints, proposals, alerts, clock)
        back = GoingBack(self.traffic, controls)
        flush = CacheFlush(Acting(restraints, Alike(self.keys)), controls, self.leases, self.audit, needed)
        advisor = Advisor(proposals, turns, restraints, Alike(TtlLimits()), Alike(SizeLimits()), self.knob)
        self.approvals = Approvals(proposals, knobs, restraints, 1, needed)
        self.readouts = Readouts(proposals, turns, self.audit, alerts, self.silences, restraints, advisor, rules)
        self.emergency = EmergencyActions(self.approvals, knobs, back, flush, controls, report, clock, Alike(300))
        self.overrides = Overrides(controls, restraints, self.approvals, proposals, knobs, report, clock)
        self.silencing = Silencing(self.silences, alerts, self.outbox, clock)
        self.calling = Calling(self.pages, self.silences, clock, ONCALL_REPEAT)
        self.timelines = Timelines(alerts, self.audit)
        self.labelling = Labelling(alerts, clock)
        self.choosing = Choosing(services, self.choices, clock)
        self.looking = Looking(knobs, advisor)
        self.graphs = FeedbackGraphs(proposals, turns, self.days, alerts, ProcessNumerics(), clock, Alike(0.01))
        self.active = Active(self.hint, services, clock)
        self.digest = Digest(self.claims, self.outbox, ZoneInfo("UTC"))
        self.fleet = Fleet(self.fleet_store, clock)
        self.digests = DigestReader(self.readouts, turns, alerts, proposals, Alike(PRESETS["default"]))
        #: What the Slack side asks of the turn runner and of the seals.
        self.turn_runner, self.auditing = self.kicks, SimpleNamespace(head=None)

    def as_lumen(self) -> Lumen:
        """These, in each place in which the Slack side looks for them."""
        made = SimpleNamespace(store=self, active=self.active, called=self, answers=self, changes=self, rounds=self)
        return cast(Lumen, made)

    @staticmethod
    async def over(
        redis: StoreClient,
        services: Sequence[ServiceId] = (SERVICE,),
        automation: Automation = QUIET,
        locks: Locks = UNLOCKED,
        needed: int = 1,
    ) -> "Rooms":
        """On a store that was just emptied."""
        made = Rooms(redis, services, automation, locks, needed)
        await epoch.init(redis, services, made.clock)
        return made
