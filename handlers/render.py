"""Renders a surface from what is stored at this moment: a proposal's card, an hourly report, a digest."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from handlers.blocks import proposal as proposal_view
from handlers.blocks.card import Shown, with_note
from handlers.blocks.digest import digest
from handlers.blocks.incident import incident_card, mention_card
from handlers.blocks.report import report
from handlers.use_cases import Days, Readouts, Weeks
from lumen.model.answers import StatusReadout
from lumen.model.incident import MOST_REPEATS
from lumen.model.messages import message
from lumen.model.service import ServiceId
from lumen.ports.store import Seal, Surface, Turns
from lumen.wording.catalogue import Catalogue

Head = Callable[[ServiceId], Awaitable[Seal | None]]

#: Turns that a digest looks back over, and that a late report is found among.
TURNS_BACK = 100


class Digests:
    """The digest of a day, from what is stored at this moment."""

    def __init__(self, readouts: Readouts, turns: Turns, weeks: Weeks, days: Days, head: Head | None = None) -> None:
        """`head`: the newest seal of the audit, which stands in small print."""
        self._readouts = readouts
        self._turns = turns
        self._weeks = weeks
        self._days = days
        self._head = head

    async def of_day(self, words: Catalogue, service: ServiceId, day: date) -> Shown:
        """The one that is due on `day`, whenever it is shown: its picture ends then. Raises StoreUnavailable."""
        return await self._of(words, service, self._days.at(day))

    async def now(self, words: Catalogue, service: ServiceId) -> Shown:
        """As it stands now. Raises StoreUnavailable."""
        return await self._of(words, service, self._days.now())

    async def _of(self, words: Catalogue, service: ServiceId, at: datetime) -> Shown:
        status = await self._readouts.status(service)
        turns = await self._turns.latest(service, TURNS_BACK)
        week = await self._weeks.before(service, at)
        seal = await self._head(service) if self._head else None
        return digest(words, at.date().isoformat(), status, turns, seal, week)


class Surfaces:
    """Speaks the workspace's language: these messages stand in the channel."""

    def __init__(self, readouts: Readouts, turns: Turns, digests: Digests, words: Catalogue, oncall: str = "") -> None:
        """`oncall`: the id of whom a page mentions, or empty."""
        self._digests = digests
        self._oncall = oncall
        self._readouts = readouts
        self._turns = turns
        self._words = words

    async def render(self, surface: Surface) -> Shown | None:  # noqa: PLR0911 - one return a kind
        """None for a proposal or a kind that is not known (any more)."""
        if surface.kind == "proposal":
            stored = await self._readouts.proposal(surface.service, surface.key)
            return proposal_view.card(self._words, stored) if stored is not None else None
        if surface.kind == "report":
            return report(self._words, await self._report(surface))
        if surface.kind == "digest":
            return await self._digests.of_day(self._words, surface.service, date.fromisoformat(surface.key))
        if surface.kind == "alert":
            incident = await self._readouts.incident(surface.service, surface.key)
            if incident is None or incident.is_kept_back:
                return None
            return incident_card(self._words, incident, self._oncall)
        if surface.kind == "mention":
            return await self._mention(surface)
        return None

    async def _mention(self, surface: Surface) -> Shown | None:
        """The key is the incident's, `#`, and how often they were called before."""
        incident_id, _, number = surface.key.rpartition("#")
        incident = await self._readouts.incident(surface.service, incident_id)
        if incident is None:
            return None
        return mention_card(self._words, incident, self._oncall, int(number), MOST_REPEATS)

    async def _report(self, surface: Surface) -> StatusReadout:
        """The newest turn on the newest report; an older report that was never shown keeps its own turn."""
        status = await self._readouts.status(surface.service)
        if await self._turns.report_surface(surface.service) == surface.key:
            return status
        own = next((t for t in await self._turns.latest(surface.service, TURNS_BACK) if t.id == surface.key), None)
        if own is None:
            return status
        return StatusReadout(surface.service, own, (), (), None)

    def replaced(self, shown: Shown, old_link: str | None) -> Shown:
        """Says first that it stands for a message that could not be changed."""
        if old_link is None:
            return with_note(shown, self._words.say(message("slack.posted_anew")))
        return with_note(shown, self._words.say(message("slack.posted_anew_link", old_link=old_link)))
