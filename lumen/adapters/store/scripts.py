"""Run the Lua scripts, each joined to common.lua, on the keys of one service, which share a hash tag.

A script is sent by digest, and in full only where it is not known yet. A change carries a moment of the store's own
clock after which the script refuses. It is when we stop waiting, so a command that was stuck on the way (a stopped
server, a slow network) cannot decide anything behind our back.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from redis import exceptions
from redis.asyncio.connection import AbstractConnection

from lumen.adapters.store.answers import REFUSALS, SILENCE, refused, unanswered, unreachable
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.hint import QUIET, hint_of, touch
from lumen.adapters.store.node import Command, Node, answers, ask, ask_each, reached, whole
from lumen.adapters.store.trips import Asked, NotReplicatedError
from lumen.model.messages import NotPrepared, OtherSchema, OutcomeUnknown, StoreUnavailable, with_remedy
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
    of_service = key(service, "")
    return [of_service + name for name in NAMES]


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


def replicated_key(service: ServiceId) -> str:
    """Is written to learn whether a replica holds what was written before; no part of a copy."""
    return key(service, "replicated")


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
#: One script answers so many rows at most, and readers ask for the next page: a server does nothing else meanwhile.
PAGE = 100
#: How long a change waits for the hint of it to stand on another node: it is only a hint.
HINT_WITHIN_SECONDS = 0.2


def pages(limit: int) -> Iterator[int]:
    """The sizes of the pages in which so many rows are read."""
    yield from (min(PAGE, limit - at) for at in range(0, limit, PAGE))


#: Changes of looks and turns, which go with others in one trip; what people wait for goes alone.
TOGETHER = "slot_claim", "slot_done", "lease_renew", "lease_release", "watch_look", "turn_save"


@cache
def _together() -> frozenset[Script]:
    return frozenset(map(script, TOGETHER))


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` is OK or a script's own word for why it changed nothing; `values` is what follows."""

    status: str
    values: tuple[Any, ...]

    def lines(self, at: int = 0) -> Sequence[str]:
        """Of a value that is one text, which the client's parser reads many times faster than thousands of values."""
        text: str = self.values[at]
        return text.split("\n") if text else ()


@dataclass(frozen=True, slots=True)
class Call:
    """A script for a service. `dedupe`: a key beside those of every script. `changes`: not only reads; `makes_work`:
    what it leaves may have to be shown, decided, carried out or answered."""

    script: Script
    service: ServiceId
    args: Sequence[str | int]
    dedupe: str | None = None
    changes: bool = False
    makes_work: bool = False

    def packed(self, speaks: str, not_after: str | int = "") -> bytes:
        """The command by the script's digest, as it is written; of a service that is asked often its keys are known."""
        own = (self.dedupe,) if self.dedupe else ()
        words = (*own, speaks, not_after, *self.args)
        count = len(NAMES) + len(own)
        begin = b"*%d\r\n$7\r\nEVALSHA\r\n" % (3 + len(NAMES) + len(words))
        return b"".join(
            (begin, _word(self.script.digest), _word(count), _packed_keys(self.service), *map(_word, words))
        )

    def after_its_script(self, speaks: str, not_after: str | int = "") -> Sequence[str | int]:
        """Keys and arguments. `speaks`: the layouts that are taken; `not_after`: see common.lua."""
        keys = all_keys(self.service) + ([self.dedupe] if self.dedupe else [])
        return (len(keys), *keys, speaks, not_after, *self.args)


def _word(word: str | int) -> bytes:
    text = word.encode() if isinstance(word, str) else b"%d" % word
    return b"$%d\r\n%b\r\n" % (len(text), text)


@lru_cache(maxsize=4096)
def _packed_keys(service: ServiceId) -> bytes:
    return b"".join(map(_word, all_keys(service)))


class Calls:
    """Scripts for one store. Several callers may share it; each change takes a connection of the pool for itself, but
    for what looks and turns do with many services.

    `schemas`: the layouts that are taken.
    """

    def __init__(self, redis: StoreClient, schemas: Sequence[str] = SCHEMAS) -> None:
        self._redis = redis
        self._speaks = f",{','.join(schemas)},"

    async def read(self, name: str, service: ServiceId, *args: str | int, dedupe: str | None = None) -> Reply:
        """Changes nothing. Raises StoreUnavailable."""
        return await self._run(Call(script(name), service, args, dedupe))

    async def read_each(self, asked: Sequence[tuple[str, ServiceId, Sequence[str | int]]]) -> Sequence[Reply]:
        """Several reads in one round trip to each server: each a script, a service, and arguments.

        Raises StoreUnavailable.
        """
        calls = [Call(script(name), service, args) for name, service, args in asked]
        shares = await self._redis.shares(list(dict.fromkeys(call.service for call in calls)))
        found: dict[int, Reply] = {}
        for replies in await asyncio.gather(
            *(self._read_share(services[0], _of(calls, services)) for services in shares.values())
        ):
            found.update(replies)
        return [found[at] for at in range(len(calls))]

    async def change(
        self, name: str, service: ServiceId, *args: str | int, dedupe: str | None = None, makes_work: bool = True
    ) -> Reply:
        """All or nothing. On a cluster it is answered once a replica holds it, where there is one: the server may be
        lost then, and what follows from the answer stays true. Raises StoreUnavailable (nothing happened),
        OutcomeUnknown (it may have, or may be forgotten).

        `makes_work` False: this one leaves nothing to do, though others by that script may.
        """
        makes_work = makes_work and name not in QUIET
        return await self._run(Call(script(name), service, args, dedupe, changes=True, makes_work=makes_work))

    async def migrate(self, name: str, service: ServiceId, *args: str | int) -> Reply:
        """One migration, all or nothing. Raises StoreUnavailable, OutcomeUnknown."""
        return await self._run(Call(script(name, last="migrated"), service, args, changes=True, makes_work=True))

    async def _run(self, call: Call) -> Reply:
        return await self._redis.at(call.service, partial(self._run_at, call))

    async def _run_at(self, call: Call, node: Node) -> Reply:
        hint = hint_of(self._redis, call.service) if call.makes_work else ""
        is_shared = not call.changes or call.script in _together()
        if not is_shared or (hint and await self._redis.holder(hint) is not node):
            return await self._run_alone(call, node)
        raw = await self._send_with_others(call, node, hint)
        return _checked(raw, node, call.service)

    async def _send_with_others(self, call: Call, node: Node, hint: str) -> Sequence[Any]:
        def asked(not_after: int) -> Asked:
            until = not_after if call.changes else ""
            first = touch(hint, call.service, not_after) if hint else ()
            full = partial(call.after_its_script, self._speaks, until)
            return Asked(first, call.packed(self._speaks, until), lambda: ("EVAL", call.script.text, *full()))

        try:
            trips = self._redis.trips(node)
            return await trips.ask(asked, replicated_key(call.service) if call.changes else "")
        except NotReplicatedError as error:
            await self._without_replica(node)
            return error.answer
        except REFUSALS as error:
            raise refused(error, node.where) from error
        except SILENCE as error:
            raise (unanswered if call.changes else unreachable)(error, node.where) from error

    async def _run_alone(self, call: Call, node: Node) -> Reply:
        async with node.connection() as connection:
            try:
                not_after = await node.not_after(connection) if call.changes else ""
                first = await self._hint(call, node, not_after) if call.makes_work else ()
                raw = await self._send(node, connection, call, not_after, first)
                if call.changes and node.has_replica and raw[0] == "OK":
                    await self._replicated(node, connection, call.service)
            except BaseException:
                node.forget_time()
                raise
        node.learn_time(int(raw[1]))
        return _checked(raw, node, call.service)

    async def _hint(self, call: Call, node: Node, not_after: str | int) -> Sequence[Command]:
        """The commands that raise the hint, to be sent before the script in the same write; none where another node
        keeps it, which is told here, for as long as that does not keep the change waiting."""
        where = hint_of(self._redis, call.service)
        commands = touch(where, call.service, int(not_after))
        if await self._redis.holder(where) is node:
            return commands
        with suppress(TimeoutError, StoreUnavailable):
            async with asyncio.timeout(HINT_WITHIN_SECONDS):
                await self._redis.at(where, partial(_told, commands))
        return ()

    async def _send(
        self,
        node: Node,
        connection: AbstractConnection,
        call: Call,
        not_after: str | int,
        first: Sequence[Command],
    ) -> Sequence[Any]:
        """`first`: what is sent before the script, in the same write; what is answered to it refuses no change."""
        rest = call.after_its_script(self._speaks, not_after)
        try:
            try:
                *_, told = await ask_each(connection, [*first, ("EVALSHA", call.script.digest, *rest)])
                (raw,) = whole([told])
            except exceptions.NoScriptError:
                # An answer, not silence: nothing ran, so this is the first time and no retry.
                raw = await ask(connection, "EVAL", call.script.text, *rest)
        except REFUSALS as error:
            raise refused(error, node.where) from error
        except SILENCE as error:
            raise (unanswered if call.changes else unreachable)(error, node.where) from error
        answer: Sequence[Any] = raw
        return answer

    async def _replicated(self, node: Node, connection: AbstractConnection, service: ServiceId) -> None:
        """Raises OutcomeUnknown where a server that may take the place of this one is not known to hold it."""
        try:
            is_safe = await node.reach_replica(connection, replicated_key(service))
        except SILENCE as error:
            raise unanswered(error, node.where) from error
        if not is_safe:
            await self._without_replica(node)

    async def _without_replica(self, node: Node) -> None:
        """Raises OutcomeUnknown where one ought to hold it."""
        if await self._redis.has_replica(node):
            raise OutcomeUnknown(*with_remedy("state.not_replicated", where=node.where))

    async def _read_share(self, first: ServiceId, calls: Sequence[tuple[int, Call]]) -> Sequence[tuple[int, Reply]]:
        """The reads of one server's services."""

        async def read(node: Node) -> Sequence[tuple[int, Reply]]:
            async with node.connection() as connection:
                try:
                    answers = await _answers(connection, [call for _, call in calls], self._speaks)
                except REFUSALS as error:
                    raise refused(error, node.where) from error
                except SILENCE as error:
                    raise unreachable(error, node.where) from error
            checked = zip(calls, answers, strict=True)
            return [(at, _checked(raw, node, call.service)) for (at, call), raw in checked]

        return await self._redis.at(first, read)


def _of(calls: Sequence[Call], services: Sequence[ServiceId]) -> Sequence[tuple[int, Call]]:
    """Those of the services, each with its position."""
    wanted = frozenset(services)
    return [(at, call) for at, call in enumerate(calls) if call.service in wanted]


def _checked(raw: Sequence[Any], node: Node, service: ServiceId) -> Reply:
    reply = Reply(raw[0], tuple(raw[2:]))
    if reply.status == "TOO_LATE":
        node.forget_time()
        raise StoreUnavailable(*with_remedy("state.too_late", where=node.where))
    if reply.status == "EPOCH":
        raise wrong_epoch(reply.values[0], node.where, service)
    return reply


def wrong_epoch(found_schema: str | None, where: str, service: ServiceId) -> StoreUnavailable:
    """The store is empty, is being written from a copy, or has a layout that this Lumen does not know."""
    if found_schema is None:
        return NotPrepared(*with_remedy("state.no_epoch", where=where, service=service.key))
    if found_schema == IMPORTING:
        return NotPrepared(*with_remedy("state.importing", where=where, service=service.key))
    return OtherSchema(*with_remedy("state.other_schema", where=where, found=found_schema, wanted=" / ".join(SCHEMAS)))


async def _told(commands: Sequence[Command], node: Node) -> None:
    async with node.connection() as connection:
        with reached(node):
            whole(await ask_each(connection, commands))


async def _answers(connection: AbstractConnection, calls: Sequence[Call], speaks: str) -> Sequence[Sequence[Any]]:
    """In one trip, and a second one for scripts that were not known. Raises what the client raises."""
    found = list(await answers(connection, [call.packed(speaks) for call in calls], len(calls)))
    unknown = [at for at, answer in enumerate(found) if isinstance(answer, exceptions.NoScriptError)]
    if unknown:
        again = [("EVAL", calls[at].script.text, *calls[at].after_its_script(speaks)) for at in unknown]
        told = await ask_each(connection, again)
        for at, answer in zip(unknown, told, strict=True):
            found[at] = answer
    return whole(found)
