"""Answers on many services: all at a glance, page by page; what waits on any of them; the digest of a channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers import command_types
from handlers.blocks.answers import approvals_of_all, said
from handlers.blocks.card import Shown
from handlers.blocks.home import Page, all_card, page_of
from handlers.clicks import addressee
from handlers.command_handlers import Table
from handlers.contacts import Contacts
from handlers.people import Ack, Body, Request
from handlers.render import Digests
from handlers.replies import Responder
from lumen.model.answers import Glance
from lumen.model.messages import message
from lumen.model.service import ServiceId
from lumen.use_cases.fleet import Fleet
from lumen.wording.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class FleetAnswers:
    """Only reads."""

    fleet: Fleet
    contacts: Contacts
    digests: Digests
    responder: Responder

    @property
    def general(self) -> Table:
        """Of all services, by the type of the command."""
        return {command_types.StatusAll: self._status_all, command_types.AllApprovals: self._approvals}

    @property
    def of_channel(self) -> Table:
        """What a channel of several services is answered where the command means none of them."""
        return {command_types.ShowDigest: self._digest, command_types.ListApprovals: self._approvals}

    async def on_page(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for the ways to another page, which takes the place of the one that was clicked."""
        await ack()
        page, to = page_of(str(body["actions"][0].get("value", ""))), addressee(body)
        self.responder.renew(to, lambda words: self._page(words, page, to.channel))

    async def _status_all(self, request: Request, command: command_types.StatusAll) -> Shown:
        return await self._page(request.words, Page(wanted=command.wanted), request.channel)

    async def _page(self, words: Catalogue, page: Page, channel: str) -> Shown:
        services = self.contacts.chosen(page.wanted, channel)
        if not services:
            nothing = message("explain.all_nothing", given=page.wanted)
            return said(words, nothing, message("explain.all_nothing_remedy"))
        return all_card(words, await self.fleet.glances(services), self.contacts.name_of, page)

    async def _approvals(self, request: Request, _: object) -> Shown:
        seen = await self.fleet.glances(self._here(request.channel))
        proposals = [proposal for one in seen if isinstance(one, Glance) for proposal in one.unfinished]
        unknown = [one[0] for one in seen if not isinstance(one, Glance)]
        return approvals_of_all(request.words, proposals, self.contacts.name_of, unknown)

    async def _digest(self, request: Request, _: command_types.ShowDigest) -> Shown:
        return await self.digests.of_fleet_now(request.words, self._here(request.channel))

    def _here(self, channel: str) -> Sequence[ServiceId]:
        return self.contacts.in_channel(channel) or self.contacts.services
