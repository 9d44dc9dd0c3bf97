"""The watch and the rollback over a real store and a cloud in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from lumen.adapters.store.alerts import RedisAlerts, RedisDays
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.controls import RedisControls, RedisSilences
from lumen.alerts.watch import AlertTargets
from lumen.model.incident import Incident
from lumen.model.proposal import Choice, Knob, Proposal
from lumen.model.service import Permit, Person, ServiceId
from lumen.policies.guard import Automation, Locks
from lumen.ports.clock import FaultPoint, no_fault
from lumen.ports.sources import MonthBudget
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.releases import Releases, RememberedDeployments, Revisions
from lumen.use_cases.restrictions import Restraints
from lumen.use_cases.rollback import Rollback, RollbackRules
from lumen.use_cases.watch import Watch
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.cloud import Cloud, well_since

#: By the store's clock, which the clock of the test does not move.
COUNTDOWN = timedelta(milliseconds=400)
SLOT = timedelta(minutes=5)
ALLOWED = 0.001


@dataclass
class Replica:
    """One process: what it holds in memory is its own."""

    watch: Watch
    revisions: Revisions
    rollback: Rollback
    execution: Execution


@dataclass
class Tower:
    """A store, a cloud, a clock, and as many replicas as a test wants."""

    store: Store
    cloud: Cloud
    alerts: RedisAlerts
    controls: RedisControls
    automation: Automation = field(default_factory=Automation)
    countdown: timedelta = COUNTDOWN
    needed: int = 1
    services: Sequence[ServiceId] = (SERVICE,)
    budget: MonthBudget | None = None
    clicks: int = 0
    dry_run: bool = False
    slot: timedelta = SLOT

    @property
    def silences(self) -> RedisSilences:
        return RedisSilences(self.store.redis, self.store.clock)

    @property
    def knobs(self) -> Knobs:
        return {Knob.TRAFFIC: Turnable((self.cloud,), "")}

    @property
    def approvals(self) -> Approvals:
        deployed = RememberedDeployments(self.cloud, self.controls)
        return Approvals(self.store.proposals, Alike(self.knobs), self.store.restraints, deployed=deployed)

    def replica(self, fault: FaultPoint = no_fault) -> Replica:
        store, cloud = self.store, self.cloud
        clock = store.clock
        return Replica(
            Watch(
                cloud,
                self.alerts,
                store.claims,
                Alike(AlertTargets()),
                self.silences,
                RedisDays(store.redis),
                budget=self.budget,
            ),
            Revisions(cloud, cloud, cloud, self.controls, store.proposals, clock, Alike(ALLOWED)),
            Rollback(
                Releases(cloud, cloud, Alike(self.knobs), clock, Alike(ALLOWED)),
                self.alerts,
                Restraints(self.controls, clock, self.automation, Alike(Locks())),
                store.proposals,
                store.claims,
                fault,
                RollbackRules(self.countdown, self.needed, self.services, self.dry_run),
            ),
            Execution(store.proposals, store.claims, Alike(self.knobs), Acting(store.restraints), fault),
        )

    async def look(self, replica: Replica, slots: int = 1, services: Sequence[ServiceId] = (SERVICE,)) -> None:
        """`slots` times five minutes go by, each with its look."""
        for _ in range(slots):
            self.store.clock.time += SLOT
            self.cloud.now = self.store.clock.time
            looked: list[ServiceId] = []
            await replica.watch.due(services, looked.append)
            if looked:
                await replica.revisions.look((SERVICE,))
                await replica.rollback.consider(SERVICE)

    async def traffic_proposals(self) -> list[Proposal]:
        """Newest first."""
        found = await self.store.proposals.recent(SERVICE, 50)
        return [p for p in found if p.draft.change.knob is Knob.TRAFFIC]

    async def countdown_over(self) -> None:
        """By the store's own clock."""
        await self.store.pass_time(COUNTDOWN)

    async def decide(self, proposal: Proposal, choice: Choice) -> None:
        self.clicks += 1
        await self.approvals.decide(SERVICE, proposal.id, choice, Permit(KIM), f"click-{self.clicks}")

    def permit(self, person: Person) -> Permit:
        return Permit(person)

    async def incident(self) -> Incident:
        """The one that is open."""
        (stored,) = await self.alerts.open(SERVICE)
        found = await self.alerts.incident(SERVICE, stored.incident)
        assert found is not None
        return found


@pytest.fixture
async def store(state_url: str) -> AsyncIterator[Store]:
    """Empty but for its epoch, and patient: machines are slow and busy."""
    redis = open_store(state_url, answer_seconds=20.0, connect_seconds=20.0)
    made = Store.over(redis)
    await made.prepare()
    yield made
    await redis.aclose()


@pytest.fixture
def tower(store: Store) -> Tower:
    redis, clock = store.redis, store.clock
    return Tower(store, well_since(clock.time), RedisAlerts(redis, clock), RedisControls(redis, clock))
