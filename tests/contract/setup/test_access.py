"""Roles of Lumen's own account in every watched project, and in those of their cache instances."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from google.iam.v1.iam_policy_pb2 import GetIamPolicyRequest, SetIamPolicyRequest

from bot.config import WithoutSlack
from bot.service_settings import ServiceSettings, Watched
from bot.wiring import setup
from lumen.adapters.google.error_log import is_installed
from lumen.model.service import ServiceId
from lumen.model.setup import Action, Kind, Outcome, Plan, Step
from lumen.wording.catalogue import Catalogue
from tests.contract.setup.conftest import LUMEN, failed
from tests.unit.sandbox.google_side import PROJECT, GoogleSide, google_side

SHOP, CACHES = "shop-prod", "shared-caches"
INSTANCE = f"projects/{CACHES}/locations/us-central1/instances/shop"
MEMBER = f"serviceAccount:{LUMEN}"
READS = ["roles/monitoring.viewer", "roles/run.viewer"]
WATCHED = [*READS, "roles/monitoring.metricWriter", "roles/run.developer"]
WATCHED += ["roles/logging.viewer"] if is_installed() else []
CACHED = ["roles/monitoring.viewer", "roles/redis.editor"]


@dataclass
class House:
    """`lumen setup` as it is wired, for a fleet of two projects whose caches are in a third."""

    side: GoogleSide
    given: dict[str, Any]

    @property
    def settings(self) -> WithoutSlack:
        settings = WithoutSlack(
            project_id=PROJECT,
            service_name=("ion-api",),
            cache_redis_url="redis://127.0.0.1:1/0",
            state_redis_url="redis://127.0.0.1:2/0",
            lumen_gcp_endpoint=self.side.target,
            **self.given,
        )
        own = ServiceSettings.model_validate({name: getattr(settings, name) for name in ServiceSettings.model_fields})
        shops = own.model_copy(update={"cache_instance": INSTANCE})
        watched = {ServiceId(PROJECT, "us-central1", "ion-api"): own, ServiceId(SHOP, "europe-west1", "shop"): shops}
        settings._watched = Watched(watched, {one: {} for one in watched}, ())
        return settings

    async def planned(self) -> Sequence[Step]:
        """What there is to do, or to know, about roles of the account."""
        plan = await setup.planned(self.settings, overwrite=False)
        return [step for step in plan.steps if step.kind is Kind.ACCESS and step.action is not Action.NOTHING]

    async def change(self, *, destroy: bool = False) -> Sequence[Outcome]:
        def agreed(plan: Plan) -> bool:
            return bool(plan.steps)

        return (await setup.change(self.settings, agreed, lambda _: None, destroy=destroy))[1]

    def has(self, project: str, member: str = MEMBER) -> list[str]:
        """The roles of a member there."""
        policy = self._policies.get(GetIamPolicyRequest(resource=f"projects/{project}"))
        return [one.role for one in policy.bindings if member in one.members]

    def bind(self, project: str, role: str, member: str, condition: str = "") -> None:
        """By hand."""
        request = SetIamPolicyRequest(resource=f"projects/{project}")
        request.policy.CopyFrom(self._policies.get(request))
        binding = request.policy.bindings.add(role=role, members=[member])
        if condition:
            binding.condition.expression = condition
        self._policies.set(request)

    @property
    def _policies(self) -> Any:
        return self.side.cloud.projects.policies


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with google_side() as side:
        side.clock.at = time.time()
        side.cloud.metrics.others.update((SHOP, CACHES))
        yield House(side, {"lumen_account": LUMEN})


async def test_the_account_has_what_it_needs_in_each_project_and_no_more(house: House) -> None:
    house.bind(SHOP, "roles/run.viewer", "user:kim@example.com")
    house.bind(SHOP, "roles/run.viewer", MEMBER, condition="request.time < timestamp('2030-01-01T00:00:00Z')")
    assert failed(await house.change()) == []
    own = [f"projects/{PROJECT}/roles/{role}" for role in ("lumenReader", "lumenPublisher", "lumenCloudRun")]
    assert sorted(house.has(PROJECT)) == sorted(own)
    assert sorted(house.has(SHOP)) == sorted([*WATCHED, "roles/run.viewer"])
    assert sorted(house.has(CACHES)) == sorted(CACHED)
    assert await house.planned() == []
    calls = house.side.cloud.server.calls["Projects/SetIamPolicy"]
    await house.change()
    assert house.side.cloud.server.calls["Projects/SetIamPolicy"] == calls
    house.given["publish_metrics"] = False
    assert failed(await house.change()) == []
    assert "roles/monitoring.metricWriter" not in house.has(SHOP)
    assert failed(await house.change(destroy=True)) == []
    assert (house.has(PROJECT), house.has(CACHES)) == ([], [])
    assert house.has(SHOP) == ["roles/run.viewer"]  # somebody's, with a condition
    assert house.has(SHOP, "user:kim@example.com") == ["roles/run.viewer"]


async def test_without_an_account_no_other_project_is_touched_and_the_setting_is_named(house: House) -> None:
    house.given["lumen_account"] = ""
    house.side.cloud.faults.denied_in[SHOP] = {"*"}
    plan = await setup.planned(house.settings, overwrite=False)
    assert plan.count(Action.UNKNOWN) == 0
    assert {"setting": "LUMEN_ACCOUNT"} in [dict(one.why.params) for one in plan.left_out]
    assert house.side.cloud.server.calls["Projects/GetIamPolicy"] == 0


async def test_where_the_caller_may_not_grant_the_owners_commands_are_said_and_the_others_done(house: House) -> None:
    faults, words = house.side.cloud.faults, Catalogue("en")
    faults.denied_in[SHOP] = {"resourcemanager.projects.setIamPolicy"}
    outcomes = await house.change()
    missed = [one for one in outcomes if not one.done]
    assert {one.step.address for one in missed} == {f"access.{SHOP}/{role.removeprefix('roles/')}" for role in WATCHED}
    assert sorted(house.has(CACHES)) == sorted(CACHED)
    said = {words.plain(one.error.remedy) for one in missed if one.error}
    assert all(SHOP in words.plain(one.error.reason) for one in missed if one.error)
    commands = [f"`gcloud projects add-iam-policy-binding {SHOP} --member={MEMBER} --role={role}`" for role in WATCHED]
    assert all(any(command in each for each in said) for command in commands)
    # Who may not even read there is told all of them at once, also in the plan.
    faults.denied_in[SHOP] = {"resourcemanager.*"}
    [unknown] = await house.planned()
    assert unknown.action is Action.UNKNOWN
    told = words.plain(unknown.notes[1])
    assert all(command in told for command in commands)
    assert all(Catalogue("ko").plain(note) for note in unknown.notes)
    # Once they are carried out there is nothing to do.
    for role in WATCHED:
        house.bind(SHOP, role, MEMBER)
    faults.denied_in.clear()
    assert await house.planned() == []
