"""Checks of Google's permissions and clock, of budgets and their notifications, of logs and the uptime check."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.config import Settings
from bot.doctor.check import Check, Findings, Thing
from bot.doctor.redis import look_at_clock
from bot.wiring.examined import Examined
from bot.wiring.sources import BUDGET_NAME
from lumen.model.billing import BudgetNotice, in_another_currency
from lumen.model.messages import Message, NoData, SourceUnavailable, message, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.ports.clock import Clock
from lumen.use_cases.billing import foreign
from lumen.use_cases.collect import window_before

NAME = "budget's notifications"
#: With the service between the words.
MAY_CHANGE = "google: may change"
CENT_USD = 0.01
UPTIME_SEEN = timedelta(minutes=30)
#: Google does not say which permissions Lumen has in a project: the API is off there, or it is a strange one.
_UNTOLD = frozenset({"source.unimplemented", "source.api_disabled", "source.permission_denied"})


async def look_at_news(found: Findings, examined: Examined, project: str) -> None:
    """One of those that wait is read and given back: to be allowed to read is all that Lumen needs."""
    if examined.google.news is None:
        found.fine(NAME, message("doctor.news_unread"))
        return
    try:
        notice = await examined.google.news.peek()
    except SourceUnavailable as error:
        found.mend(NAME, error.reason, error.remedy)
        return
    if notice is None:
        found.fine(NAME, message("doctor.news_none", subscription=examined.google.news.name))
    elif isinstance(notice, NoData):
        found.part(NAME, notice)
    else:
        own_id = await examined.google.budgets.own_id(project)
        wrong = foreign(notice, own_id, BUDGET_NAME, examined.google.news.name) or in_another_currency(notice)
        if wrong is None:
            found.fine(NAME, _says(notice))
        else:
            found.part(NAME, wrong)


def _says(notice: BudgetNotice) -> Message:
    at = notice.published_at.isoformat()
    return message("doctor.news_ok", name=notice.budget_name, spent_usd=notice.cost, published_at=at)


async def change_checks(examined: Examined, service: ServiceId, shown: str) -> Sequence[Check]:
    """What changing a service needs; reading shows in the measurements. `shown`: what people call it."""
    found, name = Findings("google: "), f"may change {shown}"
    lacking = await examined.google.permissions.lacking(service)
    if isinstance(lacking, NoData):
        if lacking.reason.code == "source.unimplemented":
            found.fine(name, message("doctor.permissions_untold"))
        else:
            found.part(name, lacking)
    elif lacking:
        of = {"service": service.name, "region": service.region, "project": service.project}
        found.mend(name, *with_remedy("doctor.permissions", **of, lacking=", ".join(lacking)))
    else:
        found.fine(name)
    return [replace(check, of=Thing("service", shown, MAY_CHANGE)) for check in found.checks]


async def instance_checks(examined: Examined, instance: str, of: Thing | None) -> Sequence[Check]:
    """Whether a Memorystore instance may be read, and its size be changed."""
    found, name, project = Findings("google: ", of), "may change CACHE_INSTANCE", instance.split("/")[1]
    found.part("may read CACHE_INSTANCE", await examined.google.unreadable_instance(instance))
    lacking = await examined.google.lacking(project)
    if isinstance(lacking, NoData) and lacking.reason.code in _UNTOLD:
        found.fine(name, message("doctor.permissions_untold"))
    elif isinstance(lacking, NoData):
        found.part(name, lacking)
    elif lacking:
        told = {"instance": instance.rsplit("/", maxsplit=1)[-1], "project": project}
        found.mend(name, *with_remedy("doctor.instance_permissions", **told, lacking=", ".join(lacking)))
    else:
        found.fine(name)
    return found.checks


async def project_checks(
    examined: Examined, settings: Settings, home: ServiceId, of: Thing | None, clock: Clock
) -> Sequence[Check]:
    """Its budget, its log, and whether figures may be written there. `home`: the first service of the project."""
    found = Findings("google: ", of)
    await _budget(found, examined, home.project, settings.watched[home].budget_usd)
    await _log(found, examined, home, clock)
    if settings.publish_metrics:
        found.part("may publish metrics", await examined.google.figures.lacking(home.project))
    return found.checks


async def home_checks(examined: Examined, home: ServiceId, clock: Clock) -> Sequence[Check]:
    """What is one for all: Google's clock, the notifications of the budget, the uptime check."""
    found = Findings("google: ")
    look_at_clock(found, "clock", "Google", await examined.google.permissions.ahead_seconds(home, clock))
    await look_at_news(found, examined, home.project)
    await _uptime(found, examined, clock)
    return found.checks


async def _uptime(found: Findings, examined: Examined, clock: Clock) -> None:
    """Points of the last half an hour; no points say nothing, and hide an outage."""
    if examined.google.uptime is None:
        return
    told = await examined.google.uptime.slices(window_before(clock.now(), UPTIME_SEEN))
    places = max((one.failed + one.passed for one in told.values()), default=0)
    if places:
        found.fine("uptime check", message("doctor.uptime_ok", host=examined.google.uptime.host, places=places))
    else:
        found.mend("uptime check", *with_remedy("doctor.uptime_silent", host=examined.google.uptime.host))


async def _log(found: Findings, examined: Examined, service: ServiceId, clock: Clock) -> None:
    """What a page shows of the log; one question tells whether it may be read. Nothing else waits for it."""
    name, now = "may read the log", clock.now()
    try:
        await examined.google.log.read(service, service.name, Window(now - SLICE, now))
    except SourceUnavailable as error:
        if error.reason.code in ("source.no_logging", "source.unimplemented"):
            found.fine(name, error.reason)
        else:
            found.mend(name, error.reason, error.remedy)
    else:
        found.fine(name)


async def _budget(found: Findings, examined: Examined, project: str, budget_usd: float) -> None:
    budget = await examined.google.budgets.budget(project)
    if isinstance(budget, NoData):
        if budget.reason.code == "source.no_billing_account":
            found.fine("budget", budget.remedy)
        else:
            found.part("budget", budget)
    elif budget.currency != "USD":
        found.mend("budget", *with_remedy("doctor.currency", name=budget.display_name, currency=budget.currency))
    elif abs(budget.amount - budget_usd) >= CENT_USD:
        found.mend(
            "budget",
            *with_remedy(
                "doctor.budget_differs", name=budget.display_name, amount_usd=budget.amount, budget_usd=budget_usd
            ),
        )
    else:
        found.fine("budget", message("doctor.budget_ok", name=budget.display_name, amount_usd=budget.amount))
