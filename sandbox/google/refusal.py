"""The refusal of an API method: the gRPC status that the real service answers with."""

from collections.abc import Sequence

import grpc
from google.protobuf.message import Message


class Refusal(Exception):
    """Raised by a method; becomes the call's status. `details` are packed into google.rpc.Status as `Any`s."""

    def __init__(self, code: grpc.StatusCode, message: str, details: Sequence[Message] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)


def invalid_argument(message: str, details: Sequence[Message] = ()) -> Refusal:
    """The request can never succeed as it is."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message, details)


def not_found(message: str) -> Refusal:
    """No such resource."""
    return Refusal(grpc.StatusCode.NOT_FOUND, message)


def aborted(message: str) -> Refusal:
    """A stale etag: read again, decide again."""
    return Refusal(grpc.StatusCode.ABORTED, message)


def already_exists(message: str) -> Refusal:
    """The name is taken."""
    return Refusal(grpc.StatusCode.ALREADY_EXISTS, message)


def failed_precondition(message: str) -> Refusal:
    """Not in the present state of the resource."""
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)
