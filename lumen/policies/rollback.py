"""Whether a release is to blame, and may be rolled back (docs/methods.md, Rollback).

For failing requests a countdown may begin, on a page and where the newest revision is to blame. For a service that has
become slow a person is asked and nothing happens by itself: nobody measures latency by revision here, so only the
moment speaks against the release. While traffic is pinned to an older revision, `differences` says which settings that
revision carries otherwise than Lumen has set them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import Deployment, Revision, TtlSetting

BLAMED_FOR = timedelta(hours=24)
LEAST_REQUESTS = 100
ALPHA = 0.05
#: The countdown and the hour around it look this often at most; each look gets its share of alpha.
LOOKS = 12
#: A term of a sum that changes nothing any more.
NEGLIGIBLE = 1e-12
#: A failure that begins so long after the release is as likely something else's (docs/methods.md, Rollback).
LATE_AFTER = timedelta(hours=1)
#: ... where so many requests went well before. A canary that was well proves less.
LATE_REQUESTS = 1000


@dataclass(frozen=True, slots=True)
class RevisionCounts:
    """Requests of one revision and how many of them failed (5xx)."""

    name: str
    requests: int
    errors_5xx: int


@dataclass(frozen=True, slots=True)
class Onset:
    """The moment at which the newest revision began to fail, with its requests before and after."""

    at: datetime
    until: RevisionCounts
    since: RevisionCounts


@dataclass(frozen=True, slots=True)
class RollbackFacts:
    """The facts that a rollback is judged on; None, for unknown, never speaks for one."""

    page: Alert | None
    newest: RevisionCounts | None
    newest_took_traffic_at: datetime | None
    previous: RevisionCounts | None
    within_slo_before: bool | None
    #: The newest revision that Lumen recorded as serving within its SLOs.
    good_revision: str | None
    #: `lumen-rollback=never` on the service makes it False.
    allowed: bool
    data_complete: bool
    #: The revision that traffic is pinned to: somebody has taken it into their hands.
    pinned: str | None = None
    onset: Onset | None = None
    #: What older revisions have answered since the newest one fails.
    beside: RevisionCounts | None = None
    #: Another service whose requests began to fail at the same time; "" for none.
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class RollbackAdvice:
    """`target` is None when there is to be no rollback by itself; `against` says all that speaks against it.

    `asked`: nothing does but doubt whether the release is to blame, so a person decides about going back to this one.
    """

    target: str | None
    against: tuple[Message, ...]
    asked: str | None = None


def judge_rollback(facts: RollbackFacts, now: datetime) -> RollbackAdvice:
    """Judge whether to roll back, at the start of a countdown and alike at its end: every condition must hold."""
    against, doubts = tuple(_against(facts, now)), tuple(_doubts(facts))
    if against or doubts:
        return RollbackAdvice(None, (*against, *doubts), None if against else facts.good_revision)
    return RollbackAdvice(facts.good_revision, ())


def reasons_for(newest: RevisionCounts, previous: RevisionCounts, target: str) -> tuple[Message, ...]:
    """Reasons on the card: the revision that is blamed, and the one that takes over."""
    worse = message(
        "rollback.reason_worse",
        newest=newest.name,
        newest_share=newest.errors_5xx / newest.requests,
        previous=previous.name,
        previous_share=previous.errors_5xx / max(1, previous.requests),
    )
    return worse, message("rollback.reason_target", target=target)


def fisher_worse(newest: RevisionCounts, previous: RevisionCounts) -> float:
    """One-sided Fisher exact p: how likely the newest would fail so much more if both failed alike."""
    drawn, total = newest.requests, newest.requests + previous.requests
    failed, seen = newest.errors_5xx + previous.errors_5xx, newest.errors_5xx
    if seen * total > failed * drawn:
        return min(1.0, _at_least(seen, drawn, failed, total))
    return 1.0 - _at_least(failed - seen + 1, total - drawn, failed, total)


def _against(facts: RollbackFacts, now: datetime) -> Iterator[Message]:
    page = facts.page
    if page is None or page.kind is not AlertKind.AVAILABILITY or page.severity is not Severity.PAGE:
        yield message("policy.rollback_no_page")
    yield from in_the_way(facts)
    if facts.within_slo_before is not True:
        yield message("policy.rollback_was_breaching")
    yield from _blame(facts, now)


def in_the_way(facts: RollbackFacts) -> Iterator[Message]:
    """Reasons against any rollback, whatever is wrong."""
    if not facts.allowed:
        yield message("policy.rollback_never")
    if facts.pinned is not None:
        yield message("policy.rollback_pinned", revision=facts.pinned)
    if not facts.data_complete:
        yield message("policy.rollback_no_data")
    if facts.good_revision is None:
        yield message("policy.rollback_no_target")


def _blame(facts: RollbackFacts, now: datetime) -> Iterator[Message]:
    taken = facts.newest_took_traffic_at
    if taken is None or now - taken >= BLAMED_FOR:
        yield message("policy.rollback_too_old", hours=round(BLAMED_FOR / timedelta(hours=1)))
    newest, previous = facts.newest, facts.previous
    if newest is None or previous is None or newest.requests < LEAST_REQUESTS:
        yield message("policy.rollback_few_requests", least=LEAST_REQUESTS)
        return
    failing = facts.onset.since if facts.onset else newest
    if fisher_worse(failing, previous) > ALPHA / LOOKS:
        yield message("policy.rollback_not_worse", newest=newest.name, previous=previous.name)
    elif facts.beside is not None and _fails_too(facts.beside, previous, failing):
        share = facts.beside.errors_5xx / facts.beside.requests
        yield message("policy.rollback_others_too", older=facts.beside.name, share=share)


def _fails_too(beside: RevisionCounts, before: RevisionCounts, newest: RevisionCounts) -> bool:
    """Older code began to fail as well, and the newest is no worse: whatever it is, the release is not."""
    began = fisher_worse(beside, before) <= ALPHA / LOOKS
    return beside.requests >= LEAST_REQUESTS and began and fisher_worse(newest, beside) > ALPHA / LOOKS


def _doubts(facts: RollbackFacts) -> Iterator[Message]:
    """Two services that fail together have more than this release in common."""
    if facts.elsewhere:
        yield message("policy.rollback_elsewhere", other=facts.elsewhere)
    yield from _late(facts)


def _late(facts: RollbackFacts) -> Iterator[Message]:
    """A release that was well for long may still be to blame (a leak, a nightly job); so may anything else."""
    onset, previous, taken = facts.onset, facts.previous, facts.newest_took_traffic_at
    if onset is None or previous is None or taken is None:
        return
    is_late = onset.at - taken >= LATE_AFTER and onset.until.requests >= LATE_REQUESTS
    if is_late and fisher_worse(onset.until, previous) > ALPHA:
        yield message(
            "policy.rollback_late",
            newest=onset.until.name,
            requests=onset.until.requests,
            hours=(onset.at - taken) / timedelta(hours=1),
            began_at=onset.at.isoformat(),
        )


def _at_least(k: int, drawn: int, marked: int, total: int) -> float:
    """Of the hypergeometric distribution, for k above its mean, so that the terms shrink and few of them count."""
    if k > min(drawn, marked):
        return 0.0
    odds = _log_choose(marked, k) + _log_choose(total - marked, drawn - k) - _log_choose(total, drawn)
    found, term = 0.0, math.exp(odds)
    while term > found * NEGLIGIBLE:
        found += term
        term *= (marked - k) * (drawn - k) / ((k + 1) * (total - marked - drawn + k + 1))
        k += 1
    return found


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def differences(deployment: Deployment, setting: TtlSetting | NoData) -> tuple[Message, ...]:
    """In words, for people: the environment cannot be changed while traffic is pinned (it would have no effect)."""
    pinned = next((r for r in deployment.revisions if r.name == deployment.pinned_revision), None)
    if pinned is None:
        return ()
    return tuple(_ttl(pinned, deployment, setting))


def _ttl(pinned: Revision, deployment: Deployment, setting: TtlSetting | NoData) -> list[Message]:
    own, wanted = pinned.env_ttl_seconds, deployment.env_ttl_seconds
    if own is None or wanted is None or own == wanted:
        return []
    if isinstance(setting, NoData) or setting.version == 0:
        return [message("rollback.ttl_differs", revision=pinned.name, own_seconds=own, set_seconds=wanted)]
    # The service reads the setting first: the revision's own TTL only counts where the setting is lost.
    held = setting.value_seconds
    return [message("rollback.ttl_setting_holds", revision=pinned.name, own_seconds=own, set_seconds=held)]


#: From the release's first request to the alert, which takes a quarter of an hour where it is much slower, or an hour.
WITHIN = timedelta(minutes=75)


def judge_slow(facts: RollbackFacts) -> RollbackAdvice:
    """`facts.page` is the alert on latency. There is never a target, at most somebody to ask."""
    against = tuple(_against_slow(facts))
    alert, newest, taken = facts.page, facts.newest, facts.newest_took_traffic_at
    if against or alert is None or newest is None or taken is None:
        return RollbackAdvice(None, against)
    minutes = round((alert.opened_at - taken) / timedelta(minutes=1))
    slow = message("policy.rollback_slow", newest=newest.name, minutes=minutes)
    return RollbackAdvice(None, (slow,), facts.good_revision)


def _against_slow(facts: RollbackFacts) -> Iterator[Message]:
    alert, newest, taken = facts.page, facts.newest, facts.newest_took_traffic_at
    if alert is None or alert.kind is not AlertKind.LATENCY:
        yield message("policy.rollback_not_slow")
    elif taken is None or not timedelta(0) <= alert.opened_at - taken <= WITHIN:
        yield message("policy.rollback_not_then", minutes=round(WITHIN / timedelta(minutes=1)))
    yield from in_the_way(facts)
    if newest is None or facts.previous is None or newest.requests < LEAST_REQUESTS:
        yield message("policy.rollback_few_requests", least=LEAST_REQUESTS)
