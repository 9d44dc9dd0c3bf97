"""Whatever Google does to a change of any knob: a true sentence, and a state from which a person can go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest

from demo.world import World
from lumen.adapters.clock import SystemClock
from lumen.adapters.google.clients import Patience, open_google
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, EditLimits
from lumen.adapters.google.cloud_run_knobs import (
    CloudRunInstancesActuator,
    CloudRunMemoryActuator,
    CloudRunVariable,
)
from lumen.adapters.google.cloud_run_traffic import CloudRunTraffic
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.store import epoch
from lumen.adapters.store.controls import RedisControls
from lumen.adapters.store.leases import RedisLeases, RedisSlots
from lumen.adapters.store.proposals import RedisProposals
from lumen.model.proposal import LATEST, Change, Choice, Knob, Proposal, State, Value
from lumen.model.service import Permit, Person, ServiceId
from lumen.model.snapshot import Deployment
from lumen.policies.guard import Automation, Locks
from lumen.ports.actuators import Actuator
from lumen.ports.clock import FaultPoint, no_fault
from lumen.use_cases import leases
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.leases import Claims
from lumen.use_cases.restrictions import Restraints
from lumen.wording.catalogue import LOCALES, Catalogue
from sandbox.client import SandboxClient
from tests.alike import Alike
from tests.contract.store.builders import patient
from tests.contract.use_cases.crashes import Crash, crash_at

pytestmark = pytest.mark.prove

KIM = Person("U1", "Kim", "T1")
LIMITS = EditLimits(conflicts=2, operation_seconds=1.5, poll_seconds=0.05)
PATIENCE = Patience(attempt_seconds=5, retry_seconds=0)
KNOBS = (Knob.TTL, Knob.MEMORY, Knob.MIN_INSTANCES, Knob.L1_ENTRIES, Knob.TRAFFIC)


@dataclass
class Hands:
    """A person, the use cases, a real store, and the sandbox's Cloud Run."""

    service: ServiceId
    approvals: Approvals
    execution: Execution
    proposals: RedisProposals
    claims: Claims
    restraints: Restraints
    places: Mapping[Knob, Actuator]
    deployments: CloudRunDeployments
    sandbox: SandboxClient
    asked: int = 0

    async def wanted(self, knob: Knob) -> Value:
        """Another value than it has."""
        now = (await self.places[knob].read(self.service)).value
        if knob is not Knob.TRAFFIC:
            steps = {Knob.TTL: (420, 480), Knob.MEMORY: (1024, 2048), Knob.MIN_INSTANCES: (1, 2)}
            return next(value for value in steps.get(knob, (2000, 3000)) if value != now)
        if now != LATEST:
            return LATEST
        found = (await self.deployments.deployments([self.service]))[self.service]
        assert isinstance(found, Deployment)
        return next(revision.name for revision in found.revisions if revision.traffic_percent == 0)

    async def approved(self, knob: Knob, value: Value) -> Proposal:
        self.asked += 1
        made = await self.approvals.propose(self.service, knob, value, KIM, f"request-{self.asked}")
        return (
            await self.approvals.decide(self.service, made.id, Choice.APPROVE, Permit(KIM), f"c-{self.asked}")
        ).proposal

    def replica(self, fault: FaultPoint) -> Execution:
        """Another one, with a fault of its own."""
        knobs: Knobs = {knob: Turnable((place,), "") for knob, place in self.places.items()}
        return Execution(self.proposals, self.claims, Alike(knobs), Acting(self.restraints), fault)

    async def carried_out(self, proposal: Proposal) -> Proposal:
        """One round of the executor's."""
        await self.execution.settle(self.service)
        found = await self.proposals.get(self.service, proposal.id)
        assert found is not None
        return found

    async def updates(self) -> int:
        return (await self.sandbox.world.calls()).get("Services/UpdateService", 0)


@pytest.fixture
async def hands(sandbox_world: World, sandbox: SandboxClient, state_url: str) -> AsyncIterator[Hands]:
    of = sandbox_world.addresses
    service = ServiceId(of.project, of.region, of.service)
    redis, google, clock = patient(state_url), await open_google(of.gcp_endpoint), SystemClock()
    await epoch.init(redis, (service,), clock)
    editor = CloudRunEditor(google.services, PATIENCE, LIMITS)
    places: Mapping[Knob, Actuator] = {
        Knob.TTL: CloudRunVariable(editor, "DEFAULT_TTL_SECONDS", 300),
        Knob.MEMORY: CloudRunMemoryActuator(editor),
        Knob.MIN_INSTANCES: CloudRunInstancesActuator(editor),
        Knob.L1_ENTRIES: CloudRunVariable(editor, "L1_CACHE_MAX_ENTRIES", 1000),
        Knob.TRAFFIC: CloudRunTraffic(editor),
    }
    knobs: Knobs = {knob: Turnable((place,), "") for knob, place in places.items()}
    proposals = RedisProposals(redis, clock)
    claims = Claims(RedisLeases(redis), RedisSlots(redis), clock)
    restraints = Restraints(RedisControls(redis, clock), clock, Automation(), Alike(Locks()))
    execution = Execution(proposals, claims, Alike(knobs), Acting(restraints), no_fault)
    deployments = CloudRunDeployments(google.services, google.revisions, PATIENCE)
    approvals = Approvals(proposals, Alike(knobs), restraints)
    yield Hands(service, approvals, execution, proposals, claims, restraints, places, deployments, sandbox)
    await sandbox.world.mend()
    await _traffic_back(places[Knob.TRAFFIC], service)
    await google.close()
    await redis.aclose()


async def _traffic_back(traffic: Actuator, service: ServiceId) -> None:
    """The next test finds it as this one did."""
    present = await traffic.read(service)
    if present.value != LATEST:
        await traffic.set(service, Change(Knob.TRAFFIC, present.value, LATEST, ""), present, "back")


Begins = Callable[[SandboxClient], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """`begins` makes it; then the change ends FAILED with one of `says`, unless it is `passing`."""

    begins: Begins
    says: tuple[str, ...] = ()

    @property
    def passing(self) -> bool:
        return not self.says


def code(method: str, name: str, times: int | None = None, *, after: bool = False) -> Begins:
    async def begins(sandbox: SandboxClient) -> None:
        await sandbox.world.fault(method, code=name, times=times, after=after)

    return begins


def update(outcome: str) -> Begins:
    async def begins(sandbox: SandboxClient) -> None:
        await sandbox.world.updates(outcome)

    return begins


async def denied(sandbox: SandboxClient) -> None:
    await sandbox.world.deny(["run.services.update"])


UPDATE, LOOK = "Services/UpdateService", "Operations/GetOperation"
FAULTS: Mapping[str, Fault] = {
    "aborted once": Fault(code(UPDATE, "ABORTED", 1)),
    "aborted for ever": Fault(code(UPDATE, "ABORTED"), ("actuator.conflicts",)),
    "unavailable before": Fault(code(UPDATE, "UNAVAILABLE", 1)),
    "answer lost": Fault(code(UPDATE, "UNAVAILABLE", 1, after=True)),
    "unavailable in the middle": Fault(code(LOOK, "UNAVAILABLE", 3)),
    "operation forgotten": Fault(code(LOOK, "NOT_FOUND")),
    "operation not told": Fault(code(LOOK, "PERMISSION_DENIED"), ("source.permission_denied",)),
    "operation fails": Fault(update("fails"), ("actuator.operation_failed",)),
    "never ends": Fault(update("never_ends"), ("actuator.operation_unfinished",)),
    "never ready": Fault(update("never_ready"), ("actuator.operation_failed", "actuator.revision_not_ready")),
    "denied": Fault(denied, ("source.permission_denied",)),
}


@pytest.mark.parametrize("knob", KNOBS)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_true_sentence_and_a_way_on(hands: Hands, name: str, knob: Knob) -> None:
    fault, sandbox = FAULTS[name], hands.sandbox
    wanted = await hands.wanted(knob)
    before = await hands.places[knob].read(hands.service)
    proposal = await hands.approved(knob, wanted)
    sent = await hands.updates()
    await fault.begins(sandbox)
    found = await hands.carried_out(proposal)
    if fault.passing:
        if found.state is State.APPLYING:  # its answer was lost: what waits is said, and the next round goes on
            says_something(found)
            found = await hands.carried_out(proposal)
        assert found.state is State.APPLIED, found.note
        if name == "answer lost":
            assert await hands.updates() == sent + 1
    else:
        assert found.state is State.FAILED
        assert found.note is not None
        assert found.note.code in fault.says, found.note
        says_something(found)
        if name in ("denied", "aborted for ever", "operation fails"):
            assert await hands.places[knob].read(hands.service) == before, "it is as it was, and nothing else was said"

    # A person goes on, once Google is well again.
    await sandbox.world.mend()
    present = (await hands.places[knob].read(hands.service)).value
    other = wanted if present != wanted else before.value
    if other != present:
        again = await hands.carried_out(await hands.approved(knob, other))
        assert again.state is State.APPLIED, again.note
    assert (await hands.places[knob].read(hands.service)).value == other


POINTS = ("execute.claimed", "execute.applying", "execute.set", "execute.waiting", "execute.applied")


@pytest.mark.parametrize("knob", KNOBS)
@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_anywhere_is_resumed_once(
    hands: Hands, point: str, knob: Knob, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A crashed holder's lease must run out before another may go on; the tests do not wait 15 s for that.
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=1))
    wanted, sent = await hands.wanted(knob), await hands.updates()
    proposal = await hands.approved(knob, wanted)
    place = hands.places[knob].name
    with pytest.raises(Crash):
        await hands.replica(crash_at(f"{point}.{place}" if point == "execute.set" else point)).settle(hands.service)
    found = await hands.carried_out(proposal)
    for _ in range(300):  # the lease of the one that crashed must run out
        if found.state not in (State.APPROVED, State.APPLYING):
            break
        await asyncio.sleep(0.1)
        found = await hands.carried_out(proposal)
    assert found.state is State.APPLIED, found.note
    assert (await hands.places[knob].read(hands.service)).value == wanted
    assert await hands.updates() == sent + 1


def says_something(proposal: Proposal) -> None:
    """In both languages, with all that the sentence names."""
    assert proposal.note is not None
    for locale in LOCALES:
        assert len(Catalogue(locale).plain(proposal.note)) > 10
