"""The keys of a service. All share the hash tag {project/region/name}, so that one script may touch them all."""

from lumen.model.service import ServiceId

#: In the order of KEYS in common.lua. The epoch is a hash with the counter of fencing tokens in it; `proposals` is a
#: hash of "P17/state" and the like, so that a script names every key that it touches before it runs (clusters).
NAMES = (
    "epoch",
    "sequence",
    "proposals",
    "open",
    "order",
    "unfinished",
    "deadlines",
    "countdowns",
    "audit",
    "seals",
    "marks",
    "dirty",
    "shown",
    "shown-at",
    "lease-tokens",
    "lease-until",
    "slots",
    "turns",
    "turn-order",
    "observations",
    "alerts",
    "alert-order",
    "alerts-open",
    "standing",
    "days",
    "owed",
)


def key(service: ServiceId, name: str) -> str:
    """`lumen:{project/region/name}:name`."""
    return f"lumen:{{{service.key}}}:{name}"


def all_keys(service: ServiceId) -> list[str]:
    """What every script is given first."""
    return [key(service, name) for name in NAMES]


def position(name: str) -> int:
    """Where `name` stands in KEYS, counted from 1 as Lua does."""
    return NAMES.index(name) + 1


def click_key(service: ServiceId, click_id: str) -> str:
    """The memory of one click (or vote, or snooze)."""
    return key(service, f"click:{click_id}")


def request_key(service: ServiceId, request_id: str) -> str:
    """The memory of one request for a proposal."""
    return key(service, f"request:{request_id}")
