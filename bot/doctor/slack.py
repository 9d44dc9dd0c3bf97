"""Checks of Slack (tokens, scopes, channel, approvers), of the people on call there, and of the pager outside."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bot.config import Settings
from bot.doctor.check import Check, Findings, Thing
from handlers.web_api import SlackApi, SlackTrouble
from lumen.model.messages import Message, message, with_remedy
from lumen.model.service import Approvers

#: Those of manifest.yaml; a test holds the two in step.
SCOPES = frozenset(
    {
        "commands",
        "chat:write",
        "app_mentions:read",
        "usergroups:read",
        "users:read",
        "channels:read",
        "groups:read",
        "channels:history",
        "groups:history",
    }
)

CONNECT_SECONDS = 5.0
#: The check without which no other one can be made.
BOT_TOKEN = "slack: SLACK_BOT_TOKEN"
#: Slack allows some hundred look-ups a minute.
MOST_LOOKED_UP = 50
_CHANNEL_TROUBLES = {
    "channel_not_found": "channel_unknown",
    "not_in_channel": "channel_not_in",
    "is_archived": "channel_archived",
    "missing_scope": "channel_scope",
}


@dataclass(slots=True)
class Directory:
    """Who Slack says that somebody is: each user and each group is asked for once, and so many users at most."""

    bot: SlackApi
    left: int = MOST_LOOKED_UP
    _unfit: dict[str, str | None] = field(default_factory=dict)
    _members: dict[str, tuple[str, ...] | SlackTrouble] = field(default_factory=dict)

    async def unfit(self, user: str) -> str | None:
        """Why this user can never approve; None for somebody who can, or whom Slack does not tell of."""
        if user not in self._unfit and self.left:
            self.left -= 1
            self._unfit[user] = await self._looked_up(user)
        return self._unfit.get(user)

    def unseen(self, approvers: Approvers) -> int:
        """So many of them were not looked up."""
        return len(approvers.users - self._unfit.keys())

    async def members(self, group: str) -> tuple[str, ...]:
        """Raises SlackTrouble."""
        if group not in self._members:
            try:
                found = await self.bot.read("usergroups.users.list", {"usergroup": group})
                self._members[group] = found.texts("users")
            except SlackTrouble as error:
                self._members[group] = error
        known = self._members[group]
        if isinstance(known, SlackTrouble):
            raise known
        return known

    async def _looked_up(self, user: str) -> str | None:
        try:
            told = await self.bot.read("users.info", {"user": user})
        except SlackTrouble as error:
            return "unknown" if error.error in ("user_not_found", "user_not_visible") else None
        if told.maybe("user", "deleted") is True:
            return "gone"
        return "bot" if told.maybe("user", "is_bot") is True else None


async def token_checks(bot: SlackApi, app: SlackApi) -> Sequence[Check]:
    """Token, scopes, app token. `app` calls in the name of the app token."""
    found = Findings("slack: ")
    await _token(found, bot)
    await _app_token(found, app)
    return found.checks


async def _token(found: Findings, bot: SlackApi) -> None:
    try:
        answer = await bot.write("auth.test", {})
        user, team = answer.text("user"), answer.text("team")
    except SlackTrouble as error:
        found.mend("SLACK_BOT_TOKEN", *with_remedy("doctor.bot_token", error=error.error))
        return
    found.fine("SLACK_BOT_TOKEN", message("doctor.bot_token_ok", user=user, team=team))
    given = _scopes(answer.headers)
    if given is None:
        found.fine("scopes", message("doctor.scopes_untold"))
    elif missing := sorted(SCOPES - given):
        found.mend("scopes", *with_remedy("doctor.scopes", missing=", ".join(missing)))
    else:
        found.fine("scopes")


def _scopes(headers: Any) -> frozenset[str] | None:
    """Slack tells them in a header of every answer, whatever its case."""
    told = next((str(value) for name, value in dict(headers).items() if str(name).lower() == "x-oauth-scopes"), None)
    return None if told is None else frozenset(scope.strip() for scope in told.split(",") if scope.strip())


async def channel_checks(bot: SlackApi, channel: str, of: Thing | None = None) -> Sequence[Check]:
    """Reading one message tells whether Lumen is a member; that nobody may post in it, the channel alone."""
    found = Findings("slack: ", of)
    try:
        await bot.read("conversations.history", {"channel": channel, "limit": 1})
        archived = (await bot.read("conversations.info", {"channel": channel})).maybe("channel", "is_archived") is True
    except SlackTrouble as error:
        code = _CHANNEL_TROUBLES.get(error.error, "channel")
        found.mend("SLACK_CHANNEL", *with_remedy(f"doctor.{code}", channel=channel, error=error.error))
    else:
        if archived:
            found.mend("SLACK_CHANNEL", *with_remedy("doctor.channel_archived", channel=channel, error="is_archived"))
        else:
            found.fine("SLACK_CHANNEL")
    return found.checks


async def approver_checks(people: Directory, approvers: Approvers, of: Thing | None = None) -> Sequence[Check]:
    """Each user can approve, and a group has somebody in it."""
    found = Findings("slack: ", of)
    wrong = await _wrong(people, approvers)
    if wrong is not None:
        found.mend("APPROVERS", *wrong)
    else:
        counts = {"users": len(approvers.users), "groups": len(approvers.groups)}
        unseen = people.unseen(approvers)
        partly = message("doctor.approvers_partly", **counts, unseen=unseen)
        found.fine("APPROVERS", partly if unseen else message("doctor.approvers_ok", **counts))
    return found.checks


async def _wrong(people: Directory, approvers: Approvers) -> tuple[Message, Message] | None:
    if not approvers.users and not approvers.groups:
        return with_remedy("doctor.no_approvers")
    for user in sorted(approvers.users):
        if (wrong := await people.unfit(user)) is not None:
            return with_remedy(f"doctor.approver_{wrong}", user=user)
    for group in sorted(approvers.groups):
        try:
            members = await people.members(group)
        except SlackTrouble as error:
            return with_remedy("doctor.group", group=group, error=error.error)
        if not members and not approvers.users:
            return with_remedy("doctor.group_empty", group=group)
    return None


async def _app_token(found: Findings, app: SlackApi) -> None:
    """A ticket is asked for and not used: no connection is opened."""
    try:
        (await app.write("apps.connections.open", {})).text("url")
    except SlackTrouble as error:
        found.mend("SLACK_APP_TOKEN", *with_remedy("doctor.app_token", error=error.error))
    else:
        found.fine("SLACK_APP_TOKEN")


async def oncall_checks(people: Directory, oncall: str, of: Thing | None = None) -> Sequence[Check]:
    """The group (or the person) of ONCALL_GROUP is there, and a group has somebody in it."""
    found = Findings("slack: ", of)
    try:
        if oncall.startswith("S"):
            members = await people.members(oncall)
        else:
            members = ((await people.bot.read("users.info", {"user": oncall})).text("user", "id"),) if oncall else ()
    except SlackTrouble as error:
        said = message("doctor.oncall", oncall=oncall, error=error.error)
        found.mend("ONCALL_GROUP", said, message("doctor.oncall_remedy"))
        return found.checks
    if not oncall:
        found.fine("ONCALL_GROUP", message("doctor.no_oncall"))
    elif not members:
        found.mend("ONCALL_GROUP", message("doctor.oncall_empty", oncall=oncall), message("doctor.oncall_remedy"))
    else:
        found.fine("ONCALL_GROUP", message("doctor.oncall_ok", people=len(members)))
    return found.checks


async def escalation_checks(people: Directory, escalation: str) -> Sequence[Check]:
    """The group of ONCALL_ESCALATION is there, with somebody in it; a pager is looked at by itself."""
    found, name = Findings("slack: "), "ONCALL_ESCALATION"
    if not escalation.startswith("S"):
        found.fine(name, message("doctor.escalation_pager" if escalation else "doctor.no_escalation"))
        return found.checks
    remedy = message("doctor.escalation_remedy")
    try:
        members = await people.members(escalation)
    except SlackTrouble as error:
        found.mend(name, message("doctor.oncall", oncall=escalation, error=error.error), remedy)
        return found.checks
    if members:
        found.fine(name, message("doctor.escalation_ok", people=len(members)))
    else:
        found.mend(name, message("doctor.oncall_empty", oncall=escalation), remedy)
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
