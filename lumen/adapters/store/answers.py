"""The client's errors as Lumen's sentences: the server refused, was never reached, or did not answer."""

import asyncio

from redis import exceptions
from redis.asyncio import Redis

from lumen.model.messages import OutcomeUnknown, StoreUnavailable, message, with_remedy

#: The server refused: nothing was changed. Some of these are connection errors by class, but they are answers.
REFUSALS = (
    exceptions.ResponseError,
    exceptions.BusyLoadingError,
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
)

#: No answer. Cancellation is none of these.
SILENCE = (exceptions.RedisError, OSError, TimeoutError, asyncio.IncompleteReadError)

#: The code of what nobody answered, and nothing was sent or changed.
UNREACHABLE = "state.unreachable"

_NAMES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((exceptions.OutOfMemoryError,), "out_of_memory"),
    ((exceptions.ReadOnlyError,), "read_only"),
    ((exceptions.BusyLoadingError,), "loading"),
    ((exceptions.MovedError, exceptions.ClusterCrossSlotError), "cluster"),
    ((exceptions.ClusterDownError, exceptions.AskError, exceptions.TryAgainError), "cluster_down"),
    ((exceptions.NoPermissionError, exceptions.AuthenticationError, exceptions.AuthorizationError), "denied"),
)


def place(redis: Redis) -> str:
    """The server's address for people: host and port, or the socket; never the password."""
    given = redis.connection_pool.connection_kwargs
    return str(given.get("path") or f"{given.get('host', 'localhost')}:{given.get('port', 6379)}")


def refused(error: BaseException, where: str) -> StoreUnavailable:
    """The server answered with an error."""
    name = next((name for kinds, name in _NAMES if isinstance(error, kinds)), "refused")
    return StoreUnavailable(
        message(f"state.{name}", where=where, detail=_detail(error)), message(f"state.{name}_remedy", where=where)
    )


def unreachable(error: BaseException, where: str) -> StoreUnavailable:
    """Nothing was sent, or what was sent changes nothing."""
    # While connecting, the client wraps the server's refusal in a connection error.
    for answer in (error, error.__cause__):
        if isinstance(answer, REFUSALS):
            return refused(answer, where)
    return StoreUnavailable(*with_remedy(UNREACHABLE, where=where, detail=_detail(error)))


def unanswered(error: BaseException, where: str) -> OutcomeUnknown:
    """A change was sent and no answer came."""
    return OutcomeUnknown(*with_remedy("state.outcome_unknown", where=where, detail=_detail(error)))


def _detail(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
