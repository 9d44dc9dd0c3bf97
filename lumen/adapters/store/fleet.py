"""Many services at once: each question is asked for a hundred of them in one round trip."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence

from lumen.adapters.store.alerts import incident_from
from lumen.adapters.store.codec import decode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.proposals import proposals_from
from lumen.adapters.store.scripts import Calls, Reply, position
from lumen.model.incident import Pause, Pinned, StoredAlert
from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.ports.fleet import StoredLately, StoredNow

#: Services a round trip: their turns are some megabytes.
AT_ONCE = 100
#: One turn takes half a millisecond to read; clicks get their turn in between.
BATCH = 20

Read = tuple[str, Sequence[str | int]]


class RedisFleet:
    """`lumen.ports.fleet.FleetStore`."""

    def __init__(self, redis: StoreClient) -> None:
        self._calls = Calls(redis)

    async def now(self, services: Sequence[ServiceId]) -> dict[ServiceId, StoredNow]:
        reads: Sequence[Read] = (
            ("turn_latest", (1,)),
            ("proposals", ("unfinished", "")),
            ("alert_read", ("open",)),
            ("read", ("HMGET", position("standing"), "pinned", "pause")),
        )
        found: dict[ServiceId, StoredNow] = {}
        for some in _parts(services):
            for service, replies in zip(some, await self._each(some, reads), strict=True):
                found[service] = _now(replies)
                if len(found) % BATCH == 0:
                    await asyncio.sleep(0)
        return found

    async def lately(
        self, services: Sequence[ServiceId], proposals: int, incidents: int
    ) -> dict[ServiceId, StoredLately]:
        reads: Sequence[Read] = ("proposals", ("recent", proposals, "+inf")), ("alert_incidents", (incidents,))
        found: dict[ServiceId, StoredLately] = {}
        for some in _parts(services):
            replies = await self._each(some, reads)
            wanted = [(one, str(of)) for one, (_, ids) in zip(some, replies, strict=True) for of in ids.values]
            told = await self._calls.read_each([("alert_read", one, (of,)) for one, of in wanted]) if wanted else ()
            known = [incident_from(one, of, reply) for (one, of), reply in zip(wanted, told, strict=True)]
            for service, (recent, _) in zip(some, replies, strict=True):
                own = tuple(one for one in known if one is not None and one.service == service)
                found[service] = StoredLately(tuple(proposals_from(recent.values[0])), own)
                if len(found) % BATCH == 0:
                    await asyncio.sleep(0)
        return found

    async def state(self, services: Sequence[ServiceId]) -> str:
        reads: Sequence[Read] = (
            ("read", ("ZREVRANGE", position("turn-order"), 0, 0)),
            ("proposals", ("unfinished", "")),
            ("alert_read", ("open",)),
            ("read", ("HGETALL", position("standing"))),
        )
        told = hashlib.sha256()
        for some in _parts(services):
            for replies in await self._each(some, reads):
                told.update(repr([reply.values for reply in replies]).encode())
        return told.hexdigest()

    async def _each(self, services: Sequence[ServiceId], reads: Sequence[Read]) -> Sequence[Sequence[Reply]]:
        replies = await self._calls.read_each([(name, one, args) for one in services for name, args in reads])
        return [replies[at : at + len(reads)] for at in range(0, len(replies), len(reads))]


def _parts(services: Sequence[ServiceId]) -> Iterator[Sequence[ServiceId]]:
    return (services[at : at + AT_ONCE] for at in range(0, len(services), AT_ONCE))


def _now(replies: Sequence[Reply]) -> StoredNow:
    turns, (unfinished, alerts, (pinned, pause)) = replies[0].lines(), (reply.values[0] for reply in replies[1:])
    return StoredNow(
        turn=decode(Turn, turns[0]) if turns else None,
        unfinished=tuple(proposals_from(unfinished)),
        alerts=tuple(decode(StoredAlert, text) for text in alerts),
        pinned=decode(Pinned, pinned) if pinned else None,
        pause=decode(Pause, pause) if pause else None,
    )
