"""Of which of several services a command speaks: the one that it names, the channel's, or the first (mission 7)."""

from collections.abc import Sequence

from lumen.model.chosen import Chosen
from lumen.model.service import Person, ServiceId
from lumen.ports.choices import Choices
from lumen.ports.clock import Clock


class Choosing:
    """The right to choose for a channel is settled before."""

    def __init__(self, services: Sequence[ServiceId], choices: Choices, clock: Clock) -> None:
        """`services` are those that are watched, at least one."""
        self._services = tuple(services)
        self._choices = choices
        self._clock = clock

    @property
    def services(self) -> Sequence[ServiceId]:
        """Those that are watched; the first is what is meant where nobody says anything."""
        return self._services

    def named(self, name: str) -> ServiceId | None:
        """The one of that name; None where none is."""
        return next((service for service in self._services if service.name == name), None)

    async def of(self, channel: str) -> Chosen | None:
        """What was chosen for `channel`; None where nothing was, or where that service is not watched any more."""
        if len(self._services) == 1:
            return None  # there is nothing to choose, so no command waits for the store
        found = await self._choices.of(self._services[0], channel)
        return found if found is not None and found.service in self._services else None

    async def choose(self, channel: str, service: ServiceId, person: Person) -> Chosen:
        """From now on the commands of `channel` speak of `service`."""
        chosen = Chosen(service, person, self._clock.now())
        await self._choices.put(self._services[0], channel, chosen)
        return chosen
