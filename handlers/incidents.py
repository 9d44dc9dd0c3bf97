"""`/lumen silence`, the timeline of an incident, and what is pressed on its message beside the buttons that decide."""

from dataclasses import dataclass

from handlers import command_types
from handlers.blocks import answers as show
from handlers.blocks.card import Shown
from handlers.blocks.incident import (
    GIVE_BACK,
    HAND_OVER,
    HAND_TO,
    MENU,
    ON_IT,
    REAL,
    SILENCE,
    details_card,
    hand_card,
    list_card,
    timeline_card,
)
from handlers.clicks import Click, answer_click
from handlers.command_handlers import Table
from handlers.people import Ack, Body, Request
from handlers.permissions import Permissions
from handlers.replies import Responder
from lumen.model.messages import message
from lumen.model.service import Person
from lumen.use_cases.labelling import Labelling
from lumen.use_cases.on_call import Calling, Silencing, Timelines
from lumen.use_cases.queries import Readouts
from lumen.wording.catalogue import iso
from lumen.wording.incidents import ended_message, made_message


@dataclass(frozen=True, slots=True)
class Incidents:
    """`permissions` is of those who may approve; `on_call` of those and the people on call."""

    silencing: Silencing
    calling: Calling
    timelines: Timelines
    labelling: Labelling
    readouts: Readouts
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

    async def on_button(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for all of `ACTIONS`: a click that comes twice does no harm, so the ack comes first."""
        await ack()
        answer_click(self.responder, body, self._clicked)

    async def _clicked(self, request: Request, click: Click) -> Shown:
        if click.action_id == ON_IT:
            return await self._acknowledge(request, click)
        if click.action_id == HAND_TO:
            return await self._hand_over(request, click, Person(click.chosen, click.chosen, click.person.team_id))
        return await (self._chosen if click.action_id == MENU else self._label)(request, click)

    async def _chosen(self, request: Request, click: Click) -> Shown:
        if click.chosen == HAND_OVER:
            return hand_card(request.words, request.service, click.proposal_id)
        if click.chosen == GIVE_BACK:
            return await self._hand_over(request, click, None)
        if click.chosen == SILENCE:
            return await self._silence_all(request, click)
        timeline = await self.timelines.of(request.service, click.proposal_id)
        return details_card(request.words, timeline, await self.readouts.incident(request.service, click.proposal_id))

    async def _hand_over(self, request: Request, click: Click, to: Person | None) -> Shown:
        permit = await self.on_call.permit(request, "incident.hand")
        await self.calling.hand_over(request.service, click.proposal_id, permit, to)
        if to is None:
            return show.said(request.words, message("incident.given_back"))
        return show.said(request.words, message("incident.handed_over", to_mention=to.user_id))

    async def _silence_all(self, request: Request, click: Click) -> Shown:
        """Each alert of it that is open."""
        permit = await self.permissions.permit(request, "silence")
        readout = await self.readouts.incident(request.service, click.proposal_id)
        still = () if readout is None else readout.incident.open_alerts
        made = [
            one
            for name in dict.fromkeys(alert.name for alert in still)
            for one in await self.silencing.silence(request.service, name, permit, None)
        ]
        return show.said(request.words, made_message(made) if made else message("incident.took_over"))

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
