"""`/lumen service`, and of which service any command speaks: the one that it names, the channel's, or the first."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.catalogue import Catalogue
from handlers.rights import Rights, audited_refusal
from handlers.use_cases import Choosing
from handlers.views import answers as show
from handlers.views.card import Shown, with_note
from handlers.views.services import note, services_card
from lumen.model.chosen import Chosen
from lumen.model.message import message
from lumen.model.service import Person, ServiceId
from lumen.ports.state import Audit


@dataclass(frozen=True, slots=True)
class Meant:
    """The service of a command; `named` by the command itself, else `chosen` for the channel, else the first."""

    service: ServiceId
    chosen: Chosen | None = None
    named: bool = False


class Services:
    """Looking is for everybody; choosing for a whole channel is for those who may approve."""

    def __init__(self, choosing: Choosing, rights: Rights, audit: Audit) -> None:
        self._choosing = choosing
        self._rights = rights
        self._audit = audit

    @property
    def all(self) -> Sequence[ServiceId]:
        """Those that are watched, at least one."""
        return self._choosing.services

    @property
    def names(self) -> tuple[str, ...]:
        """What may stand after `on`."""
        return tuple(service.name for service in self.all)

    async def meant(self, name: str, channel: str) -> Meant:
        """`name` as the command gives it, "" for none. Raises StoreUnavailable, where several are watched."""
        named = self._choosing.named(name) if name else None
        if named is not None:
            return Meant(named, named=True)
        chosen = await self._choosing.of(channel)
        return Meant(chosen.service, chosen) if chosen else Meant(self.all[0])

    def noted(self, words: Catalogue, meant: Meant, shown: Shown) -> Shown:
        """The answer says of which service it is, where it could be of another one."""
        if len(self.all) == 1:
            return shown
        return with_note(shown, words.say(note(self.all, meant.service, meant.chosen, named=meant.named)))

    async def listed(self, words: Catalogue, channel: str) -> Shown:
        """`/lumen service`."""
        meant = await self.meant("", channel)
        return services_card(words, self.all, meant.service, meant.chosen)

    async def choose(self, words: Catalogue, channel: str, name: str, person: Person, app_id: str) -> Shown:
        """`/lumen service <name>`: the name of one that is watched."""
        service = self._choosing.named(name) or self.all[0]
        if len(self.all) == 1:
            return services_card(words, self.all, service, None)
        refusal = await audited_refusal(self._rights, self._audit, service, person, app_id, f"service {name}")
        if refusal is not None:
            return show.said(words, refusal.reason, message("service.refused_remedy", service=service.name))
        await self._choosing.choose(channel, service, person)
        return show.said(words, message("service.chosen", service=service.name))
