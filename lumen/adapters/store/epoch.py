"""The store's own credentials: who prepared it, in which layout, whether it keeps what it acknowledges, and its room.

A store without an epoch is refused, never taken for "no proposals": after a failover to an empty replica that would
forget decisions. Every script checks it again, so a failover under a running Lumen is noticed too. A full store refuses
every decision, so people are warned well before.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import exceptions
from redis.asyncio import Redis

from lumen.adapters.store.codec import encode
from lumen.adapters.store.connection import SILENCE, place, unreachable
from lumen.adapters.store.hint import forget
from lumen.adapters.store.scripts import IMPORTING, SCHEMA, SCHEMAS, Calls, key, script, wrong_epoch
from lumen.model.messages import Message, StoreUnavailable, message, with_remedy
from lumen.model.proposal import Choice, Decision
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock

#: What the server must be set to, so that an acknowledged decision survives (docs/adr/0004).
DURABLE = (("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction"))


@dataclass(frozen=True, slots=True)
class Epoch:
    """When and as what the store was prepared for a service. `fresh`: by this very call."""

    service: ServiceId
    id: str
    schema: str
    made_at: datetime
    fresh: bool


async def init(redis: Redis, services: Sequence[ServiceId], clock: Clock) -> Sequence[Epoch]:
    """Prepare the store for each service; one that is prepared already stays as it is.

    Raises StoreUnavailable (also when the server would not keep what it acknowledges).
    """
    await durability(redis)
    wanted = script("init", bare=True)
    made = []
    for service in services:
        try:
            fresh, schema, found, made_at = await redis.eval(
                wanted.text, 1, key(service, "epoch"), SCHEMA, secrets.token_hex(8), clock.now().isoformat()
            )
            if fresh == "1":
                await forget(redis)
        except SILENCE as error:
            raise unreachable(error, place(redis)) from error
        if schema not in SCHEMAS:
            raise wrong_epoch(schema, place(redis), service)
        made.append(Epoch(service, found, schema, datetime.fromisoformat(made_at), fresh == "1"))
    return made


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
    redis: Redis, service: ServiceId, clock: Clock, known: Known, copy: Copied | None = None
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
    with suppress(*SILENCE):  # what is restored is: running bots look at it within the hour in any case
        await forget(redis)
    return Restored(service, former, fresh, int(closed), int(number))


async def check(redis: Redis, services: Sequence[ServiceId]) -> Sequence[Message]:
    """Whether Lumen may use this store. Returns warnings: what could not be checked.

    Raises StoreUnavailable: unreachable, not prepared for one of the services, prepared by another version, or not
    durable.
    """
    warnings = await durability(redis)
    for service in services:
        await read(redis, service)
    return warnings


async def read(redis: Redis, service: ServiceId) -> Epoch:
    """The epoch of a service. Raises StoreUnavailable when there is none, or of another version."""
    client: Any = redis  # this method carries no types
    try:
        found, schema, made_at = await client.execute_command("HMGET", key(service, "epoch"), "id", "schema", "made_at")
    except SILENCE as error:
        raise unreachable(error, place(redis)) from error
    if found is None or schema not in SCHEMAS or made_at is None:
        raise wrong_epoch(schema, place(redis), service)
    return Epoch(service, found, schema, datetime.fromisoformat(made_at), fresh=False)


async def time_of(redis: Redis) -> datetime:
    """The store's own clock. Raises StoreUnavailable."""
    try:
        seconds, microseconds = await redis.time()
    except SILENCE as error:
        raise unreachable(error, place(redis)) from error
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


async def durability(redis: Redis) -> Sequence[Message]:
    """Warnings where the server does not tell its settings (Memorystore). Raises StoreUnavailable for wrong ones."""
    where = place(redis)
    try:
        told = await redis.config_get(*(name for name, _ in DURABLE))
    except exceptions.ResponseError:
        return (message("state.settings_hidden", where=where),)
    except SILENCE as error:
        raise unreachable(error, where) from error
    for name, wanted in DURABLE:
        found = told.get(name) or ""
        if found != wanted:
            raise StoreUnavailable(
                *with_remedy("state.not_durable", where=where, setting=name, found=found, wanted=wanted)
            )
    return ()


WARN_AT = 0.70


async def used_ratio(redis: Redis) -> float | None:
    """Used share of `maxmemory` (0-1), or None where no limit is set or told. Raises StoreUnavailable."""
    try:
        told = await redis.info("memory")
    except SILENCE as error:
        raise unreachable(error, place(redis)) from error
    limit = int(told.get("maxmemory", 0))
    return int(told["used_memory"]) / limit if limit else None


async def warnings(redis: Redis) -> Sequence[Message]:
    """One when more than 70 % is used. Raises StoreUnavailable."""
    used = await used_ratio(redis)
    if used is None or used < WARN_AT:
        return ()
    return (message("state.memory_short", where=place(redis), used_ratio=used),)
