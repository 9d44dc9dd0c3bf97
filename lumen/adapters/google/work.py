"""Pub/Sub between those who share the work: the topic of shards, the subscription to it, and the dead letters.

Unary pulls: a worker asks for the next message when it is free for it, so that nobody holds what another could do.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core import exceptions

from lumen.adapters.google.errors import PUBSUB, reading
from lumen.model.messages import SourceUnavailable, with_remedy
from lumen.model.shard import Shard
from lumen.ports.shards import DeadLetter, Pulled
from lumen.ports.sources import Pushed

#: On the wall. Pub/Sub keeps a pull waiting for a message; none after it is no failure.
PULL_SECONDS = 30.0
#: On the wall. An answer without a message comes at once now and then.
PAUSE_SECONDS = 0.5
CALL_SECONDS = 10.0
#: Pub/Sub takes a thousand messages a call.
MOST_MESSAGES = 1000
#: What Pub/Sub tells of a dead letter.
ATTEMPTS, FIRST_PUBLISHED = "CloudPubSubDeadLetterSourceDeliveryCount", "CloudPubSubDeadLetterSourceTopicPublishTime"
_DIGITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class PubSubShardTopic:
    """`lumen.ports.shards.ShardTopic`. `client`: a PublisherAsyncClient; `topic`: projects/…/topics/…."""

    client: Any
    topic: str

    async def publish(self, shards: Sequence[Shard]) -> None:
        client = _usable(self.client)
        for first in range(0, len(shards), MOST_MESSAGES):
            messages = [{"data": shard.encoded()} for shard in shards[first : first + MOST_MESSAGES]]
            with reading(PUBSUB, "pubsub", self.topic):
                await client.publish(topic=self.topic, messages=messages, retry=None, timeout=CALL_SECONDS)


@dataclass(frozen=True, slots=True)
class PubSubQueue:
    """`lumen.ports.shards.ShardQueue`. `client`: a SubscriberAsyncClient; `subscription`: in full."""

    client: Any
    subscription: str

    async def pull(self) -> Pulled | None:
        found = await _pulled(self.client, self.subscription, 1, PULL_SECONDS)
        if not found:
            await asyncio.sleep(PAUSE_SECONDS)
            return None
        told = found[0].message
        message = Pushed(told.message_id, self.subscription, None, bytes(told.data), _utc(told.publish_time))
        return Pulled(found[0].ack_id, message)

    async def hold(self, ack_id: str, duration: timedelta) -> None:
        with reading(PUBSUB, "pubsub", self.subscription):
            await _usable(self.client).modify_ack_deadline(
                subscription=self.subscription,
                ack_ids=[ack_id],
                ack_deadline_seconds=round(duration.total_seconds()),
                retry=None,
                timeout=CALL_SECONDS,
            )

    async def acknowledge(self, ack_id: str) -> None:
        await _acknowledged(self.client, self.subscription, [ack_id])


@dataclass(frozen=True, slots=True)
class PubSubDeadLetters:
    """`lumen.ports.shards.DeadLetters`, likewise."""

    client: Any
    subscription: str

    async def pull(self, limit: int) -> Sequence[DeadLetter]:
        found = await _pulled(self.client, self.subscription, limit, CALL_SECONDS / 2)
        return tuple(_letter(received) for received in found)

    async def acknowledge(self, ack_ids: Sequence[str]) -> None:
        await _acknowledged(self.client, self.subscription, ack_ids)


def _letter(received: Any) -> DeadLetter:
    told, attributes = received.message, dict(received.message.attributes)
    attempts = attributes.get(ATTEMPTS, "")
    return DeadLetter(
        told.message_id,
        received.ack_id,
        bytes(told.data),
        int(attempts) if _DIGITS.fullmatch(attempts) else 0,
        _instant(attributes),
        attributes,
    )


def _instant(attributes: Mapping[str, str]) -> datetime | None:
    try:
        at = datetime.fromisoformat(attributes.get(FIRST_PUBLISHED, ""))
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)


async def _pulled(client: Any, subscription: str, limit: int, seconds: float) -> Sequence[Any]:
    client = _usable(client)
    with reading(PUBSUB, "pubsub", subscription):
        try:
            answer = await client.pull(subscription=subscription, max_messages=limit, retry=None, timeout=seconds)
        except exceptions.DeadlineExceeded:
            return ()
    return tuple(answer.received_messages)


async def _acknowledged(client: Any, subscription: str, ack_ids: Sequence[str]) -> None:
    with reading(PUBSUB, "pubsub", subscription):
        await _usable(client).acknowledge(
            subscription=subscription, ack_ids=list(ack_ids), retry=None, timeout=CALL_SECONDS
        )


def _usable(client: Any) -> Any:
    if client is None:
        raise SourceUnavailable(*with_remedy("source.no_pubsub_client"))
    return client


def _utc(at: datetime) -> datetime:
    """The client's datetimes are of a class of their own."""
    return datetime.fromtimestamp(at.timestamp(), UTC)
