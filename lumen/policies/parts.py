"""Parts of a fleet: which of the living replicas begins with which services."""

from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b

from lumen.model.service import ServiceId


def part_of(name: str, replicas: Collection[str], services: Sequence[ServiceId]) -> frozenset[ServiceId]:
    """The services of replica `name`: every replica that knows the same names comes to the same parts.

    Rendezvous hashing with bounded loads: a service goes to the replica that weighs it most, of those whose part is
    not yet as large as an even one. So parts are even, and few services move where a replica comes or goes.
    """
    most, names = -(-len(services) // max(1, len(replicas))), sorted(replicas)
    sizes, mine = Counter[str](), set[ServiceId]()
    for service in sorted(services, key=lambda one: _weight("", one)):
        open_to = [replica for replica in names if sizes[replica] < most]
        owner = max(open_to, key=lambda replica: _weight(replica, service), default=name)
        sizes[owner] += 1
        if owner == name:
            mine.add(service)
    return frozenset(mine)


def _weight(replica: str, service: ServiceId) -> bytes:
    return blake2b(f"{replica}/{service.key}".encode(), digest_size=8).digest()
