"""Permission to decide, for people in Slack: listed users and members of listed user groups. An empty list: nobody."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from handlers.clicks import Click
from handlers.people import Request
from handlers.web_api import NO_ANSWER
from lumen.model.messages import NotPermitted, message
from lumen.model.service import Approvers, Permit, Person
from lumen.ports.store import Audit
from lumen.use_cases.approvals import permit_or_refuse

#: A membership that was looked up longer ago than this does not count (docs/guarantees.md).
FRESH_SECONDS = 60.0
#: The click must be acked within 3 s; a group that takes longer counts as "not this person".
LOOK_UP_SECONDS = 1.5
#: After a failed look-up Slack is left alone this long.
FAILED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Group:
    """A look-up that was begun at `asked_at` (monotonic seconds): its members, or Slack's word for why it failed."""

    asked_at: float
    found: "asyncio.Task[frozenset[str] | str]"


class Permissions:
    """Permits the approvers of one workspace and one app.

    `app_id` tells the app that the connections belong to, "" where Slack did not say: then its own authenticated
    connection is all that vouches for it.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        approvers: Approvers,
        team_id: str,
        app_id: Callable[[], str],
        audit: Audit,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._approvers = approvers
        self._team_id = team_id
        self._app_id = app_id
        self._audit = audit
        self._monotonic = monotonic
        self._groups: dict[str, _Group] = {}

    async def permit(self, asked: Request | Click, what: str) -> Permit:
        """`what` they want to do, for the audit. Raises NotPermitted, which is audited; StoreUnavailable.

        Takes at most `LOOK_UP_SECONDS` and the time to audit a refusal.
        """
        refusal = await self.refusal(asked.person, asked.app_id)
        return await permit_or_refuse(self._audit, asked.service, asked.person, what, refusal)

    async def refusal(self, person: Person, app_id: str) -> NotPermitted | None:
        """None when `person` may decide. Listed users need no look-up."""
        ours = self._app_id()
        if ours and app_id != ours:
            return NotPermitted(message("slack.refused_app"), message("slack.refused_app_remedy"))
        if person.team_id != self._team_id:
            return NotPermitted(message("slack.refused_team"), message("slack.refused_team_remedy"))
        if person.user_id in self._approvers.users:
            return None
        if not self._approvers.users and not self._approvers.groups:
            return NotPermitted(message("slack.refused_nobody"), message("slack.refused_nobody_remedy"))
        return await self._by_group(person)

    async def _by_group(self, person: Person) -> NotPermitted | None:
        groups = sorted(self._approvers.groups)
        found = await asyncio.gather(*(self._members(group) for group in groups))
        if any(isinstance(members, frozenset) and person.user_id in members for members in found):
            return None
        for group, members in zip(groups, found, strict=True):
            if isinstance(members, str):
                return NotPermitted(
                    message("slack.refused_group_unresolved", group_mention=group, error=members),
                    message("slack.refused_group_remedy"),
                )
        who = " ".join([*sorted(self._approvers.users), *groups])
        return NotPermitted(message("slack.refused", who_mentions=who), message("slack.refused_remedy"))

    async def _members(self, group: str) -> frozenset[str] | str:
        """One look-up serves everybody who clicks within a minute."""
        known = self._groups.get(group)
        if known is None or not self._still_good(known):
            known = _Group(self._monotonic(), asyncio.create_task(self._look_up(group)))
            self._groups[group] = known
        return await asyncio.shield(known.found)

    def _still_good(self, known: _Group) -> bool:
        failed = known.found.done() and isinstance(known.found.result(), str)
        return self._monotonic() - known.asked_at <= (FAILED_SECONDS if failed else FRESH_SECONDS)

    async def _look_up(self, group: str) -> frozenset[str] | str:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                answer = await self._client.usergroups_users_list(usergroup=group)
            return frozenset(answer["users"])
        except TimeoutError:
            return f"no answer in {LOOK_UP_SECONDS} s"
        except SlackApiError as error:
            return str(error.response.get("error", "unknown"))
        except NO_ANSWER as error:
            return type(error).__name__
