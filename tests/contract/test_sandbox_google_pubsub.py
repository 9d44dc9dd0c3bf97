"""The sandbox's Pub/Sub over its real clients: it redelivers, doubles, disorders, gives up and pushes as Google's."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from google.api_core import exceptions
from google.auth import jwt

from sandbox.google.numbers import number_of
from tests.contract.slack.test_connection import until
from tests.unit.sandbox.google_side import PROJECT, GoogleSide, google_side

pubsub = pytest.importorskip("google.pubsub_v1")

TOPIC, DEAD = f"projects/{PROJECT}/topics/work", f"projects/{PROJECT}/topics/dead"
WORK, LETTERS = f"projects/{PROJECT}/subscriptions/work", f"projects/{PROJECT}/subscriptions/dead"
AGENT = f"serviceAccount:service-{number_of(PROJECT)}@gcp-sa-pubsub.iam.gserviceaccount.com"
POLICY = {"dead_letter_policy": {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}}


class Topic:
    """A topic with a subscription, and one for dead letters."""

    def __init__(self, side: GoogleSide) -> None:
        self.side = side
        self.publisher: Any = side.client(pubsub.PublisherAsyncClient)
        self.subscriber: Any = side.client(pubsub.SubscriberAsyncClient)

    async def make(self, **of_work: Any) -> None:
        for topic, name, more in ((DEAD, LETTERS, {}), (TOPIC, WORK, of_work)):
            await self.publisher.create_topic(name=topic)
            await self.subscriber.create_subscription({"name": name, "topic": topic, **more})

    async def publish(self, *data: bytes) -> None:
        await self.publisher.publish(topic=TOPIC, messages=[{"data": one} for one in data])

    async def pulled(self, name: str = WORK) -> list[Any]:
        return list((await self.subscriber.pull(subscription=name, max_messages=100)).received_messages)

    async def give_back(self, received: Any) -> None:
        await self.subscriber.modify_ack_deadline(subscription=WORK, ack_ids=[received.ack_id], ack_deadline_seconds=0)

    async def grant(self) -> None:
        for name, role, client in (
            (DEAD, "roles/pubsub.publisher", self.publisher),
            (WORK, "roles/pubsub.subscriber", self.subscriber),
        ):
            policy = await client.get_iam_policy({"resource": name})
            policy.bindings.add(role=role, members=[AGENT])
            await client.set_iam_policy({"resource": name, "policy": policy})


@pytest.fixture
async def topic() -> AsyncIterator[Topic]:
    async with google_side() as side:
        yield Topic(side)


async def test_what_is_given_back_comes_again_and_is_given_up_where_pubsub_may(topic: Topic) -> None:
    await topic.make(**POLICY)
    await topic.publish(b"poison")
    for attempt in (1, 2, 3, 4, 5, 6):
        [received] = await topic.pulled()
        assert received.delivery_attempt == attempt  # also beyond the most: nobody may forward it yet
        await topic.give_back(received)
    await topic.grant()
    assert await topic.pulled() == []
    [letter] = await topic.pulled(LETTERS)
    told = dict(letter.message.attributes)
    assert letter.message.data == b"poison"
    assert told["CloudPubSubDeadLetterSourceDeliveryCount"] == "6"
    assert told["CloudPubSubDeadLetterSourceSubscription"] == "work"
    assert "CloudPubSubDeadLetterSourceTopicPublishTime" in told


async def test_a_retry_policy_keeps_what_is_given_back_waiting(topic: Topic) -> None:
    await topic.make(retry_policy={"minimum_backoff": {"seconds": 600}, "maximum_backoff": {"seconds": 600}})
    await topic.publish(b"one")
    [received] = await topic.pulled()
    await topic.give_back(received)
    assert await topic.pulled() == []
    for wrong in (
        {"retry_policy": {"minimum_backoff": {"seconds": 601}}},
        {"dead_letter_policy": {"dead_letter_topic": DEAD, "max_delivery_attempts": 4}},
        {"dead_letter_policy": {"dead_letter_topic": f"{DEAD}-2", "max_delivery_attempts": 5}},
    ):
        with pytest.raises((exceptions.InvalidArgument, exceptions.NotFound)):
            await topic.subscriber.create_subscription({"name": f"{WORK}-2", "topic": TOPIC, **wrong})


async def test_messages_come_twice_and_in_any_order_where_a_test_wants_it(topic: Topic) -> None:
    await topic.make()
    topic.side.cloud.extras.trouble.duplicates, topic.side.cloud.extras.trouble.disorder = 1.0, True
    said = [str(number).encode() for number in range(8)]
    await topic.publish(*said)
    received = await topic.pulled()
    came = [one.message.data for one in received]
    assert sorted(came) == sorted([*said, *said])
    assert came != sorted(came)
    first = [one.ack_id for one in received if one.message.data == b"0"]
    await topic.subscriber.acknowledge(subscription=WORK, ack_ids=first[:1])
    for one in received:
        await topic.give_back(one)
    assert [one.message.data for one in await topic.pulled()].count(b"0") == 1


async def test_a_policy_that_was_overtaken_is_refused(topic: Topic) -> None:
    await topic.make()
    policy = await topic.publisher.get_iam_policy({"resource": TOPIC})
    await topic.publisher.set_iam_policy({"resource": TOPIC, "policy": policy})
    with pytest.raises(exceptions.Aborted):
        await topic.publisher.set_iam_policy({"resource": TOPIC, "policy": policy})
    with pytest.raises(exceptions.NotFound):
        await topic.publisher.get_iam_policy({"resource": f"{TOPIC}-2"})


@asynccontextmanager
async def endpoint(statuses: list[int]) -> AsyncIterator[tuple[str, list[web.Request], list[Any]]]:
    """Answers with each status in turn, and with the last one from then on."""
    requests: list[web.Request] = []
    bodies: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        requests.append(request)
        bodies.append(await request.json())
        return web.Response(status=statuses.pop(0) if len(statuses) > 1 else statuses[0])

    app = web.Application()
    app.add_routes([web.post("/push", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/push", requests, bodies
    finally:
        await runner.cleanup()


async def test_a_push_bears_a_token_of_the_account_and_comes_again_until_it_is_taken(topic: Topic) -> None:
    async with endpoint([503, 429, 204]) as (url, requests, bodies):
        token = {"service_account_email": "caller@naeda-genesis.iam.gserviceaccount.com", "audience": "https://lumen"}
        await topic.make(push_config={"push_endpoint": url, "oidc_token": token}, **POLICY)
        await topic.publish(b"hello")
        await until(lambda: len(bodies) == 3)
        assert [body["deliveryAttempt"] for body in bodies] == [1, 2, 3]
        assert base64.b64decode(bodies[0]["message"]["data"]) == b"hello"
        assert bodies[0]["subscription"] == WORK
        certificates = topic.side.cloud.extras.signer.certificates()
        kind, _, sent = requests[0].headers["Authorization"].partition(" ")
        claims = jwt.decode(sent, certs=json.loads(json.dumps(certificates)))  # type: ignore[no-untyped-call]
        assert (kind, claims["email"], claims["aud"]) == ("Bearer", token["service_account_email"], "https://lumen")
        await asyncio.sleep(0)
        assert await topic.pulled() == []
