"""`lumen doctor`: looks at everything once, and says of each thing that it is well or what mends it."""

import asyncio
from collections.abc import Awaitable, Sequence

from bot.config import Settings
from bot.doctor.check import Check
from bot.doctor.contract import contract_checks
from bot.doctor.redis import server_checks
from bot.doctor.servers import measured_checks, permission_checks, publishing_checks
from bot.doctor.settings import people_checks, setting_checks
from bot.doctor.slack import escalation_checks, oncall_checks, pager_checks, slack_checks
from bot.doctor.traces import trace_checks
from bot.store import clock_of
from bot.wiring.examined import Examined, open_examined
from handlers.web_api import SlackApi, slack_session
from lumen.model.messages import LumenError, message, with_remedy

__all__ = ["Check", "examine"]

#: A part that takes longer than this is said to hang; the others go on.
PART_SECONDS = 60.0


async def examine(settings: Settings) -> Sequence[Check]:
    """Settings, Slack, servers, Google, every metric. Changes nothing; a part that fails costs its own lines only."""
    slack, pager, traces, rest = await asyncio.gather(
        _bounded("slack", _slack(settings)),
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
        found = await slack_checks(bot, app, settings.slack_channel, settings.who_may_approve)
        called = await oncall_checks(bot, settings.oncall_group)
        return [*found, *called, *await escalation_checks(bot, settings.oncall_escalation)]


async def _lumen(settings: Settings) -> Sequence[Check]:
    try:
        async with open_examined(settings) as examined:
            parts = await asyncio.gather(
                _bounded("server", server_checks(examined)),
                _bounded(
                    "google", permission_checks(examined, settings.services, settings.budget_usd, clock_of(settings))
                ),
                _bounded("metrics", _measured(settings, examined)),
                _bounded("publishing", _publishing(settings, examined)),
            )
    except LumenError as error:
        return [Check("google: credentials", False, error.reason, error.remedy)]
    return [check for part in parts for check in part]


async def _measured(settings: Settings, examined: Examined) -> Sequence[Check]:
    snapshots = await examined.collector.snapshots(settings.services)
    found: list[Check] = []
    for snapshot in (snapshots[service] for service in settings.services):
        found += measured_checks(snapshot)
        found += await contract_checks(examined, snapshot, is_alone=len(settings.services) == 1)
    return found


async def _publishing(settings: Settings, examined: Examined) -> Sequence[Check]:
    if settings.publish_metrics:
        return await publishing_checks(examined, settings.services[0].project)
    return [Check("setting: PUBLISH_METRICS", True, message("doctor.publishing_off"))]


async def _bounded(name: str, part: Awaitable[Sequence[Check]]) -> Sequence[Check]:
    """Doctor reports what it could not look at, too."""
    try:
        return await asyncio.wait_for(part, PART_SECONDS)
    except TimeoutError:
        return [Check(name, False, *with_remedy("doctor.hangs", seconds=PART_SECONDS))]
    except LumenError as error:
        return [Check(name, False, error.reason, error.remedy)]
