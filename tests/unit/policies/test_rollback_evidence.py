"""What requests by revision say about a release."""

from datetime import datetime, timedelta

import pytest

from lumen.model.incident import ControlState, RevisionCount, RevisionRecord
from lumen.model.snapshot import SLICE, Deployment, Revision, Window
from lumen.policies.deployment_history import with_history
from lumen.policies.rollback_evidence import (
    complete,
    evidence,
    good_revision,
    healthy,
    onset,
    remembered,
    still_failing,
)
from tests.snapshots import NOW

END = NOW.replace(minute=0)
TWO_DAYS = Window(END - timedelta(days=2), END)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ALLOWED = 0.001


def counts(
    revision: str, start: datetime, end: datetime, requests: int = 1000, errors: int = 0, period: timedelta = SLICE
) -> list[RevisionCount]:
    return [RevisionCount(start + i * period, revision, requests, errors) for i in range(round((end - start) / period))]


def release(at: datetime, errors_before: int = 0, errors_after: int = 80) -> list[RevisionCount]:
    return counts("old", TWO_DAYS.start, at, errors=errors_before) + counts("new", at, END, errors=errors_after)


def test_a_bad_release() -> None:
    took = END - HOUR
    found = evidence(release(took), "new", ALLOWED, TWO_DAYS)
    assert found.took_traffic_at == took
    assert found.newest is not None
    assert (found.newest.name, found.newest.requests, found.newest.errors_5xx) == ("new", 12_000, 960)
    assert found.previous is not None
    assert (found.previous.name, found.previous.requests) == ("old", 288_000)
    assert found.within_slo_before is True


@pytest.mark.parametrize(
    ("errors_before", "within"),
    [(0, True), (1, True), (2, False), (80, False)],  # of 1000, where one may fail
)
def test_whether_the_service_was_within_its_objective_before(errors_before: int, within: bool) -> None:
    assert evidence(release(END - HOUR, errors_before), "new", ALLOWED, TWO_DAYS).within_slo_before is within


def test_a_service_that_began_to_fail_just_before_the_release_is_not_healed_by_it() -> None:
    took = END - HOUR
    before = counts("old", TWO_DAYS.start, took - HOUR) + counts("old", took - HOUR, took, errors=20)
    found = evidence(before + counts("new", took, END, errors=80), "new", ALLOWED, TWO_DAYS)
    assert found.within_slo_before is False


def test_a_few_failures_just_before_are_no_breach_where_the_day_was_fine() -> None:
    took = END - HOUR
    thin = counts("old", TWO_DAYS.start, took, requests=10)
    thin[-1] = RevisionCount(thin[-1].start, "old", 10, 1)
    assert evidence(thin + counts("new", took, END, errors=80), "new", ALLOWED, TWO_DAYS).within_slo_before is True


def test_what_served_since_before_the_window_took_its_traffic_too_long_ago_to_know() -> None:
    assert evidence(counts("new", TWO_DAYS.start, END), "new", ALLOWED, TWO_DAYS).took_traffic_at is None


def test_nothing_before_is_not_known_to_have_been_well() -> None:
    found = evidence(counts("new", END - HOUR, END, errors=80), "new", ALLOWED, TWO_DAYS)
    assert (found.previous, found.within_slo_before) == (None, None)


def test_the_previous_revision_is_the_one_that_served_last() -> None:
    took = END - HOUR
    older = counts("older", TWO_DAYS.start, took - 3 * HOUR, requests=9000)
    tested = counts("canary", took - 3 * HOUR, took, requests=10)
    seen = older + tested + counts("old", took - 3 * HOUR, took) + counts("new", took, END, errors=80)
    previous = evidence(seen, "new", ALLOWED, TWO_DAYS).previous
    assert previous is not None
    assert previous.name == "old"


@pytest.mark.parametrize(
    ("errors", "began"),
    [
        ([80] * 12, None),  # from its first request on
        ([0] * 12, None),
        ([1] * 12, None),
        ([0] * 6 + [80] * 6, 6),
        ([0] * 11 + [80], 11),
        ([0] * 11 + [3], None),  # chance
        ([80] * 3 + [0] * 9, None),  # over
        ([1, 0, 2, 0, 1, 1, 0, 30, 45, 20, 0, 25], 7),
    ],
)
def test_when_it_began_to_fail(errors: list[int], began: int | None) -> None:
    start = END - HOUR
    seen = [RevisionCount(start + i * SLICE, "new", 1000, each) for i, each in enumerate(errors)]
    found = onset(list(reversed(seen)))
    if began is None:
        assert found is None
    else:
        assert found is not None
        assert found.at == start + began * SLICE
        assert (found.until.requests, found.since.requests) == (1000 * began, 1000 * (12 - began))
        assert (found.until.errors_5xx, found.since.errors_5xx) == (sum(errors[:began]), sum(errors[began:]))


def test_older_revisions_since_it_fails() -> None:
    took = END - HOUR
    seen = [
        *counts("old", TWO_DAYS.start, END, requests=900),
        *counts("canary", took, END, requests=10),
        *counts("new", took, END - HOUR / 2, requests=100),
        *counts("new", END - HOUR / 2, END, requests=100, errors=50),
    ]
    beside = evidence(seen, "new", ALLOWED, TWO_DAYS).beside
    assert beside is not None
    assert (beside.name, beside.requests) == ("old", 6 * 910)
    assert evidence(release(took), "new", ALLOWED, TWO_DAYS).beside is None


def test_an_hour_with_its_newest_slice_is_complete() -> None:
    whole = counts("old", END - HOUR, END)
    assert complete(whole, "old", END)
    assert complete(whole[3:], "old", END)
    assert not complete(whole[4:], "old", END)
    assert not complete(whole[:-1], "old", END)
    assert not complete([], "old", END)


@pytest.mark.parametrize(
    ("minutes", "failing"),
    [
        ([(360, 30)] * 5, True),
        ([(360, 30)] * 4 + [(360, 0)], False),  # well since a minute
        ([(360, 0)] * 4 + [(360, 30)], True),
        ([(360, 0)] * 4 + [(360, 1)], False),  # one failure may be chance
        ([(10, 1)] * 5, True),  # thin: minutes are taken until they are enough
        ([(10, 0)] * 5, False),
        ([], None),
    ],
)
def test_does_it_still_fail(minutes: list[tuple[int, int]], failing: bool | None) -> None:
    start = END - len(minutes) * MINUTE
    seen = [RevisionCount(start + i * MINUTE, "new", *each) for i, each in enumerate(minutes)]
    assert still_failing(seen, ALLOWED, END) is failing


def test_stale_minutes_say_nothing() -> None:
    seen = counts("new", END - 12 * MINUTE, END - 6 * MINUTE, errors=80, period=MINUTE)
    assert still_failing(seen, ALLOWED, END) is None


def test_healthy_means_enough_requests_within_the_objective() -> None:
    seen = [
        *counts("good", END - HOUR, END, requests=100),
        *counts("bad", END - HOUR, END, requests=100, errors=5),
        *counts("thin", END - HOUR, END, requests=1),
    ]
    assert healthy(seen, ALLOWED) == {"good": END - SLICE}


def revisions(serving: str, *names: str) -> list[Revision]:
    """Newest first."""
    return [Revision(name, END, f"image@{name}", 100 if name == serving else 0) for name in names]


def test_the_newest_good_one_that_nobody_has_left() -> None:
    listed = revisions("d", "d", "c", "b", "a")
    well = RevisionRecord(END)
    assert good_revision({"c": well, "b": well, "a": well}, listed, "d") == "c"
    assert good_revision({"c": RevisionRecord(END, END), "b": well}, listed, "d") == "b"
    assert good_revision({"c": RevisionRecord(None), "a": well}, listed, "d") == "a"
    assert good_revision({"d": well}, listed, "d") is None
    assert good_revision({"c": well}, listed, "gone") is None


def test_what_a_person_left_by_hand_is_no_target_until_it_serves_again() -> None:
    at = NOW
    records = remembered({}, {"b": END, "a": END}, revisions("b", "b", "a"), None, at)
    by_hand = remembered(records, {"a": END}, revisions("a", "b", "a"), "a", at)
    assert by_hand["b"].left_at == at
    told = Deployment("e", 300, 512, 0, "a", tuple(revisions("a", "b", "a")), True)
    marked = with_history(told, ControlState(revisions=by_hand))
    assert [(each.name, each.left_at) for each in marked.revisions] == [("b", at), ("a", None)]
    later = remembered(by_hand, {"a": END}, revisions("a", "c", "b", "a"), "a", at + HOUR)
    assert "c" not in later  # deployed while pinned: it never served
    assert later["b"].left_at == at
    released = remembered(later, {"c": END}, revisions("c", "c", "b", "a"), None, at + 2 * HOUR)
    assert good_revision(released, revisions("c", "c", "b", "a"), "c") == "a"
    again = remembered(released, {"b": END}, revisions("b", "c", "b", "a"), "b", at + 3 * HOUR)
    assert again["b"].left_at is None
    assert again["c"].left_at is not None


def test_revisions_that_are_gone_are_forgotten() -> None:
    before = {"x": RevisionRecord(END), "a": RevisionRecord(END)}
    assert set(remembered(before, {}, revisions("b", "b", "a"), None, NOW)) == {"a", "b"}
