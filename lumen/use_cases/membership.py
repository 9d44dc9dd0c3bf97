"""The replicas that share a fleet, and this one's part of it (docs/adr/0030-parts-of-a-fleet.md).

It is a hint, which says who begins where: the claim of a service's slot decides.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from lumen.model.messages import StoreUnavailable
from lumen.model.service import ServiceId
from lumen.policies.parts import part_of
from lumen.ports.replicas import Replicas

#: On the wall. A replica that was killed is counted no more after the second.
BEAT_EVERY_SECONDS = 10.0
ALIVE = timedelta(seconds=30)


@dataclass(slots=True)
class Membership:
    """One for a process. One that never beats, or that the store does not answer, knows of no other."""

    replicas: Replicas
    _name: str = field(default_factory=partial(secrets.token_hex, 8), init=False)
    _among: tuple[Sequence[str], Sequence[ServiceId]] | None = field(default=None, init=False)
    _part: frozenset[ServiceId] = field(default=frozenset(), init=False)

    async def beat(self, services: Sequence[ServiceId]) -> None:
        """Be one of those that share `services`. Raises StoreUnavailable."""
        try:
            among = sorted(await self.replicas.beat(self._name, ALIVE)), services
        except StoreUnavailable:
            self._among = None
            raise
        if among != self._among:
            self._among, self._part = among, part_of(self._name, among[0], services)

    async def leave(self) -> None:
        """Have the others take over at once. Raises StoreUnavailable."""
        if self._among is not None:
            self._among = None
            await self.replicas.leave(self._name)

    @property
    def part(self) -> frozenset[ServiceId] | None:
        """The services that this replica begins with; None: all, for it knows of no other one."""
        return self._part if self._among is not None and len(self._among[0]) > 1 else None
