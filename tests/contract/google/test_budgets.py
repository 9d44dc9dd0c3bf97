"""Which budget is this month's: by its name, period, projects and services, of whatever else the account has."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import grpc
import pytest
from google.cloud.billing.budgets_v1 import Budget as GoogleBudget
from google.cloud.billing.budgets_v1 import ListBudgetsResponse
from google.protobuf.message import Message

from lumen.adapters.google.budget import Budget, BudgetInForce, GoogleBudgets
from lumen.adapters.google.clients import GoogleClients, Patience
from lumen.model.messages import NoData
from tests.alike import Alike
from tests.foreign_google import ForeignGoogle
from tests.manual_clock import ManualClock

OWN = "ION API Monthly Budget"
ONCE = Patience(1.0, 1.0)

PERIODS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "month": {"calendar_period": 1},
    "quarter": {"calendar_period": 2},
    "year": {"calendar_period": 3},
    "custom": {"custom_period": {"start_date": {"year": 2026, "month": 11, "day": 1}}},
}
PROJECTS: Mapping[str, Mapping[str, Any]] = {
    "own": {"projects": ["projects/naeda-genesis"]},
    "own number": {"projects": ["projects/417000000001"]},
    "other number": {"projects": ["projects/9"]},
    "other": {"projects": ["projects/elsewhere"]},
    "two": {"projects": ["projects/naeda-genesis", "projects/elsewhere"]},
    "folder": {"projects": ["projects/naeda-genesis"], "resource_ancestors": ["folders/1"]},
    "open": {},
}
PARTS: Mapping[str, Mapping[str, Any]] = {
    "all": {},
    "services": {"services": ["services/152E-C115-5142"]},
    "subaccounts": {"subaccounts": ["billingAccounts/1-2"]},
}


def tell(google: ForeignGoogle, *budgets: GoogleBudget) -> None:
    async def answer(_raw: bytes) -> Message:
        pb: Message = ListBudgetsResponse.pb(ListBudgetsResponse(budgets=list(budgets)))
        return pb

    google.answers["ListBudgets"] = answer


def one(name: str, usd: int, *covers: Mapping[str, Any]) -> GoogleBudget:
    covered = {key: value for part in covers for key, value in part.items()}
    return GoogleBudget(
        name=f"billingAccounts/0-1/budgets/{name}-{usd}",
        display_name=name,
        amount={"specified_amount": {"units": usd, "currency_code": "USD"}},
        budget_filter=covered,
    )


async def number(_project: str) -> str:
    return "417000000001"


async def test_only_a_month_of_this_project_alone_is_this_month_s(
    google: ForeignGoogle, clients: GoogleClients
) -> None:
    for (period, of), (projects, whose), (parts, what), name in product(
        PERIODS.items(), PROJECTS.items(), PARTS.items(), (OWN, "team")
    ):
        tell(google, one(name, 200, of, whose, what), one("all of it", 9000))
        source = GoogleBudgets(clients.budgets, "0-1", OWN, ONCE, number)
        found = await source.budget("naeda-genesis")
        is_ours = projects in ("own", "own number") or (projects == "open" and name == OWN)
        expected = is_ours and period in ("default", "month") and parts == "all"
        assert isinstance(found, Budget) == expected, (period, projects, parts, name)
        if isinstance(found, NoData) and name == OWN:
            assert found.reason.code.startswith("source.budget_")
            assert await source.own_id("naeda-genesis") is None  # its notifications are not the month's either


async def test_a_fitting_budget_is_found_beside_one_of_our_name_that_does_not_fit(
    google: ForeignGoogle, clients: GoogleClients
) -> None:
    tell(google, one(OWN, 2400, PERIODS["year"], PROJECTS["own"]), one("team", 200, PROJECTS["own number"]))
    found = await GoogleBudgets(clients.budgets, "0-1", OWN, ONCE, number).budget("naeda-genesis")
    assert isinstance(found, Budget)
    assert found.amount == 200


@pytest.mark.parametrize(("name", "is_taken"), [(OWN, True), ("team", False)])
async def test_a_number_that_nobody_can_look_up_is_believed_of_our_own_name_alone(
    google: ForeignGoogle, clients: GoogleClients, name: str, is_taken: bool
) -> None:
    tell(google, one(name, 200, PROJECTS["own number"]))
    found = await GoogleBudgets(clients.budgets, "0-1", OWN, ONCE).budget("naeda-genesis")
    assert isinstance(found, Budget) == is_taken


async def test_an_amount_that_was_read_holds_while_google_is_away(
    google: ForeignGoogle, clients: GoogleClients
) -> None:
    clock = ManualClock()
    in_force = BudgetInForce(GoogleBudgets(clients.budgets, "0-1", OWN, ONCE), clock, Alike(200.0))
    seen: list[float] = []
    answers: Sequence[GoogleBudget | None] = (one(OWN, 500), None, one(OWN, 300), one(OWN, 300, PERIODS["year"]))
    for answer in answers:
        if answer is None:
            google.refuse("ListBudgets", grpc.StatusCode.UNAVAILABLE)
        else:
            tell(google, answer)
        seen.append(await in_force.usd("naeda-genesis"))
        clock.move(timedelta(hours=2))
    assert seen == [500, 500, 300, 200]
