"""Checks of Google's permissions and clock, of the budget and its notifications, and of every figure."""

from collections.abc import Sequence
from datetime import timedelta

from bot.doctor.check import Check, Findings
from bot.doctor.redis import look_at_clock
from bot.wiring.examined import Examined, ExaminedCache
from bot.wiring.sources import BUDGET_NAME
from lumen.model.billing import BudgetNotice, in_another_currency
from lumen.model.messages import Message, NoData, SourceUnavailable, message, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Snapshot, Window
from lumen.ports.clock import Clock
from lumen.use_cases.billing import foreign
from lumen.use_cases.collect import window_before

NAME = "budget's notifications"
CENT_USD = 0.01
UPTIME_SEEN = timedelta(minutes=30)
#: Google does not say which permissions Lumen has in a project: the API is off there, or it is a strange one.
_UNTOLD = frozenset({"source.unimplemented", "source.api_disabled", "source.permission_denied"})
#: Absent for a good reason on a healthy service, so nothing to mend.
_FINE = frozenset({"source.no_starts", "source.month_just_begun", "source.counters_too_early"})


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


async def permission_checks(
    examined: Examined, services: Sequence[ServiceId], budget_usd: float, clock: Clock
) -> Sequence[Check]:
    """Reading shows in the measurements; here is what changing needs, and the budget (`budget_usd`: as it is set)."""
    found = Findings("google: ")
    for service in services:
        name = f"may change {service.name}"
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
    if examined.cache.instance:
        found.part("may read CACHE_INSTANCE", await examined.cache.unreadable_instance())
        await _instance(found, examined.cache)
    look_at_clock(found, "clock", "Google", await examined.google.permissions.ahead_seconds(services[0], clock))
    await _budget(found, examined, services[0].project, budget_usd)
    await look_at_news(found, examined, services[0].project)
    await _log(found, examined, services[0], clock)
    await _uptime(found, examined, clock)
    return found.checks


async def _instance(found: Findings, cache: ExaminedCache) -> None:
    """Whether the size of the cache may be changed."""
    name, project = "may change CACHE_INSTANCE", cache.instance.split("/")[1]
    lacking = await cache.lacking(project)
    if isinstance(lacking, NoData) and lacking.reason.code in _UNTOLD:
        found.fine(name, message("doctor.permissions_untold"))
    elif isinstance(lacking, NoData):
        found.part(name, lacking)
    elif lacking:
        of = {"instance": cache.instance.split("/")[-1], "project": project}
        found.mend(name, *with_remedy("doctor.instance_permissions", **of, lacking=", ".join(lacking)))
    else:
        found.fine(name)


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


async def publishing_checks(examined: Examined, project: str) -> Sequence[Check]:
    """Whether custom metrics may be written; nothing is."""
    found = Findings("google: ")
    found.part("may publish metrics", await examined.figures.lacking(project))
    return found.checks


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


def measured_checks(snapshot: Snapshot) -> Sequence[Check]:
    """One line a part of the snapshot."""
    found = Findings(f"{snapshot.service.name}: ")
    _traffic(found, snapshot)
    _cache(found, snapshot)
    _ttl(found, snapshot)
    found.part("Cloud Run", snapshot.deployment)
    found.part("168 h of history", snapshot.history)
    if isinstance(snapshot.spend, NoData):
        found.part("spend", snapshot.spend)
    else:
        _part(found, "spend", snapshot.spend.month_to_date_usd)
    return found.checks


def _part(found: Findings, name: str, value: object) -> None:
    if isinstance(value, NoData) and value.reason.code in _FINE:
        found.fine(name, value.reason)
    else:
        found.part(name, value)


def _traffic(found: Findings, snapshot: Snapshot) -> None:
    traffic = snapshot.traffic
    if isinstance(traffic, NoData):
        found.part("request_count", traffic)
        return
    missing = snapshot.window.slices - len(traffic.slices)
    found.fine("request_count", message("doctor.requests_ok", requests=traffic.requests, missing=missing))
    _part(found, "request_latencies", traffic.latency)
    _part(found, "startup_latencies", traffic.cold_starts)
    _part(found, "billable_instance_time", traffic.billable_instance_seconds)


def _cache(found: Findings, snapshot: Snapshot) -> None:
    cache = snapshot.cache
    if isinstance(cache, NoData):
        _part(found, "cache", cache)
        return
    _part(found, "cache hits", cache.lookups)
    if cache.evictions != cache.lookups:  # else one reason for both
        _part(found, "cache evictions", cache.evictions)
    _part(found, "cache memory", cache.used_mb)
    _part(found, "cache limit", cache.max_mb)
    _part(found, "cache latency", cache.p95_ms)


def _ttl(found: Findings, snapshot: Snapshot) -> None:
    ttl = snapshot.ttl
    if isinstance(ttl, NoData):
        found.part("TTL setting", ttl)
    elif ttl.unread is not None:
        found.part("TTL acknowledgement", ttl.unread)
    elif ttl.version > 0 and not ttl.followed:
        found.mend(
            "TTL setting", *with_remedy("doctor.not_followed", ttl_seconds=ttl.value_seconds, version=ttl.version)
        )
    else:
        found.fine("TTL setting", message("doctor.ttl_ok", ttl_seconds=ttl.value_seconds, version=ttl.version))
