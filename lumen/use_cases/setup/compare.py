"""Compare bodies field by field. Only what is wanted is looked at: what others have added is no difference."""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import zip_longest
from typing import Any

from lumen.model.setup import Body, Difference

#: Lists to which other people may add: theirs stay, and are no difference.
OPEN_LISTS = frozenset({"notificationChannels", "monitoringNotificationChannels"})
#: Digits of each half of a fingerprint.
DIGITS = 10


def projected(there: Any, wanted: Any, field: str = "") -> Any:
    """`there` cut to the shape of `wanted`; absent fields are empty, as they are for the API.

    Lists of texts are sets to Google: they come sorted. What other lists have beyond the wanted ones is kept.
    """
    if isinstance(wanted, Mapping):
        fields = there if isinstance(there, Mapping) else {}
        return {name: projected(fields.get(name), value, name) for name, value in wanted.items()}
    if isinstance(wanted, list | tuple):
        return _projected_list(there if isinstance(there, list | tuple) else [], wanted, field)
    return type(wanted)() if there is None else there


def _projected_list(there: Any, wanted: Any, field: str) -> Any:
    if all(isinstance(one, str) for one in (*wanted, *there)):
        return sorted(one for one in there if field not in OPEN_LISTS or one in wanted)
    return [*(projected(*pair) for pair in zip(there, wanted, strict=False)), *there[len(wanted) :]]


def differences(there: Body, wanted: Body) -> tuple[Difference, ...]:
    """Every place in which the two differ, as far as `wanted` says something of it."""
    return tuple(_differences(projected(there, wanted), projected(wanted, wanted), ""))


def _differences(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name, value in new.items():
            yield from _differences(old[name], value, f"{path}.{name}" if path else name)
    elif isinstance(old, list) and isinstance(new, list) and not _texts(old, new):
        for index, pair in enumerate(zip_longest(old, new)):
            yield from _differences(*pair, f"{path}[{index}]")
    elif old != new:
        yield Difference(path, old, new)


def _texts(*lists: list[Any]) -> bool:
    return all(isinstance(one, str) for each in lists for one in each)


def leaves(body: Any, path: str = "") -> Iterator[Difference]:
    """Every value of a body that is to be made."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(body, list) and not _texts(body):
        for index, value in enumerate(body):
            yield from leaves(value, f"{path}[{index}]")
    else:
        yield Difference(path, None, body)


def merged(there: Any, wanted: Any, field: str = "") -> Any:
    """`wanted` laid over `there`: what others have added stays."""
    if isinstance(there, Mapping) and isinstance(wanted, Mapping):
        return {**there, **{name: merged(there.get(name), value, name) for name, value in wanted.items()}}
    if isinstance(there, list) and isinstance(wanted, list):
        if field in OPEN_LISTS:
            return [*there, *(one for one in wanted if one not in there)]
        if len(there) == len(wanted) and not _texts(there, wanted):
            return [merged(*pair) for pair in zip(there, wanted, strict=True)]
    return wanted


def fingerprint(body: Body) -> str:
    """Of the shape, the values, and what it adds to the lists that are open to others: "1a2b3c4d5e-6f7a8b9c0d-…"."""
    wanted = projected(body, body)
    return "-".join(map(_digest, (_shape(wanted), _without_open_lists(wanted), _open_lists(wanted))))


def changed_by_hand(there: Body, wanted: Body, applied: str) -> bool:
    """Whether it is no longer what Lumen gave it last.

    Only values can be compared, so only while the shape of what Lumen gives is still the same; a newer Lumen that
    gives it another one cannot tell, and shows what it replaces. Likewise for what Lumen adds to an open list.
    """
    shape, values, opened = (*applied.split("-"), "", "")[:3]
    now, new = projected(there, wanted), projected(wanted, wanted)
    if shape != _digest(_shape(new)):
        return False
    taken_out = opened == _digest(_open_lists(new)) and _open_lists(now) != _open_lists(new)
    return taken_out or values != _digest(_without_open_lists(now))


def _without_open_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_open_lists(one) for name, one in value.items() if name not in OPEN_LISTS}
    return [_without_open_lists(one) for one in value] if isinstance(value, list) else value


def _open_lists(value: Any, path: str = "") -> dict[str, Any]:
    """By their place."""
    found: dict[str, Any] = {}
    for name, one in value.items() if isinstance(value, Mapping) else ():
        found |= {f"{path}.{name}": one} if name in OPEN_LISTS else _open_lists(one, f"{path}.{name}")
    return found


def _shape(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _shape(one) for name, one in value.items()}
    if isinstance(value, list) and not _texts(value):
        return [_shape(one) for one in value]
    return None


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:DIGITS]
