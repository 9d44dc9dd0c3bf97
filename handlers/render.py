"""Messages of the channel, rendered from what is stored at this moment: cards, hourly reports, digests, incidents."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from handlers.blocks import answers as show
from handlers.blocks import proposal as proposal_view
from handlers.blocks.card import Card, Json, Shown, spent, with_note
from handlers.blocks.control import control_card, note_card, reminder_card
from handlers.blocks.digest import digest
from handlers.blocks.escalation import calls_ended_card
from handlers.blocks.fleet_digest import fleet_digest
from handlers.blocks.hourly import hourly
from handlers.blocks.incident import incident_card, mention_card
from handlers.contacts import Contacts
from lumen.model.answers import StatusReadout
from lumen.model.audit import AuditEvent, Notes
from lumen.model.incident import CALLS_END, CALLS_ROUND, MOST_REPEATS
from lumen.model.messages import Message, message
from lumen.model.proposal import OPEN
from lumen.model.service import ServiceId
from lumen.ports.store import Seal, Surface, Turns
from lumen.use_cases.controlling import ENDED
from lumen.use_cases.dead_letters import DEAD_LETTER_KIND
from lumen.use_cases.digest import Digest, DigestReader
from lumen.use_cases.fleet import Fleet
from lumen.use_cases.queries import Readouts
from lumen.wording.audit_lines import history_line
from lumen.wording.catalogue import Catalogue

#: Turns that a late report is found among.
TURNS_BACK = 100


@dataclass(frozen=True, slots=True)
class Digests:
    """The digest of a day, from what is stored at this moment.

    `head` gives the newest seal of the audit, which stands in small print; None where there is none to show.
    """

    reader: DigestReader
    days: Digest
    fleet: Fleet
    contacts: Contacts
    head: Callable[[ServiceId], Awaitable[Seal | None]] | None = None

    async def of_day(self, words: Catalogue, service: ServiceId, day: date) -> Shown:
        """The one that is due on `day`, whenever it is shown: its 24 hours end then. Raises StoreUnavailable."""
        return await self._of(words, service, self.days.at(day))

    async def of_channel(self, words: Catalogue, service: ServiceId, day: date) -> Shown | None:
        """The one message of a day: of a service that is alone in its channel, or of all of them, in the name of the
        first; None for the others. Raises StoreUnavailable."""
        beside = self.contacts.beside(service)
        if len(beside) == 1:
            return await self.of_day(words, service, day)
        return await self._of_fleet(words, beside, self.days.at(day)) if service == beside[0] else None

    async def of_fleet_now(self, words: Catalogue, services: Sequence[ServiceId]) -> Shown:
        """Of all of them, as it stands now. Raises StoreUnavailable."""
        return await self._of_fleet(words, services, self.days.now())

    async def _of_fleet(self, words: Catalogue, services: Sequence[ServiceId], at: datetime) -> Shown:
        return fleet_digest(words, await self.fleet.digest(services, at), self.contacts.name_of)

    async def now(self, words: Catalogue, service: ServiceId) -> Shown:
        """As it stands now. Raises StoreUnavailable."""
        return await self._of(words, service, self.days.now())

    async def _of(self, words: Catalogue, service: ServiceId, at: datetime) -> Shown:
        readout = await self.reader.of(service, at)
        return digest(words, readout, await self.head(service) if self.head else None)


@dataclass(frozen=True, slots=True)
class MessageRenderer:
    """Renders a surface in the workspace's language.

    `escalation`: the id of whom else to call when the people on call do not answer, `pager`, or empty.
    """

    readouts: Readouts
    turns: Turns
    digests: Digests
    words: Catalogue
    contacts: Contacts
    escalation: str = ""

    async def render(self, surface: Surface) -> Shown | None:
        """None for a proposal, an incident or a kind that is not known (any more). Raises StoreUnavailable."""
        kinds = {
            "proposal": self._proposal,
            "report": self._report,
            "digest": self._digest,
            "alert": self._incident,
            "mention": self._mention,
            "done": self._done,
            "control": self._control,
            "control_note": self._control_note,
            "reminder": self._reminder,
            "restored": self._restored,
            DEAD_LETTER_KIND: self._dead_letters,
        }
        return await kinds[surface.kind](surface) if surface.kind in kinds else None

    async def _proposal(self, surface: Surface) -> Shown | None:
        stored = await self.readouts.proposal(surface.service, surface.key)
        if stored is None:
            return None
        if stored.shown_in:
            told = message("views.in_incident", proposal_id=stored.id)
            return replace(show.said(self.words, told), is_rest=True)
        turns = () if stored.measured is None else await self.turns.latest(surface.service, TURNS_BACK)
        shown = proposal_view.card(self.words, stored, await self.readouts.pinned(surface.service), turns)
        if stored.has_message:
            return shown
        is_over = stored.state not in OPEN and len(self.contacts.beside(surface.service)) > 1
        return replace(await self._under_report(shown, surface.service), is_rest=is_over)

    async def _under_report(self, shown: Shown, service: ServiceId) -> Shown:
        """In the thread of the report, which has its buttons; before the first report, by itself."""
        report_key = await self.turns.report_surface(service)
        return shown if report_key is None else replace(shown, under=Surface(service, "report", report_key))

    async def _digest(self, surface: Surface) -> Shown | None:
        return await self.digests.of_channel(self.words, surface.service, date.fromisoformat(surface.key))

    async def _incident(self, surface: Surface) -> Shown | None:
        readout = await self.readouts.incident(surface.service, surface.key)
        if readout is None or readout.is_kept_back:
            return None
        contact = self.contacts.of(surface.service)
        return incident_card(self.words, readout, contact.oncall, contact.runbook)

    async def _done(self, surface: Surface) -> Shown | None:
        """What somebody did about an incident, in its thread. The key is the incident's, `#`, and its line's."""
        incident_id, _, line = surface.key.rpartition("#")
        readout = await self.readouts.incident(surface.service, incident_id)
        entry = await self.readouts.audit.entry(surface.service, line)
        if readout is None or readout.is_kept_back or entry is None:
            return None
        card, incident = Card(self.words), readout.incident
        card.lines([history_line(self.words, entry)])
        oncall = self.contacts.of(surface.service).oncall
        if entry.event == AuditEvent.GIVEN_BACK and oncall and incident.wants_somebody:
            card.section(message("incident.oncall", who_mention=oncall))
        return replace(card.shown(), under=Surface(surface.service, "alert", incident_id))

    async def _mention(self, surface: Surface) -> Shown | None:
        """The key is the incident's, `#`, and how often they were called before."""
        incident_id, _, number = surface.key.rpartition("#")
        readout = await self.readouts.incident(surface.service, incident_id)
        if readout is None:
            return None
        oncall = self.contacts.of(surface.service).oncall
        if int(number) % CALLS_ROUND == CALLS_END:
            return calls_ended_card(self.words, readout.incident, oncall, self.escalation)
        return mention_card(self.words, readout.incident, oncall, int(number), MOST_REPEATS)

    async def _control(self, surface: Surface) -> Shown | None:
        line, soon = await self.readouts.control(surface.service, surface.key)
        return None if line is None else control_card(self.words, surface.service, line, ends_soon=soon)

    async def _control_note(self, surface: Surface) -> Shown | None:
        """The key is the line's, `#`, and what is said of it."""
        line_id, _, what = surface.key.rpartition("#")
        line, _ = await self.readouts.control(surface.service, line_id)
        return None if line is None else note_card(self.words, surface.service, line, ended=what == ENDED)

    async def _reminder(self, surface: Surface) -> Shown | None:
        stored = await self.readouts.proposal(surface.service, surface.key)
        shown = None if stored is None else reminder_card(self.words, stored)
        if stored is None or shown is None or stored.has_message:
            return shown
        return await self._under_report(shown, surface.service)

    async def _restored(self, surface: Surface) -> Shown | None:
        """The key is the new epoch's id."""
        for entry in await self.readouts.audit.entries(surface.service, TURNS_BACK):
            _, fresh, number, closed, *_ = (*entry.detail.split(), "", "", "", "")
            if entry.event == AuditEvent.RESTORED and fresh == surface.key and isinstance(entry.about, Notes):
                numbers = message("state.restored_numbers", closed=int(closed), number=int(number) + 1)
                return show.said(self.words, *entry.about.notes, numbers)
        return None

    async def _dead_letters(self, surface: Surface) -> Shown | None:
        """The key is the id of the first of them."""
        for entry in await self.readouts.audit.entries(surface.service, TURNS_BACK):
            is_it = entry.event == AuditEvent.DEAD_LETTER and entry.detail == surface.key
            if is_it and isinstance(entry.about, Notes):
                return show.said(self.words, *entry.about.notes)
        return None

    async def _report(self, surface: Surface) -> Shown:
        """The newest turn on the newest report; an older report that was never shown keeps its own turn.

        Of several services in a channel only those have one that tell of something to act on (docs/adr/0028).
        """
        status = await self.readouts.status(surface.service)
        if len(self.contacts.beside(surface.service)) > 1 and not await self._is_news(surface, status):
            return replace(hourly(self.words, status), is_rest=True)
        if await self.turns.report_surface(surface.service) != surface.key:
            turns = await self.turns.latest(surface.service, TURNS_BACK)
            own = next((turn for turn in turns if turn.id == surface.key), None)
            status = status if own is None else StatusReadout(surface.service, own, (), (), None, alerts=own.alerts)
        return hourly(self.words, status)

    async def _is_news(self, surface: Surface, status: StatusReadout) -> bool:
        """Whether a report that was not posted is worth a message: it has buttons, or it is not the first one."""
        has_buttons = any(not proposal.has_message for proposal in status.open_proposals)
        return has_buttons or await self.readouts.tells_news(surface.service, surface.key)

    async def needed(self, service: ServiceId) -> Sequence[Surface]:
        """What is open, what people set, and the newest report. Raises StoreUnavailable."""
        proposals, incidents = await self.readouts.open_now(service)
        report_key = await self.turns.report_surface(service)
        return [
            *(Surface(service, "proposal", proposal_id) for proposal_id in proposals),
            *(Surface(service, "alert", incident_id) for incident_id in incidents),
            *(Surface(service, "control", line) for line in await self.readouts.control_ids(service)),
            *([Surface(service, "report", report_key)] if report_key else []),
        ]

    async def retired(self, surface: Surface, text: str, blocks: Sequence[Json]) -> Shown | None:
        """A card whose id belongs to another proposal now, or to none: ids begin again when the store is lost. And the
        message of an incident that is not known any more."""
        if surface.kind == "alert":
            if await self.readouts.incident(surface.service, surface.key) is not None:
                return None
            note = message("state.earlier_incident"), message("state.other_proposal_remedy")
            return spent(text, blocks, " ".join(map(self.words.say, note)))
        if surface.kind != "proposal":
            return None
        stored = await self.readouts.proposal(surface.service, surface.key)
        if stored is not None and stored.mark == surface.mark:
            return None
        code = "state.other_proposal" if stored is not None else "state.earlier_proposal"
        note = Message(code, {"proposal_id": surface.key}), message("state.other_proposal_remedy")
        return spent(text, blocks, " ".join(map(self.words.say, note)))

    def moved(self, new_link: str | None) -> Shown:
        """What is left of a message that goes on in another channel."""
        if new_link is None:
            return show.said(self.words, message("slack.moved"))
        return show.said(self.words, message("slack.moved_link", new_link=new_link))

    def replaced(self, shown: Shown, old_link: str | None) -> Shown:
        """Says first that it stands for a message that could not be changed."""
        if old_link is None:
            return with_note(shown, self.words.say(message("slack.posted_anew")))
        return with_note(shown, self.words.say(message("slack.posted_anew_link", old_link=old_link)))
