"""Batches of accesses as a service of version 2 reports them (docs/ion-contract.md, The stream)."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

RECORD = struct.Struct("<QBB")
MISS, HIT, WRITE, DELETE, HELD = 0, 1, 2, 3, 4
KIND_MASK = 3
#: Of a key's hash.
HASH_BYTES = 6
#: The `below` of a service that reports every key.
ALL_KEYS = 1 << 32
#: Longer than any name that a service gives an instance of its own.
LONGEST_NAME = 64
_NUMBERS = {b"s": "sequence", b"t": "began_ms", b"v": "version", b"l": "below"}


class Malformed(ValueError):
    """A batch that is none: which `field` of it, and what stands there."""

    def __init__(self, field: str, found: bytes | None) -> None:
        super().__init__(field)
        self.field = field
        self.found = "-" if found is None else found[:40].decode("ascii", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Batch:
    """One entry of the stream. `counts`: misses, hits, writes, deletes of all keys in its time; `records`: packed."""

    instance: str
    sequence: int
    began_ms: int
    version: int
    below: int
    counts: tuple[int, int, int, int]
    records: bytes

    def __len__(self) -> int:
        return len(self.records) // RECORD.size

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        """Of each access the key's hash (48 bits), its time in ms (Unix), its kind (with HELD), and its size's code."""
        began = self.began_ms
        for word, kind, size in RECORD.iter_unpack(self.records):
            yield word >> 16, began + (word & 0xFFFF), kind, size


def read_batch(fields: Mapping[bytes, bytes]) -> Batch:
    """The batch in an entry. Raises Malformed for anything that the contract does not allow."""
    name = fields.get(b"i", b"")
    if not 0 < len(name) <= LONGEST_NAME or not name.isascii():
        raise Malformed("i", fields.get(b"i"))
    numbers = {attribute: _whole(fields, key) for key, attribute in _NUMBERS.items()}
    if not 0 <= numbers["below"] <= ALL_KEYS:
        raise Malformed("l", fields[b"l"])
    counts, records = _counts(fields), fields.get(b"b")
    if records is None or len(records) % RECORD.size:
        raise Malformed("b", None if records is None else b"%d bytes" % len(records))
    batch = Batch(name.decode(), counts=counts, records=records, **numbers)
    if any(kind > HELD + KIND_MASK for _, _, kind, _ in batch):
        raise Malformed("b", b"kind %d" % max(kind for _, _, kind, _ in batch))
    told = [0, 0, 0, 0]
    for _, _, kind, _ in batch:
        told[kind & KIND_MASK] += 1
    if any(has > says for has, says in zip(told, counts, strict=True)) or (
        batch.below == ALL_KEYS and tuple(told) != counts
    ):
        raise Malformed("n", fields[b"n"])
    return batch


def batch_or_fault(fields: Mapping[bytes, bytes]) -> Batch | Malformed:
    """The batch in an entry, or what is wrong with it."""
    try:
        return read_batch(fields)
    except Malformed as fault:
        return fault


def _whole(fields: Mapping[bytes, bytes], key: bytes) -> int:
    """A number from 0 to 2**63."""
    found = fields.get(key)
    if found is None or not found.isdigit() or len(found) > 19:
        raise Malformed(key.decode(), found)
    return int(found)


def _counts(fields: Mapping[bytes, bytes]) -> tuple[int, int, int, int]:
    parts = fields.get(b"n", b"").split(b" ")
    if len(parts) != 4 or not all(part.isdigit() and len(part) < 16 for part in parts):
        raise Malformed("n", fields.get(b"n"))
    misses, hits, writes, deletes = map(int, parts)
    return misses, hits, writes, deletes


def is_held(hashed: int, version: int, permille: int) -> bool:
    """Whether the contract has the key keep the old TTL."""
    return (zlib.crc32(hashed.to_bytes(6, "big"), version & 0xFFFFFFFF) & 0xFFFF) * 1000 >> 16 < permille
