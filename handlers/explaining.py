"""The answers that only look: why a score is what it is, all services at a glance, the digest as it stands now."""

import asyncio
from collections.abc import Sequence

from handlers.asked import Subject
from handlers.catalogue import Catalogue
from handlers.pictures import Pictures
from handlers.slack_calls import SlackTrouble
from handlers.surfaces import Digests
from handlers.use_cases import Looking, Readouts
from handlers.views.card import Shown, illustrated
from handlers.views.explained import explained
from handlers.views.knob import knob_card
from handlers.views.services import all_card
from lumen.model.errors import LumenError
from lumen.model.nodata import NoData
from lumen.model.proposal import Knob
from lumen.model.readout import Glance
from lumen.model.service import ServiceId


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
