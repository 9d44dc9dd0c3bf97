"""Methods 2: everything must hold for a rollback."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.message import message
from lumen.policies.rollback import RevisionCounts, RollbackFacts, fisher_worse, judge_rollback
from tests.snapshots import NOW

PAGE = Alert("a", "s", AlertKind.AVAILABILITY, "", Severity.PAGE, NOW, message("alert.burn"))
GUILTY = RollbackFacts(
    page=PAGE,
    newest=RevisionCounts("new", 500, 40),
    newest_took_traffic_at=NOW - timedelta(hours=1),
    previous=RevisionCounts("old", 5000, 5),
    within_slo_before=True,
    good_revision="old",
    allowed=True,
    data_complete=True,
)


def test_the_guilty_revision_goes() -> None:
    assert judge_rollback(GUILTY, NOW).target == "old"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"page": None}, "rollback_no_page"),
        ({"page": replace(PAGE, severity=Severity.TICKET)}, "rollback_no_page"),
        ({"page": replace(PAGE, kind=AlertKind.LATENCY)}, "rollback_no_page"),
        ({"page": replace(PAGE, kind=AlertKind.COST)}, "rollback_no_page"),
        ({"allowed": False}, "rollback_never"),
        ({"data_complete": False}, "rollback_no_data"),
        ({"within_slo_before": None}, "rollback_was_breaching"),
        ({"within_slo_before": False}, "rollback_was_breaching"),
        ({"good_revision": None}, "rollback_no_target"),
        ({"newest_took_traffic_at": NOW - timedelta(hours=24)}, "rollback_too_old"),
        ({"newest_took_traffic_at": None}, "rollback_too_old"),
        ({"newest": RevisionCounts("new", 99, 40)}, "rollback_few_requests"),
        ({"newest": None}, "rollback_few_requests"),
        ({"previous": None}, "rollback_few_requests"),
        ({"newest": RevisionCounts("new", 500, 2)}, "rollback_not_worse"),
    ],
)
def test_one_thing_against_it_is_enough(changes: dict[str, object], code: str) -> None:
    advice = judge_rollback(replace(GUILTY, **changes), NOW)  # type: ignore[arg-type]
    assert advice.target is None
    assert [reason.code for reason in advice.against] == [f"policy.{code}"]


def test_fisher_matches_a_table_from_the_books() -> None:
    # Lady tasting tea: 4 of 4 right has p = 1/70; 3 of 4, 17/70.
    assert fisher_worse(RevisionCounts("a", 4, 4), RevisionCounts("b", 4, 0)) == pytest.approx(1 / 70)
    assert fisher_worse(RevisionCounts("a", 4, 3), RevisionCounts("b", 4, 1)) == pytest.approx(17 / 70)
    assert fisher_worse(RevisionCounts("a", 10, 0), RevisionCounts("b", 10, 0)) == pytest.approx(1.0)
