"""What the cache's client raises, as sentences that name the server and what mends it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions
from redis.asyncio import Redis

from lumen.model.errors import ActuatorFailed, LumenError, SourceUnavailable
from lumen.model.message import message

#: Everything that a command may raise, besides bugs. Cancellation is none of it.
FAILURES = (exceptions.RedisError, OSError, TimeoutError, asyncio.IncompleteReadError)

#: The command may have been carried out although no answer came.
_UNANSWERED = (exceptions.ConnectionError, exceptions.TimeoutError, OSError, asyncio.IncompleteReadError)


def place(redis: "Redis") -> str:
    """Host and port, or the socket, without the password."""
    given = redis.connection_pool.connection_kwargs
    return str(given.get("path") or f"{given.get('host', 'localhost')}:{given.get('port', 6379)}")


def explain(error: BaseException, where: str, kind: type[LumenError] = SourceUnavailable) -> LumenError:
    """`error` as an exception of `kind`, with reason and remedy."""
    detail = " ".join(str(error).split())[:240]
    said: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
        ((exceptions.AuthenticationError, exceptions.NoPermissionError, exceptions.AuthorizationError), "redis_denied"),
        (exceptions.BusyLoadingError, "redis_loading"),
        ((exceptions.TimeoutError, TimeoutError), "redis_timeout"),
        ((exceptions.ConnectionError, OSError, asyncio.IncompleteReadError), "redis_unreachable"),
        (exceptions.ReadOnlyError, "redis_read_only"),
        (exceptions.OutOfMemoryError, "redis_full"),
    )
    name = next((name for types, name in said if isinstance(error, types)), "redis_refused")
    return kind(message(f"source.{name}", where=where, detail=detail), message(f"source.{name}_remedy", where=where))


def is_unanswered(error: BaseException) -> bool:
    """Whether the command may have been carried out although no answer came."""
    return isinstance(error, _UNANSWERED) and not isinstance(
        error, exceptions.AuthenticationError | exceptions.AuthorizationError | exceptions.BusyLoadingError
    )


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Around a read: raises SourceUnavailable for whatever the client raises, chained."""
    try:
        yield
    except FAILURES as error:
        raise explain(error, where) from error


def refusal(error: BaseException, where: str) -> LumenError:
    """For a write: ActuatorFailed when the server said no, SourceUnavailable when nobody knows whether it was done."""
    return explain(error, where, SourceUnavailable if is_unanswered(error) else ActuatorFailed)
