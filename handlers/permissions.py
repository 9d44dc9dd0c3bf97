"""Permission to decide, for people in Slack: listed users and members of listed user groups. An empty list: nobody."""

import asyncio
import time
from collections.abc import Callable

from handlers.clicks import Click
from handlers.people import LookUps, Request
from handlers.web_api import SlackApi, SlackTrouble
from lumen.model.messages import NotPermitted, message
from lumen.model.service import Approvers, Permit, Person, ServiceId
from lumen.ports.store import Audit
from lumen.use_cases.approvals import permit_or_refuse

#: A membership that was looked up longer ago than this does not count (docs/guarantees.md).
FRESH_SECONDS = 60.0


class Permissions:
    """Permits the approvers of each service, of one workspace and one app.

    `app_id` tells the app that the connections belong to, "" where Slack did not say: then its own authenticated
    connection is all that vouches for it.
    """

    def __init__(
        self,
        api: SlackApi,
        approvers_of: Callable[[ServiceId], Approvers],
        team_id: str,
        app_id: Callable[[], str],
        audit: Audit,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._approvers_of = approvers_of
        self._team_id = team_id
        self._app_id = app_id
        self._audit = audit
        self._groups = LookUps(self._ask, FRESH_SECONDS, monotonic)

    async def permit(self, asked: Request | Click, what: str) -> Permit:
        """`what` they want to do, for the audit. Raises NotPermitted, which is audited; StoreUnavailable.

        Takes at most the time of one look-up (the click must be acked within 3 s) and that of auditing a refusal.
        """
        refusal = await self.refusal(asked.person, asked.app_id, asked.service)
        return await permit_or_refuse(self._audit, asked.service, asked.person, what, refusal)

    async def refusal(self, person: Person, app_id: str, service: ServiceId) -> NotPermitted | None:
        """None when `person` may decide on `service`. Listed users need no look-up."""
        approvers = self._approvers_of(service)
        ours = self._app_id()
        if ours and app_id != ours:
            return NotPermitted(message("slack.refused_app"), message("slack.refused_app_remedy"))
        if person.team_id != self._team_id:
            return NotPermitted(message("slack.refused_team"), message("slack.refused_team_remedy"))
        if person.user_id in approvers.users:
            return None
        if not approvers.users and not approvers.groups:
            return NotPermitted(message("slack.refused_nobody"), message("slack.refused_nobody_remedy"))
        return await self._by_group(person, approvers)

    async def may(self, user_id: str, service: ServiceId) -> bool:
        """For what is shown alone, to a person of this workspace: whatever they click is checked by itself."""
        return await self.refusal(Person(user_id, "", self._team_id), self._app_id(), service) is None

    async def _by_group(self, person: Person, approvers: Approvers) -> NotPermitted | None:
        groups = sorted(approvers.groups)
        found = await asyncio.gather(*(self._groups.of(group) for group in groups))
        if any(isinstance(members, frozenset) and person.user_id in members for members in found):
            return None
        for group, members in zip(groups, found, strict=True):
            if isinstance(members, SlackTrouble):
                return NotPermitted(
                    message("slack.refused_group_unresolved", group_mention=group, error=members.error),
                    message("slack.refused_group_remedy"),
                )
        who = " ".join([*sorted(approvers.users), *groups])
        return NotPermitted(message("slack.refused", who_mentions=who), message("slack.refused_remedy"))

    async def _ask(self, group: str) -> frozenset[str]:
        answer = await self._api.read("usergroups.users.list", {"usergroup": group}, patient=False)
        return frozenset(answer.texts("users"))
