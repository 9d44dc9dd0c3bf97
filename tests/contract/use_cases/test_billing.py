"""The budget's notifications from the sandbox's Pub/Sub into a real store, and what becomes of the month with them."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from google.pubsub_v1 import PublisherAsyncClient, PubsubMessage

from lumen.adapters.google.budget import GoogleBudgets, PubSubBudgetNews
from lumen.adapters.google.clients import GoogleClients, open_google
from lumen.adapters.store.alerts import RedisDays
from lumen.adapters.store.controls import RedisBills
from lumen.alerts.watch import AlertTargets
from lumen.model.alert import Alert, AlertKind
from lumen.model.billing import BudgetNotice, BudgetState
from lumen.model.messages import StoreUnavailable, message
from lumen.model.service import ServiceId
from lumen.use_cases import watch as room
from lumen.use_cases.billing import TakingNews
from lumen.use_cases.watch import Watch
from sandbox.ion.config import IonConfig
from sandbox.ion.place import place_budget
from tests.alike import Alike
from tests.contract.store.builders import SERVICE
from tests.contract.use_cases.conftest import SLOT, Tower
from tests.contract.use_cases.test_spending import past_days
from tests.unit.sandbox.google_side import ACCOUNT, PROJECT, START, GoogleSide, google_side

TOPIC = f"projects/{PROJECT}/topics/budget-alerts"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/budget-alerts-lumen"
OWN = "ION API Monthly Budget"
SAID = {
    "budgetDisplayName": OWN,
    "costAmount": 120.5,
    "costIntervalStart": "2027-01-01T08:00:00Z",
    "currencyCode": "USD",
}


@dataclass
class Desk:
    """Google's side, a subscription of the budget's topic, and the store."""

    side: GoogleSide
    google: GoogleClients
    publisher: PublisherAsyncClient
    bills: RedisBills
    news: PubSubBudgetNews
    account: str = ACCOUNT

    @property
    def taking(self) -> TakingNews:
        budgets = GoogleBudgets(self.google.budgets, self.account, OWN)
        return TakingNews(self.news, self.bills, budgets, OWN, {SERVICE.project: SERVICE})

    async def publish(self, *said: dict[str, Any] | bytes, budget_id: str = "b-1") -> None:
        data = [one if isinstance(one, bytes) else json.dumps({**SAID, **one}).encode() for one in said]
        messages = [PubsubMessage(data=one, attributes={"budgetId": budget_id}) for one in data]
        await self.publisher.publish(topic=TOPIC, messages=messages)

    async def budget_state(self) -> BudgetState:
        return await self.bills.budget_state(SERVICE)

    async def spent(self) -> float | None:
        notice = (await self.budget_state()).notice
        return None if notice is None else notice.cost

    async def trouble(self) -> str:
        found = (await self.budget_state()).trouble
        return "" if found is None else found.reason.code

    async def give_back(self) -> None:
        """As after the deadline for acknowledging."""
        # The sandbox numbers its messages, and how often each was given out.
        given_out = [f"{number}-{times}" for number in range(1, 200) for times in range(1, 5)]
        await self.google.subscriber.modify_ack_deadline(
            subscription=SUBSCRIPTION, ack_ids=given_out, ack_deadline_seconds=0
        )

    async def waiting(self) -> int:
        """How many are not acknowledged."""
        await self.give_back()
        return len(await self.news.pull(200))


@pytest.fixture
async def desk(tower: Tower) -> AsyncIterator[Desk]:
    async with google_side() as side:
        google = await open_google(side.target, subscriber=True)
        publisher = side.client(PublisherAsyncClient)
        await publisher.create_topic(name=TOPIC)
        await google.subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC, ack_deadline_seconds=10)
        tower.store.clock.time = datetime.fromtimestamp(START, UTC)
        bills = RedisBills(tower.store.redis, tower.store.clock)
        yield Desk(side, google, publisher, bills, PubSubBudgetNews(google.subscriber, SUBSCRIPTION, TOPIC))
        await google.close()


async def test_what_google_publishes_counts_and_is_acknowledged(desk: Desk) -> None:
    """The sandbox's own notification, found by the budget's id: its name is whatever people gave it."""
    place_budget(IonConfig(), desk.side.cloud.budgets, ACCOUNT, 200)
    budget = desk.side.cloud.budgets.all[0]
    budget.notifications_rule.pubsub_topic, budget.notifications_rule.schema_version = TOPIC, "1.0"
    for hours, spent in ((4, 118.25), (4, 121.75)):
        desk.side.cloud.spent_usd = partial(float, spent)
        desk.side.clock.at += hours * 3600
        await desk.taking.take()
        assert await desk.spent() == spent
    assert await desk.waiting() == 0
    notice = (await desk.budget_state()).notice
    assert notice is not None
    assert notice.interval_start == datetime(2027, 1, 1, tzinfo=UTC)
    assert notice.published_at.timestamp() == desk.side.clock.at


async def test_late_double_and_of_the_next_month(desk: Desk) -> None:
    desk.account = ""  # then the name tells
    await desk.publish({"costAmount": 150.0}, {"costAmount": 150.0})
    await desk.taking.take()
    await desk.publish({"costAmount": 90.0, "costIntervalStart": "2026-12-01T08:00:00Z"})
    await desk.taking.take()
    assert await desk.spent() == 150.0
    desk.side.clock.at += 20 * 86400
    await desk.publish({"costAmount": 0.5, "costIntervalStart": "2027-02-01T08:00:00Z"})
    await desk.taking.take()
    await desk.publish({"costAmount": 199.0})  # of January, and published after February's
    await desk.taking.take()
    assert await desk.spent() == 0.5
    assert await desk.trouble() == ""


async def test_more_than_one_pull_holds(desk: Desk) -> None:
    desk.account = ""
    await desk.publish(*({"costAmount": float(n)} for n in range(130)))
    await desk.taking.take()
    assert await desk.spent() == 129.0
    assert await desk.waiting() == 0


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([b"\xff\x00 no JSON"], "source.news_unreadable"),
        ([b'{"incident": {}}'], "source.news_unreadable"),
        ([{"budgetDisplayName": "of another team"}], "source.news_other_budget"),
    ],
)
async def test_what_is_of_no_use_is_said_once_and_does_not_come_again(
    desk: Desk, said: Sequence[dict[str, Any] | bytes], code: str
) -> None:
    desk.account = ""
    await desk.publish(*said)
    await desk.taking.take()
    assert (await desk.trouble(), await desk.spent(), await desk.waiting()) == (code, None, 0)
    await desk.publish(*said, {})
    await desk.taking.take()
    assert (await desk.trouble(), await desk.spent()) == ("", 120.5)


async def test_an_id_is_believed_before_a_name(desk: Desk) -> None:
    place_budget(IonConfig(), desk.side.cloud.budgets, ACCOUNT, 200)
    await desk.publish({}, budget_id="somebody-else's")
    await desk.taking.take()
    assert (await desk.trouble(), await desk.spent()) == ("source.news_other_budget", None)


async def test_no_permission_and_no_subscription_are_said_and_pass(desk: Desk) -> None:
    desk.account = ""
    desk.side.cloud.faults.denied = {"pubsub.subscriptions.*"}
    await desk.taking.take()
    trouble = (await desk.budget_state()).trouble
    assert trouble is not None
    assert trouble.reason.code == "source.permission_denied"
    assert trouble.remedy.params["role"] == "roles/pubsub.subscriber"
    desk.side.cloud.faults.denied = set()
    await desk.taking.take()
    assert await desk.trouble() == ""
    await desk.google.subscriber.delete_subscription(subscription=SUBSCRIPTION)
    await desk.taking.take()
    assert await desk.trouble() == "source.news_no_subscription"
    desk.news = PubSubBudgetNews(None, SUBSCRIPTION, TOPIC)
    await desk.taking.take()
    assert await desk.trouble() == "source.news_no_client"


class Broken(RedisBills):
    """A store that cannot be changed."""

    async def keep(self, home: ServiceId, notice: BudgetNotice) -> bool:
        raise StoreUnavailable(message("state.no_epoch", where="", service=""), message("state.no_epoch_remedy"))


async def test_what_was_not_remembered_comes_again(desk: Desk, tower: Tower) -> None:
    desk.account = ""
    await desk.publish({})
    whole, desk.bills = desk.bills, Broken(tower.store.redis, tower.store.clock)
    with pytest.raises(StoreUnavailable):
        await desk.taking.take()
    assert await desk.waiting() == 1
    desk.bills = whole
    await desk.give_back()
    await desk.taking.take()
    assert (await desk.spent(), await desk.waiting()) == (120.5, 0)


def watch_of(tower: Tower, bills: RedisBills) -> Watch:
    store, days, targets = tower.store, RedisDays(tower.store.redis), AlertTargets()
    return Watch(tower.cloud, tower.alerts, store.claims, Alike(targets), tower.silences, days, bills)


async def look(tower: Tower, bills: RedisBills) -> list[Alert]:
    """Five minutes later, by a process that has just started."""
    tower.store.clock.time += SLOT
    tower.cloud.now = tower.store.clock.time
    await watch_of(tower, bills).due((SERVICE,), lambda _: None)
    return [one.alert for one in await tower.alerts.open(SERVICE) if one.alert.kind is AlertKind.BUDGET]


def noticed(tower: Tower, cost: float) -> BudgetNotice:
    month = tower.store.clock.time.replace(day=1, hour=8)
    return BudgetNotice("b-1", OWN, month, tower.store.clock.time, cost, "USD")


async def test_alerts_go_by_what_is_billed(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REPLAY", timedelta(hours=12))
    bills = RedisBills(tower.store.redis, tower.store.clock)
    tower.cloud.slice_usd = 0.0
    assert await look(tower, bills) == []
    tower.cloud.slice_usd = 170.0
    (estimated,) = await look(tower, bills)
    assert (estimated.id, estimated.reason.code) == ("ion-api:budget:2026-03:80", "alert.budget")
    # Google counts less: what was estimated is taken back, with the reason.
    tower.cloud.slice_usd = 0.0
    await bills.keep(SERVICE, noticed(tower, 150.0))
    assert await look(tower, bills) == []
    closed = await tower.alerts.incident(SERVICE, estimated.id)
    assert closed is not None
    assert closed.alerts[0].alert.close_reason is not None
    assert closed.alerts[0].alert.close_reason.code == "alert.budget_billed_less"
    # Google counts more: one alert a threshold, also for a process that has just started.
    await bills.keep(SERVICE, noticed(tower, 185.0))
    (billed,) = await look(tower, bills)
    assert (billed.id, billed.reason.code) == ("ion-api:budget:2026-03:90", "alert.budget_billed")
    assert await look(tower, bills) == [billed]


async def test_a_forecast_outlives_news_that_stop(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's last word is above the estimate: it is at least so much, which says nothing of the month's end."""
    monkeypatch.setattr(room, "REPLAY", timedelta(hours=12))
    bills = RedisBills(tower.store.redis, tower.store.clock)
    tower.store.clock.time += timedelta(days=10)
    await past_days(tower, 5.0, 40)
    tower.cloud.slice_usd = 0.0
    await bills.keep(SERVICE, noticed(tower, 110.0))  # twice the estimate
    (forecast,) = await look(tower, bills)
    assert forecast.id == "ion-api:budget:forecast:2026-03"
    tower.store.clock.time += timedelta(hours=13)
    assert await look(tower, bills) == [forecast]
    await bills.keep(SERVICE, noticed(tower, 60.0))
    assert await look(tower, bills) == []
