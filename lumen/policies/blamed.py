"""The release that an incident is put down to, look after look: also once the traffic has left it."""

from dataclasses import replace

from lumen.model.course import RevisionsSeen
from lumen.model.incident import RevisionCount
from lumen.model.witnesses import bounds_of
from lumen.policies.rollback import ALPHA, LOOKS, RevisionCounts, fisher_worse


def blames(seen: RevisionsSeen | None) -> RevisionCount | None:
    """The release that fails more than the one before it, beyond chance; None where none does."""
    if seen is None or seen.blamed is None or not seen.blamed.errors_5xx:
        return None
    if seen.before is None or fisher_worse(_counts(seen.blamed), _counts(seen.before)) <= ALPHA / LOOKS:
        return seen.blamed
    return None


def still_blamed(earlier: RevisionsSeen | None, now: RevisionsSeen) -> RevisionsSeen:
    """The newest look, which keeps the release that was blamed when another one serves that is no worse.

    It then says what has become of the requests since.
    """
    blamed = blames(earlier)
    if earlier is None or blamed is None:
        return now
    if now.blamed is not None and (now.blamed.revision == blamed.revision or blames(now)):
        return now
    until = earlier.blamed_until or earlier.at
    kept = replace(now, blamed=blamed, before=earlier.before, blamed_until=until)
    since: dict[str, list[RevisionCount]] = {}
    for one in now.hour:
        if one.start >= until and one.revision not in ("", blamed.revision):
            since.setdefault(one.revision, []).append(one)
    after = [_together(name, own) for name, own in since.items()]
    return replace(kept, after=max(after, key=lambda one: one.requests, default=None))


def _together(revision: str, own: list[RevisionCount]) -> RevisionCount:
    """What may have failed, of what is certain to have been there."""
    whole, start = bounds_of(one.bounds for one in own), min(one.start for one in own)
    return RevisionCount(start, revision, max(whole.least_requests, whole.most_errors), whole.most_errors)


def _counts(one: RevisionCount) -> RevisionCounts:
    return RevisionCounts(one.revision, one.requests, one.errors_5xx)
