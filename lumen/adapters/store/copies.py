"""A service's whole memory as JSON lines, taken at one moment, and back into an empty store.

The first line says what it is, the last one how many lines there are and their SHA-256. Each line between is one
element of one key, by the key's type: one server's DUMP is not read by an older server, nor by every other kind.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from lumen.adapters.store.answers import place
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.epoch import Copied, durability
from lumen.adapters.store.hint import forget
from lumen.adapters.store.node import Node, reached
from lumen.adapters.store.scripts import (
    IMPORTING,
    NAMES,
    SCHEMAS,
    accesses_key,
    all_keys,
    key,
    misses_key,
    replicated_key,
    script,
    wrong_epoch,
)
from lumen.model.messages import NotPossible, StoreUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock

FORMAT = 1
#: Elements that are written at once.
BATCH = 500
#: How often all is read again because a key has come into being meanwhile: each does so once.
TRIES = 20
#: What reads a key, by its type; the words after the key.
_READS: Mapping[str, tuple[str, ...]] = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", "0", "-1"),
    "zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
    "stream": ("XRANGE", "-", "+"),
    "none": ("EXISTS",),
}

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that proves itself. `elements`: the lines between the first and the last."""

    service: str
    epoch: str
    schema: str
    taken_at: str
    digest: str
    elements: Sequence[Line]

    @property
    def number(self) -> int:
        """The highest number of a proposal in it."""
        return next((int(each["string"]) for each in self.elements if each["key"] == "sequence"), 0)


async def taken(redis: StoreClient, service: ServiceId, clock: Clock) -> Sequence[str]:
    """Every line of a copy; bots may go on meanwhile. Raises StoreUnavailable."""
    return await redis.at(service, partial(_taken, service, clock))


async def _taken(service: ServiceId, clock: Clock, node: Node) -> Sequence[str]:
    with reached(node):
        elements = await _at_one_moment(node.redis, service)
    epoch = dict(each["hash"] for each in elements if each["key"] == "epoch")
    if epoch.get("schema") not in SCHEMAS:
        raise wrong_epoch(epoch.get("schema"), node.where, service)
    first = {"lumen_state": FORMAT, "service": service.key, "epoch": epoch["id"], "schema": epoch["schema"]}
    lines = [_line(first | {"taken_at": clock.now().isoformat()}), *map(_line, elements)]
    return [*lines, _line({"lines": len(lines), "sha256": _digest(lines)})]


def copy_from(lines: Iterable[str]) -> Copy:
    """The copy that these lines are. Raises NotPossible where they are none, or not whole and unchanged."""
    told = [line.rstrip("\r\n") for line in lines]
    try:
        first, *elements, last = [json.loads(line) for line in told]
        if last != {"lines": len(told) - 1, "sha256": _digest(told[:-1])}:
            raise ValueError("its lines are not those that it was ended with")
        if first["lumen_state"] != FORMAT:
            raise ValueError(f"its form is {first['lumen_state']}")
        if not all(isinstance(each, dict) and isinstance(each.get("key"), str) for each in elements):
            raise ValueError("an element has no key")
        service, epoch, schema, taken_at = (str(first[name]) for name in ("service", "epoch", "schema", "taken_at"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotPossible(*with_remedy("state.no_copy", detail=str(error)[:200])) from error
    return Copy(service, epoch, schema, taken_at, last["sha256"], elements)


async def put(redis: StoreClient, service: ServiceId, copy: Copy) -> Copied | None:
    """Write a copy into an empty store, and read it back; no bot uses that store until `epoch.restored` has followed.

    None where this very copy stands there already. What an import that broke off has left is written anew.
    Raises NotPossible (the store is not empty, or the copy is none for it), StoreUnavailable.
    """
    if copy.service != service.key:
        raise NotPossible(*with_remedy("state.other_service", found=copy.service, wanted=service.key))
    if copy.schema not in SCHEMAS:
        raise NotPossible(*with_remedy("state.copy_schema", found=copy.schema, wanted=" / ".join(SCHEMAS)))
    await durability(redis)
    return await redis.at(service, partial(_put, service, copy))


async def _put(service: ServiceId, copy: Copy, node: Node) -> Copied | None:
    redis = node.redis
    with reached(node):
        if not await _begin(node, service, copy):
            return None
        await redis.unlink(*all_keys(service)[1:], *await _memories(redis, service))
        for at in range(0, len(copy.elements), BATCH):
            async with redis.pipeline(transaction=False) as pipe:
                for each in copy.elements[at : at + BATCH]:
                    _write(pipe, service, each)
                await pipe.execute()
        stored = await _at_one_moment(redis, service)
    if _lasting(stored) != _lasting(copy.elements):
        raise StoreUnavailable(*with_remedy("state.import_differs", where=node.where))
    return Copied(copy.schema, copy.digest)


async def cleared(redis: StoreClient, service: ServiceId) -> int:
    """Remove all that the store holds of a service, in whatever shape; how many keys. Raises StoreUnavailable."""
    removed = await redis.at(service, partial(_cleared, service))
    await forget(redis)
    return removed


async def _cleared(service: ServiceId, node: Node) -> int:
    beside = accesses_key(service), misses_key(service)
    with reached(node):
        await node.redis.unlink(replicated_key(service))
        return int(await node.redis.unlink(*all_keys(service), *beside, *await _memories(node.redis, service)))


async def _begin(node: Node, service: ServiceId, copy: Copy) -> bool:
    """Take the store for this copy; False where it stands there already. Raises NotPossible."""
    keys, wanted = all_keys(service), script("import_begin", bare=True)
    status, *found = await node.redis.eval(wanted.text, len(keys), *keys, IMPORTING, copy.epoch, copy.taken_at)
    if status == "OK":
        return True
    if status == "EPOCH" and found[1] == copy.digest:
        return False
    raise NotPossible(*with_remedy("state.not_empty", where=node.where, service=service.key))


async def _at_one_moment(redis: Redis, service: ServiceId) -> Sequence[Line]:
    """Every element of every key, as all of them stand between two commands of others."""
    for _ in range(TRIES):
        kinds = {name: str(await redis.type(key(service, name))) for name in NAMES}
        async with redis.pipeline(transaction=True) as pipe:
            for name, kind in kinds.items():
                command, *rest = _READS[kind]
                pipe.execute_command(command, key(service, name), *rest)
            found = list(zip(kinds.items(), await pipe.execute(), strict=True))
        if not any(value for (_, kind), value in found if kind == "none"):
            break
    else:
        raise StoreUnavailable(*with_remedy("state.too_late", where=place(redis)))
    whole = [each for (name, kind), value in found for each in _elements(name, kind, value)]
    known = {each["zset"][0] for each in whole if each["key"] == "order"}
    # What a click or a request came to is written once, so what is read a moment later knows no less; and no more, as
    # far as it is about proposals that were there.
    memories = await _remembered(redis, service)
    return [*whole, *(each for each in memories if each["string"].split()[-1] in {"-", *known})]


def _elements(name: str, kind: str, value: Any) -> Iterator[Line]:
    """The lines of one key, from what reads it."""
    if kind == "hash":
        yield from ({"key": name, kind: [field, text]} for field, text in value.items())
    elif kind == "zset":
        pairs = zip(value[::2], value[1::2], strict=True)
        yield from ({"key": name, kind: [member, float(score)]} for member, score in pairs)
    elif kind == "stream":
        yield from ({"key": name, kind: [entry, fields]} for entry, fields in value)
    elif kind == "list":
        yield from ({"key": name, kind: text} for text in value)
    elif kind == "string":
        yield {"key": name, kind: value}


def _write(pipe: Pipeline, service: ServiceId, element: Line) -> None:
    """One element. All of the epoch but what says that a copy is being written."""
    at = key(service, element["key"])
    match element:
        case {"key": "epoch", "hash": ["schema" | "imported", _]}:
            pass
        case {"string": value, "ms": int(left)}:
            pipe.set(at, value, px=max(1, left))
        case {"string": value}:
            pipe.set(at, value)
        case {"hash": [field, value]}:
            pipe.hset(at, field, value)
        case {"list": value}:
            pipe.rpush(at, value)
        case {"zset": [member, score]}:
            pipe.zadd(at, {member: score})
        case {"stream": [entry, fields]}:
            pipe.xadd(at, fields, id=entry)


async def _memories(redis: Redis, service: ServiceId) -> Sequence[str]:
    """The keys of clicks and requests, which bear their ids."""
    patterns = [key(service, f"{what}:*") for what in ("click", "request")]
    return [name for pattern in patterns async for name in redis.scan_iter(pattern, count=5000)]


async def _remembered(redis: Redis, service: ServiceId) -> Sequence[Line]:
    names, start = await _memories(redis, service), len(key(service, ""))
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.get(name)
            pipe.pttl(name)
        values = await pipe.execute()
    triples = zip(names, values[::2], values[1::2], strict=True)
    return [{"key": name[start:], "string": value, "ms": ms} for name, value, ms in triples if value and ms > 0]


def _lasting(elements: Iterable[Line]) -> Mapping[str, Sequence[str]]:
    """The keys that must be the same in store and file: all but the epoch and what is forgotten by itself."""
    found: dict[str, list[str]] = {}
    for each in elements:
        if each["key"] != "epoch" and "ms" not in each:
            found.setdefault(each["key"], []).append(_line(each))
    return {name: lines if "list" in json.loads(lines[0]) else sorted(lines) for name, lines in found.items()}


def _line(told: Line) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
