"""The answers that only look: why a score is what it is, all services at a glance, the digest as it stands now.

`/lumen override`, `/lumen lock` and `/lumen unlock`: rights first, then one step, then an answer.

`/lumen service`, and of which service any command speaks: the one that it names, the channel's, or the first.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.blocks import answers as show
from handlers.blocks.answers import knob_card
from handlers.blocks.card import Shown, illustrated, with_note
from handlers.blocks.explain_scores import explained
from handlers.blocks.home import all_card, note, services_card
from handlers.blocks.incident import held_card, pinned_card
from handlers.command_types import Subject
from handlers.permissions import Rights, audited_refusal
from handlers.pictures import Pictures
from handlers.render import Digests
from handlers.use_cases import Announcer, Choosing, Looking, Overrides, Readouts
from handlers.web_api import SlackTrouble
from lumen.model.answers import Glance
from lumen.model.messages import LumenError, NoData, message
from lumen.model.override import Terms, locked_by
from lumen.model.proposal import Knob
from lumen.model.service import Chosen, Person, ServiceId
from lumen.ports.store import Audit
from lumen.wording import restrictions
from lumen.wording.catalogue import Catalogue


class Explaining:
    """Changes nothing; reads the last stored turn alone."""

    def __init__(self, readouts: Readouts, digests: Digests, pictures: Pictures, looking: Looking) -> None:
        self._readouts = readouts
        self._digests = digests
        self._pictures = pictures
        self._looking = looking

    async def explained(self, words: Catalogue, service: ServiceId, subject: Subject | None) -> Shown:
        """`/lumen why`, `slo`, `roi` and so on. Raises StoreUnavailable."""
        return explained(words, subject, await self._readouts.last(service))

    async def all(self, words: Catalogue, services: Sequence[ServiceId]) -> Shown:
        """`/lumen status all`: what is known is shown, whatever is in the way of the rest."""
        return all_card(words, await asyncio.gather(*(self._glance(service) for service in services)))

    async def digest(self, words: Catalogue, service: ServiceId) -> Shown:
        """`/lumen digest`. Raises StoreUnavailable."""
        shown = await self._digests.now(words, service)
        try:
            return await self._pictures.into(shown)
        except SlackTrouble:
            return illustrated(shown, None)

    async def knob(self, words: Catalogue, service: ServiceId, name: str, knob: Knob) -> Shown:
        """`/lumen size`, `l1`, `instances` alone. Raises NotPossible, StoreUnavailable."""
        return knob_card(words, name, await self._looking.at(service, knob))

    async def _glance(self, service: ServiceId) -> Glance | tuple[ServiceId, NoData]:
        try:
            return await self._readouts.glance(service)
        except LumenError as error:
            return service, NoData(error.reason, error.remedy)


class Overriding:
    """Only who may approve may pin, lock or lift; looking at what holds is for everybody."""

    def __init__(
        self, overrides: Overrides, readouts: Readouts, rights: Rights, audit: Audit, announcer: Announcer
    ) -> None:
        self._overrides = overrides
        self._readouts = readouts
        self._rights = rights
        self._audit = audit
        self._announcer = announcer

    async def shown(self, words: Catalogue, service: ServiceId) -> Shown:
        """`/lumen override` alone."""
        return held_card(words, await self._readouts.status(service))

    async def pinned(
        self,
        words: Catalogue,
        service: ServiceId,
        person: Person,
        app_id: str,
        ttl_seconds: int,
        terms: Terms,
        request_id: str,
    ) -> Shown:
        """`/lumen override ttl 600`. Raises NotPossible."""
        refusal = await self._refused(words, service, person, app_id, "override ttl")
        if refusal is not None:
            return refusal
        pinned = await self._overrides.pin_ttl(service, person, ttl_seconds, terms, request_id)
        self._announcer.kick()
        return pinned_card(words, pinned)

    async def lifted(self, words: Catalogue, service: ServiceId, person: Person, app_id: str) -> Shown:
        """`/lumen override off`. Raises NotPossible."""
        refusal = await self._refused(words, service, person, app_id, "override off")
        if refusal is not None:
            return refusal
        still = await self._overrides.lift_ttl(service, person)
        self._announcer.kick()
        return show.said(words, restrictions.lifted(still))

    async def locked(
        self, words: Catalogue, service: ServiceId, person: Person, app_id: str, terms: Terms, request_id: str
    ) -> Shown:
        """`/lumen lock size`."""
        refusal = await self._refused(words, service, person, app_id, "lock size")
        if refusal is not None:
            return refusal
        lock = await self._overrides.lock_size(service, person, terms, request_id)
        self._announcer.kick()
        return show.said(words, locked_by(lock))

    async def unlocked(self, words: Catalogue, service: ServiceId, person: Person, app_id: str) -> Shown:
        """`/lumen unlock`. Raises NotPossible."""
        refusal = await self._refused(words, service, person, app_id, "unlock")
        if refusal is not None:
            return refusal
        still = await self._overrides.unlock_size(service, person)
        self._announcer.kick()
        return show.said(words, restrictions.unlocked(still))

    async def _refused(
        self, words: Catalogue, service: ServiceId, person: Person, app_id: str, what: str
    ) -> Shown | None:
        refusal = await audited_refusal(self._rights, self._audit, service, person, app_id, what)
        return None if refusal is None else show.said(words, refusal.reason, refusal.remedy)


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
