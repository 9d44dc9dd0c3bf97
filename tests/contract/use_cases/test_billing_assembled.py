"""The whole of Lumen, joined as it runs, on the sandbox: from Google's notification to the stored turn."""

import json

import pytest
from google.pubsub_v1 import PublisherAsyncClient, PubsubMessage, SubscriberAsyncClient

from bot.run import init_state
from bot.wiring.assembly import assemble
from demo.world import World
from lumen.model.snapshot import Spend
from sandbox.client import SandboxClient
from tests.contract.doctor.test_doctor import settings
from tests.unit.sandbox.google_side import GoogleSide

NAME = "assembled-alerts"


@pytest.mark.prove
async def test_from_the_notification_to_the_turn(sandbox_world: World, sandbox: SandboxClient) -> None:
    assert sandbox is not None  # whatever another test broke is mended
    of = sandbox_world.addresses
    both = f"{of.service},{of.service}-canary"
    made = settings(sandbox_world, service_name=both, budget_topic=NAME, billing_account="")
    await init_state(made)
    topic = f"projects/{of.project}/topics/{NAME}"
    side = GoogleSide(None, None, of.gcp_endpoint)  # type: ignore[arg-type]  # for its clients alone
    publisher = side.client(PublisherAsyncClient)
    await publisher.create_topic(name=topic)
    async with assemble(made) as lumen:
        await side.client(SubscriberAsyncClient).create_subscription(name=made.budget_news, topic=topic)
        month = lumen.store.clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        said = {
            "budgetDisplayName": "ION API Monthly Budget",
            "costAmount": 143.21,
            "costIntervalStart": month.isoformat(),
            "currencyCode": "USD",
        }
        sent = PubsubMessage(data=json.dumps(said).encode(), attributes={"budgetId": "b-1"})
        await publisher.publish(topic=topic, messages=[sent])
        assert lumen.rounds.beside.taking_news is not None
        await lumen.rounds.beside.taking_news.take()
        await lumen.rounds.turn_runner.extra_turns(made.services)
        for service in made.services:
            (turn,) = await lumen.store.turns.latest(service, 1)
            spend = turn.snapshot.spend
            assert isinstance(spend, Spend)
            assert (spend.month_to_date_usd, spend.is_estimate) == (143.21, False)
            parts = {part.service: part.month_to_date_usd for part in spend.parts}
            assert list(parts) == both.split(",")
            assert spend.estimate_usd == pytest.approx(sum(usd for usd in parts.values() if isinstance(usd, float)))
            assert turn.assessment.rhythm.budget_share == pytest.approx(143.21 / 200)
