"""PAGER_WEBHOOK_URL: what it speaks is told by how it ends, and what cannot work stops the start."""

from typing import Any

import pytest
from pydantic import ValidationError

from bot.config import Settings
from bot.wiring.knobs import pager_of

GIVEN: dict[str, Any] = {
    "project_id": "naeda-genesis",
    "service_name": "ion-api",
    "cache_redis_url": "redis://cache:6379/0",
    "state_redis_url": "redis://state:6379/0",
    "slack_bot_token": "xoxb-1",
    "slack_app_token": "xapp-1",
    "slack_channel": "C0IONALERTS",
}
EUROPE = "https://events.eu.pagerduty.com/v2/enqueue/"
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
ALERTMANAGER = "http://alertmanager:9093/api/v2/alerts"


def settings(**pager: Any) -> Settings:
    return Settings(**GIVEN, **pager)


@pytest.mark.parametrize(
    ("pager", "kind", "hears_again"),
    [
        ({"pager_webhook_url": PAGERDUTY, "pager_routing_key": "R1"}, "pagerduty", False),
        (
            {"pager_webhook_url": EUROPE, "pager_routing_key": "R1"},
            "pagerduty",
            False,
        ),
        ({"pager_webhook_url": ALERTMANAGER}, "alertmanager", True),
        ({"pager_webhook_url": "https://proxy/am", "pager_format": "alertmanager"}, "alertmanager", True),
    ],
)
def test_what_it_speaks(pager: dict[str, str], kind: str, hears_again: bool) -> None:
    assert settings(**pager).pager_kind == kind
    made = pager_of(settings(**pager))
    assert made is not None
    assert made.must_hear_again is hears_again


def test_without_one_there_is_none() -> None:
    assert pager_of(settings()) is None


@pytest.mark.parametrize(
    ("pager", "named"),
    [
        ({"pager_webhook_url": PAGERDUTY}, "PAGER_ROUTING_KEY"),
        ({"pager_webhook_url": "https://hooks.example.com/x"}, "PAGER_FORMAT"),
        ({"pager_webhook_url": "ftp://x/v2/enqueue", "pager_routing_key": "R1"}, "http"),
        ({"pager_webhook_url": "http://events.pagerduty.com/v2/enqueue", "pager_routing_key": "R1"}, "https"),
        ({"oncall_repeat": "5s"}, "1m to 1d"),
        ({"oncall_repeat": "often"}, "a number and a unit"),
    ],
)
def test_what_cannot_work_is_named(pager: dict[str, str], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(**pager)
