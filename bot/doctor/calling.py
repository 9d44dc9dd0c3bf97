"""Whether a page would reach anybody: the people on call in Slack, and the pager outside of it."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Settings
from bot.doctor.checks import Check, Findings
from lumen.model.message import message

CONNECT_SECONDS = 5.0


async def oncall_checks(bot: AsyncWebClient, oncall: str) -> Sequence[Check]:
    """The group (or the person) of ONCALL_GROUP is there, and a group has somebody in it."""
    found = Findings("slack: ")
    try:
        if oncall.startswith("S"):
            members = (await bot.usergroups_users_list(usergroup=oncall)).get("users") or []
        else:
            members = [(await bot.users_info(user=oncall))["user"]["id"]] if oncall else []
    except (SlackClientError, OSError, TimeoutError) as error:
        word = str(error.response.get("error", "")) if isinstance(error, SlackApiError) else type(error).__name__
        said = message("doctor.oncall", oncall=oncall, error=word)
        found.mend("ONCALL_GROUP", said, message("doctor.oncall_remedy"))
        return found.checks
    if not oncall:
        found.fine("ONCALL_GROUP", message("doctor.no_oncall"))
    elif not members:
        found.mend("ONCALL_GROUP", message("doctor.oncall_empty", oncall=oncall), message("doctor.oncall_remedy"))
    else:
        found.fine("ONCALL_GROUP", message("doctor.oncall_ok", people=len(members)))
    return found.checks


async def pager_checks(settings: Settings) -> Sequence[Check]:
    """Its host takes a connection. Whether it takes the key shows at the first page only: nothing is sent from here."""
    found = Findings("pager: ")
    if settings.pager_webhook_url is None:
        return found.checks
    url = urlsplit(settings.pager_webhook_url.get_secret_value())
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
    except (OSError, TimeoutError) as error:
        reason = message("pager.no_answer", host=host, error=type(error).__name__)
        found.mend("PAGER_WEBHOOK_URL", reason, message("pager.remedy"))
    else:
        found.fine("PAGER_WEBHOOK_URL", message("doctor.pager_ok", host=host, kind=settings.pager_kind))
    return found.checks
