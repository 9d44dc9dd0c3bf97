"""The sandbox's BudgetService, driven by the real async client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.billing import budgets_v1
from google.protobuf import field_mask_pb2

from sandbox.ion.config import IonConfig
from sandbox.ion.place import place_budget
from tests.unit.sandbox.google_side import ACCOUNT, GoogleSide, google_side


@pytest.fixture
async def side() -> AsyncIterator[GoogleSide]:
    async with google_side() as side:
        place_budget(IonConfig(), side.cloud.budgets, ACCOUNT, 200)
        yield side


@pytest.fixture
async def budgets(side: GoogleSide) -> budgets_v1.BudgetServiceAsyncClient:
    return side.client(budgets_v1.BudgetServiceAsyncClient)


async def only(budgets: budgets_v1.BudgetServiceAsyncClient) -> budgets_v1.Budget:
    found = [b async for b in await budgets.list_budgets(parent=ACCOUNT)]
    assert len(found) == 1
    return found[0]


def usd(amount: int, currency: str = "USD") -> budgets_v1.BudgetAmount:
    return budgets_v1.BudgetAmount(specified_amount={"currency_code": currency, "units": amount})


async def test_the_budget_that_is_there(budgets: budgets_v1.BudgetServiceAsyncClient) -> None:
    budget = await only(budgets)
    assert budget.display_name == "ION API Monthly Budget"
    assert budget.amount.specified_amount.units == 200
    assert [r.threshold_percent for r in budget.threshold_rules] == [0.8, 0.9, 1.0]
    assert (await budgets.get_budget(name=budget.name)).etag == budget.etag


async def test_an_update_needs_the_etag_or_none(budgets: budgets_v1.BudgetServiceAsyncClient) -> None:
    stale = await only(budgets)
    fresh = await only(budgets)
    fresh.amount = usd(250)
    changed = await budgets.update_budget(
        request={"budget": fresh, "update_mask": field_mask_pb2.FieldMask(paths=["amount"])}
    )
    assert changed.amount.specified_amount.units == 250
    assert changed.etag != stale.etag
    stale.amount = usd(100)
    with pytest.raises(exceptions.Aborted, match="Etag"):
        await budgets.update_budget(request={"budget": stale})
    stale.etag = ""
    overwritten = await budgets.update_budget(request={"budget": stale})
    assert overwritten.amount.specified_amount.units == 100


async def test_creating_twice_makes_two(budgets: budgets_v1.BudgetServiceAsyncClient) -> None:
    budget = budgets_v1.Budget(display_name="again", amount=usd(1))
    first = await budgets.create_budget(parent=ACCOUNT, budget=budget)
    second = await budgets.create_budget(parent=ACCOUNT, budget=budget)
    assert first.name != second.name
    await budgets.delete_budget(name=first.name)
    with pytest.raises(exceptions.NotFound):
        await budgets.get_budget(name=first.name)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"display_name": "x" * 61}, "60 characters"),
    ({"amount": budgets_v1.BudgetAmount()}, "must be given"),
    ({"amount": usd(1, "EUR")}, "currency"),
    ({"amount": usd(-1)}, "negative"),
    ({"budget_filter": {"services": ["services/cloud-run"]}}, "services/152E-C115-5142"),
    ({"threshold_rules": [{"threshold_percent": -0.5}]}, "negative"),
    ({"notifications_rule": {"pubsub_topic": "budget-alerts", "schema_version": "1.0"}}, "no topic name"),
    ({"notifications_rule": {"pubsub_topic": "projects/p/topics/t"}}, 'must be "1.0"'),
    ({"notifications_rule": {"monitoring_notification_channels": ["c"] * 6}}, "at most 5"),
    ({"notifications_rule": {"monitoring_notification_channels": ["projects/p/notificationChannels/1"]}}, "e-mail"),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED)
async def test_refused_budgets(
    budgets: budgets_v1.BudgetServiceAsyncClient, fields: dict[str, Any], words: str
) -> None:
    budget = budgets_v1.Budget({"display_name": "b", "amount": usd(1)} | fields)
    with pytest.raises(exceptions.InvalidArgument, match=words):
        await budgets.create_budget(parent=ACCOUNT, budget=budget)


async def test_another_account_is_not_found(budgets: budgets_v1.BudgetServiceAsyncClient) -> None:
    with pytest.raises(exceptions.NotFound, match="Billing account"):
        await budgets.list_budgets(parent="billingAccounts/000000-000000-000000")
