"""What the doctor thinks of freezes and of how many people must approve."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.config import Settings
from bot.doctor.settings import people_checks

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def settings(**given: Any) -> Settings:
    base: dict[str, Any] = {
        "project_id": "naeda-genesis",
        "service_name": "ion-api",
        "cache_redis_url": "redis://127.0.0.1:1",
        "state_redis_url": "redis://127.0.0.1:2",
        "slack_bot_token": "xoxb-1",
        "slack_app_token": "xapp-1",
        "slack_channel": "C0IONALERTS",
    }
    return Settings(**{**base, **given})


@pytest.mark.parametrize(
    ("given", "ok", "code"),
    [
        ({}, True, ""),
        ({"freeze": "2026-11-22T00:00Z/2026-11-23T00:00Z"}, True, "doctor.frozen"),
        ({"freeze": "2026-12-20T00:00Z/2027-01-02T00:00Z"}, True, "doctor.not_frozen"),
        ({"freeze": "2025-12-20T00:00Z/2026-01-02T00:00Z"}, False, "doctor.freeze_over"),
        ({"freeze": "2026-01-01T00:00Z/2027-12-31T00:00Z"}, False, "doctor.freeze_long"),
        ({"freeze": "Fri 16:00/Mon 08:00"}, True, "doctor.frozen"),
        ({"freeze": "Mon 08:00/Mon 07:00"}, False, "doctor.freeze_whole_week"),
        ({"freeze": "2025-12-20T00:00Z/2026-01-02T00:00Z, Fri 16:00/Sat 08:00"}, True, "doctor.not_frozen"),
        ({"approvers": "U1,U2", "approvals_needed": 2}, True, "doctor.enough_approvers"),
        ({"approvers": "U1", "approvals_needed": 2}, False, "doctor.too_few_approvers"),
        ({"approvers": "U1,mina@example.com", "emergency_approvals_needed": 2}, False, "doctor.too_few_approvers"),
        ({"approvers": "U1,S1", "emergency_approvals_needed": 2}, True, ""),
    ],
)
def test_what_is_worth_a_second_thought(given: dict[str, Any], ok: bool, code: str) -> None:
    checks = people_checks(settings(**given), NOW)
    assert [(check.ok, check.says.code) for check in checks] == ([(ok, code)] if code else [])


@pytest.mark.parametrize("freeze", ["Fri/Mon", "2027-01-02T00:00Z/2026-12-20T00:00Z", "christmas"])
def test_a_freeze_that_cannot_be_read_stops_the_start(freeze: str) -> None:
    with pytest.raises(ValueError, match=freeze):
        settings(freeze=freeze)
