"""Values of the model as JSON and back, exactly: what was written is what is read, also across versions of Lumen.

Fields that this version does not know are passed over; a new field needs a default. Infinities and NaN are refused:
no data is never a value, so they must not get in by accident.
"""

import json
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Building one takes milliseconds, so each is built once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object) -> str:
    """One line of JSON. Raises ValueError for NaN and infinities."""
    return line(_adapter(type(value)).dump_python(value, mode="json"))


_LINE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def plain(value: object, without: set[str] | None = None) -> dict[str, Any]:
    """Its fields as JSON holds them, but for those that are None and those of `without`."""
    found: dict[str, Any] = _adapter(type(value)).dump_python(value, mode="json", exclude_none=True, exclude=without)
    return found


def line(plain_value: object) -> str:
    """One line of JSON of what is plain. Raises ValueError for NaN and infinities."""
    return _LINE.encode(plain_value)


def decode(kind: type[T], text: str) -> T:
    """Inverse of `encode`. Raises ValueError for anything that is no such value."""
    value: T = _adapter(kind).validate_json(text, strict=True)
    return value
