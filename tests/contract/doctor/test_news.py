"""What `lumen doctor` says of the budget's notifications, with the sandbox's Pub/Sub."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.pubsub_v1 import PublisherAsyncClient, PubsubMessage

from bot.doctor.check import Check, Findings
from bot.doctor.google import look_at_news
from bot.wiring.examined import open_examined, open_servers
from demo.world import World
from lumen.adapters.google.clients import GoogleClients, open_google
from lumen.wording.catalogue import Catalogue
from sandbox.client import SandboxClient
from tests.contract.doctor.test_doctor import settings
from tests.unit.sandbox.google_side import GoogleSide

NAME = "doctors-alerts"
SAID = {"costAmount": 42.5, "costIntervalStart": "2020-01-01T08:00:00Z", "currencyCode": "USD"}


@pytest.fixture
async def google(sandbox_world: World, sandbox: SandboxClient) -> AsyncIterator[GoogleClients]:
    opened = await open_google(sandbox_world.addresses.gcp_endpoint, subscriber=True)
    yield opened
    await opened.close()


async def looked(world: World, topic: str = NAME) -> Check:
    made = settings(world, budget_topic=topic, billing_account="")
    found = Findings()
    async with open_servers(made) as servers, open_examined(made, servers) as examined:
        await look_at_news(found, examined, made.project_id)
    (check,) = found.checks
    assert all(Catalogue(locale).plain(one) for locale in ("en", "ko") for one in check.sentences)
    return check


async def publish(world: World, name: str, **said: Any) -> None:
    side = GoogleSide(None, None, world.addresses.gcp_endpoint)  # type: ignore[arg-type]  # for its clients alone
    data = json.dumps({**SAID, "budgetDisplayName": name, **said}).encode()
    message = PubsubMessage(data=data, attributes={"budgetId": "b-1"})
    topic = f"projects/{world.addresses.project}/topics/{NAME}"
    await side.client(PublisherAsyncClient).publish(topic=topic, messages=[message])


async def test_what_the_doctor_says_of_notifications(
    sandbox_world: World, sandbox: SandboxClient, google: GoogleClients
) -> None:
    project = sandbox_world.addresses.project
    assert (await looked(sandbox_world, "")).says.code == "doctor.news_unread"
    lacking = await looked(sandbox_world)
    assert (lacking.ok, lacking.says.code) == (False, "source.news_no_subscription")
    side = GoogleSide(None, None, sandbox_world.addresses.gcp_endpoint)  # type: ignore[arg-type]
    topic, subscription = f"projects/{project}/topics/{NAME}", f"projects/{project}/subscriptions/{NAME}-lumen"
    await side.client(PublisherAsyncClient).create_topic(name=topic)
    await google.subscriber.create_subscription(name=subscription, topic=topic)
    try:
        assert (await looked(sandbox_world)).says.code == "doctor.news_none"
        await publish(sandbox_world, "ION API Monthly Budget")
        for _ in range(2):  # it was given back
            assert (await looked(sandbox_world)).says.params["spent_usd"] == 42.5
        await sandbox.post("world/permissions", denied=["pubsub.*"])
        assert (await looked(sandbox_world)).says.code == "source.permission_denied"
        await sandbox.post("world/permissions", denied=[])
        answer = await google.subscriber.pull(subscription=subscription, max_messages=10)
        ids = [one.ack_id for one in answer.received_messages]
        await google.subscriber.acknowledge(subscription=subscription, ack_ids=ids)
        await publish(sandbox_world, "ION API Monthly Budget", currencyCode="KRW")
        assert (await looked(sandbox_world)).says.code == "source.billed_currency"
    finally:
        await google.subscriber.delete_subscription(subscription=subscription)
