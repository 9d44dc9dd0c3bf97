"""What Google bills: which notice counts, for how long, and what is no notice at all."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.adapters.google.budget import parsed
from lumen.model.billing import FRESH, Billed, BudgetNotice, BudgetState, billed_month
from lumen.model.messages import NoData, message
from lumen.model.snapshot import ServiceSpend, Spend
from lumen.use_cases.billing import foreign, with_bill

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
MONTH = datetime(2026, 11, 1, 7, tzinfo=UTC)  # midnight in California
NOTICE = BudgetNotice("b-1", "ION API Monthly Budget", MONTH, NOW - timedelta(hours=1), 120.5, "USD")
WRONG = NoData(message("source.news_other_budget"), message("source.news_other_budget_remedy"))
SECOND = timedelta(seconds=1)
SAID = {
    "budgetDisplayName": "ION API Monthly Budget",
    "costAmount": 120.5,
    "costIntervalStart": "2026-11-01T07:00:00Z",
    "budgetAmount": 200.0,
    "budgetAmountType": "SPECIFIED_AMOUNT",
    "currencyCode": "USD",
}
ID = {"billingAccountId": "0-1", "budgetId": "b-1", "schemaVersion": "1.0"}


def notice(**changes: object) -> BudgetNotice:
    return replace(NOTICE, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (BudgetState(), "source.billed_none"),
        (BudgetState(None, WRONG), "source.news_other_budget"),
        (BudgetState(NOTICE), True),
        (BudgetState(NOTICE, WRONG), True),  # what else went wrong does not matter while the own ones come
        (BudgetState(notice(published_at=NOW - FRESH + SECOND)), True),
        (BudgetState(notice(published_at=NOW - FRESH)), False),
        (BudgetState(notice(currency="KRW")), "source.billed_currency"),
        (BudgetState(notice(interval_start=datetime(2026, 10, 1, 7, tzinfo=UTC))), "source.billed_other_month"),
        (
            BudgetState(notice(interval_start=datetime(2026, 1, 1, 8, tzinfo=UTC))),
            "source.billed_other_month",
        ),  # a year's
        (BudgetState(notice(interval_start=datetime(2025, 11, 1, 7, tzinfo=UTC))), "source.billed_other_month"),
        (BudgetState(notice(cost=0.0)), True),
    ],
)
def test_what_is_known_of_the_month(state: BudgetState, found: str | bool) -> None:
    known = billed_month(state, NOW)
    if isinstance(known, NoData):
        assert known.reason.code == found
    else:
        assert known.is_fresh is found
        assert state.notice is not None
        assert (known.usd, known.as_of) == (state.notice.cost, state.notice.published_at)


def test_a_new_interval_begins_anew_and_a_late_notice_never_lowers() -> None:
    late = notice(published_at=NOW - timedelta(hours=5), cost=90.0)
    corrected = notice(published_at=NOW, cost=110.0)  # Google took something back
    december = notice(interval_start=datetime(2026, 12, 1, 8, tzinfo=UTC), published_at=NOW, cost=0.5)
    for order in permutations([late, NOTICE, corrected, december, NOTICE]):
        assert max(order, key=lambda one: one.order) == december
    for order in permutations([late, corrected, NOTICE]):
        assert max(order, key=lambda one: one.order) == corrected


ESTIMATE = Spend(100.0, True, 200.0, NOW, (ServiceSpend("ion-api", 100.0),))


def test_an_actual_is_no_estimate_and_keeps_it_beside() -> None:
    found = with_bill(ESTIMATE, Billed(120.5, NOW), BudgetState(NOTICE))
    assert isinstance(found, Spend)
    assert (found.month_to_date_usd, found.is_estimate, found.estimate_usd, found.not_billed) == (
        120.5,
        False,
        100.0,
        None,
    )
    lacking = Spend(WRONG, True, 200.0, NOW, ESTIMATE.parts)
    whole = with_bill(lacking, Billed(120.5, NOW), BudgetState(NOTICE))
    assert isinstance(whole, Spend)
    assert (whole.month_to_date_usd, whole.estimate_usd) == (120.5, WRONG)  # the sum is Google's, whatever we know


@pytest.mark.parametrize(
    ("known", "state", "why"),
    [
        (Billed(120.5, NOW, is_fresh=False), BudgetState(NOTICE), "source.billed_stale"),
        (Billed(120.5, NOW, is_fresh=False), BudgetState(NOTICE, WRONG), "source.news_other_budget"),
        (WRONG, BudgetState(), "source.news_other_budget"),
    ],
)
def test_without_a_fresh_one_it_stays_an_estimate_and_says_why(
    known: Billed | NoData, state: BudgetState, why: str
) -> None:
    found = with_bill(ESTIMATE, known, state)
    assert isinstance(found, Spend)
    assert (found.month_to_date_usd, found.is_estimate, found.estimate_usd) == (100.0, True, None)
    assert found.not_billed is not None
    assert found.not_billed.reason.code == why


@pytest.mark.parametrize(
    ("own_id", "name", "is_own"),
    [
        ("b-1", "another name", True),
        ("b-2", NOTICE.budget_name, False),
        ("", NOTICE.budget_name, True),
        ("", "x", False),
    ],
)
def test_whose_notice_it_is(own_id: str, name: str, *, is_own: bool) -> None:
    assert (foreign(notice(budget_name=name), own_id, NOTICE.budget_name, "s") is None) is is_own


def test_a_notification_as_it_is_documented() -> None:
    data = json.dumps({**SAID, "alertThresholdExceeded": 0.8}).encode()
    assert parsed(data, ID, NOTICE.published_at) == NOTICE


@pytest.mark.parametrize(
    "change",
    [
        {"costAmount": None},
        {"costAmount": "120.5"},
        {"costAmount": True},
        {"costAmount": float("nan")},
        {"costAmount": float("inf")},
        {"costAmount": 10**400},
        {"costIntervalStart": "yesterday"},
        {"costIntervalStart": "2026-11-01T07:00:00"},
        {"costIntervalStart": "0001-01-01T00:00:00+14:00"},
        {"costIntervalStart": "9999-01-01T00:00:00Z"},  # would count for ever
        {"costIntervalStart": 5},
        {"budgetDisplayName": 7},
        {"budgetDisplayName": "\ud800"},
        {"currencyCode": None},
    ],
)
def test_what_is_no_notification(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        parsed(json.dumps({**SAID, **change}).encode(), ID, NOTICE.published_at)


@given(st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b"{}", b"[]", b"null", b"7", b'"\\ud800"']))
def test_garbage_is_an_error_that_is_known(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, OverflowError, RecursionError)):
        parsed(data, ID, NOTICE.published_at)


def test_without_the_budgets_id_it_is_nobodys() -> None:
    with pytest.raises(KeyError):
        parsed(json.dumps(SAID).encode(), {}, NOTICE.published_at)
