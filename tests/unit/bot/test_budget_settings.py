"""BUDGET_TOPIC and BUDGET_SUBSCRIPTION: which subscription is read."""

import pytest
from pydantic import ValidationError

from tests.unit.bot.test_pager_settings import settings

OWN = "projects/naeda-genesis/subscriptions"


@pytest.mark.parametrize(
    ("topic", "subscription", "read"),
    [
        ("", "", ""),
        ("budget-alerts", "", f"{OWN}/budget-alerts-lumen"),
        ("projects/billing-team/topics/budgets", "", "projects/billing-team/subscriptions/budgets-lumen"),
        ("budget-alerts", "mine", f"{OWN}/mine"),
        ("", "projects/naeda-genesis/subscriptions/mine", f"{OWN}/mine"),
    ],
)
def test_the_subscription_is_named_or_follows_from_the_topic(topic: str, subscription: str, read: str) -> None:
    assert settings(budget_topic=topic, budget_subscription=subscription).budget_news == read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("budget_topic", "no spaces please"),
        ("budget_topic", "projects/p/subscriptions/budgets"),
        ("budget_subscription", "projects/p/topics/budgets"),
        ("budget_subscription", "1st"),
    ],
)
def test_what_is_no_name_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match="give a name"):
        settings(**{name: value})
