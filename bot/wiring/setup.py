"""Wire `lumen setup`: what the settings want, and the cloud that it is compared with."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.config import Settings
from bot.wiring.sources import BUDGET_NAME
from lumen.adapters.google.clients import client_maker, open_channel, open_google
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.error_log import is_installed
from lumen.adapters.google.errors import PROJECTS
from lumen.adapters.google.monitoring_cache import project_of
from lumen.adapters.google.project_access import ProjectAccess
from lumen.adapters.google.setup import GoogleResources
from lumen.model.service import homes_of
from lumen.model.setup import Outcome, Plan
from lumen.use_cases.setup.access import key_of
from lumen.use_cases.setup.apply import Applying
from lumen.use_cases.setup.plan import names_of, plan_apply, plan_destroy, read
from lumen.use_cases.setup.resources import BUDGET_KEY, desired, kinds_of, roles_of
from lumen.use_cases.setup.scope import Scope
from lumen.wording.catalogue import Catalogue


def scope_of(settings: Settings) -> Scope:
    """What of the settings makes resources in the home project."""
    topic = settings.budget_topic_name if settings.budget_topic else ""
    return Scope(
        project=settings.project_id,
        region=settings.region,
        account=settings.lumen_account,
        publishes=settings.publish_metrics,
        memorystore=settings.project_id in _projects_of_instances(settings),
        alert_email=settings.alert_email,
        billing_account=_account(settings.billing_account),
        budget_name=BUDGET_NAME,
        budget_usd=settings.budget_usd,
        budget_topic=topic,
        budget_subscription=settings.budget_news,
        public_url=settings.public_url,
        audience=settings.audience,
        oidc_service_account=settings.oidc_service_account,
        uptime_url=settings.uptime_url,
        workers=settings.workers,
        reads_logs=is_installed(),
    )


def scopes_of(settings: Settings) -> Sequence[Scope]:
    """Of every project, home first; of the others only where an account is named that is given roles there."""
    home, homes, instances = scope_of(settings), homes_of(settings.services), _projects_of_instances(settings)
    others = [name for name in dict.fromkeys((*homes, *instances)) if name != home.project and home.account]
    return [
        home,
        *(
            Scope(
                project=name,
                region=homes[name].region if name in homes else "",
                account=home.account,
                is_home=False,
                watches=name in homes,
                publishes=home.publishes,
                memorystore=name in instances,
                reads_logs=home.reads_logs,
            )
            for name in others
        ),
    ]


def _projects_of_instances(settings: Settings) -> Sequence[str]:
    """Those in which a Memorystore instance is that serves a service."""
    found = (project_of(own.cache_instance) for own in settings.watched.values() if own.cache_instance)
    return tuple(dict.fromkeys(found))


def _account(given: str) -> str:
    return f"billingAccounts/{given.removeprefix('billingAccounts/')}" if given else ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A project: what is wanted there, and the cloud that it is compared with."""

    scope: Scope
    cloud: GoogleResources

    async def planned(self, words: Catalogue, *, destroy: bool, overwrite: bool) -> "_Planned":
        """A project that cannot be read hides no other."""
        if destroy:
            return _Planned(self, plan_destroy(await read(self.cloud, kinds_of(self.scope), ())), {})
        wants = desired(self.scope, words)
        there = await read(self.cloud, kinds_of(self.scope), {one.kind for one in wants.wanted})
        plan = plan_apply(wants.wanted, wants.left_out, there, self.cloud, overwrite=overwrite)
        return _Planned(self, plan, names_of(wants.wanted, there))


@dataclass(frozen=True, slots=True)
class _Planned:
    """`names`: those that are known by now."""

    place: _Place
    plan: Plan
    names: dict[str, str]


@asynccontextmanager
async def _places(settings: Settings) -> AsyncIterator[Sequence[_Place]]:
    endpoint = settings.lumen_gcp_endpoint
    google, make = await open_google(endpoint), await client_maker(endpoint)
    channel = await open_channel(PROJECTS.host, endpoint)
    deployments = CloudRunDeployments(google.services, google.revisions)

    async def number(project: str) -> str:
        return await deployments.project_number(project, settings.region)

    def cloud_of(scope: Scope) -> GoogleResources:
        account = scope.account
        return GoogleResources(
            make=make,
            project=scope.project,
            region=scope.region,
            account=scope.billing_account,
            budget=(BUDGET_NAME, BUDGET_KEY),
            number=number,
            access=ProjectAccess(channel, scope.project, account, roles_of(scope), key_of) if account else None,
        )

    places = [_Place(scope, cloud_of(scope)) for scope in scopes_of(settings)]
    try:
        yield places
    finally:
        for place in places:
            await place.cloud.close()
        await channel.close()
        await google.close()


async def _planned(
    settings: Settings, places: Sequence[_Place], *, destroy: bool, overwrite: bool
) -> Sequence[_Planned]:
    words = Catalogue(settings.lumen_locale)
    return await asyncio.gather(*(one.planned(words, destroy=destroy, overwrite=overwrite) for one in places))


def _whole(planned: Sequence[_Planned]) -> Plan:
    steps = (step for one in planned for step in one.plan.steps)
    return Plan(tuple(steps), tuple(out for one in planned for out in one.plan.left_out))


async def planned(settings: Settings, *, overwrite: bool) -> Plan:
    """What `change` would do now, in all projects."""
    async with _places(settings) as places:
        return _whole(await _planned(settings, places, destroy=False, overwrite=overwrite))


async def change(
    settings: Settings,
    agreed: Callable[[Plan], bool],
    told: Callable[[Outcome], None],
    *,
    destroy: bool,
    overwrite: bool = False,
) -> tuple[Plan, Sequence[Outcome]]:
    """Plan, and carry out what is `agreed` to, one project after the other; each step is `told` when it has ended."""
    async with _places(settings) as places:
        found = await _planned(settings, places, destroy=destroy, overwrite=overwrite)
        plan, outcomes = _whole(found), list[Outcome]()
        for one in found if agreed(plan) else ():
            async for outcome in Applying(one.place.cloud).carry_out(one.plan, one.names):
                told(outcome)
                outcomes.append(outcome)
    return plan, outcomes
