"""`/lumen override`, `/lumen lock` and `/lumen unlock`: rights first, then one step, then an answer."""

from handlers.catalogue import Catalogue
from handlers.rights import Rights, audited_refusal
from handlers.use_cases import Announcer, Overrides, Readouts
from handlers.views import answers as show
from handlers.views import held
from handlers.views.card import Shown
from lumen.model.override import Terms, locked_by
from lumen.model.service import Person, ServiceId
from lumen.ports.state import Audit


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
        return held.held_card(words, await self._readouts.status(service))

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
        return held.pinned_card(words, pinned)

    async def lifted(self, words: Catalogue, service: ServiceId, person: Person, app_id: str) -> Shown:
        """`/lumen override off`. Raises NotPossible."""
        refusal = await self._refused(words, service, person, app_id, "override off")
        if refusal is not None:
            return refusal
        still = await self._overrides.lift_ttl(service, person)
        self._announcer.kick()
        return show.said(words, held.lifted(still))

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
        return show.said(words, held.unlocked(still))

    async def _refused(
        self, words: Catalogue, service: ServiceId, person: Person, app_id: str, what: str
    ) -> Shown | None:
        refusal = await audited_refusal(self._rights, self._audit, service, person, app_id, what)
        return None if refusal is None else show.said(words, refusal.reason, refusal.remedy)
