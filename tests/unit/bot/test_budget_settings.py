"""BUDGET_TOPIC: which subscription is read."""

import pytest
from pydantic import ValidationError

from tests.unit.bot.test_pager_settings import settings

OWN = "projects/naeda-genesis/subscriptions"


@pytest.mark.parametrize(
    ("topic", "read"),
    [
        ("", ""),
        ("budget-alerts", f"{OWN}/budget-alerts-lumen"),
        ("projects/billing-team/topics/budgets", "projects/billing-team/subscriptions/budgets-lumen"),
        ("projects/naeda-genesis/subscriptions/mine", f"{OWN}/mine"),
    ],
)
def test_the_subscription_is_named_or_follows_from_the_topic(topic: str, read: str) -> None:
    assert settings(budget_topic=topic).budget_news == read


@pytest.mark.parametrize("value", ["no spaces please", "projects/p/snapshots/budgets", "1st"])
def test_what_is_no_name_stops_the_start(value: str) -> None:
    with pytest.raises(ValidationError, match="give a topic"):
        settings(budget_topic=value)
