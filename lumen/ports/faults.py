"""Named points at which a crash is tried on purpose (docs/guarantees.md lists them)."""

from typing import Protocol


class FaultPoint(Protocol):
    """Called with the name of the point that is passed; does nothing in production."""

    def __call__(self, name: str) -> None: ...


def no_fault(name: str) -> None:
    """The production implementation."""
