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
EUROPE = "https://R1@events.eu.pagerduty.com/v2/enqueue/"
PAGERDUTY = "https://R%2F1@events.pagerduty.com/v2/enqueue"
ALERTMANAGER = "http://alertmanager:9093/api/v2/alerts"


def settings(**pager: Any) -> Settings:
    return Settings(**GIVEN, **pager)


@pytest.mark.parametrize(
    ("url", "kind", "hears_again"),
    [
        (PAGERDUTY, "pagerduty", False),
        (EUROPE, "pagerduty", False),
        (ALERTMANAGER, "alertmanager", True),
        ("https://user:word@proxy/am/api/v2/alerts", "alertmanager", True),
    ],
)
def test_what_it_speaks(url: str, kind: str, hears_again: bool) -> None:
    given = settings(pager_webhook_url=url)
    assert given.pager_kind == kind
    made = pager_of(given)
    assert made is not None
    assert made.must_hear_again is hears_again


def test_the_key_before_the_host_leaves_the_url() -> None:
    split = settings(pager_webhook_url=PAGERDUTY).pager_url_and_key
    assert split == ("https://events.pagerduty.com/v2/enqueue", "R/1")
    kept = "https://user:word@proxy/am/api/v2/alerts"
    assert settings(pager_webhook_url=kept).pager_url_and_key == (kept, "")


def test_without_one_there_is_none() -> None:
    assert pager_of(settings()) is None


@pytest.mark.parametrize(
    ("pager", "named"),
    [
        ({"pager_webhook_url": "https://events.pagerduty.com/v2/enqueue"}, "has no key"),
        ({"pager_webhook_url": "https://hooks.example.com/x"}, "ends in neither"),
        ({"pager_webhook_url": "ftp://R1@x/v2/enqueue"}, "http"),
        ({"pager_webhook_url": "http://R1@events.pagerduty.com/v2/enqueue"}, "https"),
        ({"oncall_repeat": "5s"}, "1m to 1d"),
        ({"oncall_repeat": "often"}, "a number and a unit"),
    ],
)
def test_what_cannot_work_is_named(pager: dict[str, str], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(**pager)
