"""Where arithmetic that takes long is done, so that no click waits for it."""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Numerics(Protocol):
    """Runs a pure function apart from the event loop; the function and its values must be picklable."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's value, or what it raised."""
