"""`/lumen pause`, `resume`, `emergency` and their buttons: rights first, then one step, then an answer."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from handlers.blocks import answers as show
from handlers.blocks import emergency as view
from handlers.blocks.card import Shown
from handlers.clicks import Click, answer_click
from handlers.people import Languages
from handlers.permissions import Refusal, Rights, audited_refusal
from handlers.replies import Answers, Background
from handlers.use_cases import Announcer, Emergency, Readouts
from lumen.model.messages import message
from lumen.model.service import Person, ServiceId
from lumen.ports.store import Audit
from lumen.wording.catalogue import Catalogue, iso

_log = structlog.get_logger(__name__)

Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]


class Emergencies:
    """Only who may approve may do any of this; explaining it is for everybody."""

    def __init__(
        self,
        emergency: Emergency,
        readouts: Readouts,
        rights: Rights,
        audit: Audit,
        answers: Answers,
        languages: Languages,
        background: Background,
        announcer: Announcer,
        safe_ttl_seconds: int,
        support: str = "",
    ) -> None:
        """`support`: whom to ask about this installation, or empty."""
        self._support = support
        self._emergency = emergency
        self._readouts = readouts
        self._rights = rights
        self._audit = audit
        self._answers = answers
        self._languages = languages
        self._background = background
        self._announcer = announcer
        self._safe_ttl_seconds = safe_ttl_seconds

    async def explained(self, words: Catalogue, service: ServiceId) -> Shown:
        """`/lumen emergency`."""
        paused = (await self._readouts.status(service)).pause is not None
        return view.emergency_card(words, service, self._safe_ttl_seconds, paused=paused)

    async def paused(
        self,
        words: Catalogue,
        service: ServiceId,
        person: Person,
        app_id: str,
        lasts: timedelta | None,
        why: str = "",
    ) -> Shown:
        """`/lumen pause [duration] [because …]`. One person is enough, whatever EMERGENCY_APPROVALS_NEEDED says."""
        refusal = await self._refused(service, person, app_id, view.PAUSE)
        if refusal is not None:
            return show.said(words, refusal.reason, refusal.remedy)
        pause = await self._emergency.pause(service, person, lasts, why)
        self._announcer.kick()
        if pause.until is None:
            return show.said(words, message("emergency.paused"))
        return show.said(words, message("emergency.paused_until", until_at=iso(pause.until)))

    async def resumed(self, words: Catalogue, service: ServiceId, person: Person, app_id: str) -> Shown:
        """`/lumen resume`. Raises NotPossible."""
        refusal = await self._refused(service, person, app_id, view.RESUME)
        if refusal is not None:
            return show.said(words, refusal.reason, refusal.remedy)
        await self._emergency.resume(service, person)
        self._announcer.kick()
        return show.said(words, message("emergency.resumed"))

    async def rolled_back(
        self, words: Catalogue, service: ServiceId, person: Person, revision: str, request_id: str
    ) -> Shown:
        """`/lumen rollback [revision]` proposes, which is anybody's right. Raises NotPossible, SourceUnavailable."""
        made = await self._emergency.roll_back(service, person, revision, request_id)
        self._announcer.kick()
        return show.proposed(words, made)

    async def on_button(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for all of `view.ACTIONS`: nothing is decided here, so the ack comes first."""
        await ack()
        self._background.start(answer_click(body, self._done, self._answers, self._languages, self._support))

    async def _done(self, words: Catalogue, click: Click) -> Shown:
        service, person = click.service, click.person
        if click.action_id == view.PAUSE:
            return await self.paused(words, service, person, click.app_id, None)
        if click.action_id == view.RESUME:
            return await self.resumed(words, service, person, click.app_id)
        if click.action_id in (view.FLUSH, view.FLUSH_NOW):
            return await self._flush(words, click)
        # A proposal is anybody's right, as with `/lumen ttl 300`; approving it is not.
        propose = {
            view.SAFE_TTL: self._emergency.safe_ttl,
            view.MEMORY: self._emergency.safe_memory,
            view.SIZE: self._emergency.larger_cache,
        }[click.action_id]
        made = await propose(service, person, f"emergency:{click.click_id}")
        self._announcer.kick()
        return show.proposed(words, made)

    async def _flush(self, words: Catalogue, click: Click) -> Shown:
        service = click.service
        refusal = await self._refused(service, click.person, click.app_id, view.FLUSH)
        if refusal is not None:
            return show.said(words, refusal.reason, refusal.remedy)
        if click.action_id == view.FLUSH:
            return view.flush_card(words, service, await self._emergency.count_keys())
        confirmed = await self._emergency.confirm_flush(service, click.person)
        if not confirmed.enough:
            keys = await self._emergency.count_keys()
            others = view.flush_waits_card(self._languages.default, service, confirmed, keys)
            await self._answers.tell(click.to, others, share=True)
            so_far = message("emergency.flush_waits", votes=len(confirmed.people), needed=confirmed.needed)
            return show.said(words, so_far)
        swept = await self._emergency.flush(service, click.person)
        return show.said(words, message("emergency.flushed", service=service.name, keys=swept.changed))

    async def _refused(self, service: ServiceId, person: Person, app_id: str, action_id: str) -> Refusal | None:
        return await audited_refusal(self._rights, self._audit, service, person, app_id, action_id)
