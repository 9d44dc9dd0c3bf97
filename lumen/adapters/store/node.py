"""One server of the store, with connections of its own: one that hangs holds up nobody who needs another.

It knows how far the server's clock is from ours, and on a cluster waits until a replica holds what was written.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from lumen.adapters.store.answers import SILENCE, UNREACHABLE, place, unreachable
from lumen.model.messages import Message, StoreUnavailable

#: The offset between the server's clock and ours is measured again after this, for clocks drift.
OFFSET_SECONDS = 30.0
#: How long a replica is waited for. Together with the answer it is less than what Slack waits for an ack.
REPLICA_MS = 1000

Command = Sequence[str | int]

Of = TypeVar("Of")
T = TypeVar("T")


class Node:
    """`has_replica`: that a cluster may put another server in its place, which holds what it was sent by then."""

    def __init__(self, redis: Redis, *, has_replica: bool = False) -> None:
        self.redis, self.where, self.has_replica = redis, place(redis), has_replica
        self._offset_ms: float | None = None
        self._measured_at = 0.0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AbstractConnection]:
        """One of the pool. Raises StoreUnavailable."""
        pool: Any = self.redis.connection_pool  # its methods carry no types
        try:
            connection = await pool.get_connection()
        except SILENCE as error:
            raise unreachable(error, self.where) from error
        try:
            yield connection
        finally:
            await pool.release(connection)

    async def not_after(self, connection: AbstractConnection) -> int:
        """When we stop waiting, in the server's milliseconds; at most a trip's length too early, never too late.

        Raises StoreUnavailable.
        """
        if self._offset_ms is None or time.monotonic() - self._measured_at > OFFSET_SECONDS:
            with reached(self):
                seconds, microseconds = await ask(connection, "TIME")
            self._offset_ms = None
            self.learn_time(int(seconds) * 1000 + int(microseconds) // 1000)
        assert self._offset_ms is not None
        wait_seconds = connection.socket_timeout
        assert wait_seconds is not None, "open_store bounds every wait"
        return int(time.monotonic() * 1000 + self._offset_ms + wait_seconds * 1000)

    def learn_time(self, server_ms: int) -> None:
        """An answer that came back quickly tells the offset best, so a smaller one does not replace a larger one."""
        here = time.monotonic()
        offset_ms = server_ms - here * 1000
        if self._offset_ms is None or offset_ms > self._offset_ms:
            self._offset_ms = offset_ms
            self._measured_at = here

    def forget_time(self) -> None:
        """Whatever answers next time may be another server with another clock."""
        self._offset_ms = None

    async def reach_replica(self, connection: AbstractConnection, key: str) -> bool:
        """Whether a replica holds all that was written here before this call. Raises what the client raises.

        WAIT waits for what this connection has written, and what it was answered may have been written by another one:
        so it writes `key`, after all of that.
        """
        _, reached = whole(await ask_each(connection, [("SET", key, 1), ("WAIT", 1, REPLICA_MS)]))
        return int(reached) > 0


@contextmanager
def reached(node: Node) -> Iterator[None]:
    """Turn what the client raises into StoreUnavailable, where what may be sent twice does no harm."""
    try:
        yield
    except SILENCE as error:
        raise unreachable(error, node.where) from error


async def of_each(ones: Sequence[Of], ask: Callable[[Of], Awaitable[T]]) -> Sequence[T | Message]:
    """What is told of each; of one whose server does not answer, while another one does, that it does not.

    Raises StoreUnavailable: nobody answers; and what `ask` raises else.
    """
    found = await asyncio.gather(*map(ask, ones), return_exceptions=True)
    failed = [each for each in found if isinstance(each, BaseException)]
    silent = [each for each in failed if isinstance(each, StoreUnavailable) and each.reason.code == UNREACHABLE]
    others = [each for each in failed if each not in silent]
    if others or (silent and len(silent) == len(ones)):
        raise [*others, *silent][0]
    return [each.reason if isinstance(each, StoreUnavailable) else each for each in found]  # type: ignore[misc]


async def ask(connection: AbstractConnection, *command: str | int) -> Any:
    """The answer to one command. Raises what the client raises."""
    await connection.send_command(*command, check_health=False)
    return await connection.read_response()


async def ask_each(connection: AbstractConnection, commands: Sequence[Command]) -> Sequence[Any]:
    """The answers to several commands in one trip."""
    return await answers(connection, connection.pack_commands(commands), len(commands))


async def answers(connection: AbstractConnection, packed: Sequence[bytes], count: int) -> Sequence[Any]:
    """To `count` commands, as they are written: all are read, whatever one of them is, else the next caller would get
    them."""
    await connection.send_packed_command(packed, check_health=False)
    found: list[Any] = []
    for _ in range(count):
        try:
            found.append(await connection.read_response())
        except exceptions.ResponseError as error:
            found.append(error)
    return found


def whole(answers: Sequence[Any]) -> Sequence[Any]:
    """The same. Raises the first refusal among them."""
    for answer in answers:
        if isinstance(answer, exceptions.ResponseError):
            raise answer
    return answers
