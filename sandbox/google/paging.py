"""Pages: a token is the offset of the next item, bound to the request that it was given for."""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from sandbox.google.refusal import invalid_argument

T = TypeVar("T")


def page(items: Sequence[T], size: int, token: str, request: bytes, most: int) -> tuple[Sequence[T], str]:
    """One page and the token of the next ("" at the end).

    `request` is what must not change between pages. Raises Refusal for a token of another request or a bad size.
    """
    start = offset_of(token, request)
    if size < 0:
        raise invalid_argument(f"Field page_size had an invalid value of {size}: must not be negative.")
    end = start + (min(size, most) if size else most)
    return items[start:end], token_of(end, request) if end < len(items) else ""


def token_of(offset: int, request: bytes) -> str:
    """An opaque token."""
    return base64.urlsafe_b64encode(f"{offset}.{_mark(request)}".encode()).decode()


def offset_of(token: str, request: bytes) -> int:
    """Raises Refusal for a token that was not given for this request."""
    if not token:
        return 0
    try:
        offset, mark = base64.urlsafe_b64decode(token.encode()).decode().split(".")
        if mark == _mark(request):
            return int(offset)
    except (binascii.Error, ValueError, UnicodeError):
        pass
    raise invalid_argument("Field page_token had an invalid value: it was not given for this request.")


def _mark(request: bytes) -> str:
    return sha256(request).hexdigest()[:12]
