"""Accesses by day, in one hash a service: for each hour in which they came a part, less than 8 bytes an access.

They are no part of a copy (docs/adr/0017): a service reports new ones. A part is a line of counts and then, as base 64,
zlib's form of the words by their first bytes, second bytes and so on, of the kinds and of the sizes.
"""

import asyncio
import base64
import zlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import date

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.leases import lease_lost
from lumen.adapters.store.scripts import Calls, accesses_key
from lumen.model.observed import Piece, Progress, Tally, joined
from lumen.model.service import ServiceId
from lumen.ports.store import Lease

WORD = 8


class RedisAccessDays:
    """`lumen.ports.store.AccessDays`. `key_of`: the hash of each service."""

    def __init__(self, redis: StoreClient, key_of: Callable[[ServiceId], str] = accesses_key) -> None:
        self._calls, self._key_of = Calls(redis), key_of

    async def progress(self, service: ServiceId) -> Progress:
        reply = await self._calls.read("accesses_progress", service, dedupe=self._key_of(service))
        return decode(Progress, reply.values[0]) if reply.values[0] else Progress()

    async def put(
        self, service: ServiceId, lease: Lease, hour: int, pieces: Sequence[Piece], progress: Progress
    ) -> None:
        first = progress.days[0].isoformat() if progress.days else ""
        words: list[str | int] = [lease.name, lease.token, encode(progress), first]
        for piece in pieces:
            stood = await self._parts(service, piece.day, f"{hour:02d}")
            text = await asyncio.to_thread(packed, joined(piece.day, [*stood, piece]))
            words += [f"{piece.day.isoformat()}/{hour:02d}", text]
        reply = await self._calls.change("accesses_put", service, *words, dedupe=self._key_of(service))
        if reply.status == "LEASE_LOST":
            raise lease_lost(lease.name)

    async def day(self, service: ServiceId, day: date) -> Piece:
        pieces = [
            piece for hour in await self._of_day(service, day, "") for piece in await self._parts(service, day, hour)
        ]
        return await asyncio.to_thread(joined, day, pieces)

    async def _parts(self, service: ServiceId, day: date, hour: str) -> Sequence[Piece]:
        found = await self._of_day(service, day, hour)
        return await asyncio.to_thread(lambda: [unpacked(day, text) for text in found])

    async def _of_day(self, service: ServiceId, day: date, hour: str) -> Sequence[str]:
        """An hour's part, or without an hour those of which there are parts: a day has some megabytes."""
        reply = await self._calls.read("accesses_day", service, day.isoformat(), hour, dedupe=self._key_of(service))
        found: Sequence[str] = reply.values[0]
        return found


def packed(piece: Piece) -> str:
    """The piece as it is stored, sorted; what came at once stays in the order in which it came."""
    words = memoryview(piece.packed).cast("Q")
    order = sorted(range(len(piece)), key=words.__getitem__)
    sorted_words = array("Q", [words[at] for at in order]).tobytes()
    beside = bytes(piece.kinds[at] for at in order) + bytes(piece.sizes[at] for at in order)
    planes = b"".join(sorted_words[at::WORD] for at in range(WORD))
    head = *astuple(piece.tally), piece.below, len(piece)
    body = base64.b64encode(zlib.compress(planes + beside)).decode()
    return f"{' '.join(map(str, head))}\n{body}"


def unpacked(day: date, text: str) -> Piece:
    """Inverse of `packed`."""
    line, _, body = text.partition("\n")
    *counts, below, size = map(int, line.split())
    raw = zlib.decompress(base64.b64decode(body))
    words = bytearray(size * WORD)
    for at in range(WORD):
        words[at::WORD] = raw[at * size : (at + 1) * size]
    kinds, sizes = raw[WORD * size : (WORD + 1) * size], raw[(WORD + 1) * size :]
    return Piece(day, Tally(*counts), below, bytes(words), kinds, sizes)
