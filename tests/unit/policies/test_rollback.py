"""Everything must hold for a rollback."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from math import comb

import pytest

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.messages import message
from lumen.policies.rollback import Onset, RevisionCounts, RollbackFacts, fisher_worse, judge_rollback
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


def late(hours: float = 2.5, requests: int = 1000, errors: int = 0) -> RollbackFacts:
    """A release of three hours ago that was well for `hours` and failed then."""
    taken = NOW - timedelta(hours=3)
    until, since = RevisionCounts("new", requests, errors), RevisionCounts("new", 500, 40)
    newest = RevisionCounts("new", requests + 500, errors + 40)
    onset = Onset(taken + timedelta(hours=hours), until, since)
    return replace(GUILTY, newest=newest, newest_took_traffic_at=taken, onset=onset)


@pytest.mark.parametrize(
    ("facts", "target", "asked"),
    [
        (late(), None, "old"),
        (late(1.0), None, "old"),
        (late(0.9), "old", None),
        (late(requests=999), "old", None),  # a canary's handful proves little
        (late(requests=20_000, errors=20), None, "old"),  # as few as before
        (late(requests=20_000, errors=60), "old", None),  # worse from the first
        (replace(GUILTY, elsewhere="ion-api-canary"), None, "old"),
        (replace(late(), allowed=False), None, None),  # a question only where nothing else speaks against it
        (replace(late(), pinned="old"), None, None),
        (replace(late(), good_revision=None), None, None),
    ],
)
def test_a_release_that_may_not_be_to_blame_is_a_question_to_people(
    facts: RollbackFacts, target: str | None, asked: str | None
) -> None:
    advice = judge_rollback(facts, NOW)
    assert (advice.target, advice.asked) == (target, asked)
    doubt = "policy.rollback_elsewhere" if facts.elsewhere else "policy.rollback_late"
    assert (doubt in [reason.code for reason in advice.against]) is (target is None)


@pytest.mark.parametrize(
    ("beside", "target"),
    [
        (None, "old"),
        (RevisionCounts("old", 500, 35), None),  # fails alike
        (RevisionCounts("old", 500, 0), "old"),  # only the newest does
        (RevisionCounts("old", 500, 10), "old"),  # both, but the newest by far more
        (RevisionCounts("old", 99, 9), "old"),  # too few to tell
    ],
)
def test_older_code_that_fails_too_clears_the_release(beside: RevisionCounts | None, target: str | None) -> None:
    advice = judge_rollback(replace(GUILTY, beside=beside), NOW)
    assert (advice.target, advice.asked) == (target, None)
    assert [reason.code for reason in advice.against] == ([] if target else ["policy.rollback_others_too"])


def test_fisher_matches_a_table_from_the_books() -> None:
    # Lady tasting tea: 4 of 4 right has p = 1/70; 3 of 4, 17/70.
    assert fisher_worse(RevisionCounts("a", 4, 4), RevisionCounts("b", 4, 0)) == pytest.approx(1 / 70)
    assert fisher_worse(RevisionCounts("a", 4, 3), RevisionCounts("b", 4, 1)) == pytest.approx(17 / 70)
    assert fisher_worse(RevisionCounts("a", 10, 0), RevisionCounts("b", 10, 0)) == pytest.approx(1.0)


def test_fisher_is_exact_on_every_small_table() -> None:
    sizes = range(1, 8)
    for drawn, others in product(sizes, sizes):
        for seen, beside in product(range(drawn + 1), range(others + 1)):
            found = fisher_worse(RevisionCounts("a", drawn, seen), RevisionCounts("b", others, beside))
            assert found == pytest.approx(_counted(seen, drawn, seen + beside, drawn + others))


def _counted(seen: int, drawn: int, failed: int, total: int) -> float:
    """By all the ways in which so many could have been drawn."""
    ways = (comb(failed, k) * comb(total - failed, drawn - k) for k in range(seen, min(drawn, failed) + 1))
    return sum(ways) / comb(total, drawn)
