"""A message's picture is uploaded once, whatever Slack does meanwhile; where it cannot be, the message goes without."""

import asyncio
from datetime import UTC, datetime

import pytest

from handlers.blocks.card import Picture
from handlers.outbox import PICTURE_TRIES
from lumen.model.week import HOURS_A_WEEK, Curve, Week
from lumen.ports.store import Surface
from sandbox.client import SeenMessage
from tests.contract.outbox.conftest import Desk
from tests.contract.slack.side import PIXEL, SERVICE

WEEK = Week(datetime(2026, 11, 15, tzinfo=UTC), (Curve("hit_rate", (0.7,) * HOURS_A_WEEK),), ())


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.outbox.BACKOFF_FIRST_SECONDS", 0.05)
    monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 0.2)
    monkeypatch.setattr("handlers.web_api.REQUEST_SECONDS", 0.4)


@pytest.fixture(autouse=True)
def soon_usable(desk: Desk) -> None:
    desk.slack.server.files.usable_after_seconds = 0.1


async def calls_of(desk: Desk, method: str, since: int = 0) -> None:
    """Until there was one."""
    async with asyncio.timeout(60):
        while not await desk.slack.control.calls(since=since, method=method):  # noqa: ASYNC110 - Slack tells nobody
            await asyncio.sleep(0.02)


async def pictured(desk: Desk, text: str = "digest") -> Surface:
    surface = Surface(SERVICE, "proposal", "digest")
    desk.pages.pictures[surface] = Picture(SERVICE, WEEK)
    return await desk.show("digest", text)


async def uploads(desk: Desk) -> int:
    """Files that stand complete."""
    return sum(stored.completed_at is not None for stored in desk.slack.server.files._by_id.values())


def file_of(seen: SeenMessage) -> str:
    return next((str(block["slack_file"]["id"]) for block in seen.raw["blocks"] if block["type"] == "image"), "")


async def with_picture(desk: Desk) -> SeenMessage:
    (seen,) = await desk.until(lambda found: len(found) == 1 and bool(file_of(found[0])))
    return seen


async def test_the_picture_is_drawn_uploaded_and_named(desk: Desk) -> None:
    desk.start()
    await pictured(desk)
    file_id = file_of(await with_picture(desk))
    stored = desk.slack.server.files.get(file_id)
    assert stored is not None
    assert (stored.content, stored.name, stored.mimetype) == (PIXEL, "ion-api-2026-11-22.png", "image/png")
    assert stored.shared_in == (), "it is seen where the message names it, and nowhere else"


async def test_an_edit_keeps_the_file(desk: Desk) -> None:
    desk.start()
    await pictured(desk)
    before = file_of(await with_picture(desk))
    await desk.show("digest", "edited")
    await desk.seen("edited")
    assert file_of(await with_picture(desk)) == before
    assert (await uploads(desk), desk.rooms.numerics.drawn) == (1, 1)


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("files.getUploadURLExternal", "drop"),
        ("files.completeUploadExternal", "http_500"),
        ("files.completeUploadExternal", "post_then_timeout"),
        ("files.info", "http_500"),
        pytest.param("files.completeUploadExternal", "ratelimited", marks=pytest.mark.prove),
        pytest.param("files.getUploadURLExternal", "post_then_timeout", marks=pytest.mark.prove),
        pytest.param("files.getUploadURLExternal", "ratelimited", marks=pytest.mark.prove),
        pytest.param("files.completeUploadExternal", "drop", marks=pytest.mark.prove),
        pytest.param("files.info", "post_then_timeout", marks=pytest.mark.prove),
        pytest.param("files.info", "ratelimited", marks=pytest.mark.prove),
    ],
)
async def test_a_call_that_fails_is_made_again_and_there_is_one_file_and_one_message(
    desk: Desk, method: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "ratelimited":  # Slack asks for a second at least: wait longer than that in all
        monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 1.5)
        monkeypatch.setattr("handlers.outbox.BACKOFF_FIRST_SECONDS", 1.5)
    await desk.slack.control.fault(method, kind, times=1, seconds=0)
    desk.start()
    await pictured(desk)
    await desk.show("other", "is not held up")
    await desk.until(lambda found: {m.text for m in found} == {"digest", "is not held up"} and any(map(file_of, found)))
    assert await uploads(desk) == 1


async def test_a_post_without_an_answer_is_one_message_with_one_file(desk: Desk) -> None:
    await desk.slack.control.fault("chat.postMessage", "post_then_timeout", times=1)
    desk.start()
    await pictured(desk)
    await with_picture(desk)
    assert await uploads(desk) == 1


async def test_a_crash_before_the_completion_and_one_after_it_leave_one_file(desk: Desk) -> None:
    for fault in ("hang", "post_then_timeout"):  # not done, and done
        since = await desk.slack.control.calls_total()
        await desk.slack.control.fault("files.completeUploadExternal", fault, times=1)
        desk.start()
        await pictured(desk)
        await calls_of(desk, "files.completeUploadExternal", since)
        await desk.stop()
    desk.start()
    await with_picture(desk)
    assert await uploads(desk) == 1


async def test_a_file_that_somebody_deleted_is_brought_again(desk: Desk) -> None:
    desk.start()
    await pictured(desk)
    before = file_of(await with_picture(desk))
    del desk.slack.server.files._by_id[before]
    await desk.show("digest", "edited")
    await desk.until(lambda found: file_of(found[0]) not in ("", before))


@pytest.mark.parametrize(
    "method",
    [
        "files.completeUploadExternal",
        pytest.param("files.getUploadURLExternal", marks=pytest.mark.prove),
        pytest.param("files.info", marks=pytest.mark.prove),
    ],
)
async def test_after_so_many_failures_it_is_posted_without(desk: Desk, method: str) -> None:
    await desk.slack.control.fault(method, "http_500", times=-1)
    desk.start()
    await pictured(desk)
    await desk.show("other", "is not held up")
    seen = await desk.seen("is not held up", "digest")
    assert file_of(seen[1]) == ""
    assert len(await desk.slack.control.calls(method=method)) >= PICTURE_TRIES


async def test_without_the_scope_it_is_posted_at_once_without(desk: Desk) -> None:
    await desk.slack.control.fault("files.getUploadURLExternal", "error", times=-1, error="missing_scope")
    desk.start()
    await pictured(desk)
    (seen,) = await desk.seen("digest")
    assert file_of(seen) == ""
    assert len(await desk.slack.control.calls(method="files.getUploadURLExternal")) == 1


@pytest.mark.parametrize("broken", [ImportError(name="matplotlib"), ValueError("a curve that cannot be drawn")])
async def test_what_cannot_be_drawn_is_posted_at_once_without(desk: Desk, broken: Exception) -> None:
    desk.rooms.numerics.broken = broken
    desk.start()
    await pictured(desk)
    (seen,) = await desk.seen("digest")
    assert file_of(seen) == ""
    assert await desk.slack.control.calls(method="files.getUploadURLExternal") == []


async def test_a_worker_that_is_busy_delays_its_own_message_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.pictures.DRAW_SECONDS", 0.05)
    desk.rooms.numerics.busy_seconds = 0.2
    desk.start()
    await pictured(desk)
    await desk.show("other", "is not held up")
    await desk.slack.control.wait_for_message(lambda m: m.text == "is not held up")
    desk.rooms.numerics.busy_seconds = 0.0
    await desk.until(lambda found: any(map(file_of, found)))


async def test_a_picture_that_slack_does_not_take_in_a_message_goes_in_the_end(desk: Desk) -> None:
    desk.slack.server.files.usable_after_seconds = 0.0
    await desk.slack.control.fault("chat.postMessage", "error", times=PICTURE_TRIES, error="invalid_blocks")
    desk.start()
    await pictured(desk)
    (seen,) = await desk.seen("digest")
    assert file_of(seen) == ""
    assert await uploads(desk) == 1


@pytest.mark.prove
async def test_an_outage_longer_than_the_tries_does_not_cost_the_picture(desk: Desk) -> None:
    await desk.slack.control.fault("*", "http_500", times=-1)
    desk.start()
    await pictured(desk)
    await calls_of(desk, "conversations.history")
    await desk.slack.control.clear_faults()
    await with_picture(desk)
    assert await uploads(desk) == 1
