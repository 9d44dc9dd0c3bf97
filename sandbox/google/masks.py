"""Update masks: copy the named fields from one message to another, refusing what the real APIs refuse."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from sandbox.google.refusal import invalid_argument


def copy_masked(source: Message, target: Message, paths: Iterable[str]) -> None:
    """For each path: clear it in `target`, and copy what `source` has there (so unset there means unset here).

    Raises Refusal for unknown fields and for a path that goes into a repeated field or a map.
    """
    for path in paths:
        _copy(source, target, path)


def _copy(source: Message, target: Message, path: str) -> None:
    *parents, leaf = path.split(".")
    for name in parents:
        field = _field(target, name, path)
        if field.is_repeated:
            raise invalid_argument(
                f"Field update_mask had an invalid value of '{path}': '{name}' is repeated and a mask ends there; "
                "give the whole list."
            )
        if field.message_type is None:
            raise invalid_argument(f"Field update_mask had an invalid value of '{path}': '{name}' has no fields.")
        source, target = getattr(source, name), getattr(target, name)
    _copy_leaf(source, target, _field(target, leaf, path))


def _field(message: Message, name: str, path: str) -> Any:
    # The messages' Python fields may carry a trailing underscore ("type_") that the API's do not have.
    fields = message.DESCRIPTOR.fields_by_name
    found = fields.get(name) or fields.get(name + "_")
    if found is None:
        raise invalid_argument(
            f"Field update_mask had an invalid value of '{path}': {message.DESCRIPTOR.full_name} has no field '{name}'."
        )
    return found


def _copy_leaf(source: Any, target: Any, field: Any) -> None:
    name = field.name
    target.ClearField(name)
    value = getattr(source, name)
    if field.is_repeated:
        getattr(target, name).MergeFrom(value)
    elif field.message_type is not None:
        if source.HasField(name):
            getattr(target, name).CopyFrom(value)
    elif not field.has_presence or source.HasField(name):
        setattr(target, name, value)
