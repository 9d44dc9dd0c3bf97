"""`/lumen pause`, `resume`, `rollback` and `emergency`, the emergency card's buttons, and the one that ends a control.

Explaining and proposing is for everybody; whatever takes effect at once takes permission.
"""

from dataclasses import dataclass

from handlers import command_types
from handlers.blocks import answers as show
from handlers.blocks import emergency as view
from handlers.blocks.card import Shown
from handlers.blocks.control import END, ended_told
from handlers.clicks import Click, answer_click
from handlers.command_handlers import Table
from handlers.people import Ack, Body, Request
from handlers.permissions import Permissions
from handlers.replies import Responder
from lumen.model.control import ControlKind
from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.messages import message
from lumen.use_cases.controlling import Ending
from lumen.use_cases.emergency import EmergencyActions
from lumen.use_cases.queries import Readouts
from lumen.wording.catalogue import iso
from lumen.wording.restrictions import lifted, unlocked


@dataclass(frozen=True, slots=True)
class Emergencies:
    """The page of emergency steps, and what its buttons do."""

    emergency: EmergencyActions
    readouts: Readouts
    permissions: Permissions
    responder: Responder
    ending: Ending

    @property
    def handlers(self) -> Table:
        """By the type of the command."""
        return {
            command_types.Emergency: self._explain,
            command_types.PauseChanges: self._pause,
            command_types.Resume: self._resume,
            command_types.RollBack: self._roll_back,
        }

    async def on_button(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for all of `view.ACTIONS`: nothing is decided here, so the ack comes first."""
        await ack()
        answer_click(self.responder, body, self._clicked)

    async def _explain(self, request: Request, _: command_types.Emergency) -> Shown:
        safe = self.emergency.safe_ttls[request.service]
        return view.emergency_card(request.words, await self.readouts.status(request.service), safe)

    async def _pause(self, request: Request, command: command_types.PauseChanges, *, is_stop: bool = False) -> Shown:
        """One person is enough, whatever EMERGENCY_APPROVALS_NEEDED says."""
        permit = await self.permissions.permit(request, view.PAUSE)
        pause = await self.emergency.pause(request.service, permit, command.lasts, command.why, is_stop=is_stop)
        if pause.until is None:
            return show.said(request.words, message("emergency.paused"))
        return show.said(request.words, message("emergency.paused_until", until_at=iso(pause.until)))

    async def _resume(self, request: Request, _: command_types.Resume) -> Shown:
        permit = await self.permissions.permit(request, view.RESUME)
        await self.emergency.resume(request.service, permit)
        return show.said(request.words, message("emergency.resumed"))

    async def _roll_back(self, request: Request, command: command_types.RollBack) -> Shown:
        made = await self.emergency.roll_back(request.service, request.person, command.revision, request.request_id)
        return show.proposed(request.words, made, request.request_id)

    async def _clicked(self, request: Request, click: Click) -> Shown:
        if click.action_id == view.ROLLBACK:
            return await self._roll_back(request, command_types.RollBack(""))
        if click.action_id == view.PAUSE:
            return await self._pause(request, command_types.PauseChanges(None), is_stop=True)
        if click.action_id == END:
            return await self._end(request, click)
        if click.action_id == view.RESUME:
            return await self._resume(request, command_types.Resume())
        if click.action_id in (view.FLUSH, view.FLUSH_NOW):
            return await self._flush(request, click)
        propose = {
            view.SAFE_TTL: self.emergency.safe_ttl,
            view.MEMORY: self.emergency.safe_memory,
            view.SIZE: self.emergency.larger_cache,
        }[click.action_id]
        request_id = f"emergency:{request.request_id}"
        made = await propose(request.service, request.person, request_id)
        return show.proposed(request.words, made, request_id)

    async def _end(self, request: Request, click: Click) -> Shown:
        """Of a control that had ended already: how."""
        words = request.words
        permit = await self.permissions.permit(request, f"end {click.proposal_id}")
        line, still = await self.ending.end(request.service, click.proposal_id, permit)
        if line.ended is not None:
            return show.said(words, message("control.already_ended"), ended_told(line))
        match line.kind:
            case ControlKind.PAUSE | ControlKind.STOP:
                return show.said(words, message("emergency.resumed"))
            case ControlKind.OVERRIDE:
                return show.said(words, lifted(still if isinstance(still, TtlOverride) else None))
            case ControlKind.SIZE_LOCK:
                return show.said(words, unlocked(still if isinstance(still, SizeLock) else None))
            case ControlKind.SILENCE:
                return show.said(words, message("silence.ended", names=", ".join(line.names)))
            case ControlKind.SERVICE:
                return show.said(words, message("control.choice_ended"))

    async def _flush(self, request: Request, click: Click) -> Shown:
        """The first button asks for a second one; where several people must confirm, the channel is asked too."""
        words, service = request.words, request.service
        permit = await self.permissions.permit(request, view.FLUSH)
        if click.action_id == view.FLUSH:
            asked, keys = await self.emergency.flush.ask(service, permit, request.request_id)
            return view.flush_card(words, service, asked, keys, dry=self.emergency.flush.is_dry)
        asked = click.proposal_id
        confirmed = await self.emergency.flush.confirm(service, permit, asked)
        if not confirmed.enough:
            keys = await self.emergency.flush.count_keys(request.service)
            others = view.flush_waits_card(self.responder.languages.default, service, asked, confirmed, keys)
            await self.responder.replies.send(click.to, others, share=True)
            so_far = message("emergency.flush_waits", votes=len(confirmed.people), needed=confirmed.needed)
            return show.said(words, so_far)
        return show.said(words, await self.emergency.flush.run(service, permit))
