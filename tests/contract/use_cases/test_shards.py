"""Shards over the sandbox's Pub/Sub and a real store: every slot done once, whatever Pub/Sub does with the messages."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import prometheus_client
import pytest

from bot.pulling import Pulling
from bot.triggers import counter_of
from lumen.adapters.google.clients import client_maker
from lumen.adapters.google.work import PubSubDeadLetters, PubSubQueue, PubSubShardTopic
from lumen.adapters.store.leases import RedisInbox
from lumen.model.audit import AuditEvent, Notes
from lumen.model.messages import message
from lumen.model.service import ServiceId
from lumen.model.shard import (
    DEAD_TOPIC,
    LEAST_SHARDS,
    LETTERS,
    PULLED,
    TURN_TOPIC,
    Schedule,
    Shard,
    subscription_of,
    topic_of,
)
from lumen.ports.shards import DeadLetter
from lumen.ports.sources import Pushed
from lumen.ports.store import Lease
from lumen.use_cases.dead_letters import DEAD_LETTER_KIND, TakingDeadLetters, named
from lumen.use_cases.shards import MOST_AT_ONCE, SLOTS, Dispatch, Outcome, Shards, is_late, open_slots, slot_of
from lumen.use_cases.triggers import Triggers
from lumen.wording.catalogue import Catalogue
from sandbox.google.numbers import number_of
from tests.contract.store.builders import SERVICE, Store
from tests.unit.sandbox.google_side import PROJECT, GoogleSide, google_side

pubsub = pytest.importorskip("google.pubsub_v1")

SERVICES = tuple(ServiceId(PROJECT, "us-central1", f"svc-{number:03d}") for number in range(60))
TOPIC, WORK = topic_of(PROJECT), subscription_of(PROJECT, PULLED)
DEAD, DEAD_LETTERS = topic_of(PROJECT, DEAD_TOPIC), subscription_of(PROJECT, LETTERS)
#: Of nanoseconds; Google's own least is ten seconds, which nobody waits for here.
AGAIN = {"nanos": 100_000_000}


@dataclass
class Worker:
    """One process's share of it: what it did, and how."""

    store: Store
    dispatch: Dispatch
    services: Sequence[ServiceId] = SERVICES
    done: list[ServiceId] = field(default_factory=list)
    fails: set[ServiceId] = field(default_factory=set)
    registry: Any = field(default_factory=prometheus_client.CollectorRegistry)

    def __post_init__(self) -> None:
        self.claims = self.store.claims
        self.shards = Shards(self.claims, self.services, {one: self._work(one) for one in Schedule}, self.dispatch)
        nothing: Any = None
        self.triggers = Triggers(nothing, nothing, None, self.services, self.shards)
        self.calls = counter_of(self.registry)

    def _work(self, schedule: Schedule) -> Callable[[Sequence[ServiceId]], Any]:
        async def one(service: ServiceId, _: Lease) -> bool:
            await asyncio.sleep(0.002)
            if service in self.fails:
                return False
            self.done.append(service)
            return True

        async def work(services: Sequence[ServiceId]) -> None:
            slot = slot_of(schedule, self.store.clock.now())
            await self.claims.share(services, SLOTS[schedule], slot, lambda batch: batch.each(one))

        return work

    def counted(self, outcome: str) -> float:
        return self.registry.get_sample_value("lumen_trigger_calls_total", {"call": "pull", "outcome": outcome}) or 0.0


@dataclass
class Room:
    """Pub/Sub as `lumen setup` makes it, but for its patience."""

    side: GoogleSide
    store: Store
    make: Any

    @property
    def dispatch(self) -> Dispatch:
        return Dispatch(PubSubShardTopic(self.make(pubsub.PublisherAsyncClient), TOPIC), SERVICES)

    @asynccontextmanager
    async def pulling(self, *workers: Worker) -> AsyncIterator[asyncio.Event]:
        """Until the end of the block, or until it is stopped."""
        stop = asyncio.Event()
        subscriber = self.make(pubsub.SubscriberAsyncClient)
        queue = PubSubQueue(subscriber, WORK)
        running = [asyncio.create_task(Pulling(queue, one.triggers, one.calls).run(stop)) for one in workers]
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.gather(*running)
            await subscriber.transport.close()

    def waiting(self, name: str = WORK) -> int:
        return len(self.side.cloud.extras._pubsub._subscriptions[name].waiting)  # type: ignore[union-attr]


@pytest.fixture
async def room(store: Store) -> AsyncIterator[Room]:
    await store.prepare_only(*SERVICES)
    async with google_side() as side:
        side.clock.at = store.clock.time.timestamp()
        made: Room = Room(side, store, await client_maker(side.target))
        publisher, subscriber = side.client(pubsub.PublisherAsyncClient), side.client(pubsub.SubscriberAsyncClient)
        agent = f"serviceAccount:service-{number_of(PROJECT)}@gcp-sa-pubsub.iam.gserviceaccount.com"
        for topic, name, more in (
            (DEAD, DEAD_LETTERS, {}),
            (TOPIC, WORK, {
                "retry_policy": {"minimum_backoff": AGAIN, "maximum_backoff": AGAIN},
                "dead_letter_policy": {"dead_letter_topic": DEAD, "max_delivery_attempts": 10},
            }),
        ):  # fmt: skip
            await publisher.create_topic(name=topic)
            await subscriber.create_subscription({"name": name, "topic": topic, **more})
        for name, role in ((DEAD, "roles/pubsub.publisher"), (WORK, "roles/pubsub.subscriber")):
            policy = {"bindings": [{"role": role, "members": [agent]}]}
            await publisher.set_iam_policy({"resource": name, "policy": policy})
        yield made


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


async def test_three_workers_do_each_slot_once_and_what_nobody_can_read_is_named_in_slack(room: Room) -> None:
    """A third of the messages comes twice, all in any order, and one is of somebody else."""
    room.side.cloud.extras.trouble.duplicates, room.side.cloud.extras.trouble.disorder = 0.34, True
    workers = [Worker(room.store, room.dispatch) for _ in range(3)]
    slot = slot_of(Schedule.LOOK, room.store.clock.now())
    publisher = room.side.client(pubsub.PublisherAsyncClient)
    await publisher.publish(topic=TOPIC, messages=[{"data": b"good morning"}])
    async with room.pulling(*workers):
        assert await workers[0].dispatch.publish(Schedule.LOOK, slot) == LEAST_SHARDS
        await until(lambda: not room.waiting() and room.waiting(DEAD_LETTERS) >= 1)
    assert Counter(one for worker in workers for one in worker.done) == Counter(SERVICES)
    assert sum(worker.counted("unreadable") for worker in workers) >= 10
    store = room.store
    letters = PubSubDeadLetters(room.make(pubsub.SubscriberAsyncClient), DEAD_LETTERS)
    taking = TakingDeadLetters(letters, RedisInbox(store.redis), store.audit, store.outbox, SERVICE)
    assert await taking.take() >= 1
    assert await taking.take() == 0
    [dirty] = [one.surface for one in await store.outbox.dirty(SERVICE)]
    [entry] = await store.audit.entries(SERVICE, 10)
    assert (entry.event, dirty.kind, dirty.key) == (AuditEvent.DEAD_LETTER, DEAD_LETTER_KIND, entry.detail)
    assert isinstance(entry.about, Notes)
    # On a busy machine a double may wait for its other half until it is given up too, and is named beside it.
    said = [Catalogue("en").plain(note) for note in entry.about.notes]
    assert any("after 10 attempts" in one and "“good morning”" in one for one in said), said


async def test_a_message_of_the_scheduler_is_split_and_one_of_a_slot_that_is_over_does_nothing(room: Room) -> None:
    worker = Worker(room.store, room.dispatch)
    now, before = room.store.clock.now(), room.store.clock.now() - timedelta(hours=1)
    take = worker.shards.take
    for schedule in Schedule:
        assert await take(Shard(schedule, slot_of(schedule, before)), now) is Outcome.STALE
        assert await take(Shard(schedule), before) is Outcome.STALE
        ahead = slot_of(schedule, now) + timedelta(hours=1)
        assert await take(Shard(schedule, ahead), now) is Outcome.BUSY
    assert (worker.done, room.waiting()) == ([], 0)
    async with room.pulling(worker):
        publisher = room.side.client(pubsub.PublisherAsyncClient)
        await publisher.publish(topic=TOPIC, messages=[{"data": Shard(Schedule.TURN).encoded()}])
        await until(lambda: len(worker.done) == len(SERVICES) and not room.waiting())
    assert worker.counted("taken") + worker.counted("known") == LEAST_SHARDS + 1
    assert await take(Shard(Schedule.TURN, slot_of(Schedule.TURN, now), 3, 12), now) is Outcome.KNOWN


async def test_what_fails_or_is_in_other_hands_comes_again_until_it_is_done(room: Room) -> None:
    worker, slot = Worker(room.store, room.dispatch), slot_of(Schedule.TURN, room.store.clock.now())
    shard = Shard(Schedule.TURN, slot, 0, 1)
    worker.fails = {SERVICES[7]}
    assert await worker.shards.take(shard, slot) is Outcome.BUSY
    assert set(worker.done) == {*SERVICES} - worker.fails
    held = await room.store.slots.claim(SERVICES[7], SLOTS[Schedule.TURN], slot, timedelta(seconds=30))
    worker.fails = set()
    assert await worker.shards.take(shard, slot) is Outcome.BUSY
    assert held is not None
    await room.store.slots.done(SERVICES[7], SLOTS[Schedule.TURN], slot, held)
    assert await open_slots(room.store.claims, SERVICES, Schedule.TURN, slot) == []
    assert await worker.shards.take(shard, slot) is Outcome.TAKEN
    assert SERVICES[7] not in worker.done


async def test_a_worker_takes_no_more_than_it_can_and_gives_back_what_a_stop_cuts_short(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.pulling.GRACE_SECONDS", 0.05)
    worker, begun, go = Worker(room.store, room.dispatch), asyncio.Semaphore(0), asyncio.Event()

    async def stuck(_: Sequence[ServiceId]) -> None:
        begun.release()
        await go.wait()

    worker.shards.do = {Schedule.LOOK: stuck}
    slot = slot_of(Schedule.LOOK, room.store.clock.now())
    async with room.pulling(worker) as stop:
        await worker.dispatch.publish(Schedule.LOOK, slot)
        for _ in range(MOST_AT_ONCE):
            await begun.acquire()
        assert await worker.shards.take(Shard(Schedule.LOOK, slot, 11, 12), slot) is Outcome.FULL
        stop.set()
    assert worker.counted("cut short") == MOST_AT_ONCE
    await until(lambda: _free(room) == LEAST_SHARDS)


def _free(room: Room) -> int:
    waiting = room.side.cloud.extras._pubsub._subscriptions[WORK].waiting  # type: ignore[union-attr]
    return sum(one.again_at <= time.monotonic() for one in waiting)


async def test_the_bot_takes_up_a_look_that_is_late_and_none_before() -> None:
    due = datetime(2026, 3, 1, 12, 4, tzinfo=UTC)  # the slices until 12:00 are there then
    assert slot_of(Schedule.LOOK, due) == due.replace(minute=0)
    assert not is_late(due + timedelta(seconds=150))
    assert is_late(due + timedelta(seconds=151))
    assert not is_late(due + timedelta(minutes=5))


def test_a_dead_letter_says_which_shard_it_was() -> None:
    slot = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    letter = DeadLetter("7", "a", Shard(Schedule.TURN, slot, 2, 12).encoded(), 20, slot, {})
    assert named(letter) == message(
        "trigger.dead_turn", letter="7", attempts=20, slot_at=slot.isoformat(), index=3, of=12
    )
    assert TURN_TOPIC in WORK


def test_other_subscriptions_of_the_topic_are_read_alike() -> None:
    nothing: Any = None
    pushed = Pushed("1", f"{WORK}-2", None, b"", datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="Expecting value"):
        asyncio.run(Triggers(nothing, nothing, None, (), Shards(nothing, (), {}, nothing)).take(pushed))
