"""The outbox: messages converge to what is stored, whatever Slack does meanwhile."""

import asyncio
import itertools
import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from handlers.web_api import SlackApi
from tests.contract.outbox.conftest import Desk
from tests.contract.slack.odd_answers import FEW


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.outbox.BACKOFF_FIRST_SECONDS", 0.05)
    monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 0.2)


async def test_a_surface_is_one_message_that_is_edited(desk: Desk) -> None:
    desk.start()
    await desk.show("a", "first")
    posted = await desk.seen("first")
    await desk.show("a", "second")
    edited = await desk.seen("second")
    assert edited[0].ts == posted[0].ts


async def test_surfaces_are_posted_in_the_order_in_which_they_were_marked(desk: Desk) -> None:
    for n in range(5):
        await desk.show(f"k{n}", f"text {n}")
    desk.start()
    await desk.seen(*(f"text {n}" for n in range(5)))


@pytest.mark.parametrize("kind", ["post_then_timeout", "drop", "hang", "http_500"])
async def test_a_post_without_an_answer_is_one_message(desk: Desk, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.web_api.REQUEST_SECONDS", 0.4)
    await desk.slack.control.fault("chat.postMessage", kind, times=1)
    desk.start()
    await desk.show("a", "only once")
    await desk.show("b", "after it")
    await desk.seen("only once", "after it")


async def test_a_message_is_one_message_after_every_odd_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of them to posts that were made all the same; each comes once, then Slack is well."""
    monkeypatch.setattr("handlers.web_api.RETRY_AFTER_LONGEST_SECONDS", 0.0)
    monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 0.05)
    for method in ("conversations.history", "chat.postMessage", "chat.update"):
        for n, odd in enumerate(FEW.values()):
            await desk.slack.control.fault(method, "answer", deed=n % 3 == 0, **odd)
    desk.start()
    await desk.show("a", "only once")
    await desk.seen("only once")
    await desk.show("a", "and edited")
    await desk.seen("and edited")


async def test_a_post_that_slack_carries_out_late_does_not_stand_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later than it is looked for: it has been posted again by then. The first message that people saw stays."""
    monkeypatch.setattr("handlers.web_api.REQUEST_SECONDS", 0.3)
    await desk.slack.control.fault("chat.postMessage", "hang", times=1)
    desk.start()
    await desk.show("a", "only once")
    (first,) = await desk.seen("only once")
    metadata = first.raw["metadata"]
    api = SlackApi(desk.slack.facts.bot_token, desk.slack.api_url, desk.session)
    again = {"channel": first.channel, "text": "only once", "metadata": metadata}
    await api.write("chat.postMessage", again)
    await desk.show("a", "and edited")
    (stays,) = await desk.seen("and edited")
    assert stays.ts == first.ts


@pytest.mark.prove
async def test_a_post_that_is_really_late(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.web_api.REQUEST_SECONDS", 0.3)
    await desk.slack.control.fault("chat.postMessage", "late", times=1, seconds=4.0)
    desk.start()
    await desk.show("a", "only once")
    (first,) = await desk.seen("only once")
    await asyncio.sleep(5.0)
    (stays,) = await desk.seen("only once")
    assert stays.ts == first.ts


async def test_a_crash_after_the_post_leaves_one_message(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process died between Slack's answer and the store: the next one finds the message by its metadata."""
    shown = desk.rooms.outbox.shown

    async def dies(*_: object) -> None:
        raise asyncio.CancelledError

    desk.rooms.outbox.shown = dies  # type: ignore[method-assign, assignment]
    desk.start()
    await desk.show("a", "text")
    await desk.slack.control.wait_for_message(lambda m: m.text == "text")
    await desk.stop()
    desk.rooms.outbox.shown = shown  # type: ignore[method-assign]
    await desk.show("a", "newer text")
    desk.start()
    await desk.seen("newer text")


async def test_retry_after_is_honoured(desk: Desk) -> None:
    await desk.slack.control.fault("chat.postMessage", "ratelimited", times=1, seconds=1)
    desk.start()
    began = time.monotonic()
    await desk.show("a", "patient")
    await desk.seen("patient")
    assert time.monotonic() - began >= 1.0
    calls = await desk.slack.control.calls(method="chat.postMessage")
    assert len(calls) == 2


async def test_one_message_a_second_and_channel(desk: Desk) -> None:
    desk.start(pace_seconds=0.3)
    began = time.monotonic()
    for n in range(4):
        await desk.show(f"k{n}", f"text {n}")
    await desk.seen(*(f"text {n}" for n in range(4)))
    assert time.monotonic() - began >= 0.9


async def test_an_outage_loses_nothing_and_keeps_the_order(desk: Desk) -> None:
    await desk.slack.control.fault("*", "http_500", times=-1)
    desk.start()
    for n in range(20):
        await desk.show(f"k{n}", f"text {n}")
    await desk.show("k3", "text 3, changed")
    await asyncio.sleep(0.5)
    assert await desk.slack.control.messages() == []
    assert desk.worker is not None
    assert desk.worker.state().refused
    await desk.slack.control.clear_faults()
    await desk.seen(*(f"text {n}" if n != 3 else "text 3, changed" for n in range(20)))
    async with asyncio.timeout(60):
        while desk.worker.state().refused:  # noqa: ASYNC110 - until the next look at the store
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("error", ["cant_update_message", "edit_window_closed", "message_not_found"])
async def test_an_update_that_slack_refuses_is_posted_anew_with_a_link(desk: Desk, error: str) -> None:
    desk.start()
    await desk.show("a", "old")
    old = (await desk.seen("old"))[0]
    await desk.slack.control.fault("chat.update", "error", times=1, error=error)
    await desk.show("a", "new")
    seen = await desk.until(lambda found: len(found) == 2)
    assert seen[1].text.endswith("new")
    assert "replaces http" in seen[1].text
    await desk.show("a", "newest")
    seen = await desk.until(lambda found: [m.text for m in found][1:] == ["newest"])
    assert seen[0].ts == old.ts


async def test_what_slack_refuses_holds_up_nothing_else(desk: Desk) -> None:
    await desk.slack.control.fault("chat.postMessage", "error", times=1, error="invalid_blocks")
    desk.start()
    await desk.show("bad", "refused at first")
    await desk.show("good", "not held up")
    await desk.seen("not held up", "refused at first")


async def test_a_page_that_cannot_be_drawn_holds_up_nothing_else(desk: Desk) -> None:
    desk.start()
    surface = await desk.show("bad", "text")
    desk.pages.broken.add(surface)
    await desk.show("bad", "text")
    await desk.show("good", "not held up")
    await desk.slack.control.wait_for_message(lambda m: m.text == "not held up")
    desk.pages.broken.clear()
    await desk.until(lambda found: {m.text for m in found} == {"text", "not held up"})


async def test_nothing_to_show_is_not_shown(desk: Desk) -> None:
    desk.start()
    surface = await desk.show("a", "text")
    desk.pages.texts[surface] = None
    await desk.rooms.outbox.mark(surface)
    await desk.until(lambda found: len(found) <= 1)


async def test_two_replicas_show_everything_once(desk: Desk) -> None:
    desk.start()
    desk.also()
    for n in range(10):
        await desk.show(f"k{n}", f"text {n}")
    await desk.seen(*(f"text {n}" for n in range(10)))


async def test_a_replica_takes_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.start()
    await desk.show("a", "first")
    await desk.seen("first")
    desk.also()
    assert desk.running is not None
    desk.running.cancel()
    await desk.show("a", "second")
    await desk.seen("second")


async def test_a_worker_that_lost_its_lease_has_its_last_surface_shown_again(desk: Desk) -> None:
    """It may have written an old state over a newer one after it woke up."""
    desk.start()
    await desk.show("a", "text")
    await desk.seen("text")
    before = len(await desk.slack.control.calls(method="chat.update"))
    await desk.rooms.redis.delete(*[k async for k in desk.rooms.redis.scan_iter("*lease*")])
    async with asyncio.timeout(60):
        while len(await desk.slack.control.calls(method="chat.update")) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_the_store_may_be_gone_for_a_while(desk: Desk) -> None:
    desk.start()
    await desk.show("a", "first")
    await desk.seen("first")
    await desk.rooms.redis.config_set("min-replicas-to-write", "1")
    await asyncio.sleep(0.2)
    await desk.rooms.redis.config_set("min-replicas-to-write", "0")
    await desk.show("a", "second")
    await desk.seen("second")


async def test_a_stop_is_never_lost(desk: Desk) -> None:
    """A loop that was held up has timers, answers and the cancellation all at once."""
    for _ in range(5):
        desk.start()
        await asyncio.sleep(0.06)
        time.sleep(0.1)  # noqa: ASYNC251 - holding up the loop is the point
        assert desk.running is not None
        desk.running.cancel()
        await asyncio.wait({desk.running}, timeout=3)
        assert desk.running.done()


#: What Slack may do to a call, in the middle of everything.
FAULTS = st.sampled_from(["post_then_timeout", "drop", "http_500", "ratelimited", "none"])


_example = itertools.count()


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.integers(0, 3), FAULTS), min_size=1, max_size=8))
async def test_whatever_happens_the_end_is_what_is_stored(desk: Desk, steps: list[tuple[int, str]]) -> None:
    """Random marks and faults: at the end every surface is one message that shows its last text."""
    example = next(_example)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("handlers.web_api.REQUEST_SECONDS", 0.2)
        if desk.running is None:
            desk.start()
        last: dict[str, str] = {}
        for n, (key, fault) in enumerate(steps):
            if fault != "none":
                await desk.slack.control.fault("*", fault, times=1, seconds=0)
            name = f"{example}-{key}"
            last[name] = f"example {example}: k{key} v{n}"
            await desk.show(name, last[name])
        await desk.until(
            lambda found: (
                sorted(m.text for m in found if m.text.startswith(f"example {example}:")) == sorted(last.values())
            ),
            within_seconds=60,
        )
        await desk.slack.control.clear_faults()
