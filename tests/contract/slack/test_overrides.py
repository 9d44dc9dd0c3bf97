"""Override, lock, unlock, a freeze, and a flush that two must confirm: in Slack, rights first, nothing silent."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks import emergency as view
from handlers.blocks.proposal import APPROVE, REJECT
from lumen.adapters.store.connection import open_store
from lumen.model.proposal import State
from lumen.model.snapshot import Window
from lumen.policies.guard import Automation, Locks
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, card
from tests.contract.slack.test_emergencies import emergency_page, events
from tests.contract.store.builders import draft

pytestmark = pytest.mark.usefixtures("side")

JIWOO = "U0JIWOO001"  # may approve, and reads Korean
ALWAYS = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Installed:
    """Settings of an installation."""

    automation: Automation = Automation()  # noqa: RUF009 - frozen
    locks: Locks = Locks()  # noqa: RUF009 - frozen
    needed: int = 1


FROZEN = Installed(Automation(freezes=(ALWAYS,)))
SET = Installed(locks=Locks(300, size=True))
TWO = Installed(needed=2)
DRY = Installed(Automation(dry_run=True))


@pytest.fixture
async def rooms(state_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Rooms]:
    """The store and the use cases, under the settings that a test asks for."""
    installed: Installed = getattr(request, "param", Installed())
    redis = open_store(state_url, answer_seconds=10.0)
    yield await Rooms.over(redis, automation=installed.automation, locks=installed.locks, needed=installed.needed)
    await redis.aclose()


async def test_a_pin_is_stored_shown_proposed_and_lifted(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.command("/lumen override ttl 10m for 2h because load test")
    said = await answer(slack, "The TTL is pinned to 600 s by")
    assert "“load test”" in said.words()
    assert "proposes this one" in said.words()
    override = (await rooms.controls.read(SERVICE)).override
    assert override is not None
    assert override.by is not None
    assert override.at is not None
    assert override.until is not None
    assert (override.ttl_seconds, override.by.user_id) == (600, slack.facts.approver)
    assert override.until - override.at == timedelta(hours=2)
    await card(slack, "TTL 300 s → 600 s")
    for typed, beside in (
        ("status", "nothing measured yet"),
        ("ttl", "uses a TTL of 300 s"),
        ("override", "lock size for 2h"),
    ):
        await slack.control.command(f"/lumen {typed}")
        assert "pinned to 600 s by" in (await answer(slack, beside)).words()
    await slack.control.command("/lumen ttl 420")
    await answer(slack, "/lumen override off")
    await slack.control.command("/lumen override off", user=JIWOO)
    await answer(slack, "TTL 고정을 해제했습니다", JIWOO)
    await slack.control.command("/lumen override off")
    await answer(slack, "The TTL is not pinned")
    await slack.control.command("/lumen history")
    history = (await answer(slack, "What happened lately")).words()
    assert "pinned the TTL to 600 s until" in history
    assert "let the TTL be another one again" in history


async def test_a_lock_is_stored_shown_and_lifted(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.command("/lumen lock size because migration")
    await answer(slack, "“migration”")
    assert (await rooms.controls.read(SERVICE)).size_lock is not None
    await slack.control.command("/lumen status")
    await answer(slack, "The size of the cache is locked by")
    await slack.control.command("/lumen unlock")
    await answer(slack, "not locked any more")
    assert await events(rooms) == ["size-locked", "size-unlocked"]


@pytest.mark.parametrize("typed", ["override ttl 600", "override off", "lock size", "unlock"])
async def test_without_the_right_nothing_is_pinned_or_lifted(slack: RunningSlack, rooms: Rooms, typed: str) -> None:
    bystander = slack.facts.bystander
    await slack.control.command(f"/lumen {typed}", user=bystander)
    await answer(slack, "You may not decide this", bystander)
    assert await events(rooms) == ["refused"]
    await slack.control.command("/lumen override", user=bystander)
    await answer(slack, "The TTL is not pinned", bystander)


@pytest.mark.parametrize("rooms", [SET], indirect=True)
async def test_a_setting_is_not_lifted_from_slack(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.command("/lumen override off")
    await answer(slack, "OVERRIDE_TTL alone")
    await slack.control.command("/lumen unlock")
    await answer(slack, "LOCK_CACHE_SIZE alone")
    await slack.control.command("/lumen override")
    assert "by the setting OVERRIDE_TTL" in (await answer(slack, "by the setting LOCK_CACHE_SIZE.")).words()
    assert await events(rooms) == []


@pytest.mark.parametrize("rooms", [FROZEN], indirect=True)
async def test_in_a_freeze_a_click_is_answered_and_decides_nothing(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    made = await rooms.proposals.propose(replace(draft(service=SERVICE), reasons=()), timedelta(hours=24))
    side.outbox.kick()
    posted = await card(slack)
    await slack.control.click(posted, APPROVE)
    said = await answer(slack, "Changes are frozen until")
    assert "/lumen emergency" in said.words()
    await slack.control.command("/lumen ttl 480")
    await answer(slack, "Nothing was proposed, decided or changed")
    found = await rooms.proposals.get(SERVICE, made.id)
    assert found is not None
    assert found.state is State.PENDING
    await slack.control.command("/lumen status")
    await answer(slack, "nothing is proposed or applied")
    await slack.control.click(posted, REJECT)
    await answer(slack, "you rejected it")


@pytest.mark.parametrize("rooms", [FROZEN], indirect=True)
async def test_in_a_freeze_an_emergency_step_is_still_open_to_people(slack: RunningSlack, rooms: Rooms) -> None:
    rooms.knob.value = 900
    await slack.control.click(await emergency_page(slack), view.SAFE_TTL)
    posted = await card(slack, "TTL 900 s → 300 s")
    await slack.control.click(posted, APPROVE)
    await answer(slack, "you approved it")
    [found] = await rooms.proposals.unfinished(SERVICE)
    assert found.state is State.APPROVED


@pytest.mark.parametrize("rooms", [TWO], indirect=True)
async def test_a_flush_that_two_must_confirm(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.click(await emergency_page(slack), view.FLUSH)
    second = await answer(slack, "42 cached answers of ion-api would be removed")
    await slack.control.click(second, view.FLUSH_NOW)
    await answer(slack, "Your confirmation counts: 1 of 2")
    wanted = await card(slack, "confirmed by 1 of 2 people")
    await slack.control.click(wanted, view.FLUSH_NOW)  # the same person counts once
    await slack.control.click(wanted, view.FLUSH_NOW, user=slack.facts.bystander)
    await answer(slack, "You may not decide this", slack.facts.bystander)
    assert rooms.keys.left == 42
    await slack.control.click(wanted, view.FLUSH_NOW, user=JIWOO)
    await answer(slack, "42개를 지웠습니다", JIWOO)
    assert rooms.keys.left == 0
    assert [event for event in await events(rooms) if event != "refused"] == [
        "agreed",
        "agreed",
        "flush-began",
        "flushed",
    ]


@pytest.mark.parametrize("rooms", [TWO], indirect=True)
async def test_stopping_automation_never_takes_two(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.command("/lumen pause 2h because deploy")
    await answer(slack, "All automation is stopped until")
    pause = (await rooms.controls.read(SERVICE)).pause
    assert pause is not None
    assert pause.why == "deploy"
    await slack.control.command("/lumen resume")
    await answer(slack, "Automation goes on")


@pytest.mark.parametrize("rooms", [DRY], indirect=True)
async def test_in_a_dry_run_a_flush_removes_nothing_and_says_so(slack: RunningSlack, rooms: Rooms) -> None:
    page = await emergency_page(slack)
    assert "DRY_RUN is set" in page.words()
    await slack.control.click(page, view.FLUSH)
    second = await answer(slack, "42 cached answers of ion-api would be removed. This needs")
    assert "DRY_RUN is set" in second.words()
    await slack.control.click(second, view.FLUSH_NOW)
    await answer(slack, "Dry run (DRY_RUN is set): 42 cached answers of ion-api would be removed")
    assert rooms.keys.left == 42
    assert await events(rooms) == []
    for typed in ("status", "override"):
        await slack.control.command(f"/lumen {typed}")
        await answer(slack, "DRY_RUN is set: Lumen says what it would do")
