"""What the store's client raises, as sentences that say where and how to mend it."""

import asyncio

from redis import exceptions

from lumen.model.errors import OutcomeUnknown, StoreUnavailable
from lumen.model.message import message

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
    (
        (exceptions.NoPermissionError, exceptions.AuthenticationError, exceptions.AuthorizationError),
        "denied",
    ),
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
    return StoreUnavailable(
        message("state.unreachable", where=where, detail=_detail(error)),
        message("state.unreachable_remedy", where=where),
    )


def unanswered(error: BaseException, where: str) -> OutcomeUnknown:
    """A change was sent and no answer came."""
    return OutcomeUnknown(
        message("state.outcome_unknown", where=where, detail=_detail(error)), message("state.outcome_unknown_remedy")
    )


def _detail(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
