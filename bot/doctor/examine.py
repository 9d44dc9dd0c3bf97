"""`lumen doctor`: looks at everything once, and says of each thing that it is well or what mends it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from bot.config import Settings
from bot.doctor.check import Check, Thing
from bot.doctor.contract import contract_checks
from bot.doctor.folded import some
from bot.doctor.google import change_checks, home_checks, instance_checks, project_checks
from bot.doctor.measured import measured_checks
from bot.doctor.redis import cache_checks, store_checks
from bot.doctor.settings import people_checks, setting_checks
from bot.doctor.slack import (
    BOT_TOKEN,
    Directory,
    approver_checks,
    channel_checks,
    escalation_checks,
    oncall_checks,
    pager_checks,
    token_checks,
)
from bot.doctor.traces import trace_checks
from bot.store import clock_of
from bot.wiring.examined import Examined, ExaminedServers, open_examined, open_servers
from handlers.web_api import SlackApi, slack_session
from lumen.model.messages import LumenError, NoData, message, with_remedy
from lumen.model.service import ServiceId, homes_of, names_of

__all__ = ["Check", "examine"]

T = TypeVar("T")

#: What takes longer than this is said to hang; the others go on.
PART_SECONDS = 60.0
#: Things of a kind that are looked at at once.
AT_ONCE = 8
METRICS = "metrics"


async def examine(settings: Settings) -> Sequence[Check]:
    """Settings, Slack, servers, Google, every metric: each thing once, however many services share it.

    Changes nothing; a thing that fails costs its own lines only.
    """
    slack, pager, traces, rest = await asyncio.gather(
        _slack(settings),
        _bounded("pager", pager_checks(settings)),
        _bounded("traces", trace_checks(settings)),
        _lumen(settings),
    )
    given = [*setting_checks(settings), *people_checks(settings, clock_of(settings).now())]
    return [*given, *traces, *slack, *pager, *rest]


async def _slack(settings: Settings) -> Sequence[Check]:
    async with slack_session() as session:
        tokens = settings.slack_bot_token, settings.slack_app_token
        bot, app = (SlackApi(token.get_secret_value(), settings.slack_api_url, session) for token in tokens)
        checks = list(await _bounded("slack", token_checks(bot, app)))
        if not all(check.ok for check in checks if check.name == BOT_TOKEN):
            return checks
        people, watched = Directory(bot), settings.watched
        channels = _by(watched, lambda service: watched[service].slack_channel)
        checks += await _each(
            channels, lambda one: f"slack: {one}", lambda one: channel_checks(bot, one, _of("channel", one, channels))
        )
        names, approvers = names_of(settings.services), _by(watched, lambda service: watched[service].who_may_approve)
        called = {who: some([names[service] for service in of]) for who, of in approvers.items()}
        checks += await _each(
            approvers,
            lambda who: f"slack: APPROVERS ({called[who]})",
            lambda who: approver_checks(people, who, _of("approvers", called[who], approvers)),
            at_once=1,  # each user and group is asked for once
        )
        oncall = _by(watched, lambda service: watched[service].oncall_group)
        checks += await _each(
            oncall,
            lambda one: f"slack: {one}",
            lambda one: oncall_checks(people, one, _of("group", one or "-", oncall)),
            at_once=1,
        )
        return [*checks, *await _bounded("slack", escalation_checks(people, settings.oncall_escalation))]


async def _lumen(settings: Settings) -> Sequence[Check]:
    async with open_servers(settings) as servers:
        of_servers, of_google = await asyncio.gather(_servers(settings, servers), _google(settings, servers))
    return [*of_servers, *of_google]


async def _servers(settings: Settings, servers: ExaminedServers) -> Sequence[Check]:
    """The store first: no cache may be the same server."""
    names, store = names_of(settings.services), await _in_time(servers.store())
    of_caches = await _each(
        servers.caches,
        lambda cache: f"server: {cache.place}",
        lambda cache: cache_checks(servers, cache, store, names),
    )
    return [*store_checks(servers, store, names), *of_caches]


async def _google(settings: Settings, servers: ExaminedServers) -> Sequence[Check]:
    try:
        async with open_examined(settings, servers) as examined:
            parts = await asyncio.gather(
                _permissions(settings, servers, examined), _measured(settings, servers, examined)
            )
    except LumenError as error:
        return [Check("google: credentials", False, error.reason, error.remedy)]
    return [check for part in parts for check in part]


async def _permissions(settings: Settings, servers: ExaminedServers, examined: Examined) -> Sequence[Check]:
    names, clock, homes = names_of(settings.services), clock_of(settings), homes_of(settings.services)
    instances = dict.fromkeys(cache.instance for cache in servers.caches if cache.instance)
    parts = await asyncio.gather(
        _each(
            settings.services,
            lambda service: f"google: {names[service]}",
            lambda service: change_checks(examined, service, names[service]),
        ),
        _each(
            instances,
            lambda name: f"google: {name}",
            lambda name: instance_checks(examined, name, _of("instance", name.rpartition("/")[2], instances)),
        ),
        _each(
            homes,
            lambda project: f"google: {project}",
            lambda project: project_checks(examined, settings, homes[project], _of("project", project, homes), clock),
        ),
        _bounded("google", home_checks(examined, settings.services[0], clock)),
    )
    checks = [check for part in parts for check in part]
    if not settings.publish_metrics:
        checks.append(Check("setting: PUBLISH_METRICS", True, message("doctor.publishing_off")))
    return checks


async def _measured(settings: Settings, servers: ExaminedServers, examined: Examined) -> Sequence[Check]:
    """What is asked for all services together is asked with the first one."""
    names, collection = names_of(settings.services), examined.collector.collection(settings.services)

    async def of(service: ServiceId) -> Sequence[Check]:
        snapshot, name = await collection.snapshot(service), names[service]
        return [
            *measured_checks(snapshot, name),
            *await contract_checks(servers.cache_of(service), snapshot, name),
        ]

    first, *others = settings.services
    found = await _bounded(METRICS, of(first))
    if any(check.name == METRICS for check in found):  # nobody was told of
        return found
    return [*found, *await _each(others, lambda service: f"{names[service]}: {METRICS}", of)]


def _by(services: Iterable[ServiceId], what: Callable[[ServiceId], T]) -> Mapping[T, Sequence[ServiceId]]:
    """The services that share each."""
    found: dict[T, list[ServiceId]] = {}
    for service in services:
        found.setdefault(what(service), []).append(service)
    return found


def _of(noun: str, name: str, all_of_them: Mapping[T, object]) -> Thing | None:
    """None where there is no other one."""
    return Thing(noun, name) if len(all_of_them) > 1 else None


async def _each(
    things: Iterable[T],
    name: Callable[[T], str],
    look: Callable[[T], Awaitable[Sequence[Check]]],
    at_once: int = AT_ONCE,
) -> Sequence[Check]:
    """Of each thing by itself, some at once; in their order."""
    gate = asyncio.Semaphore(at_once)

    async def one(thing: T) -> Sequence[Check]:
        async with gate:
            return await _bounded(name(thing), look(thing))

    return [check for checks in await asyncio.gather(*map(one, things)) for check in checks]


async def _bounded(name: str, part: Awaitable[Sequence[Check]]) -> Sequence[Check]:
    """Doctor reports what it could not look at, too."""
    found = await _in_time(part)
    return [Check(name, False, found.reason, found.remedy)] if isinstance(found, NoData) else found


async def _in_time(part: Awaitable[T]) -> T | NoData:
    """What it comes to, or why it does not."""
    try:
        async with asyncio.timeout(PART_SECONDS):  # `wait_for` may lose a cancellation on 3.11
            return await part
    except TimeoutError:
        return NoData(*with_remedy("doctor.hangs", seconds=PART_SECONDS))
    except LumenError as error:
        return NoData(error.reason, error.remedy)
