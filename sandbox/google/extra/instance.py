"""The Memorystore instance at the start."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Apply = Callable[[Mapping[str, str]], Awaitable[None]]


@dataclass
class InstanceFacts:
    """Facts of the instance at the start. `apply` sets configuration on the real server."""

    name: str
    created_at: float
    max_gb: float
    apply: Apply
