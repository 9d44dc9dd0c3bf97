"""Silences, "I'm on it", and the timeline of an incident: rights first, then one step, then an answer."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from handlers.blocks import answers as show
from handlers.blocks.card import Shown
from handlers.blocks.incident import ended_card, list_card, made_card, timeline_card
from handlers.clicks import Click, answer_click
from handlers.people import Languages
from handlers.permissions import Rights, audited_refusal
from handlers.replies import Answers, Background
from handlers.use_cases import Announcer, Calling, Silencing, Timelines
from lumen.model.messages import Message, message
from lumen.model.service import Person, ServiceId
from lumen.ports.store import Audit
from lumen.wording.catalogue import Catalogue, iso

_log = structlog.get_logger(__name__)

Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]


class Incidents:
    """`rights` is of those who may approve; `on_call` of those and the people on call."""

    def __init__(
        self,
        silencing: Silencing,
        calling: Calling,
        timelines: Timelines,
        rights: Rights,
        on_call: Rights,
        audit: Audit,
        answers: Answers,
        languages: Languages,
        background: Background,
        announcer: Announcer,
        support: str = "",
    ) -> None:
        """`support`: whom to ask about this installation, or empty."""
        self._silencing = silencing
        self._calling = calling
        self._timelines = timelines
        self._rights = rights
        self._on_call = on_call
        self._audit = audit
        self._answers = answers
        self._languages = languages
        self._background = background
        self._announcer = announcer
        self._support = support

    async def silences(self, words: Catalogue, service: ServiceId) -> Shown:
        """`/lumen silence`: what is silenced, by whom, until when."""
        return list_card(words, await self._silencing.now(service))

    async def silence(
        self,
        words: Catalogue,
        service: ServiceId,
        person: Person,
        app_id: str,
        what: str,
        lasts: timedelta | None,
        why: str,
    ) -> Shown:
        """`/lumen silence <what> [duration] [why]`. Raises NotPossible."""
        refused = await self._refused(self._rights, service, person, app_id, f"silence {what}")
        if refused:
            return show.said(words, *refused)
        made = await self._silencing.silence(service, what, person, lasts, why)
        self._announcer.kick()
        return made_card(words, made)

    async def unsilence(self, words: Catalogue, service: ServiceId, person: Person, app_id: str, what: str) -> Shown:
        """`/lumen silence end <what>`. Raises NotPossible."""
        refused = await self._refused(self._rights, service, person, app_id, f"silence end {what}")
        if refused:
            return show.said(words, *refused)
        ended = await self._silencing.end(service, what, person)
        self._announcer.kick()
        return ended_card(words, ended)

    async def timeline(self, words: Catalogue, service: ServiceId, incident_id: str) -> Shown:
        """`/lumen history <incident>`. Raises NotPossible."""
        return timeline_card(words, await self._timelines.of(service, incident_id))

    async def on_take(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for "I'm on it": a click that comes twice does no harm, so the ack comes first."""
        await ack()
        self._background.start(answer_click(body, self._taken, self._answers, self._languages, self._support))

    async def _taken(self, words: Catalogue, click: Click) -> Shown:
        incident_id = click.proposal_id  # what a button carries of the thing that it stands by
        refused = await self._refused(self._on_call, click.service, click.person, click.app_id, click.action_id)
        if refused:
            return show.said(words, *refused)
        outcome = await self._calling.acknowledge(click.service, incident_id, click.person)
        self._announcer.kick()
        if outcome.acknowledged is None:
            return show.said(words, message("incident.took_over"))
        if outcome.won or outcome.acknowledged.by.user_id == click.person.user_id:
            return show.said(words, message("incident.took"))
        other = outcome.acknowledged
        return show.said(words, message("incident.took_other", who_mention=other.by.user_id, taken_at=iso(other.at)))

    async def _refused(
        self, rights: Rights, service: ServiceId, person: Person, app_id: str, what: str
    ) -> tuple[Message, ...]:
        """Why not, and who may; nothing where it is a right."""
        refusal = await audited_refusal(rights, self._audit, service, person, app_id, what)
        return () if refusal is None else (refusal.reason, refusal.remedy)
