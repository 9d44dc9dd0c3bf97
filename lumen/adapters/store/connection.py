"""The client of the state store: bounded waits, no second try behind our back, and errors that say how to mend them.

Measured with redis-py's defaults: a timeout of 0.5 s took 9.65 s and ran the script twice (docs/adr/0003).
"""

import asyncio

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from lumen.model.messages import OutcomeUnknown, StoreUnavailable, message, with_remedy

#: How long an answer is waited for. A click is acked after the transition and Slack waits 3 s in all.
ANSWER_SECONDS = 1.5
CONNECT_SECONDS = 1.0
#: Opened as they are needed; more callers wait for a free one, at most `CONNECT_SECONDS`. Many, because whatever comes
#: in at once shares one write to the disk.
CONNECTIONS = 64


def open_store(
    url: str,
    *,
    answer_seconds: float = ANSWER_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
    connections: int = CONNECTIONS,
) -> Redis:
    """A client for `redis://`, `rediss://` or `unix://`. Connects when first used; close it with `aclose()`."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=connect_seconds,
        socket_timeout=answer_seconds,
        socket_connect_timeout=connect_seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        decode_responses=True,
        protocol=2,
    )
    return Redis.from_pool(pool)


def place(redis: Redis) -> str:
    """The store's address for people: host and port, or the socket; never the password."""
    given = redis.connection_pool.connection_kwargs
    return str(given.get("path") or f"{given.get('host', 'localhost')}:{given.get('port', 6379)}")


#: The server refused: nothing was changed. Some of these are connection errors by class, but they are answers.
REFUSALS = (
    exceptions.ResponseError,
    exceptions.BusyLoadingError,
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
)

#: No answer. Cancellation is none of these.
SILENCE = (exceptions.RedisError, OSError, TimeoutError, asyncio.IncompleteReadError)

_NAMES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((exceptions.OutOfMemoryError,), "out_of_memory"),
    ((exceptions.ReadOnlyError,), "read_only"),
    ((exceptions.BusyLoadingError,), "loading"),
    ((exceptions.MovedError, exceptions.AskError, exceptions.ClusterCrossSlotError), "cluster"),
    ((exceptions.ClusterDownError, exceptions.TryAgainError), "cluster_down"),
    ((exceptions.NoPermissionError, exceptions.AuthenticationError, exceptions.AuthorizationError), "denied"),
)


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
    return StoreUnavailable(*with_remedy("state.unreachable", where=where, detail=_detail(error)))


def unanswered(error: BaseException, where: str) -> OutcomeUnknown:
    """A change was sent and no answer came."""
    return OutcomeUnknown(*with_remedy("state.outcome_unknown", where=where, detail=_detail(error)))


def _detail(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
