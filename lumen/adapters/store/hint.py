"""A hint of which services may have work, in one sorted set of the store (docs/adr/0024-only-services-with-work.md).

A member is a service's key; its score is the moment, in milliseconds of the clock of the service's own node, after
which the change that raised it last can no longer run. It only ever grows, also where that clock has stepped back.
"""

from collections.abc import Sequence

from redis.asyncio import Redis

from lumen.model.service import ServiceId

ACTIVE = "lumen:active"
#: Stands among the services; its score names the filling that the set began with.
SINCE = "since"
#: Scripts that never leave work behind: nothing to show, to decide, to carry out, to answer or to call for.
#: Any other may, also one that is added later, so the hint is raised before it.
QUIET = frozenset(
    {
        "accesses_day",
        "accesses_progress",
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

Command = Sequence[str | int]


def touch(service: ServiceId, not_after: int) -> Sequence[Command]:
    """The commands that raise the hint, to be sent before a change that does nothing after `not_after`.

    By one at least, so that whoever takes the service out by the score that it saw notices.
    """
    return ("ZINCRBY", ACTIVE, 1, service.key), ("ZADD", ACTIVE, "GT", not_after, service.key)


async def forget(redis: Redis) -> None:
    """Have every running Lumen look at all of its services: one of them begins anew."""
    await redis.delete(ACTIVE)
