"""Permission to decide, looked up in a real Slack."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from handlers.contacts import Contact, Contacts
from handlers.people import Request
from handlers.permissions import FRESH_SECONDS, Permissions
from handlers.web_api import SlackApi
from lumen.model.messages import NotPermitted
from lumen.model.service import Approvers, Person, ServiceId
from lumen.wording.catalogue import Catalogue
from tests.contract.slack.conftest import ROOT, RunningSlack
from tests.contract.slack.side import SERVICE, Rooms

NOT_AUDITED: Any = None  # only asked, never refused to anybody
NOBODY = Approvers(frozenset(), frozenset())


@dataclass
class Time:
    """Monotonic seconds that a test moves."""

    now: float = 0.0


@dataclass
class Door:
    """Makes `Permissions` and people for one workspace."""

    slack: RunningSlack
    session: aiohttp.ClientSession
    time: Time

    def permissions(
        self, approvers: Approvers | Callable[[ServiceId], Approvers], audit: Any = NOT_AUDITED
    ) -> Permissions:
        facts = self.slack.facts
        client = SlackApi(facts.bot_token, self.slack.api_url, self.session)
        approvers_of = (lambda _: approvers) if isinstance(approvers, Approvers) else approvers
        return Permissions(client, approvers_of, facts.team_id, lambda: facts.app_id, audit, lambda: self.time.now)

    def person(self, user_id: str, team_id: str | None = None) -> Person:
        return Person(user_id, "", team_id or self.slack.facts.team_id)

    @property
    def group(self) -> Approvers:
        return Approvers(frozenset(), frozenset({self.slack.facts.approver_group}))

    async def look_ups(self) -> int:
        return len(await self.slack.control.calls(method="usergroups.users.list"))

    async def refusal(
        self, permissions: Permissions, user_id: str, team_id: str | None = None, app_id: str | None = None
    ) -> str:
        """The code of the refusal, or empty."""
        refused = await permissions.refusal(self.person(user_id, team_id), app_id or self.slack.facts.app_id, SERVICE)
        return refused.reason.code if refused else ""


@pytest.fixture
def door(slack: RunningSlack, session: aiohttp.ClientSession) -> Door:
    return Door(slack, session, Time())


async def test_an_empty_list_is_nobody(door: Door) -> None:
    assert await door.refusal(door.permissions(NOBODY), door.slack.facts.approver) == "slack.refused_nobody"


async def test_a_listed_person_needs_no_look_up(door: Door) -> None:
    listed = Approvers(frozenset({door.slack.facts.bystander}), frozenset({"SGONE"}))
    assert await door.refusal(door.permissions(listed), door.slack.facts.bystander) == ""
    assert await door.look_ups() == 0


async def test_a_member_of_a_group_may_and_others_may_not(door: Door) -> None:
    permissions = door.permissions(door.group)
    assert await door.refusal(permissions, door.slack.facts.approver) == ""
    assert await door.refusal(permissions, door.slack.facts.bystander) == "slack.refused"
    assert await door.look_ups() == 1


async def test_a_membership_is_asked_for_again_after_a_minute(door: Door) -> None:
    permissions = door.permissions(door.group)
    await door.refusal(permissions, door.slack.facts.approver)
    door.time.now = FRESH_SECONDS - 1
    await door.refusal(permissions, door.slack.facts.approver)
    assert await door.look_ups() == 1
    door.time.now = FRESH_SECONDS + 1
    await door.refusal(permissions, door.slack.facts.approver)
    assert await door.look_ups() == 2


@pytest.mark.parametrize("kind", ["error", "http_500", "drop"])
async def test_a_group_that_cannot_be_resolved_lets_nobody_in(door: Door, kind: str) -> None:
    await door.slack.control.fault("usergroups.users.list", kind, times=-1)
    permissions = door.permissions(door.group)
    assert await door.refusal(permissions, door.slack.facts.approver) == "slack.refused_group_unresolved"


async def test_a_slow_group_does_not_hold_up_the_click(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.people.WITHIN_SECONDS", 0.2)
    await door.slack.control.fault("usergroups.users.list", "hang", times=1)
    permissions = door.permissions(door.group)
    assert await door.refusal(permissions, door.slack.facts.approver) == "slack.refused_group_unresolved"


async def test_one_unresolved_group_does_not_shut_out_the_members_of_another(door: Door) -> None:
    both = Approvers(frozenset(), frozenset({door.slack.facts.approver_group, "SGONE"}))
    permissions = door.permissions(both)
    assert await door.refusal(permissions, door.slack.facts.approver) == ""
    assert await door.refusal(permissions, door.slack.facts.bystander) == "slack.refused_group_unresolved"


async def test_another_workspace_or_app_is_refused(door: Door) -> None:
    listed = Approvers(frozenset({door.slack.facts.approver}), frozenset())
    permissions = door.permissions(listed)
    assert await door.refusal(permissions, door.slack.facts.approver, team_id="TOTHER") == "slack.refused_team"
    assert await door.refusal(permissions, door.slack.facts.approver, app_id="AOTHER") == "slack.refused_app"


async def test_a_refusal_is_audited_with_what_was_wanted(door: Door, rooms: Rooms) -> None:
    permissions = door.permissions(NOBODY, rooms.audit)
    person, words = door.person(door.slack.facts.approver), Catalogue("en")
    request = Request(words, SERVICE, person, door.slack.facts.app_id, "r-1", door.slack.facts.channel)
    with pytest.raises(NotPermitted) as refused:
        await permissions.permit(request, "pause")
    assert refused.value.reason.code == "slack.refused_nobody"
    (entry,) = await rooms.audit.entries(SERVICE, 10)
    assert (entry.event, entry.actor, entry.detail) == ("refused", person.user_id, "pause: slack.refused_nobody")


def test_only_one_place_of_the_product_makes_a_permit() -> None:
    """So no door can forget to check and to audit."""
    files = [path for package in ("bot", "handlers", "lumen") for path in (ROOT / package).rglob("*.py")]
    makers = [path.relative_to(ROOT) for path in files if re.search(r"\bPermit\(", path.read_text("utf-8"))]
    assert makers == [Path("lumen/use_cases/approvals.py")]


async def test_each_service_has_approvers_of_its_own_and_a_refusal_names_them(door: Door) -> None:
    other = replace(SERVICE, name="billing-api")
    own = Contacts(
        {
            SERVICE: Contact("C1", Approvers(frozenset({door.slack.facts.approver}), frozenset())),
            other: Contact("C2", Approvers(frozenset({door.slack.facts.bystander}), frozenset())),
        }
    )
    permissions = door.permissions(own.approvers_of)
    person, app_id = door.person(door.slack.facts.approver), door.slack.facts.app_id
    assert await permissions.refusal(person, app_id, SERVICE) is None
    refused = await permissions.refusal(person, app_id, other)
    assert refused is not None
    assert refused.reason.params == {"who_mentions": door.slack.facts.bystander}
    gone = await permissions.refusal(person, app_id, replace(SERVICE, name="gone"))
    assert gone is not None  # of one that is not watched
    assert gone.reason.code == "slack.refused_nobody"
