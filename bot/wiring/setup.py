"""Wire `lumen setup`: what the settings want, and the cloud that it is compared with."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from bot.config import Settings
from bot.wiring.sources import BUDGET_NAME
from lumen.adapters.google.clients import client_maker, open_google
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.error_log import is_installed
from lumen.adapters.google.setup import GoogleResources
from lumen.model.setup import Outcome, Plan
from lumen.use_cases.setup.apply import Applying
from lumen.use_cases.setup.plan import names_of, plan_apply, plan_destroy, read
from lumen.use_cases.setup.resources import BUDGET_KEY, desired, kinds_of
from lumen.use_cases.setup.scope import Scope
from lumen.wording.catalogue import Catalogue


def scope_of(settings: Settings) -> Scope:
    """What of the settings makes resources."""
    topic = settings.budget_topic_name if settings.budget_topic else ""
    return Scope(
        project=settings.project_id,
        region=settings.region,
        publishes=settings.publish_metrics,
        memorystore=bool(settings.cache_instance),
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


def _account(given: str) -> str:
    return f"billingAccounts/{given.removeprefix('billingAccounts/')}" if given else ""


@asynccontextmanager
async def _cloud(settings: Settings, scope: Scope) -> AsyncIterator[GoogleResources]:
    google = await open_google(settings.lumen_gcp_endpoint)
    deployments = CloudRunDeployments(google.services, google.revisions)

    async def number(project: str) -> str:
        return await deployments.project_number(project, settings.region)

    cloud = GoogleResources(
        make=await client_maker(settings.lumen_gcp_endpoint),
        project=scope.project,
        region=scope.region,
        account=scope.billing_account,
        budget=(BUDGET_NAME, BUDGET_KEY),
        number=number,
    )
    try:
        yield cloud
    finally:
        await cloud.close()
        await google.close()


async def _planned(
    settings: Settings, scope: Scope, cloud: GoogleResources, *, destroy: bool, overwrite: bool
) -> tuple[Plan, dict[str, str]]:
    """The plan, and the names that are known by now."""
    if destroy:
        return plan_destroy(await read(cloud, kinds_of(scope), ())), {}
    wants = desired(scope, Catalogue(settings.lumen_locale))
    there = await read(cloud, kinds_of(scope), {one.kind for one in wants.wanted})
    plan = plan_apply(wants.wanted, wants.left_out, there, cloud, overwrite=overwrite)
    return plan, names_of(wants.wanted, there)


async def planned(settings: Settings, *, overwrite: bool) -> Plan:
    """What `change` would do now."""
    scope = scope_of(settings)
    async with _cloud(settings, scope) as cloud:
        return (await _planned(settings, scope, cloud, destroy=False, overwrite=overwrite))[0]


async def change(
    settings: Settings,
    agreed: Callable[[Plan], bool],
    told: Callable[[Outcome], None],
    *,
    destroy: bool,
    overwrite: bool = False,
) -> tuple[Plan, Sequence[Outcome]]:
    """Plan, and carry out what is `agreed` to; each step is `told` when it has ended."""
    scope = scope_of(settings)
    async with _cloud(settings, scope) as cloud:
        plan, names = await _planned(settings, scope, cloud, destroy=destroy, overwrite=overwrite)
        outcomes: list[Outcome] = []
        if agreed(plan):
            async for outcome in Applying(cloud).carry_out(plan, names):
                told(outcome)
                outcomes.append(outcome)
    return plan, outcomes
