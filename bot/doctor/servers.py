"""The cache's server, Lumen's own store, and what Google lets Lumen do."""

from collections.abc import Sequence

from bot.assembly import Examined
from bot.doctor.checks import Check, Findings
from bot.doctor.news import look_at_news
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.service import ServiceId

CENT_USD = 0.01


async def server_checks(examined: Examined) -> Sequence[Check]:
    """The store first: without it nothing else matters."""
    found = Findings("server: ")
    store = await examined.store()
    if isinstance(store, NoData):
        found.part("STATE_REDIS_URL", store)
    elif store.warnings:
        found.mend("STATE_REDIS_URL", store.warnings[0], message("doctor.state_settings_remedy"))
    else:
        found.fine("STATE_REDIS_URL", message("doctor.state_ok"))
    for short in () if isinstance(store, NoData) else store.short:
        found.mend("store's memory", short, message("state.memory_short_remedy"))
    facts = await examined.cache_server.facts()
    if isinstance(facts, NoData):
        found.part("CACHE_REDIS_URL", facts)
        return found.checks
    if not isinstance(store, NoData) and store.run_id and store.run_id == facts.run_id:
        found.mend("CACHE_REDIS_URL", message("doctor.same_server"), message("doctor.same_server_remedy"))
    elif facts.is_replica:
        found.mend(
            "CACHE_REDIS_URL",
            message("source.redis_read_only", where=facts.where),
            message("source.redis_read_only_remedy", where=facts.where),
        )
    else:
        found.fine("CACHE_REDIS_URL", message("doctor.cache_ok", where=facts.where, version=facts.version))
    _policy(found, facts.policy)
    return found.checks


def _policy(found: Findings, policy: str) -> None:
    """volatile-* evicts answers and keeps the setting; allkeys-* may evict the setting; noeviction refuses writes."""
    if policy.startswith("volatile-"):
        found.fine("maxmemory-policy", message("doctor.policy_ok", policy=policy))
    elif not policy:
        found.fine("maxmemory-policy", message("doctor.policy_untold"))
    else:
        code = "doctor.policy_allkeys" if policy.startswith("allkeys-") else "doctor.policy_noeviction"
        found.mend("maxmemory-policy", message(code, policy=policy), message("doctor.policy_remedy"))


async def permission_checks(
    examined: Examined, services: Sequence[ServiceId], budget_usd: float, *, changes_cloud_run: bool
) -> Sequence[Check]:
    """Reading shows in the measurements; here is what changing needs, and the budget (`budget_usd`: as it is set)."""
    found = Findings("google: ")
    for service in services:
        name = f"may change {service.name}"
        lacking = await examined.permissions.lacking(service)
        if isinstance(lacking, NoData):
            if lacking.reason.code == "source.unimplemented":
                found.fine(name, message("doctor.permissions_untold"))
            else:
                found.part(name, lacking)
        elif not lacking:
            found.fine(name)
        elif changes_cloud_run:
            found.mend(
                name,
                message("doctor.permissions", service=service.name, lacking=", ".join(lacking)),
                message("doctor.permissions_remedy", service=service.name),
            )
        else:
            found.fine(name, message("doctor.permissions_not_needed", lacking=", ".join(lacking)))
    await _budget(found, examined, services[0].project, budget_usd)
    await look_at_news(found, examined, services[0].project)
    return found.checks


async def publishing_checks(examined: Examined) -> Sequence[Check]:
    """Whether custom metrics may be written; nothing is."""
    found = Findings("google: ")
    found.part("may publish metrics", await examined.figures.lacking())
    return found.checks


async def _budget(found: Findings, examined: Examined, project: str, budget_usd: float) -> None:
    budget = await examined.budgets.budget(project)
    if isinstance(budget, NoData):
        if budget.reason.code == "source.no_billing_account":
            found.fine("budget", budget.remedy)
        else:
            found.part("budget", budget)
    elif budget.currency != "USD":
        found.mend(
            "budget",
            message("doctor.currency", name=budget.display_name, currency=budget.currency),
            message("doctor.currency_remedy"),
        )
    elif abs(budget.amount - budget_usd) >= CENT_USD:
        # Reports go by Google's amount where it can be read, alerts by the setting.
        found.mend(
            "budget",
            message("doctor.budget_differs", name=budget.display_name, amount_usd=budget.amount, budget_usd=budget_usd),
            message("doctor.budget_differs_remedy", amount_usd=budget.amount),
        )
    else:
        found.fine("budget", message("doctor.budget_ok", name=budget.display_name, amount_usd=budget.amount))
