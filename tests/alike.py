"""A lookup by service (or project) in which all have the same."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Alike(Mapping[Any, T]):
    """Whoever is looked up has `one`; it names nobody."""

    def __init__(self, one: T) -> None:
        self._one = one

    def __getitem__(self, _: object) -> T:
        return self._one

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0
