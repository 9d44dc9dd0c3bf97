"""The budget's notifications, read by two bots of which one dies: one alert a threshold, and the month as billed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.pubsub_v1 import PublisherAsyncClient, PubsubMessage

from demo.world import World
from lumen.adapters.google.clients import open_google
from sandbox.client import SandboxClient, SeenMessage
from tests.unit.sandbox.google_side import GoogleSide

pytestmark = pytest.mark.prove


def is_incident(message: SeenMessage) -> bool:
    """Reports tell of open alerts too."""
    surface = ((message.raw.get("metadata") or {}).get("event_payload") or {}).get("surface", "")
    return message.ephemeral_to is None and "/alert/" in str(surface)


async def test_a_threshold_is_told_once_and_the_month_is_actual(world: World, slack: SandboxClient) -> None:
    of = world.addresses
    topic = f"projects/{of.project}/topics/budget-alerts"
    side = GoogleSide(None, None, of.gcp_endpoint)  # type: ignore[arg-type]  # for its clients alone
    publisher = side.client(PublisherAsyncClient)
    await publisher.create_topic(name=topic)
    google = await open_google(of.gcp_endpoint, subscriber=True)
    name = f"projects/{of.project}/subscriptions/budget-alerts-lumen"
    await google.subscriber.create_subscription(name=name, topic=topic)
    await google.close()

    async def publish(*usd: float) -> None:
        month = world.clock.origin[:7]
        said = {
            "budgetDisplayName": "ION API Monthly Budget",
            "costIntervalStart": f"{month}-01T00:00:00Z",
            "currencyCode": "USD",
        }
        sent: list[Any] = [
            PubsubMessage(data=json.dumps({**said, "costAmount": one}).encode(), attributes={"budgetId": "b-1"})
            for one in usd
        ]
        await publisher.publish(topic=topic, messages=sent)

    def tells(share: str) -> Callable[[SeenMessage], bool]:
        return lambda m: is_incident(m) and f"{share} of the monthly budget" in m.words()

    await publish(165.0, 165.0)
    first = world.start_bot(BUDGET_TOPIC="budget-alerts", BILLING_ACCOUNT="")
    world.start_bot("second", BUDGET_TOPIC="budget-alerts", BILLING_ACCOUNT="")
    await slack.wait_for_message(tells("82%"), within_seconds=120)
    first.kill()
    await publish(170.0, 181.0, 181.0)
    await slack.wait_for_message(tells("90%"), within_seconds=120)
    told = await slack.messages()
    assert [sum(map(tells(share), told)) for share in ("82%", "90%")] == [1, 1]
    await slack.command("/lumen run")
    await slack.wait_for_message(lambda m: "$181.00 of $200.00 (actual as of" in m.words(), within_seconds=120)
    await slack.command("/lumen budget")
    shown = await slack.wait_for_message(lambda m: "Actual as of" in m.words(), within_seconds=60)
    assert "$181.00 of $200.00" in shown.words()
