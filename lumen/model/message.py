"""What is to be said, apart from the words: those live in `handlers/texts`, in English and Korean."""

from collections.abc import Mapping
from dataclasses import dataclass

Param = str | int | float


@dataclass(frozen=True, slots=True)
class Message:
    """A code of the message catalogue with the values that its template names.

    Names carry units (`ttl_seconds`, `hit_rate`). A name that ends in `_at` holds an instant as ISO 8601 in UTC,
    which the edge shows in the reader's zone.
    """

    code: str
    params: Mapping[str, Param]


def message(code: str, /, **params: Param) -> Message:
    """Build a `Message`; reads well where it is used: `message("cache.unreachable", host=host)`."""
    return Message(code, params)
