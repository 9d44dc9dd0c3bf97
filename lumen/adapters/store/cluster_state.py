"""How the store's cluster stands, as one of its nodes tells: who does not answer, and what has nobody beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.node import Node, of_each, reached
from lumen.adapters.store.topology import SLOTS
from lumen.model.messages import Message, StoreUnavailable, with_remedy


@dataclass(frozen=True, slots=True)
class Member:
    """A line of CLUSTER NODES. `of`: the primary that it follows, "-" for a primary."""

    id: str
    where: str
    flags: frozenset[str]
    of: str
    slots: int

    @property
    def is_up(self) -> bool:
        """As far as the others know."""
        return not self.flags & {"fail", "fail?", "noaddr", "handshake"}


def members(told: str) -> Sequence[Member]:
    """The answer to CLUSTER NODES."""
    return list(_members(told))


def troubles_of(cluster: Sequence[Member], where: str) -> Sequence[tuple[Message, Message]]:
    """What is wrong with it, and what mends each. `where`: the node that told."""
    found = [with_remedy("state.cluster_node_down", node=one.where, where=where) for one in cluster if not one.is_up]
    serving = [one for one in cluster if one.slots and one.is_up]
    uncovered = SLOTS - sum(one.slots for one in serving)
    if uncovered:
        found.append(with_remedy("state.cluster_uncovered", slots=uncovered, where=where))
    followed = {one.of for one in cluster if one.is_up}
    alone = [one for one in serving if one.id not in followed]
    return [*found, *(with_remedy("state.cluster_alone", node=one.where, where=where) for one in alone)]


async def troubles(redis: StoreClient) -> Sequence[tuple[Message, Message]]:
    """Nothing of one server, or where no node may tell."""
    if redis.topology is None:
        return ()
    try:
        told = await of_each(await redis.nodes(), _told)
    except StoreUnavailable:
        return ()
    return next(each for each in told if not isinstance(each, Message))


async def _told(node: Node) -> Sequence[tuple[Message, Message]]:
    client: Any = node.redis  # this method carries no types
    with reached(node):
        told = await client.execute_command("CLUSTER", "NODES")
    return troubles_of(members(str(told)), node.where)


def _members(told: str) -> Iterator[Member]:
    for line in told.splitlines():
        node_id, address, flags, of, _, _, _, _, *ranges = line.split()
        served = [each.partition("-") for each in ranges if not each.startswith("[")]
        slots = sum(int(last or first) - int(first) + 1 for first, _, last in served)
        yield Member(node_id, address.partition("@")[0], frozenset(flags.split(",")), of, slots)
