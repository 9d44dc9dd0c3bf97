"""The store's own credentials: who prepared it, in which layout, whether it keeps what it acknowledges, and its room.

A store without an epoch is refused, never taken for "no proposals": after a failover to an empty replica that would
forget decisions. Every script checks it again, so a failover under a running Lumen is noticed too. A full store refuses
every decision, so people are warned well before.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from redis import exceptions

from lumen.adapters.store.answers import SILENCE, unreachable
from lumen.adapters.store.codec import encode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.hint import forget
from lumen.adapters.store.node import Node, of_each, reached
from lumen.adapters.store.scripts import IMPORTING, SCHEMA, SCHEMAS, Calls, key, script, wrong_epoch
from lumen.model.messages import Message, NotPrepared, StoreUnavailable, message, with_remedy
from lumen.model.proposal import Choice, Decision
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock

#: What the server must be set to, so that an acknowledged decision survives (docs/adr/0004).
DURABLE = (("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction"))
#: Of the epoch's hash.
_FIELDS = ("id", "schema", "made_at")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Epoch:
    """When and as what the store was prepared for a service. `fresh`: by this very call."""

    service: ServiceId
    id: str
    schema: str
    made_at: datetime
    fresh: bool


async def init(redis: StoreClient, services: Sequence[ServiceId], clock: Clock) -> Sequence[Epoch]:
    """Prepare the store for each service; one that is prepared already stays as it is.

    Raises StoreUnavailable (also when the server would not keep what it acknowledges).
    """
    await durability(redis)
    made = [await redis.at(service, partial(_made, service, clock)) for service in services]
    if any(one.fresh for one in made):
        await forget(redis)
    return made


async def _made(service: ServiceId, clock: Clock, node: Node) -> Epoch:
    wanted, own = script("init", bare=True), (SCHEMA, secrets.token_hex(8), clock.now().isoformat())
    with reached(node):
        fresh, schema, found, made_at = await node.redis.eval(wanted.text, 1, key(service, "epoch"), *own)
    if schema not in SCHEMAS:
        raise wrong_epoch(schema, node.where, service)
    return Epoch(service, found, schema, datetime.fromisoformat(made_at), fresh == "1")


@dataclass(frozen=True, slots=True)
class Restored:
    """A new epoch after a restoration. `closed`: proposals that were open in the copy; `number`: ids go on after it."""

    service: ServiceId
    former: str
    id: str
    closed: int
    number: int


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that was written into the store: the layout that it has, and what it is known by."""

    schema: str
    digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the copy: the highest number of a proposal, who says so, and what the channel is told."""

    number: int
    person: Person
    told: tuple[Message, ...]


async def restored(
    redis: StoreClient, service: ServiceId, clock: Clock, known: Known, copy: Copied | None = None
) -> Restored:
    """Begin a new epoch on a store that was restored. `copy`: what has been written into it just now.

    What was open is closed: nobody knows what became of it since the copy, and no countdown may end by it.

    Raises StoreUnavailable, OutcomeUnknown.
    """
    fresh, at = secrets.token_hex(8), clock.now().isoformat()
    withdrawn = encode(Decision(Choice.WITHDRAW, None, f"restored:{fresh}", message("state.restored_pending")))
    note, who, told = encode(message("state.restored_approved")), known.person.user_id, encode(known.told)
    calls = Calls(redis) if copy is None else Calls(redis, (IMPORTING,))
    written = ("", "") if copy is None else (copy.schema, copy.digest)
    reply = await calls.change("restored", service, fresh, at, known.number, withdrawn, note, who, told, *written)
    former, closed, number = reply.values
    with suppress(StoreUnavailable):  # what is restored is: running bots look at it within the hour in any case
        await forget(redis)
    return Restored(service, former, fresh, int(closed), int(number))


async def check(redis: StoreClient, services: Sequence[ServiceId]) -> Sequence[Message]:
    """Whether Lumen may use this store. Returns warnings: what could not be checked.

    Raises StoreUnavailable: unreachable, not prepared for the first service (or for any), prepared by another version,
    or not durable. A cluster's node that does not answer is a warning, and so is another service for which nothing is
    prepared, as one that is new: the others are served.
    """
    warnings = await durability(redis)
    shares = await redis.shares(services)
    answers = await of_each(list(shares), lambda node: _checked(node, shares[node]))
    silent = [one for one in answers if isinstance(one, Message)]
    lacking = {service: error for one in answers if not isinstance(one, Message) for service, error in one.items()}
    if services and services[0] in lacking:
        raise lacking[services[0]]
    return (*warnings, *silent, *(lacking[service].reason for service in services if service in lacking))


async def _checked(node: Node, services: Sequence[ServiceId]) -> Mapping[ServiceId, NotPrepared]:
    """Those for which nothing is prepared. Raises StoreUnavailable."""
    with reached(node):
        async with node.redis.pipeline(transaction=False) as pipe:
            for service in services:
                pipe.hmget(key(service, "epoch"), *_FIELDS)
            found = await pipe.execute()
    lacking: dict[ServiceId, NotPrepared] = {}
    for service, fields in zip(services, found, strict=True):
        try:
            _epoch(service, fields, node)
        except NotPrepared as error:
            lacking[service] = error
    return lacking


async def read(redis: StoreClient, service: ServiceId) -> Epoch:
    """The epoch of a service. Raises StoreUnavailable when there is none, or of another version."""

    async def ask(node: Node) -> Epoch:
        client: Any = node.redis  # this method carries no types
        with reached(node):
            found = await client.hmget(key(service, "epoch"), *_FIELDS)
        return _epoch(service, found, node)

    return await redis.at(service, ask)


def _epoch(service: ServiceId, fields: Sequence[str | None], node: Node) -> Epoch:
    found, schema, made_at = fields
    if found is None or schema not in SCHEMAS or made_at is None:
        raise wrong_epoch(schema, node.where, service)
    return Epoch(service, found, schema, datetime.fromisoformat(made_at), fresh=False)


async def time_of(redis: StoreClient, service: ServiceId | None = None) -> datetime:
    """The clock of the server that keeps a service; of no certain one, the middle one of all.

    Raises StoreUnavailable.
    """
    if service is not None:
        return await redis.at(service, _time)
    times = await of_each(await redis.nodes(), _time)
    told = sorted(each for each in times if isinstance(each, datetime))
    return told[len(told) // 2]


async def _time(node: Node) -> datetime:
    with reached(node):
        seconds, microseconds = await node.redis.time()
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


async def durability(redis: StoreClient) -> Sequence[Message]:
    """Warnings where a server does not tell its settings (Memorystore). Raises StoreUnavailable for wrong ones, and for
    a cluster's node that the URL takes for a server of its own."""
    nodes = await redis.nodes()
    if redis.topology is None:
        await _check_alone(nodes[0])
    told = await of_each(nodes, _durability)
    return [each for each in told if each is not None]


async def _check_alone(node: Node) -> None:
    with reached(node), suppress(exceptions.ResponseError):  # who may not ask is told by the first script
        if (await node.redis.info("cluster")).get("cluster_enabled"):
            raise StoreUnavailable(*with_remedy("state.is_cluster", where=node.where))


async def _durability(node: Node) -> Message | None:
    try:
        told = await node.redis.config_get(*(name for name, _ in DURABLE))
    except exceptions.ResponseError:
        return message("state.settings_hidden", where=node.where)
    except SILENCE as error:
        raise unreachable(error, node.where) from error
    for name, wanted in DURABLE:
        found = told.get(name) or ""
        if found != wanted:
            raise StoreUnavailable(
                *with_remedy("state.not_durable", where=node.where, setting=name, found=found, wanted=wanted)
            )
    return None


WARN_AT = 0.70


async def used_ratio(redis: StoreClient) -> float | None:
    """Used share of `maxmemory` (0-1) of the fullest server, or None where no limit is set or told.

    Raises StoreUnavailable.
    """
    found = await of_each(await redis.nodes(), _used_ratio)
    return max((each for each in found if isinstance(each, float)), default=None)


async def _used_ratio(node: Node) -> float | None:
    with reached(node):
        told = await node.redis.info("memory")
    limit = int(told.get("maxmemory", 0))
    return int(told["used_memory"]) / limit if limit else None


async def warnings(redis: StoreClient) -> Sequence[Message]:
    """One for each server that has used more than 70 %. Raises StoreUnavailable."""
    nodes = await redis.nodes()
    found = zip(nodes, await of_each(nodes, _used_ratio), strict=True)
    return tuple(
        message("state.memory_short", where=node.where, used_ratio=used)
        for node, used in found
        if isinstance(used, float) and used >= WARN_AT
    )
