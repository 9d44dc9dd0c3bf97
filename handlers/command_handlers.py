"""Handlers of the commands without buttons: questions, proposals, overrides and locks, and the choice of a service.

Each class brings a table of its handlers by the type of the command (handlers/command_types.py).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handlers import command_types
from handlers.blocks import answers as show
from handlers.blocks.card import Shown, with_note
from handlers.blocks.explain_scores import explained
from handlers.blocks.graph import graph_card
from handlers.blocks.home import note, services_card
from handlers.blocks.hourly import hourly
from handlers.blocks.incident import held_card
from handlers.blocks.report import report, undoable_card
from handlers.contacts import Contacts
from handlers.people import Request
from handlers.permissions import Permissions
from handlers.render import Digests
from lumen.model.messages import Message, NotPermitted, NotPossible, message
from lumen.model.override import locked_by
from lumen.model.service import Chosen, Person, ServiceId, named
from lumen.model.turn import Turn
from lumen.use_cases.approvals import UNAUDITED, Approvals
from lumen.use_cases.feedback import FeedbackGraphs
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.queries import Choosing, Looking, Readouts
from lumen.wording import restrictions
from lumen.wording.catalogue import Catalogue

#: Handlers by the type of their command, which the second argument is of. All may raise LumenError.
Table = Mapping[type[Any], Callable[[Request, Any], Awaitable[Shown]]]

#: So many lines of the audit are shown.
HISTORY_LINES = 20


@dataclass(frozen=True, slots=True)
class Questions:
    """Status, report, scores, digest, knobs, open proposals and audit. Changes nothing."""

    readouts: Readouts
    digests: Digests
    looking: Looking
    graphs: FeedbackGraphs

    @property
    def handlers(self) -> Table:
        """By the type of the command."""
        return {
            command_types.Status: self._status,
            command_types.Ask: self._ask,
            command_types.Report: self._report,
            command_types.Explain: self._explain,
            command_types.ShowDigest: self._digest,
            command_types.ShowGraph: self._graph,
            command_types.ShowTtl: self._ttl,
            command_types.ShowKnob: self._knob,
            command_types.ListApprovals: self._approvals,
            command_types.History: self._history,
        }

    async def _status(self, request: Request, _: command_types.Status) -> Shown:
        return hourly(request.words, await self.readouts.status(request.service))

    async def _ask(self, request: Request, _: command_types.Ask) -> Shown:
        shown = hourly(request.words, await self.readouts.status(request.service))
        return with_note(shown, request.words.say(message("command.mention_hint")))

    async def _report(self, request: Request, _: command_types.Report) -> Shown:
        return report(request.words, await self.readouts.status(request.service))

    async def _explain(self, request: Request, command: command_types.Explain) -> Shown:
        return explained(request.words, command.subject, await self.readouts.last(request.service))

    async def _digest(self, request: Request, _: command_types.ShowDigest) -> Shown:
        return await self.digests.now(request.words, request.service)

    async def _graph(self, request: Request, _: command_types.ShowGraph) -> Shown:
        return graph_card(request.words, request.service.name, await self.graphs.of(request.service))

    async def _ttl(self, request: Request, _: command_types.ShowTtl) -> Shown:
        return show.ttl_card(request.words, await self.readouts.ttl(request.service))

    async def _knob(self, request: Request, command: command_types.ShowKnob) -> Shown:
        return show.knob_card(request.words, command.name, await self.looking.at(request.service, command.knob))

    async def _approvals(self, request: Request, _: command_types.ListApprovals) -> Shown:
        return show.approvals_card(request.words, (await self.readouts.status(request.service)).open_proposals)

    async def _history(self, request: Request, _: command_types.History) -> Shown:
        return show.history_card(request.words, await self.readouts.history(request.service, HISTORY_LINES))


@dataclass(frozen=True, slots=True)
class Proposing:
    """Proposals and extra turns, which anybody may ask for. `ask_turn` makes an extra turn now."""

    approvals: Approvals
    readouts: Readouts
    ask_turn: Callable[[ServiceId, Person], Awaitable[Turn]]

    @property
    def handlers(self) -> Table:
        """By the type of the command."""
        return {
            command_types.Run: self._run,
            command_types.Propose: self._propose,
            command_types.Undo: self._undo,
        }

    async def _run(self, request: Request, _: command_types.Run) -> Shown:
        await self.ask_turn(request.service, request.person)
        return hourly(request.words, await self.readouts.status(request.service))

    async def _propose(self, request: Request, command: command_types.Propose) -> Shown:
        service, person, existing = request.service, request.person, command.existing
        made = await self.approvals.propose(
            service, command.knob, command.wanted, person, request.request_id, existing=existing
        )
        return show.proposed(request.words, made, request.request_id)

    async def _undo(self, request: Request, command: command_types.Undo) -> Shown:
        if not command.proposal_id:
            return undoable_card(request.words, await self.readouts.status(request.service))
        made = await self.approvals.propose_undo(
            request.service, command.proposal_id, request.person, request.request_id
        )
        return show.proposed(request.words, made, request.request_id)


@dataclass(frozen=True, slots=True)
class Overriding:
    """Overrides and locks. Setting and lifting them takes permission; looking at what holds does not."""

    overrides: Overrides
    readouts: Readouts
    permissions: Permissions

    @property
    def handlers(self) -> Table:
        """By the type of the command."""
        return {
            command_types.ShowControls: self._controls,
            command_types.PinTtl: self._pin,
            command_types.LiftOverride: self._lift,
            command_types.LockSize: self._lock,
            command_types.UnlockSize: self._unlock,
        }

    async def _controls(self, request: Request, _: command_types.ShowControls) -> Shown:
        return held_card(request.words, await self.readouts.status(request.service))

    async def _pin(self, request: Request, command: command_types.PinTtl) -> Shown:
        permit = await self.permissions.permit(request, "override ttl")
        pinned = await self.overrides.pin_ttl(
            request.service, permit, command.ttl_seconds, command.terms, request.request_id
        )
        return show.said(request.words, *restrictions.pinned_messages(request.words, pinned))

    async def _lift(self, request: Request, _: command_types.LiftOverride) -> Shown:
        permit = await self.permissions.permit(request, "override off")
        still = await self.overrides.lift_ttl(request.service, permit)
        return show.said(request.words, restrictions.lifted(still))

    async def _lock(self, request: Request, command: command_types.LockSize) -> Shown:
        permit = await self.permissions.permit(request, "lock size")
        lock = await self.overrides.lock_size(request.service, permit, command.terms, request.request_id)
        return show.said(request.words, locked_by(lock))

    async def _unlock(self, request: Request, _: command_types.UnlockSize) -> Shown:
        permit = await self.permissions.permit(request, "unlock")
        still = await self.overrides.unlock_size(request.service, permit)
        return show.said(request.words, restrictions.unlocked(still))


@dataclass(frozen=True, slots=True)
class Meant:
    """The service of a command; `named` by the command itself, else `chosen` for the channel, else the first."""

    service: ServiceId
    chosen: Chosen | None = None
    named: bool = False


@dataclass(frozen=True, slots=True)
class Services:
    """The services that are watched. Choosing one for a whole channel takes permission; looking does not."""

    choosing: Choosing
    readouts: Readouts
    permissions: Permissions
    contacts: Contacts

    @property
    def handlers(self) -> Table:
        """By the type of the command."""
        return {
            command_types.ShowServices: self._list,
            command_types.ChooseService: self._choose,
        }

    @property
    def all(self) -> Sequence[ServiceId]:
        """Those that are watched, at least one."""
        return self.choosing.services

    @property
    def names(self) -> tuple[str, ...]:
        """The words that may stand after `on`."""
        return self.contacts.names

    def here(self, channel: str) -> Sequence[ServiceId]:
        """Those of `channel`; all, where it is of none."""
        return self.contacts.in_channel(channel) or self.all

    async def meant(self, name: str, channel: str) -> Meant:
        """`name` as the command gives it, "" for none. Raises StoreUnavailable; NotPossible for a name of several."""
        here = self.here(channel)
        if name:
            return Meant(self._named(name, here), named=True)
        chosen = None if len(here) == 1 else await self.choosing.of(channel)
        return Meant(chosen.service, chosen) if chosen else Meant(here[0])

    def _named(self, name: str, here: Sequence[ServiceId]) -> ServiceId:
        """The one of that name: the one of this channel, where it is of several."""
        found = named(self.all, name)
        of_channel = [service for service in found if service in here]
        if len(found) > 1 and len(of_channel) != 1:
            names = ", ".join(self.contacts.name_of(service) for service in found)
            raise NotPossible(message("service.several", given=name, names=names), message("service.several_remedy"))
        return (of_channel or found)[0]

    def is_open(self, meant: Meant, channel: str) -> bool:
        """Whether it could be of several services of the channel: none was named, and none is chosen."""
        return not meant.named and meant.chosen is None and len(self.here(channel)) > 1

    def noted(self, words: Catalogue, meant: Meant, shown: Shown, channel: str) -> Shown:
        """The answer says of which service it is, where it could be of another one."""
        here = self.here(channel)
        if len(here) == 1 and not meant.named:
            return shown
        told = note(self.contacts.name_of, here, meant.service, meant.chosen, named=meant.named)
        return shown if len(self.all) == 1 else with_note(shown, words.say(told))

    async def _list(self, request: Request, _: command_types.ShowServices) -> Shown:
        meant = await self.meant("", request.channel)
        here = self.here(request.channel)
        return services_card(request.words, self.contacts.name_of, here, meant.service, meant.chosen)

    async def _choose(self, request: Request, command: command_types.ChooseService) -> Shown:
        here = self.here(request.channel)
        service = self._named(command.name, here)
        if len(self.all) == 1:
            return services_card(request.words, self.contacts.name_of, here, service, None)
        request = replace(request, service=service)
        try:
            permit = await self.permissions.permit(request, f"service {command.name}")
        except NotPermitted as refused:
            remedy = message("service.refused_remedy", service=self.contacts.name_of(service))
            if refused.remedy.code == UNAUDITED:
                remedy = Message(UNAUDITED, {"remedy": remedy})
            raise NotPermitted(refused.reason, remedy) from refused
        await self.choosing.choose(request.channel, service, permit)
        return show.said(request.words, message("service.chosen", service=self.contacts.name_of(service)))
