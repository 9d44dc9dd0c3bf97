"""The history of turns, capped."""

from collections.abc import Sequence
from typing import overload

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.leases import lease_lost
from lumen.adapters.store.scripts import Calls, position
from lumen.model.past_turn import PastTurn, PastTurns, past
from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.ports.store import Lease

#: Two weeks of hours.
KEEP = 14 * 24
#: Turns that are read at once, some hundred kB.
BATCH = 20
#: What later turns need is kept of so many.
PASTS = 100


class _Decoded(Sequence[PastTurn]):
    """Turns, each decoded when it is first asked for: most questions go back no further than a day."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._known: dict[int, PastTurn] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, at: int) -> PastTurn: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[PastTurn]: ...

    def __getitem__(self, at: int | slice) -> PastTurn | Sequence[PastTurn]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        place = range(len(self))[at]
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = decode(PastTurn, self._lines[place])
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list


class RedisTurns:
    """`lumen.ports.store.Turns`; the newest `keep` turns of each service."""

    def __init__(self, redis: StoreClient, keep: int = KEEP) -> None:
        self._calls = Calls(redis)
        self._keep = keep

    async def save(self, turn: Turn, lease: Lease | None, report_surface: str) -> None:
        reply = await self._calls.change(
            "turn_save",
            turn.snapshot.service,
            turn.id,
            encode(turn),
            round(turn.started_at.timestamp() * 1000),
            report_surface,
            self._keep,
            lease.name if lease else "",
            lease.token if lease else "",
            encode(past(turn)),
            PASTS,
            round(turn.slot.timestamp() * 1000),
        )
        if reply.status == "LEASE_LOST":
            raise lease_lost(lease.name if lease else "")

    async def latest(self, service: ServiceId, limit: int) -> list[Turn]:
        if limit <= BATCH:
            lines = (await self._calls.read("turn_latest", service, limit)).lines()
            return [decode(Turn, text) for text in lines]
        ids = (await self._calls.read("read", service, "ZREVRANGE", position("turn-order"), 0, limit - 1)).values[0]
        found: list[Turn] = []
        for at in range(0, len(ids), BATCH):  # clicks get their turn: one takes half a millisecond
            lines = (await self._calls.read("turns_of", service, *ids[at : at + BATCH])).lines()
            found += [decode(Turn, text) for text in lines]
        return found

    async def past(self, service: ServiceId, limit: int) -> PastTurns:
        reply = await self._calls.read("turn_past", service, limit)
        newest = reply.values[0]
        return PastTurns(decode(Turn, newest) if newest else None, _Decoded(reply.lines(1)))

    async def report_surface(self, service: ServiceId) -> str | None:
        reply = await self._calls.read("read", service, "HGET", position("slots"), "report surface")
        surface: str | None = reply.values[0]
        return surface
