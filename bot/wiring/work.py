"""Wire the sharing of work over machines: the topic of shards, the subscription to it, and the dead letters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.config import Settings
from bot.store import clock_of
from bot.wiring.parts import Lumen
from lumen.adapters.google.clients import client_maker
from lumen.adapters.google.work import PubSubDeadLetters, PubSubQueue, PubSubShardTopic
from lumen.model.shard import LETTERS, PULLED, Schedule, subscription_of, topic_of
from lumen.use_cases.dead_letters import TakingDeadLetters
from lumen.use_cases.shards import Dispatch, slot_of


@dataclass(frozen=True, slots=True)
class Work:
    """Pub/Sub of one project."""

    dispatch: Dispatch
    queue: PubSubQueue
    letters: PubSubDeadLetters


@asynccontextmanager
async def open_work(settings: Settings) -> AsyncIterator[Work]:
    """Connects lazily. Raises SourceUnavailable without credentials."""
    make, project = await client_maker(settings.lumen_gcp_endpoint), settings.project_id
    publisher, subscriber = _clients(make)
    try:
        yield Work(
            Dispatch(PubSubShardTopic(publisher, topic_of(project)), settings.services),
            PubSubQueue(subscriber, subscription_of(project, PULLED)),
            PubSubDeadLetters(subscriber, subscription_of(project, LETTERS)),
        )
    finally:
        for client in (publisher, subscriber):
            if client is not None:
                await client.transport.close()


def _clients(make: Any) -> tuple[Any, Any]:
    """None where the extra `pubsub` is not installed."""
    try:
        from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
    except ImportError:
        return None, None
    return make(PublisherAsyncClient), make(SubscriberAsyncClient)


def letters_of(work: Work, lumen: Lumen, settings: Settings) -> TakingDeadLetters:
    """Those that the bot names."""
    store = lumen.store
    return TakingDeadLetters(work.letters, store.inbox, store.audit, store.outbox, settings.services[0])


async def dispatched(settings: Settings, schedule: Schedule) -> tuple[datetime, int]:
    """Publish the shards of the present slot; which slot, and how many. Raises SourceUnavailable."""
    slot = slot_of(schedule, clock_of(settings).now())
    async with open_work(settings) as work:
        return slot, await work.dispatch.publish(schedule, slot)
