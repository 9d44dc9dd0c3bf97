"""The history of deployments as a fact: which revision served from when until when, and why it was left.

Cloud Run only tells what serves now; what has served is remembered at each look, and read alike by the effects of
changes, by rollbacks, and by policies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.model.incident import ControlState, RevisionCount, RevisionRecord
from lumen.model.messages import Message, message
from lumen.model.proposal import BRINGS_BACK, IN_FORCE, LATEST, Knob, Proposal
from lumen.model.snapshot import SLICE, Deployment, Revision, Served

#: What is older is forgotten, and no more than so many stretches are kept.
REMEMBERED = timedelta(days=45)
MOST = 40
#: A revision that is no older than this when it is first seen has served since it was made.
NEW = timedelta(hours=1)
#: From so many requests on a revision has served, also where nobody saw it do so.
LEAST_REQUESTS = 100


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen at one look. `counts`: of the last hour. `moved`: proposals of the traffic, the newest first."""

    deployment: Deployment
    counts: Sequence[RevisionCount]
    moved: Sequence[Proposal]
    at: datetime


def after_look(before: Sequence[Served], seen: Sight) -> tuple[Served, ...]:
    """The history with what this look adds to it; the oldest first."""
    serving = [one for one in seen.deployment.revisions if one.traffic_percent > 0]
    if not serving:
        return tuple(before)  # nobody knows
    names = {one.name for one in serving}
    kept = [one if one.until is not None or one.revision in names else _left(one, serving, seen) for one in before]
    known = {one.revision for one in kept}
    kept += _unseen(known | names, serving, seen) if before else ()
    open_now = {one.revision for one in kept if one.until is None}
    kept += [_begun(one, before, seen) for one in serving if one.name not in open_now]
    recent = [one for one in kept if one.until is None or seen.at - one.until <= REMEMBERED]
    return tuple(sorted(recent, key=lambda one: one.since)[-MOST:])


def with_history(deployment: Deployment, controls: ControlState) -> Deployment:
    """The same with what is remembered of its revisions: what has served, and whose traffic was taken away."""
    records = controls.revisions or {}
    revisions = (replace(one, left_at=records.get(one.name, RevisionRecord()).left_at) for one in deployment.revisions)
    return replace(deployment, revisions=tuple(revisions), served=controls.served)


def moves(served: Sequence[Served]) -> tuple[datetime, ...]:
    """When other code began to serve: deployments, rollbacks, and what people did by hand. Ascending.

    Not what is remembered first: nobody saw what served before it, so `deployments` judges it by its image.
    """
    return tuple(one.since for one in served[1:] if not any(_goes_on(other, one) for other in served))


def latest(deployment: Deployment) -> str:
    """Where LATEST points; "" where that is not known."""
    return deployment.latest_ready or next((one.name for one in deployment.revisions), "")


def taken_out(deployment: Deployment, revision: str) -> Served | None:
    """The last stretch of a revision whose traffic was taken away, back to an older one; None for any other."""
    known = next((one for one in deployment.revisions if one.name == revision), None)
    if known is None or known.left_at is None:
        return None
    own = (one for one in reversed(deployment.served) if one.revision == revision and one.until is not None)
    return next(own, Served(revision, known.image, known.created_at, known.left_at))


def brings_back(out: Served) -> Message:
    """What a revision that was taken out did before."""
    known, unknown = BRINGS_BACK
    at = (out.until or out.since).isoformat()
    if not out.requests:
        return message(unknown, revision=out.revision, left_at=at)
    share = out.errors_5xx / out.requests
    return message(known, revision=out.revision, left_at=at, share=share, requests=out.requests)


def revision_record(deployment: Deployment, wanted: str) -> tuple[Message, ...]:
    """What is known of the revision that the traffic would go to; nothing of one that was left for a newer."""
    revision = latest(deployment) if wanted == LATEST else wanted
    out = taken_out(deployment, revision)
    if out is not None:
        return (brings_back(out),)
    if wanted != LATEST or not revision:
        return ()
    has_served = any(one.revision == revision for one in deployment.served)
    return (message("rollback.latest_served" if has_served else "rollback.latest_untried", revision=revision),)


def _goes_on(other: Served, one: Served) -> bool:
    """The same code served until then: one of Lumen's own edits, or the beginning of what is remembered."""
    is_earlier = other.since < one.since and (other.until is None or other.until >= one.since)
    return is_earlier and other.image == one.image


def _begun(revision: Revision, before: Sequence[Served], seen: Sight) -> Served:
    is_new = revision.name not in {one.revision for one in before} and seen.at - revision.created_at <= NEW
    if is_new or not before:
        since = revision.created_at
    else:
        moved = _move_to(revision.name, seen)
        since = moved.finished_at if moved is not None and moved.finished_at is not None else seen.at
    return Served(revision.name, revision.image, since)


def _left(one: Served, serving: Sequence[Revision], seen: Sight) -> Served:
    until, why = _departure(one.revision, serving, seen)
    requests, errors = _answered(one.revision, seen.counts, one.since)
    return replace(one, until=max(until, one.since), why=why, requests=requests, errors_5xx=errors)


def _unseen(known: Iterable[str], serving: Sequence[Revision], seen: Sight) -> Sequence[Served]:
    """What served and was left between two looks, as its requests tell."""
    found, others = [], {one.name: one for one in seen.deployment.revisions if one.name not in set(known)}
    for name, revision in others.items():
        requests, errors = _answered(name, seen.counts, None)
        if requests >= LEAST_REQUESTS:
            starts = [one.start for one in seen.counts if one.revision == name]
            why = _departure(name, serving, seen)[1]
            found.append(Served(name, revision.image, min(starts), max(starts) + SLICE, why, requests, errors))
    return found


def _departure(revision: str, serving: Sequence[Revision], seen: Sight) -> tuple[datetime, Message]:
    """Until when it served, and why no longer."""
    newest = max(serving, key=lambda one: one.created_at)
    moved = _move_to(newest.name, seen)
    if moved is not None and moved.finished_at is not None:
        return moved.finished_at, message("history.left_by_proposal", proposal_id=moved.id, target=newest.name)
    created = {one.name: one.created_at for one in seen.deployment.revisions}
    is_newer = revision not in created or newest.created_at >= created[revision]
    code = "history.left_for_newer" if is_newer else "history.left_by_hand"
    return seen.at, message(code, target=newest.name)


def _move_to(revision: str, seen: Sight) -> Proposal | None:
    """Lumen's own and newest move of the traffic, where it was to this revision and not long ago."""
    newest = next((p for p in seen.moved if p.draft.change.knob is Knob.TRAFFIC and p.state in IN_FORCE), None)
    if newest is None or newest.finished_at is None or seen.at - newest.finished_at > NEW:
        return None
    return newest if newest.draft.change.new in (revision, LATEST) else None


def _answered(revision: str, counts: Iterable[RevisionCount], since: datetime | None) -> tuple[int, int]:
    own = [one for one in counts if one.revision == revision and (since is None or one.start + SLICE > since)]
    return sum(one.requests for one in own), sum(one.errors_5xx for one in own)
