"""Deployments and outages as far as revisions and hourly history tell them (docs/scores.md, Maturity)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.snapshot import Deployment, HourlyHistory

HOUR = timedelta(hours=1)
#: An incident within this time after a deployment is blamed on it.
BLAME_FOR = timedelta(hours=24)
#: An hour is an incident's when more than this share of its requests failed, and it had enough of both.
INCIDENT_ERROR_RATE = 0.01
INCIDENT_LEAST_REQUESTS = 20
INCIDENT_LEAST_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Outage:
    """Half-open [start, end) in whole hours: error rate above 1 % throughout."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        return (self.end - self.start) / HOUR


def hours_known(history: HourlyHistory) -> float:
    """The share (0-1) of the hours whose requests and errors are both known."""
    if not history.requests:
        return 0.0
    pairs = zip(history.requests, history.errors_5xx, strict=False)
    known = sum(requests is not None and errors is not None for requests, errors in pairs)
    return known / len(history.requests)


def incidents(history: HourlyHistory) -> tuple[Outage, ...]:
    """Runs of hours above 1 % errors, oldest first. An hour without data neither makes nor ends one."""
    found: list[Outage] = []
    opened: datetime | None = None
    last_bad = history.start
    for index, (requests, errors) in enumerate(zip(history.requests, history.errors_5xx, strict=False)):
        if requests is None or errors is None:
            continue
        at = history.start + index * HOUR
        if _is_bad(requests, errors):
            opened, last_bad = opened or at, at
        elif opened is not None:
            found.append(Outage(opened, last_bad + HOUR))
            opened = None
    if opened is not None:
        found.append(Outage(opened, last_bad + HOUR))
    return tuple(found)


def _is_bad(requests: int, errors: int) -> bool:
    enough = requests >= INCIDENT_LEAST_REQUESTS and errors >= INCIDENT_LEAST_ERRORS
    return enough and errors / requests > INCIDENT_ERROR_RATE


def deployments(deployment: Deployment) -> tuple[datetime, ...]:
    """First-served times of new images, oldest first; a revision of a known image (Lumen's own edits) is none.

    As remembered where it is; of what served before that, revisions newer than the newest that serves have taken no
    traffic, so they are not deployments yet, unless the traffic was taken away from them.
    """
    serving = [revision.created_at for revision in deployment.revisions if revision.traffic_percent > 0]
    newest_serving = max(serving, default=None)
    remembered = {one.image: one.since for one in reversed(deployment.served)}
    begins = min(remembered.values(), default=None)
    times: dict[str, datetime] = {}
    for revision in sorted(deployment.revisions, key=lambda r: r.created_at):
        waits = newest_serving is None or (revision.created_at > newest_serving and revision.left_at is None)
        since = remembered.get(revision.image)
        if since is not None and begins is not None and revision.created_at < begins:
            since = revision.created_at  # it has served before anything is remembered
        if since is not None or not waits:
            times.setdefault(revision.image, since or revision.created_at)
    return tuple(sorted(({**remembered, **times}).values()))


def rolled_back(deployment: Deployment) -> frozenset[datetime]:
    """The deployments that were taken back: traffic was taken away from their images, and none of them serves."""
    serving = {revision.image for revision in deployment.revisions if revision.traffic_percent > 0}
    first: dict[str, datetime] = {}
    for revision in sorted(deployment.revisions, key=lambda r: r.created_at):
        first.setdefault(revision.image, revision.created_at)
    left = {revision.image for revision in deployment.revisions if revision.left_at is not None}
    return frozenset(first[image] for image in left - serving)


def failed(deployed_at: datetime, found: tuple[Outage, ...]) -> bool:
    """Whether an outage began within 24 hours of the deployment."""
    # The hour in which the deployment took place counts: the history cannot tell the minutes apart.
    return any(deployed_at - HOUR < incident.start < deployed_at + BLAME_FOR for incident in found)
