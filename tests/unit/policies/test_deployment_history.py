"""What has served is remembered as a fact, and read by everything that judges by deployments."""

from dataclasses import replace
from datetime import datetime, timedelta

from lumen.exporters.deployments import deployments
from lumen.model.incident import ControlState, RevisionCount
from lumen.model.proposal import Proposal, State
from lumen.model.snapshot import SLICE, Deployment, Revision, Served
from lumen.policies.deployment_history import Sight, after_look, moves, with_history
from tests.snapshots import NOW
from tests.unit.policies.test_protection import proposal

HOUR = timedelta(hours=1)
LOOK = timedelta(minutes=5)
MADE = {"r1": NOW - 240 * HOUR, "r2": NOW - 48 * HOUR, "r3": NOW + LOOK / 2, "r3-edited": NOW + HOUR}


def deployment(serving: str, *names: str, pinned: bool = False) -> Deployment:
    """`names` newest first; an edit of Lumen's own has the image of what it edits."""
    revisions = tuple(
        Revision(name, MADE.get(name, NOW), f"image@{name.split('-')[0]}", 100 if name == serving else 0)
        for name in names
    )
    return Deployment("e", 300, 512, 0, serving if pinned else None, revisions, True)


def counted(name: str, at: datetime, requests: int, errors: int = 0) -> RevisionCount:
    return RevisionCount(at, name, requests, errors)


def look(
    before: tuple[Served, ...],
    told: Deployment,
    at: datetime,
    *moved: Proposal,
    counts: tuple[RevisionCount, ...] = (),
) -> tuple[Served, ...]:
    return after_look(before, Sight(told, counts, moved, at))


def rolled_back() -> tuple[tuple[Served, ...], Deployment]:
    """r3 came, failed, and Lumen went back to r2."""
    served = look((), deployment("r2", "r2", "r1"), NOW)
    served = look(served, deployment("r3", "r3", "r2", "r1"), NOW + LOOK)
    back = replace(proposal(State.APPLIED, new="r2"), finished_at=NOW + 9 * LOOK)
    told = deployment("r2", "r3", "r2", "r1", pinned=True)
    counts = (counted("r3", NOW + 6 * LOOK, 500, 44), counted("r2", NOW, 900))
    return look(served, told, NOW + 10 * LOOK, back, counts=counts), told


def test_after_a_rollback_the_bad_release_is_still_a_deployment() -> None:
    served, told = rolled_back()
    bad = next(one for one in served if one.revision == "r3")
    assert (bad.since, bad.until, bad.requests, bad.errors_5xx) == (MADE["r3"], NOW + 9 * LOOK, 500, 44)
    assert bad.why is not None
    assert bad.why.params["proposal_id"] == "P1"
    assert MADE["r3"] not in deployments(told)  # Cloud Run does not tell any more
    remembered = with_history(told, ControlState(served=served))
    assert deployments(remembered)[-1] == MADE["r3"]
    assert moves(served)[-2:] == (MADE["r3"], NOW + 9 * LOOK)


def test_a_deleted_revision_has_still_served() -> None:
    served, told = rolled_back()
    gone = replace(told, revisions=told.revisions[1:])
    assert deployments(replace(gone, served=look(served, gone, NOW + HOUR)))[-1] == MADE["r3"]


def test_an_older_release_that_serves_again_is_no_new_deployment() -> None:
    served, told = rolled_back()
    assert deployments(replace(told, served=served)) == (MADE["r1"], MADE["r2"], MADE["r3"])


def test_an_edit_of_the_same_code_is_no_move() -> None:
    served = look((), deployment("r3", "r3", "r2"), NOW + LOOK)
    served = look(served, deployment("r3-edited", "r3-edited", "r3", "r2"), MADE["r3-edited"] + LOOK)
    assert moves(served) == ()
    assert len(served) == 2


def test_an_edit_before_the_first_look_is_no_deployment_either() -> None:
    """A change right after Lumen was installed: its own revision is the first that anybody sees serve."""
    told = deployment("r3-edited", "r3-edited", "r3", "r2")
    served = look((), told, MADE["r3-edited"] + LOOK)
    assert moves(served) == ()
    assert deployments(replace(told, served=served)) == (MADE["r2"], MADE["r3"])


def test_what_served_between_two_looks_is_known_by_its_requests() -> None:
    served = look((), deployment("r2", "r2", "r1"), NOW)
    told = deployment("r2", "r3", "r2", "r1", pinned=True)
    counts = (counted("r3", NOW + LOOK, 300, 30), counted("r3", NOW + 2 * LOOK, 20))
    seen = look(served, told, NOW + 4 * LOOK, counts=counts)
    bad = next(one for one in seen if one.revision == "r3")
    assert (bad.since, bad.until, bad.errors_5xx) == (NOW + LOOK, NOW + 2 * LOOK + SLICE, 30)
    assert bad.why is not None
    assert bad.why.code == "history.left_by_hand"


def test_while_nobody_tells_what_serves_nothing_is_left() -> None:
    served = look((), deployment("r2", "r2", "r1"), NOW)
    assert look(served, deployment("", "r2", "r1"), NOW + LOOK) == served
