"""`/lumen silence`, the timeline of an incident, and the buttons that acknowledge and label one."""

from dataclasses import dataclass

from handlers import command_types
from handlers.blocks import answers as show
from handlers.blocks.card import Shown
from handlers.blocks.incident import REAL, list_card, timeline_card
from handlers.clicks import Click, answer_click
from handlers.command_handlers import Table
from handlers.people import Ack, Body, Request
from handlers.permissions import Permissions
from handlers.replies import Responder
from lumen.model.messages import message
from lumen.use_cases.labelling import Labelling
from lumen.use_cases.on_call import Calling, Silencing, Timelines
from lumen.wording.catalogue import iso
from lumen.wording.incidents import ended_message, made_message


@dataclass(frozen=True, slots=True)
class Incidents:
    """`permissions` is of those who may approve; `on_call` of those and the people on call."""

    silencing: Silencing
    calling: Calling
    timelines: Timelines
    labelling: Labelling
    permissions: Permissions
    on_call: Permissions
    responder: Responder

    @property
    def handlers(self) -> Table:
        """By the type of the command."""
        return {
            command_types.ShowSilences: self._silences,
            command_types.SilenceAlerts: self._silence,
            command_types.Unsilence: self._unsilence,
            command_types.ShowIncident: self._timeline,
        }

    async def on_acknowledge(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for "I'm on it": a click that comes twice does no harm, so the ack comes first."""
        await ack()
        answer_click(self.responder, body, self._acknowledge)

    async def on_label(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for "real" and "false alarm"; saying it twice does no harm."""
        await ack()
        answer_click(self.responder, body, self._label)

    async def _silences(self, request: Request, _: command_types.ShowSilences) -> Shown:
        return list_card(request.words, await self.silencing.now(request.service))

    async def _silence(self, request: Request, command: command_types.SilenceAlerts) -> Shown:
        permit = await self.permissions.permit(request, f"silence {command.what}")
        made = await self.silencing.silence(request.service, command.what, permit, command.lasts, command.why)
        return show.said(request.words, made_message(made))

    async def _unsilence(self, request: Request, command: command_types.Unsilence) -> Shown:
        permit = await self.permissions.permit(request, f"silence end {command.what}")
        ended = await self.silencing.end(request.service, command.what, permit)
        return show.said(request.words, ended_message(ended))

    async def _timeline(self, request: Request, command: command_types.ShowIncident) -> Shown:
        return timeline_card(request.words, await self.timelines.of(request.service, command.incident_id))

    async def _acknowledge(self, request: Request, click: Click) -> Shown:
        permit = await self.on_call.permit(request, click.action_id)
        outcome = await self.calling.acknowledge(request.service, click.proposal_id, permit)
        if outcome.acknowledged is None:
            return show.said(request.words, message("incident.took_over"))
        if outcome.won or outcome.acknowledged.by.user_id == request.person.user_id:
            return show.said(request.words, message("incident.took"))
        by, at = outcome.acknowledged.by, outcome.acknowledged.at
        return show.said(request.words, message("incident.took_other", who_mention=by.user_id, taken_at=iso(at)))

    async def _label(self, request: Request, click: Click) -> Shown:
        permit = await self.on_call.permit(request, click.action_id)
        is_real = click.action_id == REAL
        found = await self.labelling.label(request.service, click.proposal_id, permit, is_real=is_real)
        if not found.changed:
            return show.said(request.words, message("label.again"))
        begun = sorted(set(found.late_now) - set(found.late_before))
        ended = sorted(set(found.late_before) - set(found.late_now))
        return show.said(
            request.words,
            message("label.thanks"),
            *(message("label.late_now", name=name) for name in begun),
            *(message("label.late_no_more", name=name) for name in ended),
        )
