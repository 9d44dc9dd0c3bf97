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


_LINE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: object) -> str:
    """One line of JSON. Raises ValueError for NaN and infinities."""
    return _LINE.encode(_adapter(type(value)).dump_python(value, mode="json"))


def encode_known(value: object, without: set[str]) -> str:
    """The same but for fields that are None, and those of `without`; for thousands of values."""
    adapter = _adapter(type(value))
    text: str = adapter.dump_json(value, exclude_none=True, exclude=without).decode()
    if "null" in text:  # NaN is told so, or a text says it
        return _LINE.encode(adapter.dump_python(value, mode="json", exclude_none=True, exclude=without))
    return text


def decode(kind: type[T], text: str) -> T:
    """Inverse of `encode`. Raises ValueError for anything that is no such value."""
    value: T = _adapter(kind).validate_json(text, strict=True)
    return value
