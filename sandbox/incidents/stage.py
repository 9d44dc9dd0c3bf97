"""Everything that an incident may touch, and what one is."""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sandbox.clock import Clock
from sandbox.google.cloud import GoogleCloud
from sandbox.ion.world import World
from sandbox.slack.server import SlackServer

Parameters = Mapping[str, float | str]
# Ends an incident; awaited once.
End = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The world's handles."""

    clock: Clock
    cloud: GoogleCloud
    world: World
    slack: SlackServer


Begin = Callable[[Stage, Parameters], Awaitable[End]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or word that an incident takes, with its default."""

    name: str
    default: float | str
    what: str


#: By what a parameter's name ends with.
_MOST = {"share": 1.0, "factor": 100.0, "instances": 1000.0, "": 42 * 86_400.0}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of incident.

    `label`: availability, latency, cache or cost, as histories are labelled for judging alerts; "" where no alert about
    the service is right (metrics that are late are no incident of the service).
    """

    name: str
    what: str
    label: str
    begin: Begin
    parameters: tuple[Parameter, ...] = ()

    def filled(self, given: Parameters) -> dict[str, float | str]:
        """The parameters with their defaults. Raises ValueError for unknown ones and for words instead of numbers."""
        known = {p.name: p.default for p in self.parameters}
        unknown = set(given) - set(known)
        if unknown:
            raise ValueError(
                f"{self.name} takes no {', '.join(sorted(unknown))}; it takes {', '.join(known) or 'nothing'}"
            )
        for name, value in given.items():
            known[name] = _number(name, value) if isinstance(known[name], float) else str(value)
        return known


def _number(name: str, given: object) -> float:
    """Within what the world bears. Raises ValueError."""
    most = next(most for ending, most in _MOST.items() if name.endswith(ending))
    try:
        found = float(str(given))
    except ValueError:
        found = math.nan
    if not 0 <= found <= most:
        raise ValueError(f"{name} {str(given)[:80]}: a number from 0 to {most:g}")
    return found
