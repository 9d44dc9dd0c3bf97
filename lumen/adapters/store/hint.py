"""A hint of which services may have work, in a sorted set of the store (docs/adr/0024-only-services-with-work.md).

A member is a service's key; its score is the moment, in milliseconds of the clock of the service's own node, after
which the change that raised it last can no longer run. It only ever grows, also where that clock has stepped back.

A cluster has a set for each sixteenth of its slots, so that the hint of a service stands on the service's own node, but
for a sixteenth that two nodes share.
"""

from collections.abc import Sequence
from functools import cache, partial
from itertools import count

from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.node import Command, Node, reached
from lumen.adapters.store.topology import SLOTS, slot_of
from lumen.model.service import ServiceId

ACTIVE = "lumen:active"
#: Sets of a cluster.
PARTS = 16
#: Stands among the services; its score names the filling that the set began with.
SINCE = "since"
#: Scripts that never leave work behind: nothing to show, to decide, to carry out, to answer or to call for.
#: Any other may, also one that is added later, so the hint is raised before it.
QUIET = frozenset(
    {
        "accesses_put",
        "audit_exported",
        "audit_seal",
        "audit_trim",
        "billed_put",
        "control_ask",
        "inbox",
        "lease_acquire",
        "lease_release",
        "lease_renew",
        "outbox_shown",
        "pending_replies_given",
        "settle",
        "slot_claim",
        "slot_done",
    }
)


def hints_of(redis: StoreClient) -> Sequence[str]:
    """The keys of all sets."""
    return [ACTIVE] if redis.topology is None else [_of_part(part) for part in range(PARTS)]


def hint_of(redis: StoreClient, service: ServiceId) -> str:
    """The key of the set that a service stands in."""
    return ACTIVE if redis.topology is None else _of_part(_part(service))


@cache
def _of_part(part: int) -> str:
    """`lumen:active:{7}`, with the first number whose slot is in that part."""
    return next(hint for hint in (f"{ACTIVE}:{{{number}}}" for number in count()) if _part(hint) == part)


def _part(of: ServiceId | str) -> int:
    return slot_of(of) * PARTS // SLOTS


def touch(hint: str, service: ServiceId, not_after: int) -> Sequence[Command]:
    """The commands that raise the hint, to be sent before a change that does nothing after `not_after`.

    By one at least, so that whoever takes the service out by the score that it saw notices.
    """
    return ("ZINCRBY", hint, 1, service.key), ("ZADD", hint, "GT", not_after, service.key)


async def forget(redis: StoreClient) -> None:
    """Have every running Lumen look at all of its services: one of them begins anew. Raises StoreUnavailable."""
    for hint in hints_of(redis):
        await redis.at(hint, partial(_forget, hint))


async def _forget(hint: str, node: Node) -> None:
    with reached(node):
        await node.redis.delete(hint)
