"""How services are deployed, read through the real clients; and what a month costs."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.cloud.billing.budgets_v1 import Budget as GoogleBudget
from google.cloud.billing.budgets_v1 import ListBudgetsResponse
from google.protobuf.message import Message

from lumen.adapters.google.budget import Budget, BudgetInForce, GoogleBudgets, GoogleSpend
from lumen.adapters.google.clients import GoogleClients, Patience
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.service_fields import quantity
from lumen.model.cost import HOUR_SECONDS, CostPrices, InstanceShape, cache_shares, cost_usd
from lumen.model.messages import NoData, SourceUnavailable, message
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Deployment, HourlyHistory, Spend, Window
from lumen.wording.money import own_part
from tests.alike import Alike
from tests.foreign_google import ForeignGoogle
from tests.foreign_run import ForeignRun
from tests.manual_clock import ManualClock

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
OTHER = ServiceId("naeda-genesis", "us-central1", "ion-api-canary")
ONCE = Patience(attempt_seconds=30, retry_seconds=0)
PRICES = CostPrices(redis_hour=0.0128, api_call=0.01)
GONE = NoData(message("test.gone"), message("test.gone_remedy"))


@pytest.fixture
def run(google: ForeignGoogle) -> ForeignRun:
    return ForeignRun(google, API, {"DEFAULT_TTL_SECONDS": "300"})


@pytest.fixture
def source(clients: GoogleClients) -> CloudRunDeployments:
    return CloudRunDeployments(clients.services, clients.revisions, ONCE)


async def deployment(source: CloudRunDeployments) -> Deployment:
    found = (await source.deployments([API]))[API]
    assert isinstance(found, Deployment)
    return found


async def test_configuration_and_revisions_newest_first(run: ForeignRun, source: CloudRunDeployments) -> None:
    found = await deployment(source)
    assert (found.env_ttl_seconds, found.memory_mb, found.min_instances) == (300, 512, 0)
    assert (found.pinned_revision, found.rollback_allowed) == (None, True)
    assert [(r.name, r.traffic_percent) for r in found.revisions] == [
        ("ion-api-00003", 0),
        ("ion-api-00002", 0),
        ("ion-api-00001", 100),
    ]


async def test_pinned_traffic_labels_and_scaling(run: ForeignRun, source: CloudRunDeployments) -> None:
    run.pin("ion-api-00002")
    run.service.labels["lumen-rollback"] = "never"
    run.service.scaling.min_instance_count = 2
    found = await deployment(source)
    assert (found.pinned_revision, found.rollback_allowed, found.min_instances) == ("ion-api-00002", False, 2)
    assert [r.traffic_percent for r in found.revisions] == [0, 100, 0]


async def test_an_unknown_service_costs_only_itself(run: ForeignRun, source: CloudRunDeployments) -> None:
    found = await source.deployments([API, OTHER])
    assert isinstance(found[API], Deployment)
    other = found[OTHER]
    assert isinstance(other, NoData)
    assert other.reason.code == "source.service_unknown"


async def test_a_fleet_is_two_calls_and_those_who_ask_at_once_share_one(
    google: ForeignGoogle, run: ForeignRun, source: CloudRunDeployments
) -> None:
    await asyncio.gather(source.deployments([API, OTHER]), source.shapes([API, OTHER]), source.shapes([API]))
    assert sorted(google.calls) == ["ListRevisions", "ListServices"]


async def test_one_answer_serves_a_slice_and_none_of_before_a_change_is_told(
    google: ForeignGoogle, run: ForeignRun, clients: GoogleClients
) -> None:
    clock = ManualClock()
    source = CloudRunDeployments(clients.services, clients.revisions, ONCE, clock)

    async def told(by: timedelta = timedelta(0)) -> tuple[int | None, int]:
        clock.move(by)
        return await source.environment_ttl(API), google.calls.count("ListServices")

    assert await told() == (300, 1)
    await source.deployments([API])
    await source.shapes([API, OTHER])
    run.service.template.containers[0].env[0].value = "420"
    assert await told(SLICE - timedelta(seconds=1)) == (300, 1)
    assert await told(timedelta(seconds=1)) == (420, 2)
    clock.move(timedelta(minutes=1))
    await source.deployments([API])  # nothing older than a minute is a deployment
    run.service.template.containers[0].env[0].value = "480"
    assert await told() == (420, 3)
    assert await source.environment_ttl_now(API) == 480
    assert google.calls.count("GetService") == 1  # of the one alone, however many there are
    assert await told() == (420, 3)
    run.service.template.containers[0].env[0].value = "540"
    source.changed(OTHER)  # of the same place
    assert await told() == (540, 4)


async def test_an_answer_that_was_asked_for_before_a_change_is_not_kept(
    google: ForeignGoogle, run: ForeignRun, clients: GoogleClients
) -> None:
    source = CloudRunDeployments(clients.services, clients.revisions, ONCE, ManualClock())
    asking = asyncio.create_task(source.environment_ttl(API))
    await asyncio.sleep(0)
    source.changed(API)
    await asking
    await source.environment_ttl(API)
    assert google.calls.count("ListServices") == 2


@pytest.mark.parametrize("method", ["ListServices", "ListRevisions"])
async def test_a_refusal_of_either_call_is_no_data(
    google: ForeignGoogle, run: ForeignRun, source: CloudRunDeployments, method: str
) -> None:
    google.refuse(method, grpc.StatusCode.PERMISSION_DENIED, "Permission 'run.services.list' denied")
    found = (await source.deployments([API]))[API]
    assert isinstance(found, NoData)
    assert (found.reason.code, found.remedy.params["role"]) == ("source.permission_denied", "roles/run.viewer")


async def test_limits_that_nobody_understands_are_no_data(run: ForeignRun, source: CloudRunDeployments) -> None:
    run.service.template.containers[0].resources.limits["memory"] = "plenty"
    found = (await source.deployments([API]))[API]
    assert isinstance(found, NoData)
    assert found.reason.code == "source.limits_unreadable"


async def test_the_environment_s_ttl_for_a_fresh_installation(
    google: ForeignGoogle, run: ForeignRun, source: CloudRunDeployments
) -> None:
    assert await source.environment_ttl(API) == 300
    run.service.template.containers[0].env[0].value = "soon"
    assert await source.environment_ttl(API) is None
    google.refuse("ListServices", grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(SourceUnavailable):
        await source.environment_ttl(API)


async def test_the_project_s_number_is_read_from_cloud_run(
    google: ForeignGoogle, run: ForeignRun, source: CloudRunDeployments
) -> None:
    run.service.urls = ["https://ion-api-abc-uc.a.run.app", "https://ion-api-417000000001.us-central1.run.app"]
    assert await source.project_number("naeda-genesis", "us-central1") == "417000000001"
    google.refuse("ListServices", grpc.StatusCode.UNAVAILABLE)
    assert await source.project_number("naeda-genesis", "us-central1") == ""


@pytest.mark.parametrize(
    ("text", "number"), [("512Mi", 2**29), ("1Gi", 2**30), ("1000m", 1), ("2", 2), ("0.5", 0.5), ("1G", 10**9)]
)
def test_quantities(text: str, number: float) -> None:
    assert quantity(text) == number


def test_an_hour_s_cost_is_the_sum_of_its_parts() -> None:
    shape = InstanceShape(vcpu=2, gib=1, min_instances=1)
    # 1800 s busy × (2 × 0.000024 + 0.0000025), 1800 s idle × (2 × 0.0000025 + 0.0000025), 10⁶ requests, Redis, 3 calls
    wanted = 1800 * 0.0000505 + 1800 * 0.0000075 + 0.40 + 0.0128 + 0.03
    assert cost_usd(PRICES, shape, HOUR_SECONDS, 1_000_000, 1800, 3, 1.0) == pytest.approx(wanted)
    assert cost_usd(PRICES, shape, HOUR_SECONDS, 0, 7200, None, 1.0) == pytest.approx(7200 * 0.0000505 + 0.0128)
    assert cost_usd(PRICES, shape, HOUR_SECONDS, 0, 0, 3, 0.25) == pytest.approx(3600 * 0.0000075 + 0.0428 / 4)


@pytest.mark.parametrize(
    ("requests", "shares"),
    [
        ({API: 900, OTHER: 100}, {API: 0.9, OTHER: 0.1}),
        ({API: 900, OTHER: 0}, {API: 1.0, OTHER: 0.0}),
        ({API: 0, OTHER: 0}, {API: 0.5, OTHER: 0.5}),
        ({API: 900, OTHER: None}, {API: 1.0}),
        ({API: None, OTHER: None}, {}),
    ],
)
def test_a_cache_that_several_use_is_paid_once(
    requests: Mapping[ServiceId, int | None], shares: Mapping[ServiceId, float]
) -> None:
    assert cache_shares(requests, Alike("cache")) == pytest.approx(shares)


def budgets_of(google: ForeignGoogle, *budgets: GoogleBudget) -> None:
    async def answer(_raw: bytes) -> Message:
        pb: Message = ListBudgetsResponse.pb(ListBudgetsResponse(budgets=list(budgets)))
        return pb

    google.answers["ListBudgets"] = answer


def budget(name: str, units: int, currency: str = "USD", projects: Sequence[str] = ()) -> GoogleBudget:
    return GoogleBudget(
        display_name=name,
        amount={"specified_amount": {"units": units, "currency_code": currency}},
        budget_filter={"projects": list(projects)},
    )


@pytest.mark.parametrize(
    ("budgets", "amount"),
    [
        ([budget("ION API Monthly Budget", 200), budget("all", 9000)], 200),
        ([budget("mine", 150, projects=["projects/naeda-genesis"]), budget("all", 9000)], 150),
        ([budget("all", 9000)], None),
        ([], None),
    ],
)
async def test_the_budget_that_is_meant(
    google: ForeignGoogle, clients: GoogleClients, budgets: list[GoogleBudget], amount: float | None
) -> None:
    budgets_of(google, *budgets)
    source = GoogleBudgets(clients.budgets, "billingAccounts/0-1", "ION API Monthly Budget", ONCE)
    found = await source.budget("naeda-genesis")
    if amount is None:
        assert isinstance(found, NoData)
        assert found.reason.code == "source.no_budget"
    else:
        assert isinstance(found, Budget)
        assert (found.amount, found.currency) == (amount, "USD")


async def test_no_account_and_no_permission(google: ForeignGoogle, clients: GoogleClients) -> None:
    none = await GoogleBudgets(clients.budgets, "", "x", ONCE).budget("naeda-genesis")
    assert isinstance(none, NoData)
    assert none.reason.code == "source.no_billing_account"
    google.refuse("ListBudgets", grpc.StatusCode.PERMISSION_DENIED)
    denied = await GoogleBudgets(clients.budgets, "0-1", "x", ONCE).budget("naeda-genesis")
    assert isinstance(denied, NoData)
    assert denied.remedy.params["role"] == "roles/billing.viewer"


class Known(HourlyCosts):
    """Tells the hourly costs it is given, for the month's sum alone."""

    def __init__(self, costs: Mapping[int, float]) -> None:
        self._costs_by_hour = costs

    async def history(self, services: Sequence[ServiceId], window: Window):  # type: ignore[no-untyped-def]
        hours = range(round(window.seconds / 3600))
        costs = tuple(self._costs_by_hour.get(hour) for hour in hours)
        return dict.fromkeys(services, HourlyHistory(window.start, tuple(1 for _ in hours), costs))


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (range(24), 24.0),
        (range(12, 24), 12.0),  # from the first hour that is known
        ([0, *range(5, 24)], 24.0),  # the others cost what their requests cost elsewhere
        ([0, 23], "source.month_incomplete"),
        ([], "source.month_incomplete"),
    ],
)
async def test_the_month_s_sum_needs_most_of_its_hours(
    google: ForeignGoogle, clients: GoogleClients, known: Sequence[int], said: float | str
) -> None:
    budgets_of(google, budget("ION API Monthly Budget", 250))
    clock = ManualClock(datetime(2026, 11, 2, 0, 30, tzinfo=UTC))
    source = GoogleSpend(
        BudgetInForce(GoogleBudgets(clients.budgets, "0-1", "ION API Monthly Budget", ONCE), clock, Alike(200.0)),
        Known(dict.fromkeys(known, 1.0)),
        clock,
    )
    found = (await source.spend([API]))[API]
    assert isinstance(found, Spend)
    assert (found.budget_usd, found.is_estimate) == (250, True)
    assert found.as_of == datetime(2026, 11, 2, tzinfo=UTC)
    month = found.month_to_date_usd
    assert (month.reason.code if isinstance(month, NoData) else month) == said


@dataclass
class Each:
    """Hours of a day of each service; of those that are not in it nothing is known."""

    usd: Mapping[ServiceId, float]

    async def history(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        hours = round(window.seconds / 3600)
        return {
            one: HourlyHistory(window.start, (1,) * hours, (self.usd[one],) * hours) if one in self.usd else GONE
            for one in services
        }


@pytest.mark.parametrize(
    ("usd", "month", "known_usd"),
    [({API: 1.0, OTHER: 0.5}, 36.0, 36.0), ({API: 1.0}, "source.month_partial", 24.0), ({}, "test.gone", 0.0)],
)
async def test_the_month_is_that_of_all_services(
    clients: GoogleClients, usd: Mapping[ServiceId, float], month: float | str, known_usd: float
) -> None:
    clock = ManualClock(datetime(2026, 11, 2, 0, 30, tzinfo=UTC))
    budget = BudgetInForce(GoogleBudgets(clients.budgets, "", "b"), clock, Alike(200.0))
    source = GoogleSpend(budget, Each(usd), clock, (API, OTHER))  # type: ignore[arg-type]
    for asked in ((API,), (API, OTHER)):
        found = (await source.spend(asked))[API]
        assert isinstance(found, Spend)
        told = found.month_to_date_usd
        assert (told.reason.code if isinstance(told, NoData) else told) == month
        assert found.known_usd == known_usd
        assert [part.service for part in found.parts] == ["ion-api", "ion-api-canary"]


async def test_one_name_in_two_regions_and_projects_is_counted_twice_and_once(clients: GoogleClients) -> None:
    clock = ManualClock(datetime(2026, 11, 2, 0, 30, tzinfo=UTC))
    budget = BudgetInForce(GoogleBudgets(clients.budgets, "", "b"), clock, Alike(200.0))
    abroad, strange = replace(API, region="europe-west1"), replace(API, project="shop-prod")
    usd = {API: 1.0, abroad: 0.5, strange: 4.0}
    found = await GoogleSpend(budget, Each(usd), clock, tuple(usd)).spend(tuple(usd))  # type: ignore[arg-type]
    assert [spend.month_to_date_usd for spend in found.values() if isinstance(spend, Spend)] == [36.0, 36.0, 96.0]
    owns = [own_part(spend, service) for service, spend in found.items()]
    assert [own and own.month_to_date_usd for own in owns] == [24.0, 12.0, None]


async def test_a_month_s_first_hour_and_a_foreign_currency(google: ForeignGoogle, clients: GoogleClients) -> None:
    budgets_of(google, budget("ION API Monthly Budget", 300000, "KRW"))
    clock = ManualClock(datetime(2026, 11, 1, 0, 30, tzinfo=UTC))
    account = GoogleBudgets(clients.budgets, "0-1", "ION API Monthly Budget", ONCE)
    source = GoogleSpend(BudgetInForce(account, clock, Alike(200.0)), Known({}), clock)
    found = (await source.spend([API]))[API]
    assert isinstance(found, Spend)
    assert found.budget_usd == 200
    assert isinstance(found.month_to_date_usd, NoData)
    clock.move(timedelta(minutes=10))
    await source.spend([API])
    assert google.calls.count("ListBudgets") == 1  # an amount is asked for once an hour
