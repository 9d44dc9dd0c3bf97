"""Evidence on a release from requests by revision: blamed, compared with, failing since when, and failing still."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.alert import Observation
from lumen.model.incident import RevisionCount, RevisionRecord
from lumen.model.snapshot import SLICE, Revision, Window
from lumen.model.witnesses import Bounds, bounds_of
from lumen.policies.rollback import LEAST_REQUESTS, Onset, RevisionCounts, fisher_worse

#: What came before the newest revision is looked at over this span ...
BEFORE = timedelta(hours=24)
#: ... and the last hours of it by themselves: a service that has just begun to fail is not healed by its last release.
JUST_BEFORE = timedelta(hours=3)
#: Fewer failures than this are no breach where the whole day was fine.
LEAST_BAD = 4
#: The moment at which it began to fail is the likeliest of hundreds, so it must be far beyond chance.
ONSET_ALPHA = 1e-4
#: Still failing: the newest minutes burn at least this many times the budget, on at least so many failures.
BURN = 2.0
LEAST_BAD_NOW = 2
#: Minutes are taken, from the newest back, until they hold this many requests.
ENOUGH_NOW = 50
#: No point for so long is no fresh picture.
FRESH = timedelta(minutes=5)
#: Of the newest hour, so many slices must have data (docs/methods.md, Rollback).
LEAST_SLICES_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Evidence:
    """Each part None where it is not known."""

    newest: RevisionCounts | None
    took_traffic_at: datetime | None
    previous: RevisionCounts | None
    within_slo_before: bool | None
    #: None also where it has failed from its first request on, or does not.
    onset: Onset | None = None
    beside: RevisionCounts | None = None


def evidence(counts: Sequence[RevisionCount], serving: str, allowed: float, window: Window) -> Evidence:
    """`counts` per slice over `window` (at least two days); `allowed` is the share of requests that may fail."""
    own = [one for one in counts if one.revision == serving]
    took = _took_traffic_at(own, window)
    if took is None:
        return Evidence(None, None, None, None)
    before = [one for one in counts if took - BEFORE <= one.start < took]
    previous = _previous(before, serving)
    begun = onset(own)
    return Evidence(
        newest=_at_least(serving, own),
        took_traffic_at=took,
        previous=_at_most(previous, [one for one in before if one.revision == previous]) if previous else None,
        within_slo_before=_within(before, took, allowed),
        onset=begun,
        beside=_beside(counts, serving, begun.at if begun else took),
    )


def onset(own: Sequence[RevisionCount]) -> Onset | None:
    """The moment that parts its counts best into well and ill; None where chance may have done it."""
    slices = sorted(own, key=lambda one: one.start)
    whole = _at_least("", slices)
    requests = errors = 0
    parted: list[tuple[float, int]] = []
    for nth, one in enumerate(slices[:-1], 1):
        asked, failing = one.certain
        requests, errors = requests + asked, errors + failing
        rest, failed = whole.requests - requests, whole.errors_5xx - errors
        if errors * rest < failed * requests:  # more of the later ones fail
            parted.append((_likelihood(requests, errors) + _likelihood(rest, failed), nth))
    if not parted:
        return None
    _, nth = max(parted)
    until, since = (_at_least(own[0].revision, part) for part in (slices[:nth], slices[nth:]))
    return Onset(slices[nth].start, until, since) if fisher_worse(since, until) <= ONSET_ALPHA else None


def complete(counts: Iterable[RevisionCount], serving: str, end: datetime) -> bool:
    """Whether the hour up to `end` has its slices, the newest one of the revision that serves among them."""
    hour = timedelta(hours=1)
    told = [one for one in counts if one.requests and end - hour <= one.start < end]
    newest = {one.revision for one in told if one.start == end - SLICE}
    return serving in newest and len({one.start for one in told}) >= LEAST_SLICES_SHARE * (hour / SLICE)


def still_failing(minutes: Sequence[RevisionCount], allowed: float, end: datetime) -> bool | None:
    """From counts per minute up to `end`: does the breach hold now?

    None: there is no fresh data to tell by, or what the witnesses leave open would tell either way.
    """
    by_minute: dict[datetime, list[Bounds]] = {}
    for one in minutes:
        by_minute.setdefault(one.start, []).append(one.bounds)
    newest_first = sorted(by_minute, reverse=True)
    if not newest_first or end - newest_first[0] > FRESH:
        return None
    seen = bounds_of(())
    for at in newest_first:
        seen = bounds_of((seen, *by_minute[at]))
        if seen.most_requests >= ENOUGH_NOW:
            break
    at_least = _breaches(seen.least_errors, allowed * seen.most_requests)
    at_most = _breaches(seen.most_errors, allowed * min(seen.least_requests, _most_usual(by_minute, newest_first, at)))
    return at_least if at_least == at_most else None


def forgets(counts: Iterable[RevisionCount], stored: Iterable[Observation]) -> bool:
    """Whether failures that were certain when their slices were stored are not told any more: their series is late."""
    by_slice: dict[datetime, list[Bounds]] = {}
    for one in counts:
        by_slice.setdefault(one.start, []).append(one.bounds)
    return any(
        before.least_errors > bounds_of(by_slice.get(one.start, ())).most_errors
        for one in stored
        if (before := one.bounds) is not None
    )


def _most_usual(
    by_minute: Mapping[datetime, Sequence[Bounds]], newest_first: Sequence[datetime], since: datetime
) -> float:
    """Twice what so many minutes brought before: requests that are too many do not show that fewer of them fail."""
    totals = sorted(bounds_of(by_minute[at]).most_requests for at in newest_first)
    return 2.0 * totals[len(totals) // 10] * sum(1 for at in newest_first if at >= since)


def _breaches(errors: int, allowed: float) -> bool:
    return errors >= LEAST_BAD_NOW and errors >= BURN * allowed


def healthy(counts: Iterable[RevisionCount], allowed: float) -> Mapping[str, datetime]:
    """Revisions that answered enough requests within the objective, and until when (the start of their last period)."""
    by_revision: dict[str, list[RevisionCount]] = {}
    for one in counts:
        by_revision.setdefault(one.revision, []).append(one)
    found: dict[str, datetime] = {}
    for name, own in by_revision.items():
        total = _at_most(name, own)
        if name and total.requests >= LEAST_REQUESTS and total.errors_5xx <= allowed * total.requests:
            found[name] = max(one.start for one in own)
    return found


def remembered(
    before: Mapping[str, RevisionRecord],
    seen_healthy: Mapping[str, datetime],
    revisions: Sequence[Revision],
    pinned: str | None,
    now: datetime,
) -> dict[str, RevisionRecord]:
    """The records after a look. `revisions` newest first; those that are gone are forgotten.

    Traffic that is pinned to an older revision was taken from every newer one that had served: by whoever did it, none
    of them is gone back to before it serves again.
    """
    names = [revision.name for revision in revisions]
    newer = set(names[: names.index(pinned)]) if pinned in names else set()
    serving = {revision.name for revision in revisions if revision.traffic_percent > 0}
    records: dict[str, RevisionRecord] = {}
    for name in names:
        known = before.get(name, RevisionRecord())
        healthy_at = seen_healthy.get(name, known.healthy_at)
        left_at = known.left_at
        if name in serving:
            left_at = None
        elif name in newer and left_at is None and (name in before or name in seen_healthy):
            left_at = now
        if healthy_at is not None or left_at is not None or name in serving:
            records[name] = RevisionRecord(healthy_at, left_at)
    return records


def good_revision(records: Mapping[str, RevisionRecord], revisions: Sequence[Revision], serving: str) -> str | None:
    """The newest revision older than `serving` that was healthy and that nobody has left. `revisions` newest first."""
    names = [revision.name for revision in revisions]
    if serving not in names:
        return None
    for name in names[names.index(serving) + 1 :]:
        record = records.get(name)
        if record is not None and record.healthy_at is not None and record.left_at is None:
            return name
    return None


def _took_traffic_at(own: Sequence[RevisionCount], window: Window) -> datetime | None:
    """Its first slice; None when it had none, or had some from the window's start on and so for longer."""
    if not own:
        return None
    first = min(one.start for one in own)
    return None if first < window.start + SLICE else first


def _previous(before: Sequence[RevisionCount], serving: str) -> str | None:
    """The revision that answered last before; of several at once the one with the most requests."""
    others = [one for one in before if one.revision not in ("", serving)]
    if not others:
        return None
    last = max(one.start for one in others)
    return max((one for one in others if one.start == last), key=lambda one: one.requests).revision


def _beside(counts: Sequence[RevisionCount], serving: str, since: datetime) -> RevisionCounts | None:
    """All others together, under the name of the one with the most requests."""
    others = [one for one in counts if one.revision not in ("", serving) and one.start >= since]
    if not others:
        return None
    return _at_most(max(others, key=lambda one: one.requests).revision, others)


def _likelihood(requests: int, errors: int) -> float:
    """The logarithm of how likely just so many errors are, at the rate that makes them likeliest."""
    well = requests - errors
    found = errors * math.log(errors / requests) if errors else 0.0
    return found + well * math.log(well / requests) if well else found


def _at_least(name: str, counts: Iterable[RevisionCount]) -> RevisionCounts:
    """Counts that are certain to have failed, of all that there may have been."""
    requests = errors = 0
    for one in counts:
        asked, failed = one.certain
        requests, errors = requests + asked, errors + failed
    return RevisionCounts(name, requests, errors)


def _at_most(name: str, counts: Iterable[RevisionCount]) -> RevisionCounts:
    """Counts that may have failed, of what is certain to have been there."""
    whole = bounds_of(one.bounds for one in counts)
    return RevisionCounts(name, max(whole.least_requests, whole.most_errors), whole.most_errors)


def _within(before: Sequence[RevisionCount], took: datetime, allowed: float) -> bool | None:
    day = _at_most("", before)
    if day.requests < LEAST_REQUESTS:
        return None
    just = _at_most("", (one for one in before if one.start >= took - JUST_BEFORE))
    if just.errors_5xx <= allowed * just.requests:
        return True
    return just.errors_5xx < LEAST_BAD and day.errors_5xx <= allowed * day.requests
