"""Is a release to blame for a service that has become slow? A person is asked, and nothing happens by itself: only
failing requests begin a countdown (methods 2). What speaks for it is the moment, since nobody measures latency by
revision here.
"""

from collections.abc import Iterator
from datetime import timedelta

from lumen.model.alert import AlertKind
from lumen.model.message import Message, message
from lumen.policies.rollback import LEAST_REQUESTS, RollbackAdvice, RollbackFacts, in_the_way

#: From the release's first request to the alert, which takes a quarter of an hour where it is much slower, or an hour.
WITHIN = timedelta(minutes=75)


def judge_slow(facts: RollbackFacts) -> RollbackAdvice:
    """`facts.page` is the alert on latency. There is never a target, at most somebody to ask."""
    against = tuple(_against(facts))
    alert, newest, taken = facts.page, facts.newest, facts.newest_took_traffic_at
    if against or alert is None or newest is None or taken is None:
        return RollbackAdvice(None, against)
    minutes = round((alert.opened_at - taken) / timedelta(minutes=1))
    slow = message("policy.rollback_slow", newest=newest.name, minutes=minutes)
    return RollbackAdvice(None, (slow,), facts.good_revision)


def _against(facts: RollbackFacts) -> Iterator[Message]:
    alert, newest, taken = facts.page, facts.newest, facts.newest_took_traffic_at
    if alert is None or alert.kind is not AlertKind.LATENCY:
        yield message("policy.rollback_not_slow")
    elif taken is None or not timedelta(0) <= alert.opened_at - taken <= WITHIN:
        yield message("policy.rollback_not_then", minutes=round(WITHIN / timedelta(minutes=1)))
    yield from in_the_way(facts)
    if newest is None or facts.previous is None or newest.requests < LEAST_REQUESTS:
        yield message("policy.rollback_few_requests", least=LEAST_REQUESTS)
