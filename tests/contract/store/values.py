"""Arbitrary values of any dataclass of the model, for Hypothesis."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from lumen.model.messages import Message

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(max_size=12),
    bool: st.booleans(),
    type(None): st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
}


_WORDS = st.text(max_size=12)
_FIGURES = st.one_of(_WORDS, _PLAIN[int], _PLAIN[float])
_SENTENCES = st.builds(Message, _WORDS, st.dictionaries(_WORDS, _FIGURES, max_size=2))
#: A message may hold another one.
_PLAIN[Message] = st.builds(Message, _WORDS, st.dictionaries(_WORDS, st.one_of(_FIGURES, _SENTENCES), max_size=2))


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Every field of every dataclass below `kind` takes every alternative that its annotation allows."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    origin, given = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of([values(each) for each in given])
    if origin is tuple and given[-1] is Ellipsis:
        return st.lists(values(given[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(each) for each in given))
    if origin in (Mapping, dict):
        return st.dictionaries(values(given[0]), values(given[1]), max_size=2)
    raise TypeError(f"values() knows nothing of {kind}")
