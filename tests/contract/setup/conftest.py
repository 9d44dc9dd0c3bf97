"""A project of the sandbox's Google in this process, and `lumen setup` over the real clients against it."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import grpc
import pytest

from lumen.adapters.google import setup as adapter
from lumen.adapters.google.clients import Patience, client_maker, open_channel
from lumen.adapters.google.project_access import ProjectAccess
from lumen.adapters.google.setup import GoogleResources
from lumen.model.setup import Action, Found, Kind, Outcome, Plan, Step
from lumen.use_cases.setup.access import key_of
from lumen.use_cases.setup.apply import Applying
from lumen.use_cases.setup.plan import names_of, plan_apply, plan_destroy, read
from lumen.use_cases.setup.resources import BUDGET_KEY, Desired, desired, kinds_of, roles_of
from lumen.use_cases.setup.scope import Scope
from lumen.wording.catalogue import Catalogue
from sandbox.google.faults import MethodFault
from sandbox.google.numbers import number_of
from tests.unit.sandbox.google_side import ACCOUNT, PROJECT, GoogleSide, google_side

BUDGET = "ION API Monthly Budget"
LUMEN = f"lumen-bot@{PROJECT}.iam.gserviceaccount.com"
SCOPE = Scope(
    project=PROJECT,
    region="us-central1",
    memorystore=True,
    alert_email="ion-oncall@example.com",
    billing_account=ACCOUNT,
    budget_name=BUDGET,
    budget_usd=200.5,
    budget_topic=f"projects/{PROJECT}/topics/budget-alerts",
    budget_subscription=f"projects/{PROJECT}/subscriptions/budget-alerts-lumen",
    public_url="https://lumen.example.com",
    audience="https://lumen.example.com",
    oidc_service_account="lumen-caller@naeda-genesis.iam.gserviceaccount.com",
    uptime_url="https://ion-api.example.com/healthz",
)
#: So many metrics are enough where the calls are counted.
FEW_METRICS = ("cache_hit_rate", "lumen_actions", "lumen_heartbeat", "roi_percentage")


@dataclass
class Installation:
    """`lumen setup` of one project, without its printing."""

    side: GoogleSide
    cloud: GoogleResources
    scope: Scope = SCOPE
    locale: str = "en"

    @property
    def wants(self) -> Desired:
        whole = desired(self.scope, Catalogue(self.locale))
        kept = tuple(one for one in whole.wanted if one.kind is not Kind.METRIC or one.key in FEW_METRICS)
        return Desired(kept, whole.left_out)

    async def planned(self, *, overwrite: bool = False, destroy: bool = False) -> Plan:
        wants = self.wants
        if destroy:
            return plan_destroy(await read(self.cloud, kinds_of(self.scope), ()))
        there = await read(self.cloud, kinds_of(self.scope), {one.kind for one in wants.wanted})
        return plan_apply(wants.wanted, wants.left_out, there, self.cloud, overwrite=overwrite)

    async def change(self, *, overwrite: bool = False, destroy: bool = False) -> list[Outcome]:
        plan = await self.planned(overwrite=overwrite, destroy=destroy)
        return await self.carry_out(plan)

    async def carry_out(self, plan: Plan) -> list[Outcome]:
        found = {step.address: step.found.name for step in plan.steps if step.found and step.wanted}
        names = {**names_of(self.wants.wanted, {}), **found}
        return [outcome async for outcome in Applying(self.cloud).carry_out(plan, names)]

    async def found(self, kind: Kind, key: str = "") -> Found:
        return next(one for one in await self.cloud.read(kind) if key in ("", one.key))

    async def edit_by_hand(self, found: Found, **fields: Any) -> None:
        """As the console does it: the labels stay."""
        await self.cloud.update(found, found.key, found.applied, {**found.body, **fields}, list(fields))

    async def is_complete(self) -> None:
        """Nothing is lacking, and nothing is there twice."""
        plan = await self.planned()
        assert [step.address for step in plan.steps if step.action is not Action.NOTHING] == []
        for kind in kinds_of(self.scope):
            wanted = {one.key for one in self.wants.wanted if one.kind is kind}
            assert sorted(one.key for one in await self.cloud.read(kind) if one.key) == sorted(wanted)


def failed(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.step.address for one in outcomes if not one.done]


def only(plan: Plan, action: Action) -> list[Step]:
    return [step for step in plan.steps if step.action is action]


@contextmanager
def failing_at(side: GoogleSide, number: int, *, after: bool) -> Iterator[None]:
    """The call of this number (from 1) fails; `after` the work was done, so that only its answer is lost."""
    first = sum(side.cloud.server.calls.values())

    def arm() -> None:
        if sum(side.cloud.server.calls.values()) - first == number:
            side.cloud.faults.methods.append(MethodFault("*", grpc.StatusCode.INTERNAL, remaining=1, after=after))

    side.cloud.due.append(arm)
    yield
    side.cloud.due.remove(arm)
    side.cloud.faults.methods.clear()


Unmarked = Callable[[], Any]


@pytest.fixture
def unmarked(monkeypatch: pytest.MonkeyPatch) -> Unmarked:
    """Within it, resources are made as somebody else would make them."""

    @contextmanager
    def as_somebody_else() -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setattr(adapter, "_marked", lambda _row, body, _key, _applied: dict(body))
            yield

    return as_somebody_else


async def open_installation(side: GoogleSide, **changes: Any) -> Installation:
    async def number(project: str) -> str:
        return number_of(project)

    scope, once = replace(SCOPE, **changes), Patience(retry_seconds=0)
    channel = await open_channel("", side.target)
    cloud = GoogleResources(
        make=await client_maker(side.target),
        project=scope.project,
        region="us-central1",
        account=ACCOUNT,
        budget=(BUDGET, BUDGET_KEY),
        number=number,
        access=ProjectAccess(channel, scope.project, LUMEN, roles_of(scope), key_of, once),
        patience=once,
    )
    return Installation(side, cloud, scope)


@pytest.fixture
async def lumen() -> AsyncIterator[Installation]:
    """An empty project."""
    async with google_side() as side:
        opened = await open_installation(side)
        yield opened
        await opened.cloud.close()
