"""A release that made the service slow is a question to people, by the moment alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.messages import message
from lumen.policies.rollback import RevisionCounts, RollbackFacts, judge_slow
from tests.snapshots import NOW

SLOW = Alert("a", "s", AlertKind.LATENCY, "", Severity.TICKET, NOW, message("alert.latency_high"))
FACTS = RollbackFacts(
    page=SLOW,
    newest=RevisionCounts("new", 500, 0),
    newest_took_traffic_at=NOW - timedelta(minutes=40),
    previous=RevisionCounts("old", 5000, 0),
    within_slo_before=True,
    good_revision="old",
    allowed=True,
    data_complete=True,
)


@pytest.mark.parametrize("minutes", [0, 20, 75])
def test_people_are_asked_and_nothing_happens_by_itself(minutes: int) -> None:
    advice = judge_slow(replace(FACTS, newest_took_traffic_at=NOW - timedelta(minutes=minutes)))
    assert (advice.target, advice.asked) == (None, "old")
    assert advice.against == (message("policy.rollback_slow", newest="new", minutes=minutes),)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"page": None}, "rollback_not_slow"),
        ({"page": replace(SLOW, kind=AlertKind.AVAILABILITY)}, "rollback_not_slow"),
        ({"newest_took_traffic_at": None}, "rollback_not_then"),
        ({"newest_took_traffic_at": NOW - timedelta(minutes=76)}, "rollback_not_then"),
        ({"newest_took_traffic_at": NOW + timedelta(minutes=5)}, "rollback_not_then"),
        ({"allowed": False}, "rollback_never"),
        ({"pinned": "old"}, "rollback_pinned"),
        ({"data_complete": False}, "rollback_no_data"),
        ({"good_revision": None}, "rollback_no_target"),
        ({"newest": None}, "rollback_few_requests"),
        ({"newest": RevisionCounts("new", 99, 0)}, "rollback_few_requests"),
        ({"previous": None}, "rollback_few_requests"),
    ],
)
def test_one_thing_against_it_is_enough(changes: dict[str, object], code: str) -> None:
    advice = judge_slow(replace(FACTS, **changes))  # type: ignore[arg-type]
    assert (advice.target, advice.asked) == (None, None)
    assert [reason.code for reason in advice.against] == [f"policy.{code}"]
