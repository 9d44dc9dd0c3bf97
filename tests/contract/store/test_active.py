"""Which services may have work: told by one set of the store, never without one that has."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis.asyncio import Redis

from lumen.adapters.store import epoch, scripts
from lumen.adapters.store.active import RedisHint
from lumen.adapters.store.alerts import RedisAlerts, RedisPages
from lumen.adapters.store.controls import RedisControls
from lumen.adapters.store.hint import QUIET, hint_of
from lumen.adapters.store.outbox import RedisPendingReplies
from lumen.model.incident import PagerState, PagerStep, Pause, Pinned, StoredAlert
from lumen.model.proposal import Choice, State
from lumen.model.service import ServiceId
from lumen.policies.reminders import remind_at
from lumen.ports.store import Surface
from lumen.use_cases.active import Active
from lumen.use_cases.controlling import REMINDER
from tests.contract.store.builders import DAY, KIM, LONG, OTHER, SERVICE, Store, click, draft
from tests.contract.use_cases.incidents import over, page, told

REPORT = Surface(SERVICE, "report", "20261122")


def active(store: Store) -> Active:
    return Active(RedisHint(store.redis), (SERVICE, OTHER), store.clock)


async def set_of(store: Store, service: ServiceId) -> tuple[Redis, str]:
    """The server and the key of the set in which a service stands."""
    hint = hint_of(store.redis, service)
    return (await store.redis.holder(hint)).redis, hint


async def pass_over(store: Store, services: Sequence[ServiceId] = (SERVICE, OTHER)) -> None:
    """As if so much time had passed that no change that was sent can run any more."""
    for service in services:
        server, hint = await set_of(store, service)
        await server.zadd(hint, {service.key: 1}, xx=True)


async def test_whatever_may_make_work_raises_the_hint_and_what_makes_none_does_not(store: Store) -> None:
    lease = await store.lease()
    await store.leases.renew(SERVICE, lease, LONG)
    server, hint = await set_of(store, SERVICE)
    assert not await server.zcard(hint)
    before = await store.now_ms()
    await store.proposals.propose(draft(), DAY)
    (first,) = (await RedisHint(store.redis).active()).services.items()
    assert first[0] == SERVICE.key and first[1] > before
    await server.zincrby(hint, 1e9, SERVICE.key)  # as the store's clock had it before it stepped back
    await store.outbox.mark(REPORT)
    assert (await RedisHint(store.redis).active()).services[SERVICE.key] > first[1] + 1e9


def test_no_quiet_script_leaves_anything_to_do() -> None:
    """What common.lua offers to make work with, and the keys that say that there is some."""
    writes = r"'(ZADD|HSET|INCR)', (DIRTY|UNFINISHED|OWED|ALERTS_OPEN|ALERTS|DEADLINES)\b"
    makes = re.compile(rf"\b(mark|touch|audit|create|decide)\(|{writes}")
    folder = Path(scripts.__file__).parent / "scripts"
    assert not QUIET - {path.stem for path in folder.glob("*.lua")}
    for name in QUIET:
        assert not makes.search((folder / f"{name}.lua").read_text()), name


@pytest.mark.on_cluster
async def test_all_are_active_at_first_and_only_those_with_work_later(store: Store) -> None:
    ours = active(store)
    assert await ours.now() == (SERVICE, OTHER)
    await store.proposals.propose(draft(), DAY)
    await ours.rest()
    assert set(await ours.now()) == {SERVICE, OTHER}, "a change that was sent before may still run"
    await pass_over(store)
    await ours.rest()
    assert await ours.now() == [SERVICE]


async def test_one_that_is_changed_while_it_is_looked_at_stays(store: Store) -> None:
    ours = active(store)
    await ours.now()
    await pass_over(store)
    seen = {SERVICE: 1.0, OTHER: 1.0}
    await store.outbox.mark(REPORT)
    await store.redis.delete(scripts.key(SERVICE, "dirty"))  # it was looked at just before
    await RedisHint(store.redis).rest(seen, store.clock.now())
    assert await ours.now() == [SERVICE]


async def test_an_emptied_hint_is_noticed_at_once(store: Store) -> None:
    ours, others = active(store), active(store)
    for one in (ours, others):
        await one.now()
    await pass_over(store)
    await ours.rest()
    assert await ours.now() == await others.now() == []
    await epoch.init(store.redis, (replace(SERVICE, name="another"),), store.clock)
    assert await ours.now() == await others.now() == (SERVICE, OTHER)
    assert (ours.beginnings, others.beginnings) == (2, 2)


Step = Callable[[Store], Awaitable[object]]


async def approve(store: Store) -> None:
    (waiting,) = await store.proposals.unfinished(SERVICE)
    await store.proposals.decide(SERVICE, waiting.id, click(Choice.APPROVE, "c1"), reply_to="U1")
    await show(store)


async def carry_out(store: Store) -> None:
    (approved,) = await store.proposals.unfinished(SERVICE)
    await store.proposals.advance(SERVICE, approved.id, await store.lease(), State.FAILED, None)
    await show(store)


async def show(store: Store) -> None:
    for dirty in await store.outbox.dirty(SERVICE):
        await store.outbox.shown(dirty, "C1", "1.0")


async def answer(store: Store) -> None:
    await RedisPendingReplies(store.redis).given(SERVICE, "c1")


async def propose(store: Store, acts_in: timedelta | None = None) -> None:
    await store.proposals.propose(draft(), DAY, acts_in)
    await show(store)


async def withdraw(store: Store) -> None:
    (waiting,) = await store.proposals.unfinished(SERVICE)
    await store.proposals.decide(SERVICE, waiting.id, click(Choice.WITHDRAW, "w", None))
    await show(store)


async def open_page(store: Store) -> None:
    one = page(store.clock.now())
    await told(store, StoredAlert(one, one.id))
    await show(store)


async def close_page(store: Store) -> None:
    (stored,) = await RedisAlerts(store.redis, store.clock).open(SERVICE)
    await told(store, replace(stored, alert=over(stored.alert, store.clock.now())))
    await show(store)


async def pager_that_heard_the_beginning(store: Store) -> None:
    await open_page(store)
    await pager(store, PagerStep.TRIGGER)
    await close_page(store)


async def pager(store: Store, step: PagerStep = PagerStep.RESOLVE) -> None:
    (incident,) = await RedisAlerts(store.redis, store.clock).incidents(SERVICE, 1)
    await RedisPages(store.redis, store.clock).pager(SERVICE, incident, PagerState(step, store.clock.now()))
    await show(store)


async def pin(store: Store) -> None:
    pinned = Pinned("ion-api-00007", store.clock.now())
    await RedisControls(store.redis, store.clock).pinned(SERVICE, pinned)


async def unpin(store: Store) -> None:
    await RedisControls(store.redis, store.clock).pinned(SERVICE, None)


async def pause(store: Store) -> None:
    now = store.clock.now()
    await RedisControls(store.redis, store.clock).pause(SERVICE, Pause(KIM, now, now + timedelta(hours=8)))
    await show(store)


async def resume(store: Store) -> None:
    await RedisControls(store.redis, store.clock).resume(SERVICE, None)
    await show(store)


#: Nothing is to be done for it before its reminder.
WAITS = "a card that waits for people"
#: What begins each kind of work, and what ends it. What else Lumen does comes due by slots, which ask no store twice.
WORK: Mapping[str, tuple[Step, Step]] = {
    WAITS: (propose, withdraw),
    "a countdown, its moments and its end": (partial(propose, acts_in=LONG), withdraw),
    "an approval that is carried out": (lambda store: _then(store, propose, approve, answer), carry_out),
    "an answer that is owed": (lambda store: _then(store, propose, approve, carry_out), answer),
    "a message that is behind": (lambda store: store.outbox.mark(REPORT), show),
    "an open incident: calls, moments, error lines, guardrails": (open_page, close_page),
    "a pager that has not heard the end": (pager_that_heard_the_beginning, pager),
    "a revision to which traffic is pinned": (pin, unpin),
    "a control that ends, and its reminder": (pause, resume),
}


async def _then(store: Store, *steps: Step) -> None:
    for step in steps:
        await step(store)


@pytest.mark.parametrize("kind", WORK)
async def test_each_kind_of_work_keeps_its_service_active_until_it_is_done(store: Store, kind: str) -> None:
    begin, end = WORK[kind]
    ours = active(store)
    await ours.now()
    await begin(store)
    for _ in range(2):
        await pass_over(store)
        await ours.rest()
        assert await ours.standing() == [SERVICE]
        assert await ours.now() == ([] if kind == WAITS else [SERVICE])
    await end(store)
    await pass_over(store)
    await ours.rest()
    assert await ours.now() == []


async def waiting(store: Store, *services: ServiceId, acts_in: timedelta | None = None) -> Active:
    """Nothing but a proposal stands of each of them, and that is known."""
    ours = active(store)
    await ours.now()
    for service in services:
        await store.proposals.propose(draft(service=service), DAY, acts_in)
        for dirty in await store.outbox.dirty(service):
            await store.outbox.shown(dirty, "C1", "1.0")
    await pass_over(store)
    await ours.rest()
    return ours


async def test_one_that_only_waits_is_looked_at_again_when_anything_is_changed(store: Store) -> None:
    ours = await waiting(store, SERVICE, OTHER)
    assert await ours.now() == []
    (card,) = await store.proposals.unfinished(SERVICE)
    await store.proposals.decide(SERVICE, card.id, click(Choice.APPROVE, "c1"))
    await show(store)
    assert await ours.now() == [SERVICE], "it is to be carried out"
    await pass_over(store)
    await ours.rest()
    assert await ours.now() == [SERVICE], "still"


async def test_one_that_only_waits_is_looked_at_for_its_reminder_and_then_for_its_expiry(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = await waiting(store, SERVICE)
    (card,) = await store.proposals.unfinished(SERVICE)
    at = remind_at(card.created_at, card.expires_at)
    assert at is not None
    store.clock.time = at - timedelta(seconds=1)
    assert await ours.now() == []
    store.clock.time = at
    for _ in range(2):
        assert await ours.now() == [SERVICE], "until it has been reminded of"
        await ours.rest()
    await store.outbox.mark(Surface(SERVICE, REMINDER, card.id), once=True)
    await show(store)
    await pass_over(store)
    await ours.rest()
    assert await ours.now() == []
    its_end = time.monotonic() + DAY.total_seconds()
    monkeypatch.setattr("lumen.use_cases.active.time", SimpleNamespace(monotonic=lambda: its_end))
    monkeypatch.setattr("lumen.use_cases.active.REFILL_EVERY_SECONDS", 1e9)
    assert await ours.now() == [SERVICE]
    await store.redis.zadd(scripts.key(SERVICE, "deadlines"), {card.id: await store.now_ms()})
    await ours.rest()
    assert await ours.now() == [SERVICE], "it is overdue"


async def test_once_an_hour_those_that_wait_are_looked_at_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = await waiting(store, SERVICE)
    server, hint = await set_of(store, SERVICE)
    await server.zadd(hint, {SERVICE.key: 9e15})  # of before the clock stepped back: a filling does not raise it
    await ours.rest()
    assert await ours.now() == []
    monkeypatch.setattr("lumen.use_cases.active.REFILL_EVERY_SECONDS", 0.0)
    assert await ours.now() == (SERVICE, OTHER)
    monkeypatch.setattr("lumen.use_cases.active.REFILL_EVERY_SECONDS", 3600.0)
    assert SERVICE in await ours.now()


async def test_a_change_that_is_on_its_way_keeps_one_that_waits_from_being_left_alone(store: Store) -> None:
    ours = active(store)
    await ours.now()
    await propose(store)
    await ours.rest()
    assert SERVICE in await ours.now(), "what was announced may still run"
    await pass_over(store, (OTHER,))
    server, hint = await set_of(store, SERVICE)
    await server.zadd(hint, {SERVICE.key: await store.now_ms() + 60_000})
    await ours.rest()
    assert SERVICE in await ours.now()


async def test_a_control_that_ends_far_from_now_is_waited_for_by_the_hourly_round(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, now = active(store), store.clock.now()
    await RedisControls(store.redis, store.clock).pause(SERVICE, Pause(KIM, now, now + 3 * DAY))
    await show(store)
    for days, expected in ((0, []), (2, [SERVICE])):
        store.clock.time = now + days * DAY
        monkeypatch.setattr("lumen.use_cases.active.REFILL_EVERY_SECONDS", 0.0)
        await ours.now()
        monkeypatch.setattr("lumen.use_cases.active.REFILL_EVERY_SECONDS", 3600.0)
        await pass_over(store)
        await ours.rest()
        assert await ours.now() == expected


async def test_a_service_without_an_epoch_keeps_no_other_from_its_rest(store: Store) -> None:
    ours = active(store)
    await ours.now()
    await pass_over(store)
    await store.redis.delete(scripts.key(OTHER, "epoch"))
    await ours.rest()
    assert await ours.now() == [OTHER]
