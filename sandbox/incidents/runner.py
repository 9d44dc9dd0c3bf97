"""Starts and ends incidents on the clock, and keeps the truth about them."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.incidents import cache, demand, platform, releases
from sandbox.incidents.scenario import Scenario
from sandbox.incidents.stage import End, Kind, Parameters, Stage

KINDS = {kind.name: kind for kind in (*releases.KINDS, *cache.KINDS, *demand.KINDS, *platform.KINDS)}
_PAUSE_SECONDS = 0.1  # of the wall, between two looks at the clock

_log = logging.getLogger("sandbox.incidents")


class UnknownIncident(ValueError):
    """No such kind, parameter or number; the message lists what there is."""


@dataclass(slots=True)
class Incident:
    """One incident. Times in seconds of service time; `ended_at` None while it lasts."""

    number: int
    kind: Kind
    parameters: Parameters
    started_at: float
    until: float | None
    end: End
    ended_at: float | None = None

    def label(self, service: str) -> dict[str, str | None]:
        """The truth about it, in the shape that histories are labelled with."""
        affected = str(self.parameters.get("service", service))
        return {
            "service": affected,
            "start": _iso(self.started_at),
            "end": None if self.ended_at is None else _iso(self.ended_at),
            "kind": self.kind.label,
            "incident": self.kind.name,
        }


@dataclass(slots=True)
class _Planned:
    """A step of a scenario that has not begun yet."""

    at: float
    kind: Kind
    parameters: Parameters
    for_seconds: float | None


@dataclass
class Incidents:
    """`run()` goes on until it is cancelled."""

    stage: Stage
    all: list[Incident] = field(default_factory=list)
    _planned: list[_Planned] = field(default_factory=list)

    @property
    def active(self) -> list[Incident]:
        return [i for i in self.all if i.ended_at is None]

    @property
    def planned(self) -> Sequence[tuple[str, str]]:
        """(when, kind) of what a scenario still has in store."""
        return [(_iso(p.at), p.kind.name) for p in sorted(self._planned, key=lambda p: p.at)]

    def kind(self, name: str) -> Kind:
        found = KINDS.get(name)
        if found is None:
            raise UnknownIncident(f"no incident {name!r}; there are {', '.join(KINDS)}")
        return found

    async def start(self, name: str, parameters: Parameters, for_seconds: float | None) -> Incident:
        """Begin one now. `for_seconds` of service time; None lasts until it is stopped."""
        kind = self.kind(name)
        try:
            filled = kind.filled(parameters)
        except ValueError as error:
            raise UnknownIncident(str(error)) from error
        end = await kind.begin(self.stage, filled)
        now = self.stage.clock.seconds()
        until = None if for_seconds is None else now + for_seconds
        incident = Incident(len(self.all) + 1, kind, filled, now, until, end)
        self.all.append(incident)
        return incident

    async def stop(self, number: int) -> Incident:
        """End one before its time."""
        incident = next((i for i in self.active if i.number == number), None)
        if incident is None:
            raise UnknownIncident(f"incident {number} is not going on; {[i.number for i in self.active]} are")
        await self._end(incident)
        return incident

    async def stop_all(self) -> None:
        self._planned.clear()
        for incident in self.active:
            await self._end(incident)

    async def _end(self, incident: Incident) -> None:
        incident.ended_at = self.stage.clock.seconds()
        await incident.end()

    def play(self, scenario: Scenario) -> None:
        """Plan a scenario's steps from now on. Raises UnknownIncident before anything is planned."""
        now = self.stage.clock.seconds()
        steps = []
        for step in scenario.steps:
            kind = self.kind(step.incident)
            try:
                filled = kind.filled(step.parameters)
            except ValueError as error:
                raise UnknownIncident(f"{scenario.name}: {error}") from error
            steps.append(_Planned(now + step.at_seconds, kind, filled, step.for_seconds))
        self._planned += steps

    async def advance(self) -> None:
        """Begin and end what is due."""
        now = self.stage.clock.seconds()
        for step in [p for p in self._planned if p.at <= now]:
            self._planned.remove(step)
            await self.start(step.kind.name, step.parameters, step.for_seconds)
        for incident in self.active:
            if incident.until is not None and incident.until <= now:
                await self._end(incident)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            if not self._planned and not self.active:
                continue
            try:
                await self.advance()
            except Exception:
                _log.exception("an incident could not begin or end")

    def labels(self) -> list[dict[str, str | None]]:
        """The truth about every incident of the service so far."""
        service = self.stage.world.config.services[0].name
        return [i.label(service) for i in self.all if i.kind.label]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
