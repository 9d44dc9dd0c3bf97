"""Scripts that are sent in one moment go to a server in one trip: one connection, one write, the answers in order.

What many services do alike costs each a fraction of a trip of its own. Each gets its own answer or its own error; where
the server falls silent, those that were answered before are.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import exceptions
from redis.asyncio.connection import AbstractConnection

from lumen.adapters.store.node import Command, Node, ask

#: More would hold up the loop while they are written and read.
MOST = 32
Answer = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One script, by digest (as it is written) and in `full`. `first`: before it; what is answered refuses nothing."""

    first: Sequence[Command]
    by_digest: bytes
    full: Callable[[], Command]


class NotReplicatedError(Exception):
    """A change ran, and no replica is known to hold it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class _Passenger:
    #: `asked` from when it is given up, in the server's milliseconds.
    asked: Callable[[int], Asked]
    #: Written after it, where a replica shall hold it; "" for what only reads.
    replicated_key: str
    told: "asyncio.Future[Answer]"

    def tell(self, answer: Answer | Exception) -> None:
        if self.told.done():
            return
        if isinstance(answer, Exception):
            self.told.set_exception(answer)
        else:
            self.told.set_result(answer)


@dataclass(slots=True)
class Trips:
    """To one server."""

    node: Node
    _waiting: list[_Passenger] = field(default_factory=list, init=False)
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set, init=False)

    async def ask(self, asked: Callable[[int], Asked], replicated_key: str = "") -> Answer:
        """The script's answer. Raises StoreUnavailable, NotReplicatedError, and what the client raises."""
        loop = asyncio.get_running_loop()
        passenger = _Passenger(asked, replicated_key, loop.create_future())
        self._waiting.append(passenger)
        if len(self._waiting) == 1:
            loop.call_soon(self._leave)
        elif len(self._waiting) == MOST:
            self._leave()
        return await passenger.told

    def _leave(self) -> None:
        """In a task of its own: whoever gives up takes nobody's answer away."""
        some, self._waiting = [one for one in self._waiting if not one.told.done()], []
        if some:
            task = asyncio.ensure_future(self._go(some))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _go(self, some: Sequence[_Passenger]) -> None:
        try:
            async with self.node.connection() as connection:
                await self._told(connection, some)
        except Exception as error:
            self.node.forget_time()
            for one in some:
                one.tell(error)
        finally:
            for one in some:
                one.told.cancel()  # where this task is; those that were told stay so

    async def _told(self, connection: AbstractConnection, some: Sequence[_Passenger]) -> None:
        not_after = await self.node.not_after(connection)
        sent = [(one, one.asked(not_after)) for one in some]
        packed = [each for _, asked in sent for each in (*connection.pack_commands(asked.first), asked.by_digest)]
        await connection.send_packed_command(packed, check_health=False)
        unknown: list[tuple[_Passenger, Asked]] = []
        held: list[tuple[_Passenger, Answer]] = []
        for one, asked in sent:
            for _ in asked.first:
                await _read(connection)
            answer = await _read(connection)
            if isinstance(answer, exceptions.NoScriptError):
                unknown.append((one, asked))  # an answer, not silence: nothing ran
            else:
                self._tell(one, answer, held)
        for one, asked in unknown:
            self._tell(one, await _refusal_or(ask(connection, *asked.full())), held)
        await self._hold(connection, held)

    def _tell(self, one: _Passenger, answer: Answer | Exception, held: list[tuple[_Passenger, Answer]]) -> None:
        """At once, unless a replica shall hold it first."""
        if isinstance(answer, Exception):
            one.tell(answer)
            return
        self.node.learn_time(int(answer[1]))
        if one.replicated_key and self.node.has_replica and answer[0] == "OK":
            held.append((one, answer))
        else:
            one.tell(answer)

    async def _hold(self, connection: AbstractConnection, held: Sequence[tuple[_Passenger, Answer]]) -> None:
        if held:
            is_safe = await self.node.reach_replica(connection, held[-1][0].replicated_key)
            for one, answer in held:
                one.tell(answer if is_safe else NotReplicatedError(answer))


async def _read(connection: AbstractConnection) -> Any:
    return await _refusal_or(connection.read_response())


async def _refusal_or(answering: Any) -> Any:
    """An answer, or the error that the server answered."""
    try:
        return await answering
    except exceptions.ResponseError as error:
        return error
