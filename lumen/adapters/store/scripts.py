"""Run the Lua scripts, each joined to common.lua, on the keys of one service, which share a hash tag.

A script is sent by digest, and in full only where it is not known yet. A change carries a moment of the store's own
clock after which the script refuses. It is when we stop waiting, so a command that was stuck on the way (a stopped
server, a slow network) cannot decide anything behind our back.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from lumen.adapters.store.connection import REFUSALS, SILENCE, place, refused, unanswered, unreachable
from lumen.adapters.store.hint import QUIET, Command, touch
from lumen.model.messages import OtherSchema, StoreUnavailable, with_remedy
from lumen.model.service import ServiceId

_HERE = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Script:
    """`text` is Lua; `digest` is what EVALSHA knows it by."""

    text: str
    digest: str


@cache
def script(name: str, *, bare: bool = False, last: str = "") -> Script:
    """`name`.lua, with the common part before it unless it is `bare`, and with `last`.lua after it."""
    parts = [part for part in ("" if bare else "common", name, last) if part]
    text = "".join((_HERE / f"{part}.lua").read_text(encoding="utf-8") for part in parts)
    # Not a safeguard: the protocol names scripts by SHA-1.
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


#: In the order of KEYS in common.lua. The epoch is a hash with the counter of fencing tokens in it; `proposals` is a
#: hash of "P17/state" and the like, so that a script names every key that it touches before it runs (clusters).
NAMES = (
    "epoch",
    "sequence",
    "proposals",
    "open",
    "order",
    "unfinished",
    "deadlines",
    "countdowns",
    "audit",
    "seals",
    "marks",
    "dirty",
    "shown",
    "shown-at",
    "lease-tokens",
    "lease-until",
    "slots",
    "turns",
    "turn-order",
    "observations",
    "alerts",
    "alert-order",
    "alerts-open",
    "standing",
    "days",
    "owed",
)


def key(service: ServiceId, name: str) -> str:
    """`lumen:{project/region/name}:name`."""
    return f"lumen:{{{service.key}}}:{name}"


def all_keys(service: ServiceId) -> list[str]:
    """The first arguments of every script."""
    return [key(service, name) for name in NAMES]


def position(name: str) -> int:
    """The position of `name` in KEYS, counted from 1 as Lua does."""
    return NAMES.index(name) + 1


def click_key(service: ServiceId, click_id: str) -> str:
    """The memory of one click (or vote, or snooze)."""
    return key(service, f"click:{click_id}")


def request_key(service: ServiceId, request_id: str) -> str:
    """The memory of one request for a proposal."""
    return key(service, f"request:{request_id}")


def inbox_key(service: ServiceId, message_id: str) -> str:
    """The memory of one message from outside."""
    return key(service, f"inbox:{message_id}")


def accesses_key(service: ServiceId) -> str:
    """The accesses that a service has reported; no part of a copy."""
    return key(service, "accesses")


def misses_key(service: ServiceId) -> str:
    """The misses that the cache's server announced of a service; no part of a copy."""
    return key(service, "misses")


#: The layouts of the store that this Lumen works with, oldest first. `lumen state init` prepares the last one, and
#: `lumen state migrate` leads to it; a Lumen that does not know the layout it finds refuses the store.
SCHEMAS = ("1",)
SCHEMA = SCHEMAS[-1]
#: In place of the layout while a copy is being written into the store: no Lumen works with that.
IMPORTING = "importing"
#: The offset between the store's clock and ours is measured again after this, for clocks drift.
OFFSET_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` is OK or a script's own word for why it changed nothing; `values` is what follows."""

    status: str
    values: tuple[Any, ...]


class Calls:
    """Scripts for one store. Several callers may share it; each call takes a connection of the pool for itself.

    `schemas`: the layouts that are taken.
    """

    def __init__(self, redis: Redis, schemas: Sequence[str] = SCHEMAS) -> None:
        self._redis = redis
        self._speaks = f",{','.join(schemas)},"
        self._where = place(redis)
        self._offset_ms: float | None = None
        self._measured_at = 0.0

    async def read(self, name: str, service: ServiceId, *args: str | int) -> Reply:
        """Changes nothing. Raises StoreUnavailable."""
        return await self._run(script(name), service, args, dedupe=None, changes=False, makes_work=False)

    async def read_each(self, asked: Sequence[tuple[str, ServiceId, Sequence[str | int]]]) -> Sequence[Reply]:
        """Several reads in one round trip: each a script, a service, and arguments. Raises StoreUnavailable."""
        wanted = [(script(name), self._rest(service, args)) for name, service, args in asked]
        async with self._connection() as connection:
            try:
                replies = await _ask_each(connection, wanted)
            except REFUSALS as error:
                raise refused(error, self._where) from error
            except SILENCE as error:
                raise unreachable(error, self._where) from error
        return [
            self._checked(Reply(raw[0], tuple(raw[2:])), service)
            for raw, (_, service, _) in zip(replies, asked, strict=True)
        ]

    def _rest(
        self, service: ServiceId, args: Sequence[str | int], dedupe: str | None = None, not_after: str | int = ""
    ) -> Sequence[str | int]:
        """Keys and arguments of a call, after its script."""
        keys = all_keys(service) + ([dedupe] if dedupe else [])
        return (len(keys), *keys, self._speaks, not_after, *args)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AbstractConnection]:
        """One of the pool."""
        pool: Any = self._redis.connection_pool  # its methods carry no types
        cancelled_before = cancellations()
        try:
            connection = await pool.get_connection()
        except SILENCE as error:
            raise unreachable(error, self._where) from error
        try:
            yield connection
        finally:
            await pool.release(connection)
        if cancellations() > cancelled_before:
            # Python 3.11's `asyncio.wait_for`, in which redis-py writes, loses a cancellation that comes as it ends.
            raise asyncio.CancelledError

    async def change(
        self, name: str, service: ServiceId, *args: str | int, dedupe: str | None = None, makes_work: bool = True
    ) -> Reply:
        """All or nothing. Raises StoreUnavailable (nothing happened), OutcomeUnknown (it may have).

        `makes_work` False: this one leaves nothing to do, though others by that script may.
        """
        makes_work = makes_work and name not in QUIET
        return await self._run(script(name), service, args, dedupe=dedupe, changes=True, makes_work=makes_work)

    async def migrate(self, name: str, service: ServiceId, *args: str | int) -> Reply:
        """One migration, all or nothing. Raises StoreUnavailable, OutcomeUnknown."""
        migrated = script(name, last="migrated")
        return await self._run(migrated, service, args, dedupe=None, changes=True, makes_work=True)

    async def _run(
        self,
        wanted: Script,
        service: ServiceId,
        args: Sequence[str | int],
        *,
        dedupe: str | None,
        changes: bool,
        makes_work: bool,
    ) -> Reply:
        async with self._connection() as connection:
            try:
                not_after = await self._not_after(connection) if changes else ""
                first = touch(service, int(not_after)) if makes_work else ()
                rest = self._rest(service, args, dedupe, not_after)
                raw = await self._send(connection, first, wanted, rest, changes)
            except BaseException:
                # Whatever answers next time may be another server with another clock.
                self._offset_ms = None
                raise
        self._learn_offset(int(raw[1]))
        return self._checked(Reply(raw[0], tuple(raw[2:])), service)

    async def _send(
        self,
        connection: AbstractConnection,
        first: Sequence[Command],
        wanted: Script,
        rest: Sequence[str | int],
        changes: bool,
    ) -> list[Any]:
        """`first`: what is sent before the script, in the same write."""
        try:
            try:
                raw: list[Any] = await _ask_after(connection, first, ("EVALSHA", wanted.digest, *rest))
            except exceptions.NoScriptError:
                # An answer, not silence: nothing ran, so this is the first time and no retry.
                raw = await _ask(connection, "EVAL", wanted.text, *rest)
        except REFUSALS as error:
            raise refused(error, self._where) from error
        except SILENCE as error:
            raise (unanswered if changes else unreachable)(error, self._where) from error
        return raw

    async def _not_after(self, connection: AbstractConnection) -> int:
        """When we stop waiting, in the store's milliseconds; at most a trip's length too early, never too late."""
        if self._offset_ms is None or time.monotonic() - self._measured_at > OFFSET_SECONDS:
            try:
                seconds, microseconds = await _ask(connection, "TIME")
            except SILENCE as error:
                raise unreachable(error, self._where) from error
            self._offset_ms = None
            self._learn_offset(int(seconds) * 1000 + int(microseconds) // 1000)
        assert self._offset_ms is not None
        wait_seconds = connection.socket_timeout
        assert wait_seconds is not None, "open_store bounds every wait"
        return int(time.monotonic() * 1000 + self._offset_ms + wait_seconds * 1000)

    def _learn_offset(self, store_ms: int) -> None:
        """An answer that came back quickly tells the offset best, so a smaller one does not replace a larger one."""
        here = time.monotonic()
        offset_ms = store_ms - here * 1000
        if self._offset_ms is None or offset_ms > self._offset_ms:
            self._offset_ms = offset_ms
            self._measured_at = here

    def _checked(self, reply: Reply, service: ServiceId) -> Reply:
        if reply.status == "TOO_LATE":
            self._offset_ms = None
            raise StoreUnavailable(*with_remedy("state.too_late", where=self._where))
        if reply.status == "EPOCH":
            raise wrong_epoch(reply.values[0], self._where, service)
        return reply


def wrong_epoch(found_schema: str | None, where: str, service: ServiceId) -> StoreUnavailable:
    """The store is empty, is being written from a copy, or has a layout that this Lumen does not know."""
    if found_schema is None:
        return StoreUnavailable(*with_remedy("state.no_epoch", where=where, service=service.key))
    if found_schema == IMPORTING:
        return StoreUnavailable(*with_remedy("state.importing", where=where, service=service.key))
    return OtherSchema(*with_remedy("state.other_schema", where=where, found=found_schema, wanted=" / ".join(SCHEMAS)))


def cancellations() -> int:
    """The number of requests to cancel the running task."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


async def _ask_each(
    connection: AbstractConnection, wanted: Sequence[tuple[Script, Sequence[str | int]]]
) -> Sequence[list[Any]]:
    """All answers are read, whatever one of them is: else the next caller would get them."""
    packed = connection.pack_commands([("EVALSHA", one.digest, *rest) for one, rest in wanted])
    await connection.send_packed_command(packed, check_health=False)
    found: list[list[Any]] = []
    failed: list[exceptions.ResponseError] = []
    unknown: list[int] = []
    for at in range(len(wanted)):
        try:
            found.append(await connection.read_response())
        except exceptions.NoScriptError:
            unknown.append(at)
            found.append([])
        except exceptions.ResponseError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    for at in unknown:
        one, rest = wanted[at]
        found[at] = await _ask(connection, "EVAL", one.text, *rest)
    return found


async def _ask_after(connection: AbstractConnection, first: Sequence[Command], command: Command) -> Any:
    """The answer to `command`, whatever those before it are answered: a hint that was refused refuses no change."""
    await connection.send_packed_command(connection.pack_commands([*first, command]), check_health=False)
    for _ in first:
        with suppress(*REFUSALS):
            await connection.read_response()
    return await connection.read_response()


async def _ask(connection: AbstractConnection, *command: str | int) -> Any:
    await connection.send_command(*command, check_health=False)
    return await connection.read_response()
